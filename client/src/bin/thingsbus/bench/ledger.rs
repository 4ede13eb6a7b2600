//! What one subscriber has of one publisher: what came once and in order, and what did not.

use std::collections::BTreeMap;

/// More gaps than this are not remembered: what closes a forgotten one counts as repeated.
const GAPS_MAX: usize = 100_000;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    InOrder,
    /// For the first time, after one with a higher number.
    Late,
    Repeated,
}

/// Counts of a publisher's numbers 0, 1, 2, …
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    pub(super) in_order: u64,
    pub(super) late: u64,
    pub(super) repeated: u64,
    next: u64,
    /// What has not come below `next`: from, and up to before.
    gaps: BTreeMap<u64, u64>,
}

impl Ledger {
    pub(super) fn take(&mut self, number: u64) -> Came {
        if number >= self.next {
            if number > self.next {
                self.open(self.next, number);
            }
            self.next = number.saturating_add(1);
            self.in_order += 1;
            return Came::InOrder;
        }
        let gap = self.gaps.range(..=number).next_back().map(|(from, to)| (*from, *to));
        match gap.filter(|(_, to)| number < *to) {
            Some((from, to)) => {
                self.gaps.remove(&from);
                self.open(from, number);
                self.open(number + 1, to);
                self.late += 1;
                Came::Late
            }
            None => {
                self.repeated += 1;
                Came::Repeated
            }
        }
    }

    /// The highest number that came, and one.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// How many of the first `sent` numbers did not come.
    pub(super) fn lost(&self, sent: u64) -> u64 {
        sent.saturating_sub(self.in_order + self.late)
    }

    fn open(&mut self, from: u64, to: u64) {
        if from < to {
            self.gaps.insert(from, to);
            if self.gaps.len() > GAPS_MAX {
                self.gaps.pop_first();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_how() {
        use Came::{InOrder, Late, Repeated};
        let mut ledger = Ledger::default();
        for (number, wanted) in [
            (0, InOrder),
            (1, InOrder),
            (1, Repeated),
            (5, InOrder),
            (3, Late),
            (3, Repeated),
            (2, Late),
            (4, Late),
            (4, Repeated),
            (5, Repeated),
            (9, InOrder),
            (0, Repeated),
            (8, Late),
        ] {
            assert_eq!(ledger.take(number), wanted, "{number}");
        }
        assert_eq!((ledger.in_order, ledger.late, ledger.repeated, ledger.next()), (4, 4, 5, 10));
        assert_eq!(ledger.lost(10), 2, "6 and 7");
        assert_eq!(ledger.lost(12), 4);
    }
}
