//! What the broker's thread has of the history: it packs what comes into a buffer, and hands that on every few seconds.
//! Where more comes than the buffer holds, what does not fit is left out, counted, and made good by the last value of
//! each thing that it was about; so the history of a thing ends with its last value however much came.

use std::collections::HashMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use thingsbus_client::directory::{Place, Record, Value};

use super::folder::Folder;
use super::historian::{Asked, FIRST_PAUSE, Historian, Order, Report};
use super::history::{Points, Rules, Stats, Tier};
use crate::door::complaints::Complaints;
use crate::door::late::{Late, To};
use crate::hub::Hub;

/// The most that waits to be handed on, in bytes: in five seconds, some 100,000 small values. It bounds what the history
/// may cost in memory (twice this), processor and disk, however much comes.
const POINTS_BYTES_MAX: usize = 8 * 1024 * 1024;

/// A buffer that holds so much less than it could is given back, in bytes.
const ROOM_KEPT: usize = 256 * 1024;

/// How many things are looked at before the stream has its turn.
const LOOKED_AT: usize = 256;

/// The most questions that wait for their answers, of everybody. An answer may have 256 KiB.
const QUESTIONS_MAX: usize = 256;

/// More stretches in which values were left out are made one.
const GAPS_MAX: usize = 8;

/// What the broker's thread has of the history.
pub(crate) struct Recorder {
    path: PathBuf,
    rules: Rules,
    every: Duration,
    points: Points,
    /// What was forgotten on purpose, with the number of that: what it said before is not to be kept. A thing is here once
    /// however often it is forgotten while the file cannot be written.
    forgotten: HashMap<String, u64>,
    /// Who is told when that is off the disk, and of whom the thread has it in hand.
    forgetters: Vec<Late>,
    forgetters_away: Vec<Late>,
    /// Numbers of updates that were left out.
    gaps: Vec<Range<u64>>,
    /// Nothing is taken any more until the buffer is handed on.
    is_full: bool,
    /// Things whose last value may have been left out.
    places: Vec<Place>,
    /// Gaps up to here are made good when there are no such places any more.
    looked_up_to: u64,
    /// What was said before is part of the answer, so it is handed on first.
    questions: Vec<(Asked, To)>,
    unanswered: usize,
    orders: Sender<Order>,
    reports: Receiver<Report>,
    thread: JoinHandle<()>,
    due: Option<Instant>,
    /// Its thread has a buffer, with what was recorded up to this.
    away: Option<u64>,
    recorded: u64,
    thinned: u64,
    /// How many of those recorded are in the file.
    added: u64,
    stats: Stats,
    failing: Option<(Instant, String)>,
    /// Answers to be given now.
    pub(crate) released: Vec<Late>,
    /// And those that what was forgotten is off the history.
    pub(crate) released_forgotten: Vec<Late>,
}

impl Recorder {
    /// Begins to record; the file is opened by a thread of its own.
    pub(super) fn start(
        folder: Folder,
        rules: Rules,
        every: Duration,
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let path = folder.history();
        let (orders, orders_in) = channel();
        let (reports_out, reports) = channel();
        let report = move |report| {
            // Who does not listen any more has stopped.
            let _ = reports_out.send(report);
            wake();
        };
        let historian = Historian::new(folder, rules.clone(), orders_in, report, FIRST_PAUSE);
        let thread = std::thread::Builder::new().name("history".to_owned()).spawn(|| historian.run())?;
        Ok(Self {
            path,
            rules,
            every,
            points: Points::default(),
            forgotten: HashMap::new(),
            forgetters: Vec::new(),
            forgetters_away: Vec::new(),
            gaps: Vec::new(),
            is_full: false,
            places: Vec::new(),
            looked_up_to: 0,
            questions: Vec::new(),
            unanswered: 0,
            orders,
            reports,
            thread,
            due: None,
            away: None,
            recorded: 0,
            thinned: 0,
            added: 0,
            stats: Stats::default(),
            failing: None,
            released: Vec::new(),
            released_forgotten: Vec::new(),
        })
    }

    pub(crate) fn set_every(&mut self, every: Duration) {
        self.every = every;
    }

