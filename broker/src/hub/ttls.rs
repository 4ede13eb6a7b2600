//! Things that are to be forgotten where nothing newer is said in time. Pure: times are arguments.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use thingsbus_client::directory::Place;

/// Which things are to be forgotten, and when.
#[derive(Debug, Default)]
pub struct Ttls {
    of: HashMap<Place, (Instant, Duration)>,
    due: BTreeSet<(Instant, Place)>,
}

impl Ttls {
    /// Has no thing a ttl?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.of.is_empty()
    }

    /// The thing is to be forgotten at `due`, which is `ttl` after its last update.
    pub fn set(&mut self, place: Place, due: Instant, ttl: Duration) {
        self.remove(place);
        self.of.insert(place, (due, ttl));
        self.due.insert((due, place));
    }

    /// The thing stays.
    pub fn remove(&mut self, place: Place) {
        if let Some((due, _)) = self.of.remove(&place) {
            self.due.remove(&(due, place));
        }
    }

    /// The thing's ttl.
    #[must_use]
    pub fn of(&self, place: Place) -> Option<Duration> {
        self.of.get(&place).map(|(_, ttl)| *ttl)
    }

    /// When the next thing is to be forgotten, and which.
    #[must_use]
    pub fn next(&self) -> Option<(Instant, Place)> {
        self.due.first().copied()
    }
}
