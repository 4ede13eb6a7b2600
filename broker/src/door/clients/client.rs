//! What the door keeps of one client, and what it does with it.

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};

use super::Kind;
use crate::door::outbox::write_direct;
use crate::door::peers::Peer;
use crate::door::subscriptions::{SUBSCRIPTIONS_MAX, Subscriptions};
use crate::hub::Hub;
use crate::zmtp::push_frame;

/// What the door keeps of a client.
pub(crate) struct Client {
    connected: Instant,
    /// Messages handed on to it.
    pub(super) sent: u64,
    /// Updates that newer ones stood for, because it was too slow for each.
    pub(super) merged: u64,
    /// Set while it is behind the stream.
    pub(super) lag: Option<Lag>,
    /// What of the turn's buffer is for it.
    ranges: Vec<Range<usize>>,
    ranges_bytes: usize,
    /// How many bytes of them were written.
    written: usize,
    /// The last message that it was looked at for, so that it gets none twice.
    looked_at: u64,
    /// It had its first snapshot, or is having it.
    pub(super) has_snapshot: bool,
    /// It asks the query door for what there is, and wants no last values by itself.
    pub(super) asks: bool,
    /// It is among those for whom something waits.
    pub(super) waits: bool,
}

/// How a client that is behind stands.
pub(super) struct Lag {
    pub(super) since: Instant,
    /// It has, or has waiting for it, every update up to this one or a newer one of the same thing.
    pub(super) seq: u64,
    /// Updates that newer ones stand for, and that it was not told of yet.
    pub(super) merged: u64,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            connected: Instant::now(),
            sent: 0,
            merged: 0,
            lag: None,
            ranges: Vec::new(),
            ranges_bytes: 0,
            written: 0,
            looked_at: 0,
            has_snapshot: false,
            asks: false,
            waits: false,
        }
    }
}

impl Client {
    /// Is this the first of its subscriptions that fits message `number`?
    pub(super) fn is_looked_at_first(&mut self, number: u64) -> bool {
        std::mem::replace(&mut self.looked_at, number) != number
    }

    /// Where the client is behind the stream, a message is not for it now: its last value will come. Gives how many
    /// updates that makes one of that it will never get.
    pub(super) fn merge(&mut self, kind: Kind) -> Option<u64> {
        let lag = self.lag.as_mut()?;
        // The thing's update before was still to come, and this one stands for it.
        let merged = matches!(kind, Kind::Update { before: Some(before) } if before > lag.seq);
        lag.merged += u64::from(merged);
        self.merged += u64::from(merged);
        Some(u64::from(merged))
    }

    /// Takes a piece of the turn's buffer; `true` where it is the first one.
    pub(super) fn take(&mut self, range: &Range<usize>) -> bool {
        self.sent += 1;
        self.ranges_bytes += range.len();
        match self.ranges.last_mut() {
            Some(last) if last.end == range.start => last.end = range.end,
            Some(_) => self.ranges.push(range.clone()),
            None => {
                self.ranges.push(range.clone());
                return true;
            }
        }
        false
    }

    /// Has nothing of the turn's buffer any more.
    pub(super) fn finish_turn(&mut self) {
        self.ranges.clear();
        (self.ranges_bytes, self.written) = (0, 0);
    }

    pub(super) fn is_or_was_behind(&self) -> bool {
        self.lag.is_some() || self.merged > 0
    }
}

impl Peer<Client> {
    /// What waits for it, the turn's part included, in bytes.
    pub(super) fn waiting_bytes(&self) -> usize {
        self.outbox.bytes() + self.state.ranges_bytes
    }

    /// Takes a subscription, unless there are too many.
    pub(super) fn subscribe(&mut self, key: usize, prefix: &[u8], subscriptions: &mut Subscriptions) -> bool {
        let taken = subscriptions.subscribe(key, prefix);
        if !taken {
            let address = self.address;
            tracing::warn!("{address} has {SUBSCRIPTIONS_MAX} subscriptions; one more was not taken");
        }
        taken
    }

    /// Answers a mark; `false` where too much waits for this client already.
    pub(super) fn answer_mark(&mut self, mark: &str, hub: &Hub, queue_bytes_max: usize) -> bool {
        self.state.asks = true;
        let mut message = Vec::new();
        hub.mark(mark, self.state.lag.as_ref().map(|lag| lag.seq), &mut message);
        let mut framed = Vec::new();
        push_frame(&message, false, &mut framed);
        let fits = self.waiting_bytes() + framed.len() <= queue_bytes_max;
        if fits {
            self.outbox.push(framed);
        }
        fits
    }

    /// Writes its part of `turn`, unless something waits already; how many bytes are left to be kept.
    pub(super) fn write(&mut self, turn: &[u8]) -> std::io::Result<usize> {
        let Client { ranges, ranges_bytes, written, .. } = &mut self.state;
        *written = if self.outbox.is_empty() { write_direct(&mut self.stream, turn, ranges)? } else { 0 };
        Ok(*ranges_bytes - *written)
    }

    /// Keeps what was not written of its part of `turn`, and is ready for the next turn.
    pub(super) fn keep(&mut self, turn: &Arc<Vec<u8>>) {
        self.outbox.push_shared(turn, &self.state.ranges, self.state.written);
        self.state.finish_turn();
    }

    /// How it is, as `thingsbus status` gets it.
    pub(super) fn to_json(&self, now: Instant) -> Value {
        let lag = self.state.lag.as_ref();
        json!({
            "peer": self.address.to_string(),
            "connected_s": now.duration_since(self.state.connected).as_secs(),
            "waiting_bytes": self.outbox.bytes(),
            "sent": self.state.sent,
            "merged": self.state.merged,
            "behind_s": lag.map(|lag| now.duration_since(lag.since).as_secs_f64()),
        })
    }
}
