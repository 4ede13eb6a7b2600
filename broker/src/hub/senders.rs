//! Who numbers its updates, and how far: so that an update that comes twice is taken once. Pure.

use std::collections::{HashMap, HashSet};

use thingsbus_adaptor::wire::Numbered;

/// The most senders that are remembered. Where one more comes, the half is forgotten that was not heard of for longest.
const SENDERS_MAX: usize = 65_536;

/// The most refused numbers that are remembered of a sender, the last ones.
const REFUSED_MAX: usize = 64;

/// The highest number that was taken of each sender.
#[derive(Debug, Default)]
pub struct Senders {
    known: HashMap<Box<str>, Known>,
    /// What is to be written to disk: some of those that are known, and those on disk that are not any more.
    changed: HashSet<Box<str>>,
    heard: u64,
    /// That there are too many was told.
    is_told: bool,
}

#[derive(Debug)]
struct Known {
    number: u64,
    is_on_disk: bool,
    /// Those up to it that were not taken, for want of room: sent again, they may be.
    refused: Vec<u64>,
    heard: u64,
}

impl Senders {
    /// Was this update taken before?
    #[must_use]
    pub fn had(&self, update: Numbered<'_>) -> bool {
        let had =
            |known: &Known| update.number() <= known.number && !known.refused.contains(&update.number());
        self.known.get(update.sender()).is_some_and(had)
    }

    /// The update was not taken, for a reason that may be none the next time.
    pub fn refuse(&mut self, update: Numbered<'_>) {
        // Of one of whom nothing was taken, nothing is taken for known.
        let Some(known) = self.known.get_mut(update.sender()) else { return };
        let refused = &mut known.refused;
        if !refused.contains(&update.number()) {
            if refused.len() == REFUSED_MAX {
                refused.remove(0);
            }
            refused.push(update.number());
        }
    }

    /// The update was taken.
    pub fn take(&mut self, update: Numbered<'_>) {
        let known = self.entry(update.sender());
        known.number = known.number.max(update.number());
        known.refused.retain(|refused| *refused != update.number());
        if !self.changed.contains(update.sender()) {
            self.changed.insert(update.sender().into());
        }
    }

    /// So it was when it was last written to disk.
    pub fn restore(&mut self, sender: &str, number: u64) {
        let known = self.entry(sender);
        (known.number, known.is_on_disk) = (number, true);
    }

    /// Is there anything to be written to disk?
    #[must_use]
    pub fn has_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What is to be written to disk since this was last asked: senders and their numbers, none for those that are
    /// forgotten.
    pub fn changed(&mut self) -> impl Iterator<Item = (Box<str>, Option<u64>)> {
        let Self { known, changed, .. } = self;
        changed.drain().map(|sender| {
            let number = known.get_mut(&sender).map(|known| {
                known.is_on_disk = true;
                known.number
            });
            (sender, number)
        })
    }

    /// All of it is to be written again.
    pub fn all_changed(&mut self) {
        self.changed = self.known.keys().cloned().collect();
    }

    fn entry(&mut self, sender: &str) -> &mut Known {
        if self.known.len() >= SENDERS_MAX && !self.known.contains_key(sender) {
            self.forget_half();
        }
        self.heard += 1;
        let heard = self.heard;
        let known = self.known.entry(sender.into()).or_insert_with(|| Known {
            number: 0,
            is_on_disk: false,
            refused: Vec::new(),
            heard,
        });
        known.heard = heard;
        known
    }

