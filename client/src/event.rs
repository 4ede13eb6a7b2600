//! What is told of a thing, in 0.2.1's words.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use thingsbus_adaptor::wire::{Namespace, Timestamp, Update};

use crate::error::Error;
use crate::mirror::Reappraised;
use crate::python::PythonRepr;

/// Which events are wanted, and what an event is. They combine: `Flags::SNAPSHOT | Flags::TREE`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags(u8);

impl Flags {
    /// Only what happens to this thing, the moment it happens.
    pub const NONE: Self = Self(0);
    /// Also what was told by a snapshot: when the client connects, and after it missed something.
    pub const SNAPSHOT: Self = Self(1);
    /// Also what happens below this thing.
    pub const TREE: Self = Self(2);
    /// Also when a thing is forgotten. 0.2.1 has no such word. What is found to be gone after a lost connection is told with
    /// [`Flags::SNAPSHOT`] too.
    pub const FORGOTTEN: Self = Self(4);
    /// Also when a thing is late, silent, or fresh again. 0.2.1 has no such word.
    pub const FRESHNESS: Self = Self(8);

    /// Are all of `other` set?
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl std::ops::BitOr for Flags {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// As 0.2.1 prints them: `F_SNAPSHOT|F_TREE`, and nothing for none.
impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Self::SNAPSHOT, "F_SNAPSHOT"),
            (Self::TREE, "F_TREE"),
            (Self::FORGOTTEN, "F_FORGOTTEN"),
            (Self::FRESHNESS, "F_FRESHNESS"),
        ];
        let set: Vec<&str> =
            names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name).collect();
        f.write_str(&set.join("|"))
    }
}

/// A thing has a new value.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    pub(crate) ns: Arc<Namespace>,
    pub(crate) ts: Timestamp,
    pub(crate) data: Arc<str>,
    pub(crate) documentation_url: Option<Arc<str>>,
    pub(crate) seq: Option<u64>,
    pub(crate) merged: Option<u64>,
    pub(crate) age: Duration,
    pub(crate) flags: Flags,
    pub(crate) missed: u64,
    pub(crate) freshness: Option<Reappraised>,
}

impl Event {
    /// The thing's namespace.
    #[must_use]
    pub fn ns(&self) -> &Namespace {
        &self.ns
    }

    /// When the value was, as its sender says.
    #[must_use]
    pub fn ts(&self) -> Timestamp {
        self.ts
    }

    /// The value, as JSON text.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The value as a type of yours.
    ///
    /// # Errors
    /// Where it is another shape; the error says where.
    pub fn get<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.data).map_err(|source| Error::Shape { ns: (*self.ns).clone(), source })
    }

    /// Where the value is explained, where that was told with it. The thing may have a URL from before:
    /// [`crate::Thing::latest`] knows.
    #[must_use]
    pub fn documentation_url(&self) -> Option<&str> {
        self.documentation_url.as_deref()
    }

    /// The broker's number of the update; `None` with a 0.2.1 broker.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// How old the value was when it was told: zero where that was the moment it happened.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// The same as an update of the wire, which is how the broker sent it.
    #[must_use]
    pub fn update(&self) -> Update<'_> {
        let (ns, ts) = (self.ns.as_str(), Some(self.ts));
        let update = Update::from_checked(ns, ts, &self.data, self.documentation_url(), self.seq);
        self.merged.map_or(update, |merged| update.told_late(merged))
    }

    /// What kind of event it is.
    #[must_use]
    pub fn flags(&self) -> Flags {
        self.flags
    }

    /// Was it told by a snapshot, and not the moment it happened?
    #[must_use]
    pub fn is_snapshot(&self) -> bool {
        self.flags.contains(Flags::SNAPSHOT)
    }

    /// Was the thing forgotten? Then its value is `null`, and it is in the directory no more. Only those who listen with
    /// [`Flags::FORGOTTEN`] are told.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.flags.contains(Flags::FORGOTTEN)
    }

    /// Is the thing late, silent, or fresh again? Then it said nothing: value, times and number are those of what it said
    /// last. Only those who listen with [`Flags::FRESHNESS`] are told.
    #[must_use]
    pub fn freshness(&self) -> Option<Reappraised> {
        self.freshness
    }

    /// How many events right before this one were dropped because they were not taken in time. The directory has
    /// their effect all the same.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed
    }
}

/// As 0.2.1 prints it, the value as Python writes it:
/// `ThingEvent<Thing<spacemon.electronics>, ts=1423351104.945, flags=, data={'luminance': 114.36}>`.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thing = ThingRepr(&self.ns);
        let (ts, flags) = (self.ts.seconds(), self.flags);
        write!(f, "ThingEvent<{thing}, ts={ts:.3}, flags={flags}, data={}>", PythonRepr(&self.data))
    }
}

/// A thing as 0.2.1 prints it.
pub(crate) struct ThingRepr<'a>(pub(crate) &'a Namespace);

impl fmt::Display for ThingRepr<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_root() { f.write_str("RootThing") } else { write!(f, "Thing<{}>", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_prints_as_0_2_1_does() {
        let event = |ns: &str, flags, data: &str| Event {
            ns: Arc::new(ns.parse().unwrap()),
            ts: Timestamp::from_seconds(1_423_351_104.945_4).unwrap(),
            data: data.into(),
            documentation_url: None,
            seq: None,
            merged: None,
            age: Duration::ZERO,
            flags,
            missed: 0,
            freshness: None,
        };
        let check = |event: Event, wanted: &str| assert_eq!(event.to_string(), wanted);
        check(
            event("spacemon.electronics", Flags::NONE, r#"{"luminance": 114.361669921875, "ok": true}"#),
            "ThingEvent<Thing<spacemon.electronics>, ts=1423351104.945, flags=, \
             data={'luminance': 114.361669921875, 'ok': True}>",
        );
        check(
            event("", Flags::SNAPSHOT, "null"),
            "ThingEvent<RootThing, ts=1423351104.945, flags=F_SNAPSHOT, data=None>",
        );
        assert_eq!((Flags::SNAPSHOT | Flags::TREE).to_string(), "F_SNAPSHOT|F_TREE");
        assert_eq!(Flags::FORGOTTEN.to_string(), "F_FORGOTTEN");
    }
}