    /// A thing said something.
    pub(crate) fn record(&mut self, ns: &str, value: &Value<'_>) {
        if !self.rules.keeps(ns) {
            return;
        }
        if self.is_full || self.points.bytes() >= POINTS_BYTES_MAX {
            return self.leave_out(value.seq);
        }
        self.points.push(ns, value);
        self.recorded += 1;
    }

    fn leave_out(&mut self, seq: u64) {
        self.thinned += 1;
        if !std::mem::replace(&mut self.is_full, true) {
            if self.gaps.len() == GAPS_MAX
                && let Some(last) = self.gaps.last_mut()
            {
                // What lies between may be told twice.
                last.end = seq + 1;
                return;
            }
            self.gaps.push(seq..seq + 1);
        } else if let Some(last) = self.gaps.last_mut() {
            last.end = seq + 1;
        }
    }

    /// What a thing said up to now is not to be kept.
    pub(crate) fn forget(&mut self, ns: &str, seq: u64) {
        match self.forgotten.get_mut(ns) {
            Some(last) => *last = seq.max(*last),
            None => drop(self.forgotten.insert(ns.to_owned(), seq)),
        }
    }

    /// Somebody is to be told when what was forgotten up to now is off the disk.
    pub(crate) fn tell_when_forgotten(&mut self, late: Late) {
        self.forgetters.push(late);
    }

    /// Do as many questions wait as there is room for?
    pub(crate) fn is_busy(&self) -> bool {
        self.unanswered >= QUESTIONS_MAX
    }

    /// Asks its thread; the answer comes late.
    pub(crate) fn ask(&mut self, asked: Asked, to: To) {
        self.unanswered += 1;
        self.questions.push((asked, to));
    }

