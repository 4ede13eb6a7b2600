//! What can be asked of the history: values, lines of them, and what was at a moment.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use redb::ReadTransaction;
use thingsbus_adaptor::wire::Timestamp;

use super::super::head::{Problem, other};
use super::file::{self, BLOCKS, NUMBERS, broken};
use super::lines::{Line, Lines, microseconds};
pub(crate) use super::parts::End;
use super::parts::{Blocks, Parts};
use super::rows::{Place, Rows};
use super::run::{Run, Tier};
use super::tidy::told_from;
use super::{History, part};

/// The most lines of one path in one answer.
pub(crate) const LINES_MAX: i64 = 10_000;

/// Lines are made from coarser ones whose stretches they do not end with only where each has as many of them: then one
/// more or less is little.
const UNITS_LEAST: i64 = 8;

/// A stretch of a thing's past: the first place is in it, the last is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) from: Place,
    pub(crate) to: Place,
}

impl Span {
    /// What came at `from` or later, and before `to`; all there is where they are missing.
    pub(crate) fn of(from: Option<Timestamp>, to: Option<Timestamp>) -> Self {
        let from = from.map_or(Place::FIRST, |from| Place::first_at(from.seconds()));
        let end = || Place::first_after(f64::MAX);
        Self { from, to: to.map_or_else(end, |to| Place::first_at(to.seconds())) }
    }

    /// What came at `at` or before.
    pub(crate) fn up_to(at: Timestamp) -> Self {
        Self { from: Place::FIRST, to: Place::first_after(at.seconds()) }
    }

    fn has(&self, place: Place) -> bool {
        (self.from..self.to).contains(&place)
    }
}

/// What a thing said once.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct OwnedPoint {
    /// JSON text.
    pub(crate) data: String,
    pub(crate) received: Timestamp,
    pub(crate) ts: Timestamp,
    pub(crate) seq: u64,
}

/// Points, in their order, the oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) points: Vec<OwnedPoint>,
    /// What of the span is still to be asked for, where the limits were reached.
    pub(crate) rest: Option<Span>,
}

/// Lines for each number of a thing, by its path (RFC 6901).
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Buckets {
    pub(crate) paths: BTreeMap<String, Vec<Line>>,
    /// Where to go on, in microseconds since 1970, where there were too many.
    pub(crate) rest: Option<i64>,
}

impl History {
    /// The first or the last points of a span, `count_max` of them at the most and of `bytes_max` together but for one.
    pub(crate) fn values(
        &self,
        ns: &str,
        span: Span,
        end: End,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Found, Problem> {
        file::read(&self.database, |reading| {
            let Some(id) = id_of(reading, ns)? else { return Ok(Found::default()) };
            let blocks = reading.open_table(BLOCKS).map_err(other)?;
            let mut merge = Merge::new(self, &blocks, id, span, end);
            let mut found = Found::default();
            let mut bytes = 0;
            while let Some(place) = merge.next()? {
                if found.points.len() >= count_max || (bytes >= bytes_max && !found.points.is_empty()) {
                    found.rest = Some(match end {
                        End::First => Span { from: place, ..span },
                        End::Last => Span { to: place.next(), ..span },
                    });
                    break;
                }
                let point = merge.take()?;
                bytes += point.data.len();
                found.points.push(point);
            }
            if end == End::Last {
                found.points.reverse();
            }
            Ok(found)
        })
    }

    /// The last point that came at `at` or before.
    pub(crate) fn as_of(&self, ns: &str, at: Timestamp) -> Result<Option<OwnedPoint>, Problem> {
        let mut found = self.values(ns, Span::up_to(at), End::Last, 1, usize::MAX)?;
        Ok(found.points.pop())
    }

    /// Lines of `every` for what came from the one in which `from` is to the one in which the last before `to` is: of all
    /// numbers of a thing, or of the one at `path`.
    pub(crate) fn buckets(
        &self,
        ns: &str,
        path: Option<&str>,
        from: Timestamp,
        to: Timestamp,
        every: Duration,
    ) -> Result<Buckets, Problem> {
        let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1);
        let begin = microseconds(from.seconds()).div_euclid(every).saturating_mul(every);
        let end = microseconds(to.seconds())
            .saturating_sub(1)
            .div_euclid(every)
            .saturating_add(1)
            .saturating_mul(every);
        if end <= begin {
            return Ok(Buckets::default());
        }
        let is_fine = |tier: &Tier| every % tier.unit() == 0 || every / tier.unit() >= UNITS_LEAST;
        let finest = Tier::ALL.into_iter().rfind(is_fine).unwrap_or(Tier::Values);
        file::read(&self.database, |reading| {
            let Some(id) = id_of(reading, ns)? else { return Ok(Buckets::default()) };
            let blocks = reading.open_table(BLOCKS).map_err(other)?;
            // Years in which it said nothing are not told of, page after page.
            let next = |asked: Range<i64>| {
                let first = self.first_in(&blocks, id, finest, asked.clone())?;
                let line = first.map(|first| first.div_euclid(every).saturating_mul(every));
                Ok::<_, Problem>(line.map(|line| line.max(asked.start)))
            };
            let Some(begin) = next(begin..end)? else { return Ok(Buckets::default()) };
            let most = begin.saturating_add(every.saturating_mul(LINES_MAX));
            let (end, rest) = if end > most { (most, next(most..end)?) } else { (end, None) };
            let mut lines = Lines::new(every, path);
            let mut sources = self.sources(finest, begin..end);
            // The oldest first, so that lines are put behind one another.
            sources.sort_by(|one, other| one.1.from.total_cmp(&other.1.from));
            for (number, run, times) in sources {
                let mut parts = parts_in(&blocks, number, id, &times);
                let mut rows = Rows::default();
                while let Some(part) = parts.next()? {
                    if run.tier == Tier::Values {
                        rows.clear();
                        part::read(part, &mut rows).ok_or_else(|| broken("a part"))?;
                        for row in rows.rows.iter().filter(|row| times.contains(&microseconds(row.received)))
                        {
                            lines.add_text(rows.data(row), row.received);
                        }
                    } else {
                        lines.add_part(part, run.tier.unit(), &times).ok_or_else(|| broken("a part"))?;
                    }
                }
            }
            let mut open = open_rows(self, id, |received| (begin..end).contains(&microseconds(received)));
            open.sort();
            for row in &open.rows {
                lines.add_text(open.data(row), row.received);
            }
            Ok(Buckets { paths: lines.into_paths(), rest })
        })
    }

