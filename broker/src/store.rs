//! The store: the directory on disk, so that it is there again after a restart, a crash or a power cut. The broker's
//! thread looks now and then what changed since the last time, and copies that into batches; a thread of the store's own
//! writes them, each in one commit. While a batch is being written there is no other, so a slow or broken disk costs
//! nobody anything but the age of what is on it.

mod acks;
mod batch;
mod folder;
mod head;
pub(crate) mod historian;
pub(crate) mod history;
mod keeper;
mod past;
pub(crate) mod recorder;
mod row;
pub(crate) mod snapshots;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use mio::Waker;
use serde_json::{Value, json};
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::Place;

use crate::config;
use crate::door::complaints::Complaints;
use crate::door::late::Late;
use crate::error::Error;
use crate::hub::Hub;
use acks::Acks;
use batch::Batch;
use folder::Folder;
use head::{Head, Life, Loaded, Problem};
use keeper::{FIRST_PAUSE, Keeper, Lent, Opener, Order, Report};
use recorder::Recorder;
use row::Kept;
use snapshots::{Rhythm, Shelf, Snapshots};

/// How many things are copied before the stream has its turn; so many go with each batch at least, also where somebody
/// waits for it, so that those for whom nobody waits get to disk too.
const COPIED: usize = 512;

/// A write that takes longer is told of.
const LONG: Duration = Duration::from_secs(5);

/// The directory's file, loaded.
pub(crate) struct Opened {
    folder: Folder,
    /// `None` where it could be read and not written: it is opened again for the first write.
    head: Option<Head>,
    snapshots: Shelf,
    /// Is what is in the directory to be written as if all of it were new?
    is_restored: bool,
}

/// What the broker's thread has of the store.
pub(crate) struct Store {
    path: PathBuf,
    every: Duration,
    orders: Sender<Order>,
    reports: Receiver<Report>,
    thread: JoinHandle<()>,
    /// Everything up to this update is on disk or on its way there, or newer ones of the same things.
    swept: u64,
    /// What is still to be copied of that.
    places: Vec<Place>,
    /// Empty while one is being written.
    batch: Batch,
    state: State,
    /// When it is looked again what changed; not before anything did.
    due: Option<Instant>,
    acks: Acks,
    /// Who waited for the disk, and is to be told now.
    pub(crate) released: Vec<Late>,
    /// Everything up to this update is on disk, or newer ones of the same things.
    through: u64,
    written: Written,
    failing: Option<Failing>,
    snapshots: Snapshots,
    /// Removes the note that a snapshot takes the place of a broken file, when everything is written.
    restoring: Option<Folder>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Nothing is to be written yet.
    Resting,
    /// What changed is being copied, some of it in each turn.
    Copying,
    /// The store's thread has a batch, since then.
    Writing { since: Instant },
}

#[derive(Clone, Copy, Debug, Default)]
struct Written {
    commits: u64,
    things: u64,
}

struct Failing {
    since: Instant,
    why: String,
}

/// Where the folder is. `None` where there is none.
pub(crate) fn place(config: &config::Store) -> Option<PathBuf> {
    match &config.data {
        config::Data::None => None,
        config::Data::Folder(path) => Some(path.clone()),
        config::Data::Auto => folder::usual(),
    }
}

/// Opens what is on disk and puts it into the directory. `None` where nothing is to be kept.
///
/// # Errors
/// Where a folder was asked for that cannot be used, or one that another broker uses.
pub(crate) fn open(config: &config::Store, hub: &mut Hub) -> Result<Option<Opened>, Error> {
    let (path, is_usual) = match &config.data {
        config::Data::None => {
            tracing::info!("store: none; what is known is forgotten when the broker stops");
            return Ok(None);
        }
        config::Data::Folder(path) => (path.clone(), false),
        config::Data::Auto => match folder::usual() {
            Some(path) => (path, true),
            None => {
                tracing::warn!("store: none, because this user has no data folder: --data FOLDER names one");
                return Ok(None);
            }
        },
    };
    match open_folder(&path, hub) {
        Ok(opened) => Ok(Some(opened)),
        Err(Problem::Io(why)) if is_usual => {
            tracing::warn!(
                "store: none, because {} cannot be used: {why}; --data FOLDER names another, and --data none says \
                 that this is wanted",
                path.display()
            );
            Ok(None)
        }
        Err(problem) => Err(Error::Store { path, problem: problem.to_string() }),
    }
}

