//! What a program holds of an update that is to be acknowledged, and what became of it.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// An update on its way: it can be waited for. Who drops it gives up nothing but to be told: the update is sent until
/// it is acknowledged all the same.
#[derive(Debug)]
pub struct Receipt {
    number: u64,
    slot: Arc<Slot>,
}

/// A broker has it where it was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acked {
    /// The broker's number of the update. `None` where the broker had taken this number of this sender before: because
    /// the answer to it was lost, or because the program itself has sent it again. Where neither is so, another sender
    /// has the same name or this one's numbers began too low, and the update was not taken.
    pub seq: Option<u64>,
}

/// Why an update is not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAcked {
    /// The broker did not take it, and would not if it came again as it is.
    #[error("the broker refuses it: {message} ({reason})")]
    Refused {
        /// Why, by the name that the broker's counters have: `bad_ns`, `no_disk`, `directory_full`.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
    /// Too many waited, and it had to go for newer ones. It was never sent.
    #[error("dropped: more updates waited to be acknowledged than are kept")]
    QueueFull,
    /// The adaptor was closed, or its thread ended, before an answer came.
    #[error("the adaptor was closed before it was {}", closed_before(.sent))]
    Closed {
        /// It was sent, so that the broker may have taken it; where not, it certainly has not.
        sent: bool,
    },
    /// There is no answer yet. It goes on.
    #[error("not acknowledged yet")]
    Waiting,
}

fn closed_before(sent: &bool) -> &'static str {
    if *sent { "acknowledged; it may have been taken" } else { "sent" }
}

/// What both sides of a receipt see.
#[derive(Debug, Default)]
pub(crate) struct Slot {
    fate: Mutex<Option<Result<Acked, NotAcked>>>,
    settled: Condvar,
}

impl Receipt {
    pub(crate) fn new(number: u64, slot: Arc<Slot>) -> Self {
        Self { number, slot }
    }

    /// The sender's number of the update.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Waits until it is known what became of the update, at most as long as `limit`; zero looks and does not wait.
    ///
    /// # Errors
    /// [`NotAcked`]; with [`NotAcked::Waiting`] it may be waited for again.
    pub fn wait(&self, limit: Duration) -> Result<Acked, NotAcked> {
        let until = Instant::now().checked_add(limit);
        let mut fate = self.slot.fate.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(fate) = &*fate {
                return fate.clone();
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return Err(NotAcked::Waiting);
            }
            fate = self.slot.settled.wait_timeout(fate, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl NotAcked {
    /// The reason in one word, for counters and logs: `bad_ns`, `queue_full`, `closed`, `waiting`.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Refused { reason, .. } => reason,
            Self::QueueFull => "queue_full",
            Self::Closed { .. } => "closed",
            Self::Waiting => "waiting",
        }
    }
}

impl Slot {
    pub(crate) fn settle(&self, fate: Result<Acked, NotAcked>) {
        *self.fate.lock().unwrap_or_else(PoisonError::into_inner) = Some(fate);
        self.settled.notify_all();
    }
}
