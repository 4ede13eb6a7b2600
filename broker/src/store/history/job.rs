//! Rolls runs up and merges them, some at a time: what a thing has in all of them becomes one, and lines of it go to the
//! next tier.

use std::ops::Range;

use redb::{ReadableTable, Table, WriteTransaction};

use super::super::head::{Problem, other};
use super::block::{Entry, Key, Packer, entries};
use super::file::{BLOCKS, NAMES, RUNS, broken};
use super::lines::{Lines, microseconds};
use super::part;
use super::rows::{Place, Rows};
use super::run::{Run, State, Tier};

/// How many points of one thing are held before some are written.
const PENDING_MAX: usize = 4 * part::POINTS_MAX;

/// Or how many bytes of their texts.
const PENDING_BYTES_MAX: usize = 2 * part::TEXT_BYTES_MAX;

/// Runs that become others.
pub(super) struct Job {
    tier: Tier,
    sources: Vec<Source>,
    /// What replaces them; `None` where there is only one of them.
    merged: Option<Output>,
    /// What goes to the next tier.
    rolled: Option<Output>,
    /// The thing that is being written.
    id: Option<u32>,
    /// Whether it is known yet: what was forgotten is left out.
    is_known: bool,
    pending: Rows,
    lines: Lines,
    memory: Vec<u8>,
}

/// A run that is read.
struct Source {
    run: u32,
    /// The block that is being read.
    key: Option<Key>,
    block: Vec<u8>,
    /// Its parts that are to come, in reverse.
    entries: Vec<Entry>,
    /// When the next one begins, where that matters.
    first: Place,
}

/// A run that is written.
struct Output {
    packer: Packer,
    run: Run,
}

impl Job {
    /// `outputs` is the number of the first new run.
    pub(super) fn new(inputs: &[(u32, Run)], roll: bool, outputs: u32) -> Option<Self> {
        let (_, first) = inputs.first()?;
        let level = inputs.iter().map(|(_, run)| run.level).max().unwrap_or_default().saturating_add(1);
        let from = inputs.iter().map(|(_, run)| run.from).fold(f64::MAX, f64::min);
        let to = inputs.iter().map(|(_, run)| run.to).fold(f64::MIN, f64::max);
        let (shelf, tier) = (first.shelf, first.tier);
        let output = |number, tier: Tier, level, rolled| {
            let from = match tier {
                Tier::Values => from,
                // A line begins before its first value.
                tier => (microseconds(from).div_euclid(tier.unit()).saturating_mul(tier.unit())) as f64 / 1e6,
            };
            let state = State::Building;
            let run = Run { state, shelf, tier, level, rolled, from, to, rows: 0, bytes: 0 };
            Output { packer: Packer::new(number), run }
        };
        let next = tier.next().filter(|_| roll);
        let sources = inputs.iter().map(|(number, _)| Source::new(*number)).collect();
        Some(Self {
            tier,
            sources,
            merged: (inputs.len() > 1).then(|| output(outputs, tier, level, true)),
            rolled: next.map(|next| output(outputs.wrapping_add(1), next, 1, false)),
            id: None,
            is_known: false,
            pending: Rows::default(),
            lines: Lines::new(if tier == Tier::Values { Tier::Minutes } else { tier }.unit(), None),
            memory: Vec::new(),
        })
    }

    pub(super) fn inputs(&self) -> impl Iterator<Item = u32> {
        self.sources.iter().map(|source| source.run)
    }

    /// The runs that are being written, as they are so far.
    pub(super) fn outputs(&self) -> impl Iterator<Item = (u32, Run)> {
        self.merged.iter().chain(&self.rolled).map(|output| {
            let bytes = output.packer.bytes();
            (output.packer.run(), Run { bytes, ..output.run })
        })
    }

    /// Whether its inputs are replaced, and not only rolled up.
    pub(super) fn replaces(&self) -> bool {
        self.merged.is_some()
    }

    /// Goes on until it has read `bytes`; `true` once all is written but that the outputs are ready.
    pub(super) fn step(&mut self, writing: &WriteTransaction, bytes: usize) -> Result<bool, Problem> {
        let mut blocks = writing.open_table(BLOCKS).map_err(other)?;
        let names = writing.open_table(NAMES).map_err(other)?;
        if self.id.is_none() {
            let mut runs = writing.open_table(RUNS).map_err(other)?;
            for (number, run) in self.outputs() {
                runs.insert(number, run.to_bytes().as_slice())?;
            }
            for source in &mut self.sources {
                source.load(&blocks, self.tier)?;
            }
        }
        let mut read = 0;
        let mut is_done = false;
        while read < bytes {
            let Some(id) = self.sources.iter().filter_map(Source::id).min() else {
                is_done = true;
                break;
            };
            if self.id != Some(id) {
                self.end_thing();
                self.id = Some(id);
                self.is_known = names.get(id)?.is_some();
            }
            read += self.take_part(id, &blocks)?;
        }
        if is_done {
            self.end_thing();
        }
        for output in self.merged.iter_mut().chain(&mut self.rolled) {
            if is_done {
                output.packer.end();
            }
            for (key, block) in output.packer.take() {
                blocks.insert(key, block.as_slice())?;
            }
        }
        Ok(is_done)
    }

