//! What was wrong, counted by kind: told when it begins, at most once a minute while it lasts, and at the end.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::numbers::grouped;

/// What goes on is told so often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// What is wrong with something: which kind of thing it is, and what it was this time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// One of few, so that they can be counted.
    pub(crate) kind: Cow<'static, str>,
    /// May be empty.
    pub(crate) example: String,
}

impl Complaint {
    pub(crate) fn new(kind: impl Into<Cow<'static, str>>, example: impl Into<String>) -> Self {
        Self { kind: kind.into(), example: example.into() }
    }
}

/// What was wrong so far.
#[derive(Debug, Default)]
pub(crate) struct Complaints {
    kinds: BTreeMap<Cow<'static, str>, Counted>,
}

#[derive(Debug)]
struct Counted {
    count: u64,
    untold: u64,
    told: Instant,
}

impl Complaints {
    /// Counts `count` of a kind; what is to be said now, if anything.
    pub(crate) fn add(&mut self, complaint: Complaint, count: u64, now: Instant) -> Option<String> {
        let Complaint { kind, example } = complaint;
        let example = if example.is_empty() { example } else { format!(": {example}") };
        let Some(counted) = self.kinds.get_mut(&kind) else {
            let said = format!("not sent: {kind}{example}");
            self.kinds.insert(kind, Counted { count, untold: 0, told: now });
            return Some(said);
        };
        counted.count += count;
        counted.untold += count;
        if now.duration_since(counted.told) < TELL_EVERY {
            return None;
        }
        counted.told = now;
        let untold = std::mem::take(&mut counted.untold);
        Some(format!("{} more not sent: {kind}{example}", grouped(untold)))
    }

    /// How many there were.
    pub(crate) fn total(&self) -> u64 {
        self.kinds.values().map(|counted| counted.count).sum()
    }

    /// `5 not sent (4: the message is not JSON; 1: …)`; `None` where there were none.
    pub(crate) fn summary(&self) -> Option<String> {
        let kinds: Vec<String> =
            self.kinds.iter().map(|(kind, counted)| format!("{}: {kind}", grouped(counted.count))).collect();
        (!kinds.is_empty()).then(|| format!("{} not sent ({})", grouped(self.total()), kinds.join("; ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn told_when_it_begins_and_then_now_and_then() {
        let mut complaints = Complaints::default();
        let start = Instant::now();
        let mut add = |kind: &'static str, example: &str, after_s| {
            complaints.add(Complaint::new(kind, example), 1, start + Duration::from_secs(after_s))
        };
        assert_eq!(add("not JSON", "hello", 0).as_deref(), Some("not sent: not JSON: hello"));
        assert_eq!(add("not JSON", "hello", 1), None);
        assert_eq!(add("too long", "", 2).as_deref(), Some("not sent: too long"));
        assert_eq!(add("not JSON", "world", 60).as_deref(), Some("2 more not sent: not JSON: world"));
        assert_eq!(add("not JSON", "x", 61), None);
        assert_eq!(complaints.total(), 5);
        assert_eq!(complaints.summary().as_deref(), Some("5 not sent (4: not JSON; 1: too long)"));
        assert_eq!(Complaints::default().summary(), None);
    }
}