fn open_folder(path: &Path, hub: &mut Hub) -> Result<Opened, Problem> {
    let io = |error: std::io::Error| Problem::Io(error.to_string());
    let folder = Folder::create(path)?;
    let mut is_restored = folder.is_restoring();
    let head = match open_and_load(&folder, hub) {
        Ok((head, loaded)) => {
            tell_loaded(&folder, &loaded);
            head
        }
        Err(Problem::Broken(why)) => {
            tracing::error!("store: {} cannot be read: {why}", folder.head().display());
            hub.forget_all();
            // Noted first: what happens from here on may be cut short, and the new file is not all there then.
            folder.note_restoring().map_err(io)?;
            is_restored = true;
            let aside = folder.set_aside().map_err(io)?;
            tracing::error!("store: it is {aside} now, unchanged");
            open_and_load(&folder, hub)?.0
        }
        Err(problem) => return Err(problem),
    };
    let snapshots = snapshots::shelf(folder.snapshots());
    if is_restored {
        restore(&snapshots, hub);
    }
    Ok(Opened { folder, head, snapshots, is_restored })
}

/// Puts the newest whole snapshot into the directory, where the file has nothing newer.
fn restore(snapshots: &Shelf, hub: &mut Hub) {
    let (instant, now) = (Instant::now(), Timestamp::from_system_time(SystemTime::now()));
    match snapshots::restore(snapshots, hub, instant, now) {
        Some(restored) => tracing::warn!(
            "store: the directory begins with the snapshot {}, which is {} old: {} things; what was said since is lost",
            restored.name,
            humantime::format_duration(Duration::from_secs(now.since(restored.saved).as_secs())),
            restored.things,
        ),
        None => tracing::error!("store: there is no snapshot to begin with; the directory begins empty"),
    }
    hub.restored(None);
}

/// Opens the file, fills the directory, and notes that the broker lives. Where that cannot be noted, the file's life does
/// not go on, for its next numbers would be given twice.
fn open_and_load(opener: &impl Opener, hub: &mut Hub) -> Result<(Option<Head>, Loaded), Problem> {
    let head = opener.open()?;
    let (instant, now) = (Instant::now(), Timestamp::from_system_time(SystemTime::now()));
    let mut loaded = head.load(|ns, value, kept| {
        // What is over meanwhile is forgotten at once, and told so.
        let left = |ttl: Duration| instant.checked_add(ttl.saturating_sub(now.since(value.received)));
        let ttl = kept.ttl.and_then(|ttl| Some((left(ttl)?, ttl)));
        hub.restore(ns, value, ttl, kept.learned);
    })?;
    head.load_senders(|sender, number| hub.senders.restore(sender, number))?;
    let head = match head.begin() {
        Ok(()) => Some(head),
        Err(Problem::Io(why)) => {
            tracing::error!("store: it can be read and not written: {why}; it is tried again");
            loaded.life = None;
            None
        }
        Err(problem) => return Err(problem),
    };
    hub.restored(loaded.life.clone().map(|life| (life.epoch, life.seq)));
    Ok((head, loaded))
}

fn tell_loaded(folder: &Folder, loaded: &Loaded) {
    let Loaded { things, unreadable, life } = loaded;
    let how = match (things, life) {
        (0, None) => "",
        (_, Some(_)) => ", as the broker left them when it stopped",
        (_, None) => ", as they were last written; the broker before was not stopped in good order",
    };
    let s = if *things == 1 { "" } else { "s" };
    tracing::info!("store: {} with {things} thing{s}{how}", folder.path().display());
    if *unreadable > 0 {
        tracing::error!("store: {unreadable} things could not be read and were left out");
    }
}

/// How often automatic snapshots are made, and how many are kept.
fn rhythm(config: &config::Store) -> Rhythm {
    (Duration::from_secs(config.snapshot_every_h.saturating_mul(3600)), config.snapshots_kept)
}

impl Opened {
    /// Begins to keep what everything says over time.
    pub(crate) fn start_history(
        &self,
        config: &config::History,
        every: Duration,
        waker: Arc<Waker>,
    ) -> std::io::Result<Recorder> {
        let wake = move || drop(waker.wake());
        Recorder::start(self.folder.clone(), config.rules(), every, wake)
    }

    /// Begins to keep what changes.
    pub(crate) fn start(
        self,
        hub: &Hub,
        config: &config::Store,
        waker: Arc<Waker>,
    ) -> std::io::Result<Store> {
        let Self { folder, head, snapshots, is_restored } = self;
        let path = folder.path().to_owned();
        let restoring = is_restored.then(|| folder.clone());
        let wake = move || drop(waker.wake());
        let every = Duration::from_secs(config.every_s);
        let mut store =
            Store::start((folder, head), snapshots, path, hub, (every, FIRST_PAUSE, rhythm(config)), wake)?;
        if is_restored {
            // All of it is to be written, at once. Where there is nothing, that is done.
            (store.swept, store.through, store.due) = (0, 0, Some(Instant::now()));
            store.restoring = restoring.filter(|folder| {
                let is_empty = hub.directory().is_empty();
                if is_empty {
                    folder.forget_restoring();
                }
                !is_empty
            });
        }
        Ok(store)
    }
}

