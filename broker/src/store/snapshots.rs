//! Snapshots: the directory as it was, under a name, in files that people can read. A thread of its own reads and writes
//! them, one job after the other; the broker's thread hands jobs on, and answers who asked when they are done. What is
//! saved is read from the directory's file, after everything that was taken before is in it.

mod auto;
mod before;
mod file;
mod files;
mod import;
mod job;
mod refusal;
mod restore;
mod shelf;
#[cfg(test)]
pub(super) mod tests;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;
use thingsbus_adaptor::wire::{Namespace, SnapshotAsk, SnapshotName, Timestamp};

use super::keeper::Lent;
use super::{State, Store};
use crate::door::late::{Late, To};
use crate::hub::Hub;
use auto::Auto;
use file::Header;
pub(crate) use file::Thing;
use files::SystemFiles;
use import::Put;
pub(crate) use job::Piece;
use job::{Job, Jobs, Saving};
pub(crate) use refusal::Refusal;
pub(super) use restore::restore;
pub(super) use shelf::Shelf;

/// The most jobs that wait. Each may have a part of a snapshot with it, some hundred KiB.
const WAITING_MAX: usize = 64;

/// How many pieces of a snapshot may be on their way to the broker's thread: one while another one is used.
const PIECES: usize = 2;

/// What the broker's thread has of the snapshots.
pub(super) struct Snapshots {
    /// `None` where it was told to end.
    jobs: Option<Sender<Job>>,
    reports: Receiver<Option<Result<Value, Refusal>>>,
    thread: JoinHandle<()>,
    /// Tells the thread that the broker ends.
    is_over: Arc<AtomicBool>,
    waiting: VecDeque<Request>,
    /// Whom the job that is being done is for.
    running: Option<For>,
    /// A snapshot that is to be put into the directory, and is not yet taken from here.
    load: Option<Load>,
    /// Is one being put into the directory?
    is_loading: bool,
    /// Who is told when everything up to that update is on disk.
    unwritten: Vec<(u64, Late)>,
    auto: Auto,
}

/// Something that was asked for and not begun.
struct Request {
    what: What,
    /// The broker's last update then, its life, and its clock.
    seq: u64,
    epoch: String,
    now: Timestamp,
    to: For,
}

enum What {
    Asked(SnapshotAsk),
    Auto,
}

/// Whom a job is for.
enum For {
    Asker(To),
    /// The broker itself.
    Auto,
    /// Who asked is answered by who puts the things into the directory.
    Load,
}

/// A snapshot that is to be put into the directory.
pub(crate) struct Load {
    pub(crate) name: SnapshotName,
    /// What spoke after that was asked is not forgotten.
    pub(crate) up_to: u64,
    pub(crate) pieces: Receiver<Piece>,
    pub(crate) to: To,
}

/// How often automatic snapshots are made, zero for never, and how many are kept.
pub(super) type Rhythm = (Duration, usize);

/// The snapshots in this folder. What a killed broker left half written is removed.
pub(super) fn shelf(path: PathBuf) -> Shelf {
    let shelf = Shelf::new(Arc::new(SystemFiles::at(path)));
    if let Err(error) = shelf.tidy() {
        tracing::warn!("store: what is left of snapshots that were not finished cannot be removed: {error}");
    }
    shelf
}

impl Snapshots {
    pub(super) fn start(
        shelf: Shelf,
        lent: Lent,
        rhythm: Rhythm,
        (instant, now): (Instant, Timestamp),
        wake: impl Fn() + Send + 'static,
    ) -> std::io::Result<Self> {
        let auto = Auto::new(rhythm, auto::newest(&shelf), instant, now);
        let (jobs, jobs_in) = channel();
        let (reports_out, reports) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let work = Jobs { shelf, lent, is_over: is_over.clone(), import: None };
        let thread = std::thread::Builder::new().name("snapshots".to_owned()).spawn(move || {
            let report = |report| {
                // Who does not listen any more has stopped.
                let _ = reports_out.send(report);
                wake();
            };
            work.run(&jobs_in, report, &wake);
        })?;
        Ok(Self {
            jobs: Some(jobs),
            reports,
            thread,
            is_over,
            waiting: VecDeque::new(),
            running: None,
            load: None,
            is_loading: false,
            unwritten: Vec::new(),
            auto,
        })
    }

