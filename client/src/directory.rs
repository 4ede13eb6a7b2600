//! The directory: every thing that spoke, with its last value. Pure: no socket, no clock; times are arguments.
//!
//! The broker's hub keeps one, and so does every client, which makes theirs equal to the broker's.

mod nearest;
mod recent;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::hash::BuildHasher;
use std::ops::Bound;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashTable};
use thingsbus_adaptor::wire::{Namespace, Timestamp};

pub use nearest::nearest;
pub use recent::Bookmark;
use recent::Recent;
pub use record::{Record, Value};

/// What counts as a thing's weight besides its texts, in bytes: record, index entries, allocator.
pub const THING_BYTES: usize = 256;

/// How many forgotten things are removed before others have their turn.
const REMOVED_AT_ONCE: usize = 500;

/// How many notes of what was forgotten and spoke again are kept before they are looked through.
const SPOKE_AGAIN_MAX: usize = 1_024;

/// Every thing that spoke, with its last value; found by name, in order of names, and in order of their last
/// update.
#[derive(Default)]
pub struct Directory {
    records: Vec<Record>,
    /// Places in `records`, by the hash of their names.
    by_name: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Names in byte order: what subtrees and pages are cut from.
    in_order: BTreeMap<Arc<str>, u32>,
    recent: Recent,
    documentation_urls: hashbrown::HashSet<Arc<str>>,
    text_bytes: usize,
    /// What was forgotten, the first first, with the number of that; some of it may have spoken again.
    forgotten: VecDeque<(u32, u64)>,
    /// How many records are of forgotten things.
    forgotten_now: usize,
    /// Places of things that were removed.
    free: Vec<u32>,
}

/// Where a value was put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Put {
    /// The thing's place.
    pub place: Place,
    /// The number of the thing's update before, or of when it was forgotten; `None` where it spoke for the first time.
    pub before: Option<u64>,
}

/// Where a thing is. It stays there until it is forgotten and removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place(u32);

impl Place {
    /// Its number, for who keeps something beside the directory: those of all things are close together, from 0 on.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The place of that number. Whether anything is there, [`Directory::at`] says.
    #[must_use]
    pub fn of_index(index: usize) -> Self {
        Self(u32::try_from(index).unwrap_or(u32::MAX))
    }
}

/// Which things are meant.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// This one.
    pub ns: &'a str,
    /// And all below it.
    pub tree: bool,
}

impl Scope<'_> {
    /// Everything.
    pub const ALL: Scope<'static> = Scope { ns: "", tree: true };

    /// Is `ns` meant?
    #[must_use]
    pub fn holds(&self, ns: &str) -> bool {
        match ns.strip_prefix(self.ns) {
            Some("") => true,
            Some(rest) => self.tree && (self.ns.is_empty() || rest.starts_with('.')),
            None => false,
        }
    }
}

