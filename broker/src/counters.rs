//! What came, what was taken, what was refused and why, what went out: counted by door.

use serde_json::{Map, Value, json};
use thingsbus_adaptor::wire::Rejected;

/// Counts of a door that takes updates. `received` is always `accepted` plus all of `rejected`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Incoming {
    /// Messages that came.
    pub(crate) received: u64,
    /// Messages taken into the directory and passed on.
    pub(crate) accepted: u64,
    /// Taken messages in which something was mended: NaN made null, half a character, bytes after the end.
    pub(crate) repaired: u64,
    /// Numbered updates that came again after they were taken; they are counted nowhere else.
    pub(crate) repeated: u64,
    rejected: [u64; Rejected::ALL.len()],
}

impl Incoming {
    /// Counts a message that was taken.
    pub(crate) fn accept(&mut self, repairs: u32) {
        self.received += 1;
        self.accepted += 1;
        self.repaired += u64::from(repairs > 0);
    }

    /// Counts a message that was not.
    pub(crate) fn reject(&mut self, reason: Rejected) {
        self.received += 1;
        if let Some(count) = self.rejected.get_mut(reason.index()) {
            *count += 1;
        }
    }

    /// How many were refused for `reason`.
    #[must_use]
    pub(crate) fn rejected(&self, reason: Rejected) -> u64 {
        self.rejected.get(reason.index()).copied().unwrap_or(0)
    }

    /// How many were refused.
    #[must_use]
    pub(crate) fn rejected_total(&self) -> u64 {
        self.rejected.iter().sum()
    }

    /// As `thingsbus status` gets it. Reasons that did not occur are left out.
    #[must_use]
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut map = Map::new();
        map.insert("received".to_owned(), json!(self.received));
        map.insert("accepted".to_owned(), json!(self.accepted));
        map.insert("repaired".to_owned(), json!(self.repaired));
        map.insert("repeated".to_owned(), json!(self.repeated));
        map.insert("rejected".to_owned(), json!(self.rejected_total()));
        let reasons: Map<String, Value> = Rejected::ALL
            .iter()
            .map(|&reason| (reason.name().to_owned(), json!(self.rejected(reason))))
            .filter(|(_, count)| *count != 0)
            .collect();
        map.insert("reasons".to_owned(), Value::Object(reasons));
        map
    }
}

/// Counts of a ZeroMQ door's connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Connections {
    /// Accepted since the start.
    pub(crate) accepted: u64,
    /// Turned away because there were too many.
    pub(crate) turned_away: u64,
    /// Closed because of what the peer sent, or did not send in time.
    pub(crate) refused: u64,
}

/// Counts of the door to the clients, in messages to one client each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Handed to the system to be sent, or waiting for a client that reads slowly.
    pub(crate) sent: u64,
    /// Updates that newer ones of the same thing stood for, because the client was too slow for each.
    pub(crate) merged: u64,
    /// Snapshots, answers to marks and words of freshness that were not kept for a client whose queue was full.
    pub(crate) dropped: u64,
}

/// Counts of the query door.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Queries {
    /// Questions answered.
    pub(crate) answered: u64,
    /// Messages that were no question, answered with the reason.
    pub(crate) refused: u64,
}
