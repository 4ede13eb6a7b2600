//! Pauses that double up to a limit.

use std::time::Duration;

#[derive(Debug)]
pub(super) struct Pause {
    first: Duration,
    max: Duration,
    next: Duration,
}

impl Pause {
    pub(super) fn new(first: Duration, max: Duration) -> Self {
        Self { first, max, next: first }
    }

    pub(super) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(self.max);
        pause
    }

    pub(super) fn reset(&mut self) {
        self.next = self.first;
    }
}
