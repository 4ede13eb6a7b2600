//! The hub: takes updates, keeps the directory, numbers what happens, answers what is asked. Pure: no socket, no
//! clock; times are arguments and bytes come out.

mod freshness;
mod page;
mod senders;
mod ttls;

use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{
    Expected, Forgotten, Freshness as Word, FreshnessChange, Mark, Query, Rejected, Timestamp, Update,
};
use thingsbus_client::directory::{Bookmark, Directory, Place, Put, Record, THING_BYTES, Value};

pub use freshness::{Freshness, Learned, Look};
pub use senders::Senders;
pub use ttls::Ttls;

/// How much the hub keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HubLimits {
    /// The most things.
    pub things_max: usize,
    /// About the most memory for them, in bytes.
    pub directory_bytes_max: usize,
}

/// The one who touches the directory.
pub struct Hub {
    directory: Directory,
    epoch: String,
    seq: u64,
    limits: HubLimits,
    /// Who numbers its updates.
    pub senders: Senders,
    /// Which things are to be forgotten, and when.
    pub ttls: Ttls,
    /// Which things speak as they used to.
    pub freshness: Freshness,
    /// What is restored, until all of it is.
    restored: Vec<(Place, Learned)>,
    /// What was forgotten up to this update is not told any more as such.
    all_since: u64,
    forgotten: u64,
}

/// What happened last to a thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Last<'a> {
    /// It has this value.
    Update(Update<'a>),
    /// It was forgotten.
    Forgotten(Forgotten<'a>),
}

impl<'a> Last<'a> {
    fn of(record: &'a Record) -> Self {
        if record.is_forgotten() {
            let (ns, ts, seq) = (record.ns(), record.ts(), record.seq());
            Self::Forgotten(Forgotten { ns, ts, seq, merged: None })
        } else {
            Self::Update(record.update())
        }
    }

    /// The number of that.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        match self {
            Self::Update(update) => update.seq(),
            Self::Forgotten(forgotten) => Some(forgotten.seq),
        }
    }

    /// Appends it as who is told late gets it.
    pub fn push_told_late(&self, merged: u64, out: &mut Vec<u8>) {
        match self {
            Self::Update(update) => update.told_late(merged).push_json(out),
            Self::Forgotten(forgotten) => Forgotten { merged: Some(merged), ..*forgotten }.push_json(out),
        }
    }
}

impl Hub {
    /// With an empty directory. `epoch` names this life of the broker: another one each time.
    #[must_use]
    pub fn new(epoch: String, limits: HubLimits) -> Self {
        let (directory, senders, ttls, freshness) = Default::default();
        Self {
            directory,
            epoch,
            seq: 0,
            limits,
            senders,
            ttls,
            freshness,
            restored: Vec::new(),
            all_since: 0,
            forgotten: 0,
        }
    }

    /// What is known.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The name of this life of the broker.
    #[must_use]
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The number of the last update.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Other limits from now on. What is there already stays.
    pub fn set_limits(&mut self, limits: HubLimits) {
        self.limits = limits;
    }

    /// Takes an update that came at `now`: numbers it, keeps it, and writes it to `out` as clients get it. Gives where the
    /// thing is, and the number of its update before, if there was one. That it spoke by that, and is not only told of by a
    /// snapshot, is said by [`Freshness::spoke`].
    ///
    /// # Errors
    /// [`Rejected::DirectoryFull`]; nothing is changed then.
    pub fn take(&mut self, update: &Update<'_>, now: Timestamp, out: &mut Vec<u8>) -> Result<Put, Rejected> {
        self.make_room(update)?;
        self.seq += 1;
        let update = update.stamped(now, self.seq);
        let value = Value {
            data: update.data(),
            ts: update.ts().unwrap_or(now),
            received: now,
            seq: self.seq,
            documentation_url: update.documentation_url(),
        };
        let put = self.directory.put(update.ns(), &value);
        update.push_json(out);
        Ok(put)
    }

    /// Forgets a thing, and writes that to `out` as clients get it. Gives the number of its update before; `None` where
    /// there is no such thing.
    pub fn forget(&mut self, ns: &str, now: Timestamp, out: &mut Vec<u8>) -> Option<u64> {
        let before = self.directory.forget(ns, self.seq + 1, now)?;
        self.seq += 1;
        self.forgotten += 1;
        if let Some(place) = self.directory.place_of(ns) {
            self.ttls.remove(place);
            self.freshness.forget(place);
        }
        Forgotten { ns, ts: now, seq: self.seq, merged: None }.push_json(out);
        Some(before)
    }

    /// The thing is to be forgotten where it says nothing for so long from now on; not at all where there is no `ttl`.
    pub fn set_ttl(&mut self, ns: &str, ttl: Option<Duration>, now: Instant) {
        let Some(place) = self.directory.place_of(ns) else { return };
        match ttl.and_then(|ttl| Some((now.checked_add(ttl)?, ttl))) {
            Some((due, ttl)) => self.ttls.set(place, due, ttl),
            None => self.ttls.remove(place),
        }
    }

    /// How many things were forgotten in this life.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Gives the memory of forgotten things back, but for the last `keep`, and but for what was forgotten after update
    /// `through`. `true` where anything was removed.
    pub fn tidy(&mut self, keep: usize, through: u64) -> bool {
        let removed = self.directory.remove_forgotten(keep, through);
        self.all_since = self.all_since.max(removed.unwrap_or(0));
        removed.is_some()
    }

    /// Who knows the directory as it was up to this update, and no further, is told all there is.
    #[must_use]
    pub fn all_since(&self) -> u64 {
        self.all_since
    }

