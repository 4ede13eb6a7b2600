//! What the web door counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts of the web door.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    turned_away: AtomicU64,
}

impl Counters {
    /// A connection was let in.
    pub(super) fn accepted(&self) {
        self.accepted.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection was not, for there are too many.
    pub(super) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }
}
