//! The history's thread: it alone waits for the history's file. It writes what it is given, tidies when nobody wants
//! anything, and answers questions. A write that fails is tried again until it succeeds, and live updates go on.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime};

use thingsbus_adaptor::wire::limits::HISTORY_BYTES_MAX;
use thingsbus_adaptor::wire::{HistoryQuery, Page, SnapshotWriter, Timestamp, Update};

use super::folder::Folder;
use super::head::Problem;
use super::history::{History, Points, Rules, Stats};
use super::past;
use crate::door::late::{Late, To};
use crate::door::query::push_named_error;

/// How long it waits before it tries again, at first.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// And at the most: the pause is doubled each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How often it is looked what is too old.
const TIDIED_EVERY: Duration = Duration::from_secs(30);

/// What it is told.
pub(super) enum Order {
    /// Write these, but not what these things said up to that number. Only after the report on those before.
    Add(Points, HashMap<String, u64>),
    /// Answer this.
    Ask(Box<Asked>, To),
}

/// A question.
pub(crate) enum Asked {
    /// What did a thing say?
    Of(HistoryQuery, Timestamp),
    /// A page of the directory as it was.
    At(AsOf),
}

/// A page of the directory as it was at a moment: what did not change since is in it already.
pub(crate) struct AsOf {
    pub(crate) at: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) epoch: String,
    pub(crate) seq: u64,
    pub(crate) things: Vec<AsOfThing>,
    /// Where the next page begins.
    pub(crate) next: Option<String>,
}

/// A thing of such a page.
pub(crate) struct AsOfThing {
    pub(crate) ns: String,
    pub(crate) documentation_url: Option<String>,
    /// Its value then, where it has the same now.
    pub(crate) value: Option<AsOfValue>,
}

/// A value that a thing had.
pub(crate) struct AsOfValue {
    pub(crate) data: String,
    pub(crate) ts: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) seq: u64,
}

/// What it tells.
pub(super) enum Report {
    /// All of these are on disk; and how much there is now.
    Added(Points, Stats),
    /// They are not yet, for this reason; it goes on trying.
    Failing(String),
    /// It was tidied; how much there is now.
    Tidied(Stats),
    /// An answer.
    Answer(Late),
}

/// What runs on its thread.
pub(super) struct Historian<R> {
    folder: Folder,
    rules: Rules,
    orders: Receiver<Order>,
    report: R,
    first_pause: Duration,
    history: Option<History>,
    /// What could not be written yet.
    waiting: Option<(Points, HashMap<String, u64>)>,
    /// Questions that were not answered yet.
    asked: VecDeque<(Box<Asked>, To)>,
    pause: Duration,
    try_again: Option<Instant>,
    /// Why there is no history now.
    why: String,
}

impl<R: FnMut(Report)> Historian<R> {
    pub(super) fn new(
        folder: Folder,
        rules: Rules,
        orders: Receiver<Order>,
        report: R,
        first_pause: Duration,
    ) -> Self {
        let (history, waiting, try_again, why) = (None, None, None, String::new());
        Self {
            folder,
            rules,
            orders,
            report,
            first_pause,
            history,
            waiting,
            asked: VecDeque::new(),
            pause: first_pause,
            try_again,
            why,
        }
    }

    /// Until nobody is there to tell it anything.
    pub(super) fn run(mut self) {
        self.open();
        let mut has_more = self.tidy();
        loop {
            let wait = match self.try_again {
                _ if !self.asked.is_empty() => Duration::ZERO,
                Some(at) => at.saturating_duration_since(Instant::now()),
                None if has_more => Duration::ZERO,
                None => TIDIED_EVERY,
            };
            match self.orders.recv_timeout(wait) {
                Ok(order) => self.take(order),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return, // Nobody waits for answers either.
            }
            // What is to be written goes first, however many questions there are.
            while let Ok(order) = self.orders.try_recv() {
                self.take(order);
            }
            if self.try_again.is_some_and(|at| at <= Instant::now()) {
                self.add();
            }
            if let Some((asked, to)) = self.asked.pop_front() {
                let answer = self.answer(*asked);
                (self.report)(Report::Answer(Late { to, answer }));
            }
            let had_more = std::mem::replace(&mut has_more, self.tidy());
            if let Some(history) = self.history.as_ref().filter(|_| had_more && !has_more) {
                (self.report)(Report::Tidied(history.stats()));
            }
        }
    }

    fn take(&mut self, order: Order) {
        match order {
            Order::Add(points, forgotten) => {
                self.waiting = Some((points, forgotten));
                self.add();
            }
            Order::Ask(asked, to) => self.asked.push_back((asked, to)),
        }
    }

    /// Opens the file; one that is of no use is set aside.
    fn open(&mut self) {
        match open(&self.folder, &self.rules) {
            Ok(history) => {
                tell_opened(&history);
                self.history = Some(history);
            }
            Err(problem) => self.failed(&problem),
        }
    }

