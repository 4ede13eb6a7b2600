//! Keeps the history in order, a step at a time: writes what is open, rolls up, merges, lets go what is too old or too
//! much, and with it the names that are of nothing any more.

use redb::WriteTransaction;
use thingsbus_adaptor::wire::Timestamp;

use super::super::head::{Problem, other};
use super::History;
use super::file::{self, RUNS, SHELVES, When};
use super::job::Job;
use super::lines::microseconds;
use super::run::{HOUR, Run, State, Tier};

/// How old what is open becomes, in seconds: what is in the journal takes more room than in a run.
const OPEN_AGE_S: f64 = 3_600.0;

/// How many blocks of a run are removed in one step.
const BLOCKS_REMOVED: usize = 256;

/// The most runs that are read at once.
const INPUTS_MAX: usize = 64;

/// How many runs that were merged as often make a merge worth it.
const MERGED_AT_ONCE: usize = 16;

/// How often at the most: three times sixteen runs are thousands.
const LEVEL_MAX: u8 = 3;

/// What a run or a job's inputs may have of a tier's bytes: one run goes at once, and a job needs as much again until its
/// inputs are gone.
const RUN_PART: u64 = 16;

/// How much of the bytes that are allowed runs may have, in eighths: the rest is for what redb needs of its own, for
/// gaps, for the journal, and for what is written before what it replaces is gone.
const USED_EIGHTHS: u64 = 6;

/// How much of a tier is to be together before it is rolled up, in seconds.
fn worth_rolling(tier: Tier) -> f64 {
    match tier {
        Tier::Values => 600.0,
        Tier::Minutes | Tier::Hours => 21_600.0,
    }
}

/// What has to be done about what is too old or too much.
enum Expiry {
    Nothing,
    /// This run goes.
    Goes(u32),
    /// This tier of this shelf is rolled up first.
    Rolls(u32, Tier),
}

impl History {
    /// Does one step of what is to be done; `true` where there is more.
    pub(crate) fn tidy(&mut self, now: Timestamp) -> Result<bool, Problem> {
        let now = now.seconds();
        let is_old = self.open.oldest().is_some_and(|oldest| oldest <= now - OPEN_AGE_S);
        if self.open.bytes() >= self.open_bytes() || is_old {
            self.flush()?;
            return Ok(true);
        }
        let going = self.runs.iter().find(|(_, run)| run.state == State::Going);
        if let Some((&number, _)) = going {
            self.remove_some(number)?;
            return Ok(true);
        }
        let rolls = match self.expiry(now) {
            Expiry::Goes(number) => {
                self.let_go(number)?;
                return Ok(true);
            }
            Expiry::Rolls(shelf, tier) => Some((shelf, tier)),
            Expiry::Nothing => None,
        };
        if self.job.is_none() {
            self.job = self.next_job(rolls);
            for (number, run) in self.job.iter().flat_map(Job::outputs) {
                self.runs.insert(number, run);
            }
        }
        if self.job.is_some() {
            self.work()?;
            return Ok(true);
        }
        self.sweep(now)
    }

    fn remove_some(&mut self, number: u32) -> Result<(), Problem> {
        let is_gone = file::write(&self.database, When::Later, |writing| {
            let is_gone = file::remove_blocks(writing, number, BLOCKS_REMOVED)?;
            if is_gone {
                writing.open_table(RUNS).map_err(other)?.remove(number)?;
            }
            Ok(is_gone)
        })?;
        if is_gone {
            self.runs.remove(&number);
            self.sweep.removed(number);
        }
        Ok(())
    }

    /// The oldest of what is too old or too much, if there is any.
    fn expiry(&self, now: f64) -> Expiry {
        for number in self.rules.numbers() {
            let Some(rule) = self.rules.get(number) else { continue };
            for tier in Tier::ALL {
                let is_under = |run: &Run| {
                    run.tier == tier && self.shelves.get(&run.shelf).is_some_and(|shelf| shelf.rule == number)
                };
                let mut oldest: Option<(u32, &Run)> = None;
                let mut bytes = 0;
                for (&number, run) in self.runs.iter().filter(|(_, run)| is_under(run)) {
                    bytes += run.bytes;
                    let is_older = oldest.is_none_or(|(_, oldest)| run.to < oldest.to);
                    if run.state == State::Ready && is_older {
                        oldest = Some((number, run));
                    }
                }
                let Some((number, oldest)) = oldest else { continue };
                let is_too_old = oldest.to < now - tier.age(rule) as f64;
                if !is_too_old && bytes <= tier.share(rule) / 8 * USED_EIGHTHS {
                    continue;
                }
                if self.job.as_ref().is_some_and(|job| job.inputs().any(|input| input == number)) {
                    continue; // It is being read, and goes afterwards.
                }
                if oldest.rolled || tier == Tier::Hours {
                    return Expiry::Goes(number);
                }
                if self.job.is_none() {
                    return Expiry::Rolls(oldest.shelf, tier);
                }
            }
        }
        Expiry::Nothing
    }

    /// From here on the run is not there for anybody.
    fn let_go(&mut self, number: u32) -> Result<(), Problem> {
        let Some(run) = self.runs.get_mut(&number) else { return Ok(()) };
        run.state = State::Going;
        self.sweep.went();
        let Some(shelf) = self.shelves.get_mut(&run.shelf) else { return Ok(()) };
        if let Some(gone_to) = shelf.gone_to.get_mut(run.tier.number()) {
            *gone_to = gone_to.max(run.to);
        }
        file::write(&self.database, When::Later, |writing| {
            writing.open_table(RUNS).map_err(other)?.insert(number, run.to_bytes().as_slice())?;
            let mut shelves = writing.open_table(SHELVES).map_err(other)?;
            shelves.insert(run.shelf, shelf.to_bytes().as_slice())?;
            Ok(())
        })
    }