    pub(super) fn set_rhythm(&mut self, rhythm: Rhythm, now: Instant) {
        self.auto.set(rhythm, now);
    }

    /// When it has something to do by itself.
    pub(super) fn due(&self) -> Option<Instant> {
        self.auto.every.and(self.auto.due)
    }

    /// Tells the thread to end.
    pub(super) fn tell_to_end(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        (self.jobs, self.load) = (None, None);
    }

    /// Waits until it has, since it may have the directory's file.
    pub(super) fn wait_for_the_end(self, deadline: Instant) {
        loop {
            match self.reports.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.thread.join();
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {
                    tracing::warn!("store: the snapshot in hand could not be ended in time; it is not kept");
                    return;
                }
            }
        }
    }
}

impl Store {
    /// Somebody asks about snapshots. The answer comes by [`Store::released`].
    pub(crate) fn ask_snapshots(&mut self, ask: SnapshotAsk, hub: &Hub, now: Timestamp, to: To) {
        if self.snapshots.waiting.len() >= WAITING_MAX {
            let message = format!("{WAITING_MAX} questions about snapshots wait already: ask again later");
            return self.refuse(&Refusal { error: "busy", message }, to);
        }
        let (what, to) = (What::Asked(ask), For::Asker(to));
        self.snapshots.waiting.push_back(Request {
            what,
            seq: hub.seq(),
            epoch: hub.epoch().to_owned(),
            now,
            to,
        });
    }

    /// A snapshot that is to be put into the directory; [`Store::loaded`] is called when that is done.
    pub(crate) fn next_load(&mut self) -> Option<Load> {
        self.snapshots.load.take()
    }

    /// It is in the directory, or could not be put there: who asked is told when everything up to `seq` is on disk.
    pub(crate) fn loaded(&mut self, outcome: Result<Value, Refusal>, to: To, seq: u64) {
        self.snapshots.is_loading = false;
        match outcome {
            Ok(answer) => {
                self.snapshots.unwritten.push((seq, Late { to, answer: answer.to_string().into_bytes() }));
            }
            Err(refusal) => self.refuse(&refusal, to),
        }
    }

    fn refuse(&mut self, refusal: &Refusal, to: To) {
        // Who asked is told; who asks over and over must not fill the log.
        tracing::debug!("snapshots: {}", refusal.message);
        self.released.push(Late { to, answer: refusal.to_json().to_string().into_bytes() });
    }

    /// Takes what the snapshots' thread reports, and hands it the next job.
    pub(super) fn turn_snapshots(&mut self, hub: &Hub, instant: Instant, now: Timestamp) {
        while let Ok(report) = self.snapshots.reports.try_recv() {
            match (self.snapshots.running.take(), report) {
                (Some(For::Asker(to)), Some(Ok(answer))) => {
                    self.released.push(Late { to, answer: answer.to_string().into_bytes() });
                }
                (Some(For::Asker(to)), Some(Err(refusal))) => self.refuse(&refusal, to),
                (Some(For::Auto), Some(made)) => {
                    if let Err(refusal) = &made {
                        tracing::warn!("snapshots: no automatic one was made: {}", refusal.message);
                    }
                    self.snapshots.auto.again(made.is_ok(), instant);
                }
                _ => {}
            }
        }
        self.tell_what_is_written();
        self.add_auto(hub, instant, now);
        self.begin_next(instant);
    }

    fn tell_what_is_written(&mut self) {
        let failing = self.failing.as_ref().map(|failing| failing.why.clone());
        for (seq, late) in std::mem::take(&mut self.snapshots.unwritten) {
            match &failing {
                _ if seq <= self.through => self.released.push(late),
                Some(why) => {
                    let why = format!(
                        "it is in the directory, and cannot be brought to disk: {why}; that is tried again by itself"
                    );
                    self.refuse(&Refusal::disk(why), late.to);
                }
                None => self.snapshots.unwritten.push((seq, late)),
            }
        }
        if let Some((seq, _)) = self.snapshots.unwritten.first() {
            self.sweep_for(*seq);
        }
    }

