//! Lets go the names of things whose whole past is gone. Which those are is found out by looking where each of some
//! names could be: some names at a time, one run after the other, a step at a time.

use std::collections::BTreeSet;

use super::super::head::{Problem, other};
use super::History;
use super::block::{Key, entries};
use super::file::{self, BLOCKS, NAMES, When};
use super::parts::Blocks;
use super::run::State;

/// How often at the most, in seconds: each time, the runs are read.
const SWEPT_EVERY_S: f64 = 21_600.0;

/// How many names are looked for at once.
const NAMES_AT_ONCE: usize = 1_024;

/// What looking for a thing costs at least, in bytes read.
const LOOK_BYTES: usize = 4_096;

/// How far it is.
#[derive(Debug)]
pub(super) struct Sweep {
    /// Something went since it last began, or may have before the file was opened.
    is_due: bool,
    begun: f64,
    /// The first name that is not looked for yet; `None` where all were.
    from: Option<u32>,
    looking: Option<Looking>,
}

/// Names that are looked for. What comes meanwhile is open, or in a run that is not `done`.
#[derive(Debug, Default)]
struct Looking {
    /// Those that were not found yet.
    silent: BTreeSet<u32>,
    /// Runs in which they were looked for.
    done: BTreeSet<u32>,
    /// Where to go on in the run that is looked through.
    at: Option<(u32, u32)>,
}

impl Sweep {
    pub(super) fn new() -> Self {
        Self { is_due: true, begun: f64::MIN, from: None, looking: None }
    }

    /// A run is not there for anybody any more.
    pub(super) fn went(&mut self) {
        self.is_due = true;
    }

    /// A run's number is free, and the next run may get it.
    pub(super) fn removed(&mut self, number: u32) {
        if let Some(looking) = &mut self.looking {
            looking.done.remove(&number);
            looking.at = looking.at.filter(|(run, _)| *run != number);
        }
    }
}

impl History {
    /// Does one step; `true` where there is more. Only where no run is being written or removed: then each point is open
    /// or in a run that stays as it is.
    pub(super) fn sweep(&mut self, now: f64) -> Result<bool, Problem> {
        if self.job.is_some() || self.runs.values().any(|run| run.state != State::Ready) {
            return Ok(false);
        }
        let Some(mut looking) = self.sweep.looking.take() else { return self.sweep_more(now) };
        // The newest first: most things are in it.
        let run = self.runs.keys().rev().find(|run| !looking.done.contains(run)).copied();
        match run {
            Some(run) if !looking.silent.is_empty() => {
                let bytes = self.step_bytes;
                file::read(&self.database, |reading| {
                    looking.look(run, &reading.open_table(BLOCKS).map_err(other)?, bytes)
                })?;
                self.sweep.looking = Some(looking);
            }
            _ => self.drop_names(&looking.silent)?,
        }
        Ok(true)
    }

    /// Begins with the next names, or anew where that is due.
    fn sweep_more(&mut self, now: f64) -> Result<bool, Problem> {
        let from = match self.sweep.from {
            Some(from) => from,
            None => {
                let is_soon = (self.sweep.begun..self.sweep.begun + SWEPT_EVERY_S).contains(&now);
                if !self.sweep.is_due || is_soon {
                    return Ok(false);
                }
                self.sweep.is_due = false;
                self.sweep.begun = now;
                0
            }
        };
        let mut silent = BTreeSet::new();
        let mut last = None;
        file::read(&self.database, |reading| {
            for name in reading.open_table(NAMES).map_err(other)?.range(from..)?.take(NAMES_AT_ONCE) {
                let id = name?.0.value();
                last = Some(id);
                if self.open.of(id).next().is_none() {
                    silent.insert(id);
                }
            }
            Ok(())
        })?;
        self.sweep.from = last.and_then(|last| last.checked_add(1));
        self.sweep.looking = last.map(|_| Looking { silent, ..Looking::default() });
        Ok(last.is_some())
    }

    fn drop_names(&mut self, silent: &BTreeSet<u32>) -> Result<(), Problem> {
        let Self { database, names, open, .. } = self;
        let mut silent = silent.iter().filter(|id| open.of(**id).next().is_none()).peekable();
        if silent.peek().is_none() {
            return Ok(());
        }
        let dropped = file::write(database, When::Later, |writing| {
            silent.try_for_each(|id| names.forget_number(writing, *id))
        });
        if dropped.is_err() {
            names.clear(); // Some of them may still be in the file.
        }
        dropped
    }
}

impl Looking {
    /// Looks for them in a run, until it has read `bytes`.
    fn look(&mut self, run: u32, blocks: &Blocks, bytes: usize) -> Result<(), Problem> {
        let mut at = self.at.take().filter(|(begun, _)| *begun == run).map_or(Some(0), |(_, at)| Some(at));
        let mut read = 0;
        while read < bytes {
            let Some(id) = at.and_then(|at| self.silent.range(at..).next().copied()) else {
                self.done.insert(run);
                return Ok(());
            };
            read += LOOK_BYTES;
            // Where it is, it is in the last block that does not begin with a later thing.
            let mut last = id;
            if let Some(found) = blocks.range((run, 0, 0)..=(run, id, u64::MAX))?.next_back() {
                let (key, block) = found?;
                let (_, first, _): Key = key.value();
                read += block.value().len();
                let Some(entries) = entries(block.value(), first) else {
                    // Whose it is cannot be told, so all of them stay; who asks for it is told.
                    self.silent.clear();
                    return Ok(());
                };
                for entry in entries {
                    self.silent.remove(&entry.id);
                    last = last.max(entry.id);
                }
            }
            // Those between it and the next block are not in this run.
            at = match last.checked_add(1) {
                Some(at) => {
                    let next = blocks.range((run, at, 0)..=(run, u32::MAX, u64::MAX))?.next();
                    next.transpose()?.map(|(key, _)| key.value().1)
                }
                None => None,
            };
        }
        match at {
            Some(at) => self.at = Some((run, at)),
            None => drop(self.done.insert(run)),
        }
        Ok(())
    }
}