    /// How fresh a thing is, and what was expected of it. A thing that does not exist is fresh.
    #[must_use]
    pub fn expected(&self, ns: &str) -> Expected {
        self.directory.place_of(ns).map(|place| self.freshness.expected(place)).unwrap_or_default()
    }

    /// How many things have each of [`Word::ALL`].
    #[must_use]
    pub fn words(&self) -> [usize; 3] {
        let (late, silent) = self.freshness.late_and_silent();
        [self.directory.len().saturating_sub(late + silent), late, silent]
    }

    /// Writes to `out`, as clients get it, that a thing's word is not any more what it was.
    pub fn push_freshness(&self, place: Place, was: Word, now: Timestamp, out: &mut Vec<u8>) {
        let Some(record) = self.directory.at(place) else { return };
        let (ns, seq, expected) = (record.ns(), record.seq(), self.freshness.expected(place));
        FreshnessChange { ns, ts: now, was, expected, seq }.push_json(out);
    }

    /// A thing is as it was in another life of the broker, with its ttl and when that is over, and what was learned of how
    /// it speaks. After the last one, [`Hub::restored`] is called.
    pub fn restore(
        &mut self,
        ns: &str,
        value: &Value<'_>,
        ttl: Option<(Instant, Duration)>,
        learned: Option<Learned>,
    ) {
        let Put { place, .. } = self.directory.put(ns, value);
        self.seq = self.seq.max(value.seq);
        if let Some((due, ttl)) = ttl {
            self.ttls.set(place, due, ttl);
        }
        self.restored.extend(learned.map(|learned| (place, learned)));
    }

    /// Everything is restored. Where the broker before was stopped in good order, its life goes on: numbers and epoch
    /// say the same as before, and clients ask only for what changed.
    pub fn restored(&mut self, life: Option<(String, u64)>) {
        self.directory.sort_by_seq();
        // Up to then, at the least, somebody listened. What was quiet since is not held against anybody.
        let heard = |record: &Record| record.received().seconds();
        let until = self.directory.newest_first().map(heard).reduce(f64::max);
        let until = until.and_then(Timestamp::from_seconds).unwrap_or_default();
        for (place, learned) in std::mem::take(&mut self.restored) {
            if let Some(record) = self.directory.at(place) {
                self.freshness.restore(place, &learned, until.since(record.received()));
            }
        }
        if let Some((epoch, seq)) = life {
            self.epoch = epoch;
            self.seq = self.seq.max(seq);
            // What was forgotten in that life is not known any more.
            self.all_since = self.seq;
        }
    }

    /// Forgets everything, as if nothing had ever spoken.
    pub fn forget_all(&mut self) {
        self.directory = Directory::new();
        (self.senders, self.ttls, self.freshness, self.restored) = Default::default();
        self.seq = 0;
    }

    /// The last values of the things whose names begin with `beginning`, those after `after`.
    pub fn last_values(&self, beginning: &str, after: Option<&str>) -> impl Iterator<Item = Update<'_>> {
        self.directory.starting_with(beginning, after).map(Record::update)
    }

    /// A place in the stream right before the last update, from which [`Hub::next_after`] goes on.
    pub fn bookmark_before_last(&mut self) -> Bookmark {
        self.directory.bookmark_before_newest()
    }

    /// The next thing that was updated or forgotten after the bookmark, as it is now; the bookmark is after it then. `None`
    /// where there is none: who stands there has everything.
    pub fn next_after(&mut self, bookmark: &Bookmark) -> Option<Last<'_>> {
        self.directory.advance(bookmark).map(Last::of)
    }

    /// Forgets a bookmark.
    pub fn remove_bookmark(&mut self, bookmark: Bookmark) {
        self.directory.remove_bookmark(bookmark);
    }

    /// Answers a query, as one page.
    pub fn answer(&self, query: &Query, now: Timestamp, out: &mut Vec<u8>) {
        page::answer(self, query, now, out);
    }

    /// Writes the next part of the periodic snapshot: the things after `after` that were heard of since
    /// `heard_since`. Gives where the part after that begins; `None` where this was the last.
    pub fn snapshot_part(
        &self,
        after: Option<&str>,
        heard_since: Timestamp,
        now: Timestamp,
        out: &mut Vec<u8>,
    ) -> Option<String> {
        page::snapshot_part(self, after, heard_since, now, out)
    }

    /// Writes the answer to a mark of a client that follows the stream, or that is behind it and has everything up to
    /// `behind`.
    pub fn mark(&self, mark: &str, behind: Option<u64>, out: &mut Vec<u8>) {
        Mark::new(mark, &self.epoch, behind.unwrap_or(self.seq)).push_json(out);
    }

    /// Is there room for what the update brings?
    fn make_room(&self, update: &Update<'_>) -> Result<(), Rejected> {
        let bytes = update.data().len() + update.ns().len() + THING_BYTES;
        if self.directory.len() < self.limits.things_max
            && self.directory.bytes() + bytes <= self.limits.directory_bytes_max
        {
            return Ok(()); // Whatever it is; most often it is so.
        }
        let (things, bytes) = match self.directory.get(update.ns()) {
            Some(known) => (0, update.data().len().saturating_sub(known.data().len())),
            None => (1, bytes),
        };
        // What makes nothing larger is taken even where a lower limit was set since.
        let fits = (things == 0 || self.directory.len() < self.limits.things_max)
            && (bytes == 0 || self.directory.bytes() + bytes <= self.limits.directory_bytes_max);
        if fits { Ok(()) } else { Err(Rejected::DirectoryFull) }
    }
}

#[cfg(test)]
mod tests;
