//! The history: what every thing said over time, on disk, within bounds. What comes is put into a journal at once; when
//! there is enough of it, it is written as a run, packed by thing. Runs are rolled up into lines for each minute, and
//! those for each hour; of all three the oldest goes when it is too old, or when there is too much.
//!
//! It knows no socket and no clock, and of the disk only what its storage tells. It is one thread's.

mod block;
mod bytes;
mod column;
mod file;
mod flush;
mod job;
mod lines;
mod names;
mod open;
mod part;
mod parts;
mod points;
mod query;
mod rows;
mod rules;
mod run;
mod shape;
mod sweep;
mod tidy;

use std::collections::BTreeMap;

use redb::{Database, ReadableTable, StorageBackend};
use thingsbus_adaptor::wire::Timestamp;

use super::head::{Problem, guarded, other};
use file::{RUNS, SHELVES, When, broken};
use job::Job;
use names::Names;
use open::{Open, OpenRow};
use run::{Run, Shelf, State};
use sweep::Sweep;

#[cfg(test)]
pub(super) use query::OwnedPoint;
pub(crate) use {
    lines::Line,
    points::Points,
    query::{Buckets, End, Found, Span},
    rows::Place,
    rules::{RULES_MAX, Rule, Rules},
    run::Tier,
};

/// How much is kept open, in bytes: what a run is packed from. Less makes runs in which things have few points each, so
/// that they do not pack well; more is more memory, and more to read when the file is opened.
const OPEN_BYTES: usize = 8 * 1024 * 1024;

/// But no more than this part of what all rules allow on disk, since the journal lies there too.
const OPEN_PART: u64 = 32;

/// Nor less, for then every batch would be a run.
const OPEN_BYTES_LEAST: usize = 32 * 1024;

/// How much a job reads in one step, in bytes: some hundred thousand points at the most, so that what waits meanwhile does
/// not wait long.
const STEP_BYTES: usize = 256 * 1024;

/// What every thing said over time.
pub(crate) struct History {
    database: Database,
    rules: Rules,
    names: Names,
    open: Open,
    /// The number of the journal's last row.
    journal: u64,
    shelves: BTreeMap<u32, Shelf>,
    runs: BTreeMap<u32, Run>,
    job: Option<Job>,
    sweep: Sweep,
    step_bytes: usize,
    /// The memory of the last batch.
    fresh: Open,
}

/// How much of a tier there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct TierStats {
    /// Points, or lines.
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
    pub(crate) runs: u64,
    /// When the oldest came, in seconds since 1970.
    pub(crate) oldest: Option<f64>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stats {
    /// By the numbers of [`Tier::ALL`]; what is open is not among them.
    pub(crate) tiers: [TierStats; 3],
    /// Points that are in no run yet.
    pub(crate) open: u64,
    pub(crate) open_bytes: usize,
    /// What is being written, or still to be removed, in bytes.
    pub(crate) going_bytes: u64,
    /// What things' names take, in bytes.
    pub(crate) names_bytes: u64,
}

impl History {
    /// Opens what `backend` has, or makes it where there is nothing.
    ///
    /// # Errors
    /// [`Problem::Broken`] where it is of no use; not all of that is found here, for it is not looked through.
    pub(crate) fn open(backend: impl StorageBackend, rules: Rules) -> Result<Self, Problem> {
        // Where the rest fails, the file is closed, which may fail too.
        guarded(|| Self::read(file::open(backend)?, rules))
    }

    /// Lets go of the file. A broken one may be found out only by that, with a panic of redb's.
    pub(crate) fn close(self) -> Result<(), Problem> {
        guarded(|| {
            drop(self);
            Ok(())
        })
    }