    /// Takes the next part of a thing; gives how many bytes that were.
    fn take_part(&mut self, id: u32, blocks: &Table<'_, Key, &'static [u8]>) -> Result<usize, Problem> {
        let mut of_thing = self.sources.iter_mut().filter(|source| source.id() == Some(id));
        let Some(mut source) = of_thing.next() else { return Ok(0) };
        for other in of_thing {
            if other.first < source.first {
                source = other;
            }
        }
        let part = source.entries.last().and_then(|entry| source.block.get(entry.at.clone()));
        let part = part.unwrap_or_default();
        let read = part.len();
        if self.is_known {
            let taken = match self.tier {
                Tier::Values => part::read(part, &mut self.pending),
                tier => self.lines.add_part(part, tier.unit(), &(i64::MIN..i64::MAX)),
            };
            taken.ok_or_else(|| broken("a part"))?;
        }
        source.entries.pop();
        source.load(blocks, self.tier)?;
        if self.pending.len() >= PENDING_MAX || self.pending.text_bytes() >= PENDING_BYTES_MAX {
            let rest = self.sources.iter().filter(|source| source.id() == Some(id));
            let rest = rest.map(|source| source.first).min();
            self.pending.sort();
            let count = match rest {
                Some(rest) => self.pending.rows.partition_point(|row| row.place() < rest),
                None => self.pending.len(),
            };
            // So that parts become whole ones, the last few wait.
            self.write_pending(id, count - count % part::POINTS_MAX);
        }
        Ok(read)
    }

    /// Writes the first points that are pending.
    fn write_pending(&mut self, id: u32, count: usize) {
        let Self { pending, merged, rolled, lines, memory, .. } = self;
        if let Some(merged) = merged {
            part::push_all(pending, count, memory, |from, part| merged.packer.push(id, from, part));
            merged.run.rows += count as u64;
        }
        if rolled.is_some() {
            for row in pending.rows.iter().take(count) {
                lines.add_text(pending.data(row), row.received);
            }
        }
        if count == pending.len() {
            pending.clear();
        } else if count > 0 {
            pending.remove_first(count);
        }
    }

    /// Writes what is left of the thing.
    fn end_thing(&mut self) {
        let Some(id) = self.id else { return };
        if self.tier == Tier::Values {
            self.pending.sort();
            self.write_pending(id, self.pending.len());
            if let Some(rolled) = &mut self.rolled {
                rolled.push(id, &self.lines);
            }
        } else {
            if let Some(merged) = &mut self.merged {
                merged.push(id, &self.lines);
            }
            if let Some(rolled) = &mut self.rolled {
                let mut lines = Lines::new(rolled.run.tier.unit(), None);
                lines.add_all(&self.lines);
                rolled.push(id, &lines);
            }
        }
        self.lines.clear();
    }
}

impl Output {
    fn push(&mut self, id: u32, lines: &Lines) {
        lines.pack(|from, part| self.packer.push(id, from, part));
        self.run.rows += lines.len() as u64;
    }
}

impl Source {
    fn new(number: u32) -> Self {
        Self { run: number, key: None, block: Vec::new(), entries: Vec::new(), first: Place::FIRST }
    }

    /// The thing whose part is the next one.
    fn id(&self) -> Option<u32> {
        self.entries.last().map(|entry| entry.id)
    }

    /// Sees to it that the next part is here, if there is one.
    fn load(&mut self, blocks: &Table<'_, Key, &'static [u8]>, tier: Tier) -> Result<(), Problem> {
        while self.entries.is_empty() {
            let all: Range<Key> = (self.run, 0, 0)..(self.run.saturating_add(1), 0, 0);
            let begin = self.key.map_or(all.start, |(run, id, time)| (run, id, time.saturating_add(1)));
            let Some(found) = blocks.range(begin..all.end)?.next() else { return Ok(()) };
            let (key, block) = found?;
            let key = key.value();
            self.block.clear();
            self.block.extend_from_slice(block.value());
            self.entries = entries(&self.block, key.1).ok_or_else(|| broken("a block"))?;
            self.entries.reverse();
            self.key = Some(key);
        }
        if let (Tier::Values, Some(entry)) = (tier, self.entries.last()) {
            let part = self.block.get(entry.at.clone()).unwrap_or_default();
            self.first = Place::first_at(part::first_received(part).ok_or_else(|| broken("a part"))?);
        }
        Ok(())
    }
}