    /// When the first of a thing is that lines of `asked` are made from, if there is any.
    fn first_in(
        &self,
        blocks: &Blocks,
        id: u32,
        finest: Tier,
        asked: Range<i64>,
    ) -> Result<Option<i64>, Problem> {
        let open = self.open.of(id).map(|row| microseconds(row.received));
        let mut first = open.filter(|at| asked.contains(at)).min();
        let mut sources = self.sources(finest, asked);
        // The oldest first, so that few others are looked at.
        sources.sort_by(|one, other| one.1.from.total_cmp(&other.1.from));
        for (number, run, times) in sources {
            let earliest = times.start.max(microseconds(run.from));
            if first.is_some_and(|first| first <= earliest) {
                continue;
            }
            let mut parts = parts_in(blocks, number, id, &times);
            while let Some(part) = parts.next()? {
                let found = first_of(part, run.tier, &times).ok_or_else(|| broken("a part"))?;
                if let Some(found) = found {
                    first = Some(first.map_or(found, |first| first.min(found)));
                    break;
                }
            }
        }
        Ok(first)
    }

    /// Which runs tell of which times, so that each point is told of once, as finely as `finest` and no finer than what
    /// there is. Lines begin at whole hours where one tier ends and the next goes on.
    fn sources(&self, finest: Tier, asked: Range<i64>) -> Vec<(u32, Run, Range<i64>)> {
        let mut sources = Vec::new();
        for (&number, shelf) in &self.shelves {
            // What came from here on the tiers so far tell, but for what is not rolled up into the next one.
            let mut told = i64::MAX;
            for tier in Tier::ALL {
                let is_last = tier == Tier::Hours;
                let from = match shelf.gone_to.get(tier.number()) {
                    _ if tier < finest => i64::MAX,
                    Some(gone_to) if !is_last => told_from(*gone_to).min(told),
                    _ => i64::MIN,
                };
                for (number, run) in self.ready(number, tier) {
                    let begin = if run.rolled && !is_last { from } else { i64::MIN };
                    let times = begin.max(asked.start)..told.min(asked.end);
                    let (first, last) = (microseconds(run.from), microseconds(run.to));
                    if times.start < times.end && first < times.end && last >= times.start {
                        sources.push((number, *run, times));
                    }
                }
                if tier >= finest {
                    told = told.min(from);
                }
            }
        }
        sources
    }
}

fn id_of(reading: &ReadTransaction, ns: &str) -> Result<Option<u32>, Problem> {
    let numbers = reading.open_table(NUMBERS).map_err(other)?;
    Ok(numbers.get(ns)?.map(|number| number.value()))
}

/// The parts of a thing that can have something of these times.
fn parts_in<'a>(blocks: &'a Blocks, run: u32, id: u32, times: &Range<i64>) -> Parts<'a> {
    let mut parts = Parts::new(blocks, run, id, times.start as f64 / 1e6 - 1e-6, End::First);
    parts.until(times.end as f64 / 1e6 + 1e-6);
    parts
}

/// When the first in a part is that is of these times, if there is any. `None` where it cannot be read.
fn first_of(part: &[u8], tier: Tier, times: &Range<i64>) -> Option<Option<i64>> {
    if tier == Tier::Values {
        let mut rows = Rows::default();
        part::read(part, &mut rows)?;
        let all = rows.rows.iter().map(|row| microseconds(row.received));
        return Some(all.filter(|at| times.contains(at)).min());
    }
    let mut lines = Lines::new(tier.unit(), None);
    lines.add_part(part, tier.unit(), times)?;
    let paths = lines.into_paths();
    Some(paths.values().filter_map(|lines| lines.first()).map(|line| line.start).min())
}