    /// What is to be rolled up or merged next. `rolls` must be, for it is in the way.
    fn next_job(&self, rolls: Option<(u32, Tier)>) -> Option<Job> {
        for (&number, shelf) in &self.shelves {
            let Some(rule) = self.rules.get(shelf.rule) else { continue };
            for tier in [Tier::Values, Tier::Minutes] {
                let bytes_max = tier.share(rule) / RUN_PART;
                let inputs: Vec<(u32, Run)> = self
                    .ready(number, tier)
                    .filter(|(_, run)| !run.rolled)
                    .map(|(number, run)| (number, *run))
                    .collect();
                let bytes: u64 = inputs.iter().map(|(_, run)| run.bytes).sum();
                let is_due = span(&inputs) >= worth_rolling(tier)
                    || bytes >= bytes_max
                    || inputs.len() >= INPUTS_MAX
                    || rolls == Some((number, tier));
                if is_due && !inputs.is_empty() {
                    return Job::new(&first_of(inputs, bytes_max), true, self.next_run());
                }
            }
        }
        self.shelves.keys().find_map(|shelf| Tier::ALL.into_iter().find_map(|tier| self.merge(*shelf, tier)))
    }

    /// Many small runs become a large one.
    fn merge(&self, number: u32, tier: Tier) -> Option<Job> {
        let rule = self.rules.get(self.shelves.get(&number)?.rule)?;
        (1..LEVEL_MAX).find_map(|level| {
            let is_done = |run: &Run| (run.rolled || tier == Tier::Hours) && run.level == level;
            let mut runs: Vec<(u32, Run)> = self
                .ready(number, tier)
                .filter(|(_, run)| is_done(run))
                .map(|(number, run)| (number, *run))
                .collect();
            if runs.len() < MERGED_AT_ONCE {
                return None;
            }
            runs.sort_by(|one, other| one.1.to.total_cmp(&other.1.to));
            runs.truncate(MERGED_AT_ONCE);
            let bytes: u64 = runs.iter().map(|(_, run)| run.bytes).sum();
            // It goes as a whole, so it must not hold on to what is old for much longer.
            let is_short = span(&runs) <= tier.age(rule) as f64 / 8.0;
            if bytes > tier.share(rule) / RUN_PART || !is_short {
                return None;
            }
            Job::new(&runs, false, self.next_run())
        })
    }

    /// A step of the job; when it is done, what it made takes the place of what it was made from, all at once.
    fn work(&mut self) -> Result<(), Problem> {
        let Some(mut job) = self.job.take() else { return Ok(()) };
        let Self { database, runs, step_bytes, .. } = self;
        let (is_done, changed) = file::write(database, When::Later, |writing| {
            let is_done = job.step(writing, *step_bytes)?;
            let changed = if is_done { finish(&job, runs, writing)? } else { job.outputs().collect() };
            Ok((is_done, changed))
        })?;
        for (number, run) in changed {
            if run.state == State::Going && run.bytes == 0 {
                self.runs.remove(&number);
                self.sweep.removed(number);
            } else {
                self.runs.insert(number, run);
            }
        }
        if !is_done {
            self.job = Some(job);
        }
        Ok(())
    }
}

/// How much time is between the first and the last of runs.
fn span(runs: &[(u32, Run)]) -> f64 {
    let from = runs.iter().map(|(_, run)| run.from).fold(f64::MAX, f64::min);
    let to = runs.iter().map(|(_, run)| run.to).fold(f64::MIN, f64::max);
    to - from
}

/// The oldest of runs, as many as can be read at once.
fn first_of(mut runs: Vec<(u32, Run)>, bytes_max: u64) -> Vec<(u32, Run)> {
    runs.sort_by(|one, other| one.1.from.total_cmp(&other.1.from));
    let mut bytes = 0;
    let mut count = 0;
    for (_, run) in runs.iter().take(INPUTS_MAX) {
        bytes += run.bytes;
        if count > 0 && bytes > bytes_max {
            break;
        }
        count += 1;
    }
    runs.truncate(count);
    runs
}

/// Notes what the job's runs are from here on, and gives it.
fn finish(
    job: &Job,
    runs: &std::collections::BTreeMap<u32, Run>,
    writing: &WriteTransaction,
) -> Result<Vec<(u32, Run)>, Problem> {
    let mut changed = Vec::new();
    for (number, mut run) in job.outputs() {
        // Nothing may have had a number, or everything may be forgotten.
        run.state = if run.bytes == 0 { State::Going } else { State::Ready };
        changed.push((number, run));
    }
    for number in job.inputs() {
        let Some(&(mut run)) = runs.get(&number) else { continue };
        if job.replaces() {
            run.state = State::Going;
        } else {
            run.rolled = true;
            run.level = run.level.max(1);
        }
        changed.push((number, run));
    }
    let mut table = writing.open_table(RUNS).map_err(other)?;
    for (number, run) in &changed {
        if run.bytes == 0 {
            table.remove(number)?;
        } else {
            table.insert(number, run.to_bytes().as_slice())?;
        }
    }
    Ok(changed)
}

/// What is gone of a tier up to `gone_to` is told by the next one, up to a whole hour: from when on this one tells.
pub(super) fn told_from(gone_to: f64) -> i64 {
    if gone_to == f64::MIN {
        return i64::MIN;
    }
    microseconds(gone_to).div_euclid(HOUR).saturating_add(1).saturating_mul(HOUR)
}