impl Store {
    fn start(
        (opener, head): (impl Opener + 'static, Option<Head>),
        shelf: Shelf,
        path: PathBuf,
        hub: &Hub,
        (every, first_pause, rhythm): (Duration, Duration, Rhythm),
        wake: impl Fn() + Clone + Send + 'static,
    ) -> std::io::Result<Self> {
        let lent = Lent::default();
        lent.set(head.as_ref());
        let times = (Instant::now(), Timestamp::from_system_time(SystemTime::now()));
        let snapshots = Snapshots::start(shelf, lent.clone(), rhythm, times, wake.clone())?;
        let (orders, orders_in) = channel();
        let (reports_out, reports) = channel();
        let report = move |report| {
            // Who does not listen any more has stopped.
            let _ = reports_out.send(report);
            wake();
        };
        let keeper = Keeper { opener, head, lent, orders: orders_in, report, first_pause };
        let thread = std::thread::Builder::new().name("store".to_owned()).spawn(|| keeper.run())?;
        Ok(Self {
            path,
            every,
            orders,
            reports,
            thread,
            swept: hub.seq(),
            places: Vec::new(),
            batch: Batch::default(),
            state: State::Resting,
            due: None,
            acks: Acks::default(),
            released: Vec::new(),
            through: hub.seq(),
            written: Written::default(),
            failing: None,
            snapshots,
            restoring: None,
        })
    }

    pub(crate) fn set(&mut self, config: &config::Store, now: Instant) {
        self.every = Duration::from_secs(config.every_s);
        self.snapshots.set_rhythm(rhythm(config), now);
    }

    /// When it has something to do.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let snapshots = self.snapshots.due();
        let own = match self.state {
            State::Resting if self.acks.is_urgent() => Some(now),
            State::Resting => self.due,
            State::Copying => Some(now),
            State::Writing { .. } => None,
        };
        own.into_iter().chain(snapshots).min()
    }

    /// The thing's last update is to be on disk with the next batch.
    pub(crate) fn add_to_next(&mut self, place: Place) {
        self.acks.add(place);
    }

    /// Somebody is to be told when everything that came up to now, and that was said to be for the next batch, is on
    /// disk.
    pub(crate) fn tell_when_written(&mut self, late: Late) {
        self.acks.wait(late);
    }

    /// Everything up to this update is on disk, or newer ones of the same things.
    pub(crate) fn through(&self) -> u64 {
        self.through
    }

    /// Do as many wait for the disk as there is room for?
    pub(crate) fn is_busy(&self) -> bool {
        self.acks.is_full()
    }

    /// Does what is due: takes what its thread reports, copies what changed, hands it on.
    pub(crate) fn turn(&mut self, hub: &mut Hub, now: Instant, complaints: &mut Complaints) {
        while let Ok(report) = self.reports.try_recv() {
            self.take_report(report, hub, now, complaints);
        }
        match self.state {
            State::Resting if self.due.is_some_and(|due| due <= now) => self.sweep(hub),
            State::Resting if self.acks.is_urgent() => self.hand_on(hub, now),
            State::Writing { since } if now.duration_since(since) > LONG => {
                complaints.tell("store_slow", now, || {
                    let seconds = now.duration_since(since).as_secs();
                    format!("store: the disk takes its time, {seconds} s so far; live updates go on")
                });
            }
            _ => {}
        }
        if self.state == State::Copying {
            self.copy(hub, now, COPIED);
        }
        if self.due.is_none() && hub.seq() > self.swept {
            self.due = Some(now + self.every);
        }
        self.forget_restoring();
        self.turn_snapshots(hub, now, Timestamp::from_system_time(SystemTime::now()));
    }

    /// Is everything of a snapshot that took the place of a broken file in the new one?
    fn forget_restoring(&mut self) {
        if self.through > 0 {
            self.restoring.take().iter().for_each(Folder::forget_restoring);
        }
    }

    /// Looks what changed since the last time.
    fn sweep(&mut self, hub: &Hub) {
        self.places.extend(hub.directory().changed_after(self.swept));
        self.swept = hub.seq();
        self.due = None;
        self.state = State::Copying;
    }