/// The open points of a thing.
fn open_rows(history: &History, id: u32, is_wanted: impl Fn(f64) -> bool) -> Rows {
    let mut rows = Rows::default();
    for row in history.open.of(id) {
        if is_wanted(row.received) {
            rows.push(row.received, row.ts, row.seq, row.data);
        }
    }
    rows
}

/// The points of one thing from all runs that have some, one by one. A run is opened when its time has come.
struct Merge<'a> {
    blocks: &'a Blocks,
    id: u32,
    span: Span,
    end: End,
    /// Those that were not opened yet, the next one last.
    runs: Vec<(u32, Run)>,
    active: Vec<Active<'a>>,
    /// The one whose point is the next.
    next: usize,
}

/// A run that is read.
struct Active<'a> {
    /// None for what is open.
    parts: Option<Parts<'a>>,
    /// The points of its present part that are wanted, the next one last.
    rows: Rows,
}

impl<'a> Merge<'a> {
    fn new(history: &History, blocks: &'a Blocks, id: u32, span: Span, end: End) -> Self {
        let is_in = |run: &Run| Place::first_at(run.from) < span.to && Place::first_after(run.to) > span.from;
        let all = history.shelves.keys().flat_map(|shelf| history.ready(*shelf, Tier::Values));
        let mut runs: Vec<(u32, Run)> =
            all.filter(|(_, run)| is_in(run)).map(|(number, run)| (number, *run)).collect();
        match end {
            End::First => runs.sort_by(|one, other| other.1.from.total_cmp(&one.1.from)),
            End::Last => runs.sort_by(|one, other| one.1.to.total_cmp(&other.1.to)),
        }
        let mut open = Active { parts: None, rows: open_rows(history, id, |_| true) };
        open.keep(span, end);
        Self { blocks, id, span, end, runs, active: vec![open], next: 0 }
    }

    /// The place of the next point.
    fn next(&mut self) -> Result<Option<Place>, Problem> {
        loop {
            let mut best: Option<(usize, Place)> = None;
            for (number, active) in self.active.iter().enumerate() {
                let Some(place) = active.rows.rows.last().map(super::rows::Row::place) else { continue };
                let is_better = best.is_none_or(|(_, best)| match self.end {
                    End::First => place < best,
                    End::Last => place > best,
                });
                if is_better {
                    best = Some((number, place));
                }
            }
            let is_next = |run: &Run| {
                best.is_none_or(|(_, place)| match self.end {
                    End::First => Place::first_at(run.from) <= place,
                    End::Last => Place::first_after(run.to) > place,
                })
            };
            match self.runs.pop_if(|(_, run)| is_next(run)) {
                Some((number, run)) => self.begin(number, &run)?,
                None => {
                    self.next = best.map_or(0, |(number, _)| number);
                    return Ok(best.map(|(_, place)| place));
                }
            }
        }
    }

    fn begin(&mut self, number: u32, run: &Run) -> Result<(), Problem> {
        let time = match self.end {
            End::First => self.span.from.time().max(run.from),
            End::Last => self.span.to.time().min(run.to),
        };
        let parts = Parts::new(self.blocks, number, self.id, time, self.end);
        let mut active = Active { parts: Some(parts), rows: Rows::default() };
        active.fill(self.span, self.end)?;
        if active.rows.len() > 0 {
            self.active.push(active);
        }
        Ok(())
    }

    /// Takes the point whose place was told.
    fn take(&mut self) -> Result<OwnedPoint, Problem> {
        let (span, end) = (self.span, self.end);
        let gone = || broken("a point");
        let active = self.active.get_mut(self.next).ok_or_else(gone)?;
        let row = active.rows.rows.pop().ok_or_else(gone)?;
        let data = std::str::from_utf8(active.rows.data(&row)).map_err(|_| gone())?.to_owned();
        let received = Timestamp::from_seconds(row.received).ok_or_else(gone)?;
        let ts = Timestamp::from_seconds(row.ts).ok_or_else(gone)?;
        active.fill(span, end)?;
        if active.rows.len() == 0 {
            self.active.swap_remove(self.next);
        }
        Ok(OwnedPoint { data, received, ts, seq: row.seq })
    }
}

impl Active<'_> {
    /// Sees to it that the next point is here, if there is one.
    fn fill(&mut self, span: Span, end: End) -> Result<(), Problem> {
        while self.rows.len() == 0 {
            let Some(parts) = &mut self.parts else { return Ok(()) };
            let Some(part) = parts.next()? else { return Ok(()) };
            self.rows.clear();
            part::read(part, &mut self.rows).ok_or_else(|| broken("a part"))?;
            let is_over = match end {
                End::First => self.rows.rows.last().is_some_and(|row| row.place() >= span.to),
                End::Last => self.rows.rows.first().is_some_and(|row| row.place() < span.from),
            };
            self.keep(span, end);
            if is_over {
                self.parts = None;
            }
        }
        Ok(())
    }

    /// Only what is in the span, the next one last.
    fn keep(&mut self, span: Span, end: End) {
        self.rows.rows.retain(|row| span.has(row.place()));
        self.rows.sort();
        if end == End::First {
            self.rows.rows.reverse();
        }
    }
}
