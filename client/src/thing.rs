//! A thing, and the directory of all of them, as a program holds them: light handles that always show the latest.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use thingsbus_adaptor::wire::{Namespace, Timestamp};

use crate::directory::{Scope, age};
use crate::error::Error;
use crate::event::{Event, Flags, ThingRepr};
use crate::feed::Events;
use crate::shared::{Shared, wall_clock};

/// Everything that the client knows, kept up to date while it is looked at.
#[derive(Clone)]
pub struct LiveDirectory {
    pub(crate) shared: Arc<Shared>,
}

/// One thing: a name, and whatever is known of it. It need not exist.
#[derive(Clone)]
pub struct Thing {
    directory: LiveDirectory,
    ns: Namespace,
}

/// A thing's last value.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Latest {
    /// The value, as JSON text.
    pub data: String,
    /// When it was, as its sender says.
    pub ts: Timestamp,
    /// How long ago the broker received it. Clocks of sender, broker and client need not agree for that.
    pub age: Duration,
    /// The broker's number of the update; `None` with a 0.2.1 broker.
    pub seq: Option<u64>,
    /// Where the value is explained.
    pub documentation_url: Option<String>,
}

/// A subscription by callback; it goes on when this is dropped, until [`Subscription::unsubscribe`] or the client's
/// end.
#[must_use = "without it the subscription cannot be ended"]
pub struct Subscription {
    thing: Thing,
    id: u64,
}

impl LiveDirectory {
    /// The thing of that name, whether it exists or not.
    ///
    /// # Errors
    /// Where the name breaks the rule.
    pub fn get_thing(&self, ns: &str) -> Result<Thing, Error> {
        Ok(self.thing(Namespace::parse(ns)?))
    }

    /// The thing above all others.
    #[must_use]
    pub fn root(&self) -> Thing {
        self.thing(Namespace::root())
    }

    /// Every thing that spoke and every thing above one, the root first.
    #[must_use]
    pub fn all_things(&self) -> Vec<Thing> {
        let mut names = BTreeSet::from([Namespace::root()]);
        let state = self.shared.lock();
        for record in state.mirror.directory().things(Scope::ALL, None) {
            let mut at = Namespace::parse(record.ns()).ok();
            while let Some(ns) = at {
                at = ns.parent();
                if !names.insert(ns) {
                    break;
                }
            }
        }
        drop(state);
        names.into_iter().map(|ns| self.thing(ns)).collect()
    }

    /// How many things spoke.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shared.lock().mirror.directory().len()
    }

    /// Did none speak yet?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn thing(&self, ns: Namespace) -> Thing {
        Thing { directory: self.clone(), ns }
    }
}

impl Thing {
    /// Its namespace.
    #[must_use]
    pub fn ns(&self) -> &Namespace {
        &self.ns
    }

    /// The thing above; `None` above the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        self.ns.parent().map(|ns| self.directory.thing(ns))
    }

    /// `None` where it never spoke, or how old its value is, and the value.
    #[must_use]
    pub fn get_data(&self) -> Option<(Duration, Value)> {
        let latest = self.latest()?;
        let value = serde_json::from_str(&latest.data).unwrap_or_default();
        Some((latest.age, value))
    }

    /// Its value as a type of yours; `None` where it never spoke.
    ///
    /// # Errors
    /// Where the value is of another shape; the error says where.
    pub fn get<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let Some(latest) = self.latest() else { return Ok(None) };
        let shape = |source| Error::Shape { ns: self.ns.clone(), source };
        serde_json::from_str(&latest.data).map(Some).map_err(shape)
    }

    /// Its last value with all that is known of it; `None` where it never spoke.
    #[must_use]
    pub fn latest(&self) -> Option<Latest> {
        let state = self.directory.shared.lock();
        let record = state.mirror.directory().get(self.ns.as_str())?;
        Some(Latest {
            data: record.data().to_owned(),
            ts: record.ts(),
            age: age(record, wall_clock()),
            seq: Some(record.seq()).filter(|seq| *seq > 0),
            documentation_url: record.documentation_url().map(ToOwned::to_owned),
        })
    }

    /// The events of this thing, and with [`Flags::TREE`] of those below it.
    #[must_use = "events are to be taken"]
    pub fn events(&self, flags: Flags) -> Events {
        Events::of(&self.directory.shared, &self.ns, flags).0
    }

    /// Calls `callback` for each event, on a thread of its own: a slow one keeps nobody else waiting, and
    /// [`Event::missed`] tells it how many events were dropped for that.
    ///
    /// # Errors
    /// Where the system has no thread left.
    pub fn subscribe(
        &self,
        mut callback: impl FnMut(&Event) + Send + 'static,
        flags: Flags,
    ) -> Result<Subscription, Error> {
        let (events, id) = Events::of(&self.directory.shared, &self.ns, flags);
        let thread = std::thread::Builder::new().name(format!("thingsbus {}", self.ns));
        thread.spawn(move || events.for_each(|event| callback(&event))).map_err(Error::Thread)?;
        Ok(Subscription { thing: self.clone(), id })
    }
}

impl Subscription {
    /// No more calls; one that is under way ends.
    pub fn unsubscribe(self) {
        self.thing.directory.shared.unlisten(&self.thing.ns, self.id);
    }
}

impl std::fmt::Display for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        ThingRepr(&self.ns).fmt(f)
    }
}

impl std::fmt::Debug for Thing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
