//! Snapshots that the broker makes by itself, now and then, so that there is something to begin with where the
//! directory's file is broken; and the names that have a time in them.

use std::time::{Duration, Instant, UNIX_EPOCH};

use thingsbus_adaptor::wire::{SnapshotName, Timestamp};

use super::shelf::{About, Shelf};

/// How soon after a start the first is made, where none is younger than it should be: by then those who send have sent.
pub(super) const FIRST_AFTER: Duration = Duration::from_secs(5 * 60);

/// How soon it is tried again where it did not succeed, or where there was nothing to keep.
pub(super) const AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);

/// How their names begin; a time follows.
const BEGINNING: &str = "auto";

/// How long a time is in a name: `20261121T174403Z`.
pub(super) const TIME_BYTES: usize = 16;

/// When the next one is made.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Auto {
    /// `None` where none are made.
    pub(super) every: Option<Duration>,
    /// How many are kept.
    pub(super) kept: usize,
    /// `None` while one is being made.
    pub(super) due: Option<Instant>,
}

impl Auto {
    /// `newest` is when the last one was made.
    pub(in crate::store) fn new(
        (every, kept): (Duration, usize),
        newest: Option<Timestamp>,
        instant: Instant,
        now: Timestamp,
    ) -> Self {
        let left = newest.map_or(Duration::ZERO, |newest| every.saturating_sub(now.since(newest)));
        let due = instant.checked_add(left.max(FIRST_AFTER));
        Self { every: (!every.is_zero()).then_some(every), kept, due }
    }

    pub(in crate::store) fn set(&mut self, (every, kept): (Duration, usize), now: Instant) {
        let before = self.every;
        self.every = (!every.is_zero()).then_some(every);
        self.kept = kept;
        // A change of mind is obeyed from now on.
        if before != self.every {
            self.due = self.every.and_then(|every| now.checked_add(every));
        }
    }

    /// The last one was made, or could not be.
    pub(super) fn again(&mut self, is_done: bool, now: Instant) {
        let after = if is_done { self.every } else { self.every.map(|every| every.min(AGAIN_AFTER)) };
        self.due = after.and_then(|after| now.checked_add(after));
    }
}

/// The name of one that is made now.
pub(super) fn name(now: Timestamp) -> Option<SnapshotName> {
    SnapshotName::parse(&format!("{BEGINNING}-{}", time_text(now))).ok()
}

fn is_auto(name: &SnapshotName) -> bool {
    let time = name.as_str().strip_prefix(BEGINNING).and_then(|rest| rest.strip_prefix('-'));
    time.is_some_and(is_time)
}

/// Is it as [`time_text`] writes it?
pub(super) fn is_time(text: &str) -> bool {
    text.len() == TIME_BYTES
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        })
}

/// `20261121T174403Z`.
pub(super) fn time_text(now: Timestamp) -> String {
    // What no calendar has is as good as the beginning of time.
    let since_1970 = Duration::try_from_secs_f64(now.seconds()).unwrap_or_default();
    let most = Duration::from_secs(253_402_300_799); // The last second of the year 9999.
    let time = humantime::format_rfc3339_seconds(UNIX_EPOCH + since_1970.min(most)).to_string();
    time.replace(['-', ':'], "")
}

/// When the last one was made.
pub(in crate::store) fn newest(shelf: &Shelf) -> Option<Timestamp> {
    let names = shelf.names().unwrap_or_default().into_iter().filter(|(name, _)| is_auto(name));
    let saved = names.filter_map(|(name, bytes)| shelf.about(&name, bytes).ok());
    saved
        .map(|About { header, .. }| header.saved)
        .max_by(|one, other| one.seconds().total_cmp(&other.seconds()))
}

/// Those that give way when one more is made and so many are kept: the oldest. Their names are in the order of their times.
pub(super) fn giving_way(shelf: &Shelf, kept: usize) -> Vec<SnapshotName> {
    let names = shelf.names().unwrap_or_default().into_iter();
    let autos: Vec<SnapshotName> = names.map(|(name, _)| name).filter(is_auto).collect();
    let over = (autos.len() + 1).saturating_sub(kept);
    autos.into_iter().take(over).collect()
}

/// Removes what gave way to a newer one.
pub(super) fn remove(shelf: &Shelf, gave_way: &[SnapshotName]) {
    for name in gave_way {
        match shelf.delete(name) {
            Ok(()) => tracing::debug!("snapshot {name}: deleted, there are enough newer ones of its kind"),
            Err(refusal) => tracing::warn!("{}", refusal.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn names_have_the_time_in_them() {
        let now = at(1_795_283_043.9);
        assert_eq!(name(now).unwrap().as_str(), "auto-20261121T174403Z");
        assert!(is_auto(&name(now).unwrap()));
        for other in ["auto", "auto-", "auto-mine", "auto-20261121T174403Z-2", "my-auto-20261121T174403Z"] {
            assert!(!is_auto(&SnapshotName::parse(other).unwrap()), "{other}");
        }
        for seconds in [-1.0, 1e300, 0.0] {
            assert!(name(at(seconds)).is_some_and(|name| is_auto(&name)), "{seconds}");
        }
    }

    #[test]
    fn the_next_one_is_due_when_the_last_is_old_enough_and_not_right_after_a_start() {
        let (start, now) = (Instant::now(), at(1_000_000.0));
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        let due = |newest: Option<f64>| {
            Auto::new((hours(24), 3), newest.map(at), start, now).due.unwrap().duration_since(start)
        };
        assert_eq!(due(None), FIRST_AFTER);
        assert_eq!(due(Some(1_000_000.0 - 90_000.0)), FIRST_AFTER);
        assert_eq!(due(Some(1_000_000.0 - 3_600.0)), hours(23));
        // The clock was set back.
        assert_eq!(due(Some(2_000_000.0)), hours(24));
        let mut never = Auto::new((Duration::ZERO, 3), None, start, now);
        assert_eq!(never.every, None);
        never.again(true, start);
        assert_eq!(never.due, None);
        let mut auto = Auto::new((hours(24), 3), None, start, now);
        auto.again(true, start);
        assert_eq!(auto.due, Some(start + hours(24)));
        auto.again(false, start);
        assert_eq!(auto.due, Some(start + AGAIN_AFTER));
        auto.set((hours(24), 5), start);
        assert_eq!((auto.due, auto.kept), (Some(start + AGAIN_AFTER), 5));
        auto.set((Duration::ZERO, 5), start);
        assert_eq!(auto.due, None);
        auto.set((hours(1), 5), start);
        assert_eq!(auto.due, Some(start + hours(1)));
    }
}
