//! The updates that wait to be acknowledged, in the order of their numbers (pure): which goes next, and when all of
//! them go again.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::receipt::{Acked, NotAcked};
use crate::wire::AckLevel;

/// Fewer would not leave room for one under way and one behind it.
const UPDATES_MAX_LEAST: usize = 2;

/// So many are under way at most where the way to the broker was begun anew, and one more with each answer: over a
/// connection that breaks again and again something is answered before the next break, and a broker that did not keep
/// up is not sent everything at once again.
const UNDER_WAY_FIRST: usize = 4;

/// What a way to the broker may have under way, and how patient it is.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Updates that wait at most, those under way among them.
    pub(crate) updates_max: usize,
    /// Updates that were sent and have no answer yet, at most.
    pub(crate) under_way_max: usize,
    /// Their bytes, at most; one may always be under way.
    pub(crate) under_way_bytes_max: usize,
    /// Without an answer for so long, all are sent again.
    pub(crate) patience: Patience,
}

/// How long an answer may take. Doubled each time that none came, until one comes.
#[derive(Debug, Clone)]
pub(crate) struct Patience {
    /// At first, from a broker that has to put it into its directory.
    pub(crate) directory: Duration,
    /// At first, from one that has to write it to disk.
    pub(crate) disk: Duration,
    /// After many times in vain.
    pub(crate) max: Duration,
}

/// `T` is by whom it is waited for.
#[derive(Debug)]
pub(crate) struct Queue<T> {
    /// Their numbers rise; where one was settled out of turn, there is a gap.
    entries: VecDeque<Entry<T>>,
    /// So many of the first were sent since the way to the broker was last begun anew.
    under_way: usize,
    under_way_bytes: usize,
    /// How many may be under way now.
    window: usize,
    /// So many of the first were sent at some time: the broker may have taken them.
    tried: usize,
    /// When an answer came, or when the first of those under way was sent, whichever is later.
    heard: Option<Instant>,
    /// How often no answer came in time since one did.
    misses: u32,
    next_number: u64,
    limits: Limits,
    acked: u64,
    refused: u64,
    dropped: u64,
}

#[derive(Debug)]
struct Entry<T> {
    number: u64,
    ns: String,
    level: AckLevel,
    message: Vec<u8>,
    waiter: T,
}

/// An update that waits no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Settled<T> {
    pub(crate) number: u64,
    pub(crate) ns: String,
    pub(crate) waiter: T,
    pub(crate) fate: Result<Acked, NotAcked>,
}

/// How many became what: `accepted = acked + refused + dropped + waiting`, at every moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) acked: u64,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
    pub(crate) waiting: u64,
}

impl<T> Queue<T> {
    pub(crate) fn new(first_number: u64, limits: Limits) -> Self {
        let updates_max = limits.updates_max.max(UPDATES_MAX_LEAST);
        // So that in a full queue there is always one that was never sent.
        let under_way_max = limits.under_way_max.clamp(1, updates_max / 2);
        Self {
            entries: VecDeque::new(),
            under_way: 0,
            under_way_bytes: 0,
            window: UNDER_WAY_FIRST.min(under_way_max),
            tried: 0,
            heard: None,
            misses: 0,
            next_number: first_number,
            limits: Limits { updates_max, under_way_max, ..limits },
            acked: 0,
            refused: 0,
            dropped: 0,
        }
    }

    /// The number that the next update has.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Takes an update in. In a full queue the oldest has to go for it of those that were never sent: of these it is
    /// sure that the broker has not taken them.
    pub(crate) fn push(
        &mut self,
        ns: &str,
        level: AckLevel,
        message: Vec<u8>,
        waiter: T,
    ) -> Option<Settled<T>> {
        let full = self.entries.len() >= self.limits.updates_max;
        let dropped = if full { self.remove(self.tried, Err(NotAcked::QueueFull)) } else { None };
        let number = self.next_number;
        self.next_number = number.saturating_add(1);
        self.entries.push_back(Entry { number, ns: ns.to_owned(), level, message, waiter });
        dropped
    }

    /// The update that is to be sent now, if any is; [`Queue::sent`] says that it was.
    pub(crate) fn to_send(&self) -> Option<(u64, &[u8])> {
        let next = self.entries.get(self.under_way)?;
        let fits = self.under_way < self.window
            && self.under_way_bytes + next.message.len() <= self.limits.under_way_bytes_max;
        (fits || self.under_way == 0).then_some((next.number, &next.message))
    }

    /// What [`Queue::to_send`] gave was sent.
    pub(crate) fn sent(&mut self, now: Instant) {
        let Some(entry) = self.entries.get(self.under_way) else { return };
        if self.under_way == 0 {
            self.heard = Some(now);
        }
        self.under_way += 1;
        self.under_way_bytes += entry.message.len();
        self.tried = self.tried.max(self.under_way);
    }

    /// The broker has answered. `None` where nobody waits for this answer (any more): it came twice, or late.
    pub(crate) fn answered(
        &mut self,
        number: u64,
        fate: Result<Acked, NotAcked>,
        now: Instant,
    ) -> Option<Settled<T>> {
        let index = self.entries.binary_search_by_key(&number, |entry| entry.number).ok()?;
        if index >= self.tried {
            return None; // Nobody can have answered what was never sent.
        }
        self.heard = Some(now);
        self.misses = 0;
        self.window = (self.window + 1).min(self.limits.under_way_max);
        self.remove(index, fate)
    }

    /// The way to the broker is begun anew: all that has no answer goes again, in the same order.
    pub(crate) fn begin_again(&mut self) {
        self.under_way = 0;
        self.under_way_bytes = 0;
        self.window = UNDER_WAY_FIRST.min(self.limits.under_way_max);
    }

    /// When the broker must have answered by, where something is under way.
    pub(crate) fn due(&self) -> Option<Instant> {
        let first = self.entries.front().filter(|_| self.under_way > 0)?;
        let patience = match first.level {
            AckLevel::Directory => self.limits.patience.directory,
            AckLevel::Disk => self.limits.patience.disk,
        };
        let patience = patience.saturating_mul(1 << self.misses.min(16)).min(self.limits.patience.max);
        self.heard.map(|heard| heard + patience)
    }

    /// No answer came in time: what is under way goes again, and the next answer may take longer.
    pub(crate) fn miss(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.begin_again();
    }

    /// Gives up on the oldest; until there is none.
    pub(crate) fn give_up(&mut self) -> Option<Settled<T>> {
        let sent = self.tried > 0;
        self.remove(0, Err(NotAcked::Closed { sent }))
    }

    /// The number of the oldest that waits.
    pub(crate) fn oldest(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.number)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn counts(&self) -> Counts {
        let Self { acked, refused, dropped, .. } = *self;
        Counts { acked, refused, dropped, waiting: self.entries.len() as u64 }
    }

    fn remove(&mut self, index: usize, fate: Result<Acked, NotAcked>) -> Option<Settled<T>> {
        let Entry { number, ns, message, waiter, .. } = self.entries.remove(index)?;
        if index < self.under_way {
            self.under_way -= 1;
            self.under_way_bytes -= message.len();
        }
        if index < self.tried {
            self.tried -= 1;
        }
        match fate {
            Ok(_) => self.acked += 1,
            Err(NotAcked::Refused { .. }) => self.refused += 1,
            Err(_) => self.dropped += 1,
        }
        Some(Settled { number, ns, waiter, fate })
    }
}

#[cfg(test)]
mod tests;