    /// When it has something to do.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        match self.away {
            Some(_) => None, // Its report wakes the broker.
            None if !self.places.is_empty() && !self.is_full => Some(now),
            None => self.due,
        }
    }

    /// Does what is due: takes what its thread reports, makes good what was left out, hands on what came.
    pub(crate) fn turn(&mut self, hub: &Hub, now: Instant, complaints: &mut Complaints) {
        while let Ok(report) = self.reports.try_recv() {
            self.take_report(report, now, complaints);
        }
        if self.due.is_some_and(|due| due <= now) && self.away.is_none() {
            self.due = None;
            self.hand_on();
            if self.places.is_empty()
                && let Some(first) = self.gaps.first()
            {
                self.places.extend(hub.directory().changed_after(first.start.saturating_sub(1)));
                self.looked_up_to = hub.seq();
            }
            if self.thinned > 0 && !self.gaps.is_empty() {
                complaints.tell("history_thinned", now, || {
                    format!(
                        "history: more comes than {} MiB in {} s; {} values were left out so far, never a thing's last",
                        POINTS_BYTES_MAX / 1024 / 1024,
                        self.every.as_secs(),
                        self.thinned
                    )
                });
            }
        }
        self.make_good(hub, LOOKED_AT);
        if !self.forgetters.is_empty() && self.away.is_none() {
            self.hand_on();
            self.forgetters_away = std::mem::take(&mut self.forgetters);
            if self.away.is_none() {
                self.released_forgotten.append(&mut self.forgetters_away); // There was nothing.
            }
        }
        if !self.questions.is_empty() && (self.away.is_none() || self.failing.is_some()) {
            self.hand_on();
            for (asked, to) in self.questions.drain(..) {
                let _ = self.orders.send(Order::Ask(Box::new(asked), to));
            }
        }
        if self.due.is_none()
            && (!self.points.is_empty() || !self.forgotten.is_empty() || !self.gaps.is_empty())
        {
            self.due = Some(now + self.every);
        }
    }

    /// Takes last values of things of which one was left out.
    fn make_good(&mut self, hub: &Hub, count: usize) {
        for _ in 0..count {
            if self.is_full || self.points.bytes() >= POINTS_BYTES_MAX {
                return; // There is no room for them either; they come when there is.
            }
            let Some(place) = self.places.pop() else { return };
            let record = hub.directory().at(place).filter(|record| !record.is_forgotten());
            if let Some(record) = record
                && self.rules.keeps(record.ns())
                && self.gaps.iter().any(|gap| gap.contains(&record.seq()))
            {
                self.points.push(record.ns(), &value_of(record));
                self.recorded += 1;
                self.thinned = self.thinned.saturating_sub(1);
            }
            if self.places.is_empty() {
                self.gaps.retain(|gap| gap.end > self.looked_up_to + 1);
            }
        }
    }

    /// Gives its thread what came, unless that still has something.
    fn hand_on(&mut self) {
        if self.away.is_some() || (self.points.is_empty() && self.forgotten.is_empty()) {
            return;
        }
        let points = std::mem::take(&mut self.points);
        let forgotten = std::mem::take(&mut self.forgotten);
        self.is_full = false;
        if self.orders.send(Order::Add(points, forgotten)).is_ok() {
            self.away = Some(self.recorded);
        }
    }

    fn take_report(&mut self, report: Report, now: Instant, complaints: &mut Complaints) {
        match report {
            Report::Added(mut points, stats) => {
                if let Some((since, _)) = self.failing.take() {
                    let seconds = now.duration_since(since).as_secs_f64();
                    tracing::info!("history: well again after {seconds:.1} s");
                }
                self.released_forgotten.append(&mut self.forgetters_away);
                self.added = self.away.take().unwrap_or(self.added);
                self.stats = stats;
                if self.points.is_empty() && points.bytes() > ROOM_KEPT / 4 {
                    points.clear();
                    self.points = points;
                }
            }
            Report::Failing(why) => {
                complaints.tell("history_failing", now, || {
                    format!(
                        "history: {} cannot be written: {why}; live updates go on, and it is tried again",
                        self.path.display()
                    )
                });
                let since = self.failing.take().map_or(now, |(since, _)| since);
                self.failing = Some((since, why));
            }
            Report::Tidied(stats) => self.stats = stats,
            Report::Answer(late) => {
                self.unanswered = self.unanswered.saturating_sub(1);
                self.released.push(late);
            }
        }
    }

    /// How it is, as `thingsbus status` gets it.
    pub(crate) fn to_json(&self, now: Instant) -> Json {
        let tier = |tier: Tier| {
            let tier = self.stats.tiers.get(tier.number()).copied().unwrap_or_default();
            json!({ "rows": tier.rows, "bytes": tier.bytes, "oldest": tier.oldest })
        };
        json!({
            "path": self.path.display().to_string(),
            "state": if self.failing.is_some() { "failing" } else { "ok" },
            "error": self.failing.as_ref().map(|(_, why)| why.as_str()),
            "failing_s": self.failing.as_ref().map(|(since, _)| now.duration_since(*since).as_secs_f64()),
            "recorded": self.recorded,
            "thinned": self.thinned,
            "open": self.stats.open + (self.recorded - self.added),
            "names_bytes": self.stats.names_bytes,
            "values": tier(Tier::Values),
            "minutes": tier(Tier::Minutes),
            "hours": tier(Tier::Hours),
        })
    }

    /// Writes what is not on disk yet, for as long as `deadline` allows, and ends.
    pub(crate) fn finish(mut self, hub: &Hub, deadline: Instant) {
        let mut complaints = Complaints::default();
        loop {
            if self.away.is_none() {
                self.hand_on();
                self.make_good(hub, usize::MAX);
                self.hand_on();
            }
            if self.away.is_none() {
                break;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.reports.recv_timeout(left) {
                Ok(report) => self.take_report(report, Instant::now(), &mut complaints),
                Err(_) => {
                    tracing::error!("history: what came last could not be written in time");
                    return; // Its thread may wait for the disk for long.
                }
            }
        }
        drop(self.orders);
        // It ends when it has done what it is at.
        while self.reports.recv_timeout(deadline.saturating_duration_since(Instant::now())).is_ok() {}
        if self.thread.is_finished() {
            let _ = self.thread.join();
        }
    }
}

fn value_of(record: &Record) -> Value<'_> {
    Value {
        data: record.data(),
        ts: record.ts(),
        received: record.received(),
        seq: record.seq(),
        documentation_url: None,
    }
}