    fn failed(&mut self, problem: &Problem) {
        // After an error redb takes nothing more.
        if let Some(Err(problem)) = self.history.take().map(History::close) {
            tracing::debug!("history: it cannot be closed: {problem}");
        }
        self.why = problem.to_string();
        if let Problem::Broken(why) = problem {
            match self.folder.set_history_aside() {
                Ok(aside) => {
                    tracing::error!("history: it was broken: {why}; it is {aside} now, and begins anew");
                }
                Err(error) => self.why = error.to_string(),
            }
        }
        self.try_again = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
        (self.report)(Report::Failing(self.why.clone()));
    }

    fn add(&mut self) {
        self.try_again = None;
        if self.history.is_none() {
            self.open();
        }
        let Some(history) = &mut self.history else { return };
        let Some((points, forgotten)) = &mut self.waiting else { return };
        match add(history, points, forgotten) {
            Ok(()) => {
                self.pause = self.first_pause;
                if let Some((points, _)) = self.waiting.take() {
                    (self.report)(Report::Added(points, history.stats()));
                }
            }
            Err(problem) => self.failed(&problem),
        }
    }

    /// Does one step of what is to be done; `true` where there is more.
    fn tidy(&mut self) -> bool {
        let now = Timestamp::from_system_time(SystemTime::now());
        match self.history.as_mut().map(|history| history.tidy(now)) {
            Some(Ok(more)) => more,
            Some(Err(problem)) => {
                self.failed(&problem);
                false
            }
            None => false,
        }
    }

    fn answer(&mut self, asked: Asked) -> Vec<u8> {
        let mut out = Vec::new();
        let problem = match &self.history {
            None => Problem::Io(self.why.clone()),
            Some(history) => match answer(history, asked, &mut out) {
                Ok(()) => return out,
                Err(problem) => problem,
            },
        };
        out.clear();
        push_named_error("history_failing", &format!("the history cannot be read: {problem}"), &mut out);
        if self.history.is_some() {
            self.failed(&problem);
        }
        out
    }
}

fn tell_opened(history: &History) {
    let Stats { tiers, open, .. } = history.stats();
    let values: u64 = tiers.first().map_or(0, |values| values.rows) + open;
    let mib = tiers.iter().map(|tier| tier.bytes).sum::<u64>() as f64 / 1048576.0;
    let days = history.oldest().map_or(0.0, |oldest| {
        Timestamp::from_system_time(SystemTime::now()).since(oldest).as_secs_f64() / 86_400.0
    });
    if values == 0 && mib == 0.0 {
        tracing::info!("history: nothing yet");
        return;
    }
    tracing::info!("history: {values} values and their summaries, {mib:.1} MiB, of the last {days:.1} days");
}

fn open(folder: &Folder, rules: &Rules) -> Result<History, Problem> {
    History::open(folder.open_history()?, rules.clone())
}

/// Writes points, but not what is forgotten. What it has done, `points` and `forgotten` do not ask for any more, so that
/// it can be called with the same ones until it succeeds.
pub(super) fn add(
    history: &mut History,
    points: &mut Points,
    forgotten: &mut HashMap<String, u64>,
) -> Result<(), Problem> {
    if forgotten.is_empty() {
        return history.add(points);
    }
    let mut kept = Points::default();
    for point in points.iter().filter(|point| forgotten.get(point.ns).is_none_or(|seq| point.seq > *seq)) {
        kept.push(point.ns, &point.value());
    }
    history.forget(forgotten.keys().map(String::as_str))?;
    // Where the points cannot be written now, nothing is forgotten twice, for what came after would go too; and what was
    // forgotten is not written the next time either.
    *points = kept;
    forgotten.clear();
    history.add(points)
}

fn answer(history: &History, asked: Asked, out: &mut Vec<u8>) -> Result<(), Problem> {
    match asked {
        Asked::Of(query, now) => past::answer(history, &query, now, out),
        Asked::At(page) => as_of(history, &page, out),
    }
}

/// Writes a page of the directory as it was.
fn as_of(history: &History, page: &AsOf, out: &mut Vec<u8>) -> Result<(), Problem> {
    let AsOf { at, now, epoch, seq, things, next } = page;
    let mut writer = SnapshotWriter::begin(out, *now);
    let mut next = next.as_deref();
    let mut last: Option<&str> = None;
    for thing in things {
        if writer.bytes() >= HISTORY_BYTES_MAX {
            next = last;
            break;
        }
        let AsOfThing { ns, documentation_url, value } = thing;
        last = Some(ns);
        let found;
        let (data, ts, received, seq) = match value {
            Some(AsOfValue { data, ts, received, seq }) => (data, ts, received, seq),
            None => match history.as_of(ns, *at)? {
                Some(point) => {
                    found = point;
                    (&found.data, &found.ts, &found.received, &found.seq)
                }
                None => continue, // It had not spoken yet, or that is not known any more.
            },
        };
        let update = Update::from_checked(ns, Some(*ts), data, documentation_url.as_deref(), Some(*seq));
        writer.thing(&update, Some(*received), None);
    }
    writer.end(Some(Page { epoch, seq: *seq, since: None, forgotten: &[], next }));
    Ok(())
}
