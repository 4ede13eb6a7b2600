//! What the web door counts.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;

/// The classes of statuses, as they are told.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Counts of the web door.
#[derive(Debug, Default)]
pub(super) struct Counters {
    accepted: AtomicU64,
    turned_away: AtomicU64,
    ended: AtomicU64,
    answers: [AtomicU64; CLASSES.len()],
}

/// What was counted.
#[derive(Debug)]
pub(super) struct Counted {
    /// Connections let in.
    pub(super) accepted: u64,
    /// Connections for which there was no place.
    pub(super) turned_away: u64,
    /// Connections that there are.
    pub(super) open: u64,
    /// Answers, by the class of their status.
    pub(super) answers: [(&'static str, u64); CLASSES.len()],
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

    /// A connection ended that was let in.
    pub(super) fn ended(&self) {
        self.ended.fetch_add(1, Ordering::Relaxed);
    }

    /// A request was answered.
    pub(super) fn answered(&self, status: StatusCode) {
        if let Some(count) = self.answers.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self) -> Counted {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let (accepted, ended) = (get(&self.accepted), get(&self.ended));
        let mut answers = CLASSES.map(|class| (class, 0));
        for ((_, told), count) in answers.iter_mut().zip(&self.answers) {
            *told = get(count);
        }
        Counted {
            accepted,
            turned_away: get(&self.turned_away),
            open: accepted.saturating_sub(ended),
            answers,
        }
    }
}