impl Directory {
    /// With nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many things there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len() - self.free.len() - self.forgotten_now
    }

    /// Is there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how much memory the things take, in bytes, those included that were forgotten and are still to be told.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text_bytes + (self.records.len() - self.free.len()) * THING_BYTES
    }

    /// The thing's last value; `None` where it never spoke, or was forgotten.
    #[must_use]
    pub fn get(&self, ns: &str) -> Option<&Record> {
        self.get_any(ns).filter(|record| !record.is_forgotten())
    }

    /// The number of the thing's last update, or of when it was forgotten; 0 where nothing is known of it.
    #[must_use]
    pub fn seq_of(&self, ns: &str) -> u64 {
        self.get_any(ns).map_or(0, Record::seq)
    }

    fn get_any(&self, ns: &str) -> Option<&Record> {
        self.place(ns).and_then(|place| self.records.get(place as usize))
    }

    /// Sets a thing's value. The last one put is the thing's value, whatever its `ts` says. A thing keeps its
    /// documentation URL where the new value brings none.
    ///
    /// `ns` must be a valid namespace, as [`thingsbus_adaptor::wire::Update::ns`] gives it.
    pub fn put(&mut self, ns: &str, value: &Value<'_>) -> Put {
        debug_assert!(Namespace::parse(ns).is_ok());
        let (place, before) = match self.place(ns) {
            Some(place) => (place, Some(self.records.get(place as usize).map_or(0, Record::seq))),
            None => (self.add(ns), None),
        };
        let known = self.records.get(place as usize).and_then(Record::documentation_url);
        let new_url = value.documentation_url.filter(|url| known != Some(url));
        let documentation_url = new_url.map(|url| self.shared(url));
        if let Some(record) = self.records.get_mut(place as usize) {
            if before.is_some() && record.is_forgotten() {
                self.forgotten_now -= 1;
            }
            self.text_bytes -= record.data.len();
            self.text_bytes += value.data.len();
            record.set(value, documentation_url);
        }
        self.recent.touch(place);
        Put { place: Place(place), before }
    }

    /// Sets all that is known of a thing, its documentation URL too: where there is none now, it has none.
    pub fn set(&mut self, ns: &str, value: &Value<'_>) -> Put {
        let put = self.put(ns, value);
        if value.documentation_url.is_none() {
            self.set_documentation_url(ns, None);
        }
        put
    }

    /// Sets a thing's documentation URL alone.
    pub fn set_documentation_url(&mut self, ns: &str, url: Option<&str>) {
        let Some(place) = self.place(ns) else { return };
        let url = url.map(|url| self.shared(url));
        if let Some(record) = self.records.get_mut(place as usize).filter(|record| !record.is_forgotten()) {
            record.set_documentation_url(url);
        }
    }

    /// Forgets a thing's value, as update `seq` at `now`; gives the number of its update before. Its record stays, so that what
    /// changed since can be told, until [`Directory::remove_forgotten`]. `None` where there is no such thing.
    pub fn forget(&mut self, ns: &str, seq: u64, now: Timestamp) -> Option<u64> {
        let place = self.place(ns)?;
        let record = self.records.get_mut(place as usize).filter(|record| !record.is_forgotten())?;
        let before = record.seq();
        self.text_bytes -= record.data.len();
        record.forget(seq, now);
        self.recent.touch(place);
        self.forgotten.push_back((place, seq));
        self.forgotten_now += 1;
        if self.forgotten.len() > 2 * self.forgotten_now + SPOKE_AGAIN_MAX {
            let Self { forgotten, records, .. } = self;
            forgotten.retain(|&(place, seq)| is_forgotten_since(records, place, seq));
        }
        Some(before)
    }

    /// Removes some of what was forgotten first, but for `keep` of all, and but for what was forgotten after update
    /// `through`. Gives the highest number that was removed; there may be more.
    pub fn remove_forgotten(&mut self, keep: usize, through: u64) -> Option<u64> {
        let mut removed = None;
        for _ in 0..REMOVED_AT_ONCE {
            let Some(&(place, seq)) = self.forgotten.front() else { break };
            if !is_forgotten_since(&self.records, place, seq) {
                self.forgotten.pop_front(); // It spoke again.
            } else if self.forgotten_now > keep && seq <= through {
                self.forgotten.pop_front();
                self.remove(place);
                removed = Some(seq);
            } else {
                break;
            }
        }
        removed
    }

    /// The highest number of a thing that is forgotten, where any is.
    #[must_use]
    pub fn last_forgotten(&self) -> Option<u64> {
        self.forgotten.back().map(|(_, seq)| *seq)
    }

    /// The things of `scope` that come after `after`, in pages' order: the scope's own thing first, then what is
    /// below it by the bytes of its name.
    pub fn things<'d>(
        &'d self,
        scope: Scope<'_>,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'d Record> + use<'d> {
        self.things_and_forgotten(scope, after).filter(|record| !record.is_forgotten())
    }

    /// The same, and among them those that were forgotten.
    pub fn things_and_forgotten<'d>(
        &'d self,
        scope: Scope<'_>,
        after: Option<&str>,
    ) -> impl Iterator<Item = &'d Record> + use<'d> {
        let own = match after {
            None => self.get_any(scope.ns),
            Some(_) => None,
        };
        // Below "a" is what begins with "a.", and "/" is the byte after the dot. Everything but the root itself
        // is below the root.
        let (first, end) = match (scope.tree, scope.ns) {
            (false, _) => (Bound::Excluded(scope.ns.to_owned()), Bound::Excluded(scope.ns.to_owned())),
            (true, "") => (Bound::Excluded(String::new()), Bound::Unbounded),
            (true, ns) => (Bound::Excluded(format!("{ns}.")), Bound::Excluded(format!("{ns}/"))),
        };
        let first = match after {
            Some(after) if !matches!(&first, Bound::Excluded(first) if first.as_str() > after) => {
                Bound::Excluded(after.to_owned())
            }
            _ => first,
        };
        let empty = match (&first, &end) {
            (Bound::Excluded(first), Bound::Excluded(end)) => first >= end,
            _ => false,
        };
        let below = (scope.tree && !empty)
            .then(|| self.in_order.range::<str, _>((as_str(&first), as_str(&end))).map(|(_, &place)| place));
        own.into_iter()
            .chain(below.into_iter().flatten().filter_map(|place| self.records.get(place as usize)))
    }

    /// All things, the last updated one first, and among them those that were forgotten.
    pub fn newest_first(&self) -> impl Iterator<Item = &Record> {
        self.recent.newest_first().filter_map(|place| self.records.get(place as usize))
    }

    /// Where the things are that were updated or forgotten after update `seq`, the last one first.
    pub fn changed_after(&self, seq: u64) -> impl Iterator<Item = Place> {
        self.recent
            .newest_first()
            .map(Place)
            .take_while(move |&place| self.at(place).is_some_and(|record| record.seq() > seq))
    }

    /// Where a thing is.
    #[must_use]
    pub fn place_of(&self, ns: &str) -> Option<Place> {
        self.place(ns).map(Place)
    }

    /// The thing at a place, also where it was forgotten; `None` where it was removed.
    #[must_use]
    pub fn at(&self, place: Place) -> Option<&Record> {
        // The record of a place that is nobody's has no name and no number.
        self.records.get(place.0 as usize).filter(|record| !record.is_forgotten() || record.seq() > 0)
    }

    /// Puts the things into the order of their numbers, as if they had been updated in that order: what was not put in
    /// the order in which it happened is put right by this.
    pub fn sort_by_seq(&mut self) {
        let mut places: Vec<u32> = self.recent.newest_first().collect();
        places.sort_by_key(|&place| self.records.get(place as usize).map_or(0, Record::seq));
        for place in places {
            self.recent.touch(place);
        }
    }

    /// The things whose names begin with `beginning`, by the bytes of their names, those after `after`.
    pub fn starting_with(&self, beginning: &str, after: Option<&str>) -> impl Iterator<Item = &Record> {
        let first = match after {
            Some(after) if after >= beginning => Bound::Excluded(after),
            _ => Bound::Included(beginning),
        };
        let beginning = beginning.to_owned();
        self.in_order
            .range::<str, _>((first, Bound::Unbounded))
            .take_while(move |(ns, _)| ns.starts_with(&beginning))
            .filter_map(|(_, &place)| self.records.get(place as usize))
            .filter(|record| !record.is_forgotten())
    }

    /// A place in the order of last updates: only the newest one is ahead of it. To be given back with
    /// [`Directory::remove_bookmark`].
    pub fn bookmark_before_newest(&mut self) -> Bookmark {
        self.recent.bookmark_before_newest()
    }

    /// The next thing ahead of the bookmark in the order of last updates; it is behind it then. A thing that is updated
    /// goes ahead of every bookmark.
    pub fn advance(&mut self, bookmark: &Bookmark) -> Option<&Record> {
        self.recent.advance(bookmark).and_then(|place| self.records.get(place as usize))
    }

    /// Forgets a bookmark.
    pub fn remove_bookmark(&mut self, bookmark: Bookmark) {
        self.recent.remove(bookmark);
    }

    fn place(&self, ns: &str) -> Option<u32> {
        let records = &self.records;
        self.by_name
            .find(self.hasher.hash_one(ns), |&place| {
                records.get(place as usize).is_some_and(|record| record.ns() == ns)
            })
            .copied()
    }

    fn add(&mut self, ns: &str) -> u32 {
        let name: Arc<str> = ns.into();
        self.text_bytes += ns.len();
        let record = Record::new(name.clone());
        let place = match self.free.pop() {
            Some(place) => {
                if let Some(free) = self.records.get_mut(place as usize) {
                    *free = record;
                }
                place
            }
            None => {
                self.records.push(record);
                // Limits keep the count far below 2^32: see the hub's `things_max`.
                u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.recent.add(place);
        self.in_order.insert(name, place);
        let Self { records, by_name, hasher, .. } = self;
        by_name.insert_unique(hasher.hash_one(ns), place, |&place| {
            hasher.hash_one(records.get(place as usize).map_or("", Record::ns))
        });
        place
    }

    /// Removes a forgotten thing's record; its place will be another's.
    fn remove(&mut self, place: u32) {
        let Some(record) = self.records.get_mut(place as usize) else { return };
        let record = std::mem::replace(record, Record::new(Arc::default()));
        let found = self.by_name.find_entry(self.hasher.hash_one(record.ns()), |&other| other == place);
        if let Ok(entry) = found {
            entry.remove();
        }
        self.in_order.remove(record.ns());
        self.recent.take_out(place);
        self.text_bytes -= record.ns().len();
        self.forgotten_now -= 1;
        self.free.push(place);
    }

    /// One allocation for all things with the same documentation URL.
    fn shared(&mut self, url: &str) -> Arc<str> {
        if let Some(known) = self.documentation_urls.get(url) {
            return known.clone();
        }
        if self.documentation_urls.len() > self.records.len() {
            // A sender that writes a new URL each time must not make this grow.
            self.documentation_urls.retain(|url| Arc::strong_count(url) > 1);
        }
        let url: Arc<str> = url.into();
        self.documentation_urls.insert(url.clone());
        url
    }
}

fn is_forgotten_since(records: &[Record], place: u32, seq: u64) -> bool {
    records.get(place as usize).is_some_and(|record| record.is_forgotten() && record.seq() == seq)
}

fn as_str(bound: &Bound<String>) -> Bound<&str> {
    match bound {
        Bound::Included(text) => Bound::Included(text),
        Bound::Excluded(text) => Bound::Excluded(text),
        Bound::Unbounded => Bound::Unbounded,
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map()
            .entries(self.things(Scope::ALL, None).map(|record| (record.ns(), record.data())))
            .finish()
    }
}

/// The time by which a record's value is old: since the broker received it.
#[must_use]
pub fn age(record: &Record, now: Timestamp) -> std::time::Duration {
    now.since(record.received())
}

#[cfg(test)]
mod tests;