    /// Is it time for an automatic one?
    fn add_auto(&mut self, hub: &Hub, instant: Instant, now: Timestamp) {
        if self.snapshots.due().is_none_or(|due| due > instant) {
            return;
        }
        if hub.directory().is_empty() {
            // One of nothing would take the place of one that is of use.
            return self.snapshots.auto.again(false, instant);
        }
        self.snapshots.auto.due = None;
        let (what, to) = (What::Auto, For::Auto);
        self.snapshots.waiting.push_front(Request {
            what,
            seq: hub.seq(),
            epoch: hub.epoch().to_owned(),
            now,
            to,
        });
    }

    /// Hands the next job on, if nothing else is being done, and what it needs is on disk.
    fn begin_next(&mut self, instant: Instant) {
        while self.snapshots.running.is_none() && !self.snapshots.is_loading {
            let Some(request) = self.snapshots.waiting.pop_front() else { return };
            let needs_head = matches!(
                request.what,
                What::Auto | What::Asked(SnapshotAsk::Save { .. } | SnapshotAsk::Load { .. })
            );
            if needs_head && self.through < request.seq {
                match &self.failing {
                    None => {
                        self.sweep_for(request.seq);
                        return self.snapshots.waiting.push_front(request);
                    }
                    Some(failing) => {
                        let why = format!("what is to be saved cannot be brought to disk: {}", failing.why);
                        self.give_up(request.to, &Refusal::disk(why), instant);
                        continue;
                    }
                }
            }
            self.begin(request, instant);
        }
    }

    fn begin(&mut self, request: Request, instant: Instant) {
        let Request { what, seq, epoch, now, to } = request;
        let saving = |name: SnapshotName, ns: Namespace| {
            let header = Header { name: name.to_string(), saved: now, ns, epoch: epoch.clone(), seq };
            Saving { name, header }
        };
        let (job, to) = match (what, to) {
            (What::Auto, to) => match auto::name(now) {
                Some(name) => (Job::Auto(saving(name, Namespace::root()), self.snapshots.auto.kept), to),
                None => return,
            },
            (What::Asked(SnapshotAsk::Save { name, ns }), to) => (Job::Save(saving(name, ns)), to),
            (What::Asked(SnapshotAsk::Load { name, ns }), For::Asker(to)) => {
                let Some(head) = before::name_before(&name, now) else { return };
                let head = saving(head, Namespace::root());
                let (pieces_out, pieces) = sync_channel(PIECES);
                self.snapshots.is_loading = true;
                self.snapshots.load = Some(Load { name: name.clone(), up_to: seq, pieces, to });
                (Job::Load { name, ns, head, pieces: pieces_out }, For::Load)
            }
            (What::Asked(SnapshotAsk::List), to) => (Job::List { now }, to),
            (What::Asked(SnapshotAsk::Delete { name }), to) => (Job::Delete(name), to),
            (What::Asked(SnapshotAsk::Part { name, offset }), to) => (Job::Part { name, offset }, to),
            (What::Asked(SnapshotAsk::Put { name, offset, text, last }), to) => {
                (Job::Put(Put { name, offset, text, last }), to)
            }
            (_, to) => {
                let message = "this broker does not know that question".to_owned();
                return self.give_up(to, &Refusal { error: "bad_query", message }, instant);
            }
        };
        // Without its thread, which ends only with the broker, nobody is answered.
        if self.snapshots.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok()) {
            self.snapshots.running = Some(to);
        }
    }

    fn give_up(&mut self, to: For, refusal: &Refusal, instant: Instant) {
        match to {
            For::Asker(to) => self.refuse(refusal, to),
            For::Auto => {
                tracing::warn!("snapshots: no automatic one was made: {}", refusal.message);
                self.snapshots.auto.again(false, instant);
            }
            For::Load => {}
        }
    }

    /// Everything up to that update is wanted on disk: what changed is looked for in the next turn.
    fn sweep_for(&mut self, seq: u64) {
        if self.state == State::Resting && self.swept < seq {
            self.due = Some(Instant::now());
        }
    }
}