    #[cold]
    fn forget_half(&mut self) {
        let mut heard: Vec<u64> = self.known.values().map(|known| known.heard).collect();
        let middle = heard.len() / 2;
        let (_, &mut oldest_kept, _) = heard.select_nth_unstable(middle);
        let Self { known, changed, .. } = self;
        known.retain(|sender, known| {
            let keep = known.heard >= oldest_kept;
            if !keep && known.is_on_disk {
                changed.insert(sender.clone());
            } else if !keep {
                changed.remove(sender);
            }
            keep
        });
        if !std::mem::replace(&mut self.is_told, true) {
            tracing::warn!(
                "{SENDERS_MAX} senders number their updates: from here on the half that was not heard of for longest is \
                 forgotten each time that there are so many"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(sender: &str, number: u64) -> Numbered<'_> {
        Numbered::new(sender, number).unwrap()
    }

    #[test]
    fn each_number_once_and_told_to_the_disk_once() {
        let mut senders = Senders::default();
        assert!(!senders.had(numbered("a", 0)));
        senders.take(numbered("a", 0));
        senders.take(numbered("b", 7));
        senders.take(numbered("a", 3));
        assert!(senders.had(numbered("a", 3)) && senders.had(numbered("a", 1)));
        assert!(!senders.had(numbered("a", 4)) && !senders.had(numbered("c", 1)));
        let changed = |senders: &mut Senders| {
            let mut changed: Vec<_> = senders.changed().collect();
            changed.sort();
            changed
        };
        assert_eq!(changed(&mut senders), [("a".into(), Some(3)), ("b".into(), Some(7))]);
        assert!(!senders.has_changed());
        senders.all_changed();
        assert_eq!(changed(&mut senders).len(), 2);
        let mut again = Senders::default();
        again.restore("a", 3);
        assert!(again.had(numbered("a", 3)) && !again.has_changed());
    }

    #[test]
    fn what_was_refused_is_not_taken_for_one_that_was_there() {
        let mut senders = Senders::default();
        senders.take(numbered("a", 1));
        senders.refuse(numbered("a", 2));
        senders.refuse(numbered("nobody", 5));
        assert!(!senders.had(numbered("nobody", 0)));
        senders.take(numbered("a", 3));
        assert!(senders.had(numbered("a", 1)) && !senders.had(numbered("a", 2)));
        senders.take(numbered("a", 2));
        assert!(
            senders.had(numbered("a", 2)) && senders.had(numbered("a", 3)) && !senders.had(numbered("a", 4))
        );
        for number in 10..200 {
            senders.refuse(numbered("a", number));
        }
        assert_eq!(senders.known["a"].refused.len(), REFUSED_MAX);
    }

    #[test]
    fn those_that_were_heard_last_are_remembered() {
        let mut senders = Senders::default();
        for number in 0..SENDERS_MAX {
            senders.take(numbered(&format!("s{number}"), 1));
        }
        assert_eq!(senders.changed().count(), SENDERS_MAX);
        senders.take(numbered("s0", 2));
        senders.take(numbered("one-more", 1));
        assert!(senders.had(numbered("s0", 2)) && senders.had(numbered("one-more", 1)));
        assert!(!senders.had(numbered("s1", 1)));
        assert!(senders.had(numbered(&format!("s{}", SENDERS_MAX - 1), 1)));
        let forgotten = senders.changed().filter(|(_, number)| number.is_none()).count();
        assert_eq!(forgotten, SENDERS_MAX - senders.known.len() + 1);
    }

    #[test]
    fn many_that_come_once_make_nothing_grow_and_are_not_looked_through_each_time() {
        let mut senders = Senders::default();
        for number in 0..SENDERS_MAX - 1 {
            senders.restore(&format!("old{number}"), 1);
        }
        let mut halvings = 0;
        for number in 0..2 * SENDERS_MAX {
            let before = senders.known.len();
            senders.take(numbered(&format!("s{number}"), 1));
            halvings += u32::from(senders.known.len() < before);
            // Nobody writes them to disk.
            senders.refuse(numbered(&format!("r{number}"), 1));
        }
        assert!(halvings < 6, "{halvings}");
        assert!(senders.known.len() <= SENDERS_MAX && senders.changed.len() <= 2 * SENDERS_MAX);
    }
}