    fn read(database: Database, rules: Rules) -> Result<Self, Problem> {
        let mut shelves = BTreeMap::new();
        let mut runs = BTreeMap::new();
        let (open, journal) = file::read(&database, |reading| {
            for row in reading.open_table(SHELVES).map_err(other)?.iter()? {
                let (number, row) = row?;
                let shelf = Shelf::read(row.value(), |prefix| rules.of_prefix(prefix));
                shelves.insert(number.value(), shelf.ok_or_else(|| broken("a shelf"))?);
            }
            for row in reading.open_table(RUNS).map_err(other)?.iter()? {
                let (number, row) = row?;
                let mut run = Run::read(row.value()).ok_or_else(|| broken("a run"))?;
                if run.state == State::Building {
                    run.state = State::Going; // Who built it is no more.
                }
                runs.insert(number.value(), run);
            }
            Open::read(reading, &rules)
        })?;
        let names = file::read(&database, Names::read)?;
        Ok(Self {
            database,
            rules,
            names,
            open,
            journal,
            shelves,
            runs,
            job: None,
            sweep: Sweep::new(),
            step_bytes: STEP_BYTES,
            fresh: Open::default(),
        })
    }

    /// Takes points: they are on disk when this returns, or none of them after a crash.
    pub(crate) fn add(&mut self, points: &Points) -> Result<(), Problem> {
        if points.is_empty() {
            return Ok(());
        }
        if self.open.bytes() > 2 * self.open_bytes() {
            self.flush()?; // Nobody tidied.
        }
        let Self { database, rules, names, fresh, journal, .. } = self;
        fresh.clear();
        let written = file::write(database, When::Now, |writing| {
            for point in points.iter() {
                fresh.push(&OpenRow {
                    id: names.get_or_make(writing, point.ns)?,
                    rule: rules.of(point.ns),
                    received: point.received.seconds(),
                    ts: point.ts.seconds(),
                    seq: point.seq,
                    data: point.data.as_bytes(),
                });
            }
            fresh.write(writing, *journal)
        });
        match written {
            Ok(last) => *journal = last,
            Err(problem) => {
                names.clear(); // Some of them may not be in the file.
                return Err(problem);
            }
        }
        self.open.append(&self.fresh);
        Ok(())
    }

    /// From here on the past of these things cannot be asked for. What is on disk of it goes when its runs are merged, or
    /// go.
    pub(crate) fn forget<'n>(&mut self, things: impl IntoIterator<Item = &'n str>) -> Result<(), Problem> {
        let Self { database, names, .. } = self;
        let forgotten = file::write(database, When::Now, |writing| {
            things.into_iter().try_for_each(|ns| names.forget(writing, ns))
        });
        if forgotten.is_err() {
            names.clear(); // Some of them may still be in the file.
        }
        forgotten
    }

    /// When the oldest came of all that there is.
    pub(crate) fn oldest(&self) -> Option<Timestamp> {
        let runs = self.runs.values().filter(|run| run.state == State::Ready).map(|run| run.from);
        runs.chain(self.open.oldest()).min_by(f64::total_cmp).and_then(Timestamp::from_seconds)
    }

    /// How much there is.
    pub(crate) fn stats(&self) -> Stats {
        let mut stats = Stats {
            open: self.open.count(),
            open_bytes: self.open.bytes(),
            names_bytes: self.names.bytes(),
            ..Stats::default()
        };
        for run in self.runs.values() {
            if run.state != State::Ready {
                stats.going_bytes += run.bytes.max(1);
                continue;
            }
            if let Some(tier) = stats.tiers.get_mut(run.tier.number()) {
                tier.rows += run.rows;
                tier.bytes += run.bytes;
                tier.runs += 1;
                tier.oldest = Some(tier.oldest.map_or(run.from, |oldest| oldest.min(run.from)));
            }
        }
        stats
    }

    /// So that jobs take many steps where there is little.
    #[cfg(test)]
    pub(super) fn set_step_bytes(&mut self, bytes: usize) {
        self.step_bytes = bytes;
    }

    fn open_bytes(&self) -> usize {
        let part = usize::try_from(self.rules.bytes_max() / OPEN_PART).unwrap_or(usize::MAX);
        part.clamp(OPEN_BYTES_LEAST, OPEN_BYTES)
    }

    /// The number of the next run.
    fn next_run(&self) -> u32 {
        self.runs.last_key_value().map_or(0, |(number, _)| number.wrapping_add(1))
    }

    /// The runs of a shelf that are there for everybody.
    fn ready(&self, shelf: u32, tier: Tier) -> impl Iterator<Item = (u32, &Run)> {
        let is = move |run: &Run| run.state == State::Ready && run.shelf == shelf && run.tier == tier;
        self.runs.iter().filter(move |(_, run)| is(run)).map(|(number, run)| (*number, run))
    }
}