    /// Copies `count` things at most, the oldest first, and hands the batch on where it is complete. A thing that was
    /// updated meanwhile is copied as it is now, and again the next time.
    fn copy(&mut self, hub: &mut Hub, now: Instant, count: usize) {
        for _ in 0..count {
            let place = if self.batch.is_full() { None } else { self.places.pop() };
            let Some(place) = place else { return self.hand_on(hub, now) };
            if let Some(record) = hub.directory().at(place) {
                self.batch.push(record, &Kept::of(hub, place));
            }
        }
        if self.acks.is_urgent() {
            self.hand_on(hub, now);
        }
    }

    fn hand_on(&mut self, hub: &mut Hub, now: Instant) {
        self.acks.fill(&mut self.batch, hub);
        self.state = State::Resting;
        if self.batch.is_empty() {
            // What is waited for is on disk already: it had come before.
            self.released.extend(self.acks.written());
        } else {
            let batch = std::mem::take(&mut self.batch);
            // Without its thread, which ends only with the broker, nothing is written and the state says so.
            if self.orders.send(Order::Write(batch)).is_ok() {
                self.state = State::Writing { since: now };
            }
        }
    }

    fn take_report(&mut self, report: Report, hub: &mut Hub, now: Instant, complaints: &mut Complaints) {
        match report {
            Report::Written(mut batch) => {
                if let Some(failing) = self.failing.take() {
                    let seconds = now.duration_since(failing.since).as_secs_f64();
                    tracing::info!(
                        "store: well again after {seconds:.1} s; what was missed is being written"
                    );
                }
                self.written.commits += 1;
                self.written.things += batch.len() as u64;
                batch.clear();
                self.batch = batch;
                self.released.extend(self.acks.written());
                self.state = if self.places.is_empty() {
                    self.through = self.swept;
                    State::Resting
                } else {
                    State::Copying
                };
            }
            Report::Failing(why) => {
                complaints.tell("store_failing", now, || {
                    format!(
                        "store: {} cannot be written: {why}; live updates go on, and it is tried again",
                        self.path.display()
                    )
                });
                match &mut self.failing {
                    Some(failing) => failing.why = why,
                    None => self.failing = Some(Failing { since: now, why }),
                }
            }
            Report::StartedAnew(why) => {
                tracing::error!("store: the file was broken: {why}; all things are written again");
                // Until they are, nothing is there for sure; the batch that is being written is among them.
                self.through = 0;
                self.places = hub.directory().changed_after(0).collect();
                self.swept = hub.seq();
                hub.senders.all_changed();
            }
        }
    }

    /// How it is, as `thingsbus status` gets it.
    pub(crate) fn to_json(&self, hub: &Hub, now: Instant) -> Value {
        json!({
            "path": self.path.display().to_string(),
            "state": if self.failing.is_some() { "failing" } else { "ok" },
            "error": self.failing.as_ref().map(|failing| failing.why.as_str()),
            "failing_s": self.failing.as_ref().map(|failing| now.duration_since(failing.since).as_secs_f64()),
            "seq": self.through,
            "behind": hub.seq().saturating_sub(self.through),
            "commits": self.written.commits,
            "things_written": self.written.things,
        })
    }

    /// Writes everything that is not on disk yet, for as long as `deadline` allows, and ends the store.
    pub(crate) fn finish(mut self, hub: &mut Hub, deadline: Instant) {
        self.snapshots.tell_to_end();
        loop {
            if self.state == State::Resting {
                self.sweep(hub);
            }
            if self.state == State::Copying {
                self.copy(hub, Instant::now(), usize::MAX);
            }
            if self.state == State::Resting {
                break; // There was nothing.
            }
            let left = deadline.saturating_duration_since(Instant::now());
            match self.reports.recv_timeout(left) {
                Ok(report) => self.take_report(report, hub, Instant::now(), &mut Complaints::default()),
                Err(_) => {
                    let behind = hub.seq() - self.through;
                    tracing::error!("store: the last {behind} updates could not be written in time");
                    return; // Its thread may wait for the disk for long.
                }
            }
        }
        self.restoring.take().iter().for_each(Folder::forget_restoring);
        let life = Life { epoch: hub.epoch().to_owned(), seq: hub.seq() };
        if self.orders.send(Order::Finish(life)).is_ok() {
            drop(self.orders);
            // What it still has to say is that it failed.
            while let Ok(report) =
                self.reports.recv_timeout(deadline.saturating_duration_since(Instant::now()))
            {
                if let Report::Failing(why) = report {
                    tracing::error!("store: the end could not be noted: {why}");
                }
            }
            if self.thread.is_finished() {
                let _ = self.thread.join();
            }
        }
        self.snapshots.wait_for_the_end(deadline);
    }
}
