//! The thread that reads and writes snapshots: one job after the other, beside the thread that writes the directory.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender};

use serde_json::{Value, json};
use thingsbus_adaptor::wire::{Namespace, SnapshotName, Timestamp, narrower};

use super::super::head::Problem;
use super::super::keeper::Lent;
use super::file::{Header, Thing};
use super::import::{Import, Put};
use super::refusal::Refusal;
use super::shelf::{Shelf, Written, unread};
use super::{auto, before};

/// How many things of a snapshot come to the broker's thread at once, at the most.
const PIECE_THINGS: usize = 256;

/// And about how many bytes.
const PIECE_BYTES: usize = 256 * 1024;

/// What is to be done.
pub(in crate::store) enum Job {
    Save(Saving),
    /// One that the broker makes by itself; so many of those are kept.
    Auto(Saving, usize),
    Load {
        name: SnapshotName,
        ns: Namespace,
        head: Saving,
        pieces: SyncSender<Piece>,
    },
    List {
        now: Timestamp,
    },
    Delete(SnapshotName),
    Part {
        name: SnapshotName,
        offset: u64,
    },
    Put(Put),
}

/// A snapshot that is to be made of the running state.
#[derive(Clone, Debug)]
pub(in crate::store) struct Saving {
    pub(in crate::store) name: SnapshotName,
    pub(in crate::store) header: Header,
}

/// What of a snapshot comes to the broker's thread.
pub(crate) enum Piece {
    /// The file is whole, the running state is saved under that name, and so much of the directory is meant.
    Begin { head_kept_as: SnapshotName, scope: Namespace },
    /// Things, by name.
    Things(Vec<Thing>),
    /// That was all.
    End,
    /// It is not to be had, or not to its end.
    Failed(Refusal),
}

/// What runs on its thread.
pub(in crate::store) struct Jobs {
    pub(in crate::store) shelf: Shelf,
    pub(in crate::store) lent: Lent,
    pub(in crate::store) is_over: Arc<AtomicBool>,
    pub(in crate::store) import: Option<Import>,
}

impl Jobs {
    /// Until nobody is there to tell it what to do.
    pub(in crate::store) fn run(
        mut self,
        jobs: &Receiver<Job>,
        report: impl Fn(Option<Result<Value, Refusal>>),
        wake: &dyn Fn(),
    ) {
        while let Ok(job) = jobs.recv() {
            report(match job {
                Job::Load { name, ns, head, pieces } => {
                    self.load(&name, &ns, &head, &pieces, wake);
                    None
                }
                job => Some(self.answer(job)),
            });
        }
    }

    fn answer(&mut self, job: Job) -> Result<Value, Refusal> {
        match job {
            Job::Save(saving) => {
                self.save(&saving, &[]).map(|written| saved("snapshot_saved", &saving, written))
            }
            Job::Auto(saving, kept) => {
                let gives_way = auto::giving_way(&self.shelf, kept);
                let written = self.save(&saving, &gives_way)?;
                auto::remove(&self.shelf, &gives_way);
                Ok(saved("snapshot_saved", &saving, written))
            }
            Job::List { now } => Ok(json!({
                "type": "snapshot_list", "ts": now.seconds(), "snapshots": self.shelf.list()?,
            })),
            Job::Delete(name) => {
                self.shelf.delete(&name)?;
                tracing::info!("snapshot {name}: deleted");
                Ok(json!({ "type": "snapshot_deleted", "name": name.as_str() }))
            }
            Job::Part { name, offset } => {
                let (text, next) = self.shelf.part(&name, offset)?;
                Ok(json!({
                    "type": "snapshot_part", "name": name.as_str(), "offset": offset, "text": text, "next": next,
                }))
            }
            Job::Put(put) => self.put(&put),
            // It answers in pieces.
            Job::Load { .. } => Err(Refusal::stopping()),
        }
    }

    /// Writes the running state, as it is on disk now, beside the writing of what comes meanwhile. What gives way to it is
    /// to be removed after that, so there is always one at least.
    fn save(&self, saving: &Saving, gives_way: &[SnapshotName]) -> Result<Written, Refusal> {
        let Saving { name, header } = saving;
        let no_head =
            || Refusal::disk("the directory's file cannot be read now; `thingsbus status` says why");
        let head = self.lent.get().ok_or_else(no_head)?;
        let mut count = 0_usize;
        let written = self.shelf.write(name, header, gives_way, |out| {
            let mut refusal = None;
            let read = head.each_below(&header.ns, |ns, value, ttl| {
                count += 1;
                if let Err(error) = out.thing(ns, value, ttl) {
                    let why = format_args!("the snapshot {name} cannot be written: {error}").to_string();
                    refusal = Some(Refusal::disk(why));
                } else if count.is_multiple_of(PIECE_THINGS) && !self.lent.is(&head) {
                    // Its file is to be opened anew, which waits for us.
                    refusal = Some(no_head());
                } else if count.is_multiple_of(PIECE_THINGS) && self.is_over.load(Ordering::Relaxed) {
                    refusal = Some(Refusal::stopping());
                }
                refusal.is_none()
            });
            match (refusal, read) {
                (Some(refusal), _) => Err(refusal),
                (None, Ok(())) => Ok(()),
                (None, Err(Problem::Io(why) | Problem::Broken(why))) => {
                    Err(Refusal::disk(format_args!("the directory's file cannot be read: {why}")))
                }
                (None, Err(problem)) => Err(Refusal::disk(problem)),
            }
        })?;
        tracing::info!("snapshot {name}: saved, {} things in {} bytes", written.things, written.bytes);
        Ok(written)
    }

    /// Saves the running state before the snapshot `loaded` takes its place, under a name that is not taken.
    fn save_before(&self, head: &Saving, loaded: &SnapshotName) -> Result<SnapshotName, Refusal> {
        let failed = |error| Refusal::disk(format_args!("the snapshots cannot be looked at: {error}"));
        let name = before::untaken(&self.shelf, &head.name).map_err(failed)?;
        let header = Header { name: name.to_string(), ..head.header.clone() };
        let gives_way = before::giving_way(&self.shelf, loaded);
        self.save(&Saving { name: name.clone(), header }, &gives_way)?;
        auto::remove(&self.shelf, &gives_way);
        Ok(name)
    }

    fn load(
        &self,
        name: &SnapshotName,
        ns: &Namespace,
        head: &Saving,
        pieces: &SyncSender<Piece>,
        wake: &dyn Fn(),
    ) {
        // Who does not take it any more has stopped.
        let tell = |piece| {
            let told = pieces.send(piece).map_err(|_| Refusal::stopping());
            wake();
            told
        };
        if let Err(refusal) = self.stream(name, ns, head, &tell) {
            let _ = tell(Piece::Failed(refusal));
        }
    }

    fn stream(
        &self,
        name: &SnapshotName,
        ns: &Namespace,
        head: &Saving,
        tell: &dyn Fn(Piece) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let go_on = || if self.is_over.load(Ordering::Relaxed) { Err(Refusal::stopping()) } else { Ok(()) };
        let about = self.shelf.verify(name, go_on)?;
        let scope = narrower(&about.header.ns, ns).ok_or_else(|| Refusal {
            error: "not_in_snapshot",
            message: format!(
                "the snapshot {name} has what is below {}, and nothing of {ns}",
                about.header.ns
            ),
        })?;
        let head_kept_as = self.save_before(head, name)?;
        tell(Piece::Begin { head_kept_as, scope: scope.clone() })?;
        let mut reader = self.shelf.read(name)?;
        let (mut things, mut bytes) = (Vec::new(), 0);
        while let Some(thing) = reader.next().map_err(|why| unread(name, &why))? {
            if thing.ns != *scope && !thing.ns.is_under(scope) {
                continue;
            }
            bytes += thing.data.len();
            things.push(thing);
            if things.len() >= PIECE_THINGS || bytes >= PIECE_BYTES {
                bytes = 0;
                tell(Piece::Things(std::mem::take(&mut things)))?;
            }
        }
        tell(Piece::Things(things))?;
        tell(Piece::End)
    }

    fn put(&mut self, put: &Put) -> Result<Value, Refusal> {
        let is_over = &self.is_over;
        let go_on = || if is_over.load(Ordering::Relaxed) { Err(Refusal::stopping()) } else { Ok(()) };
        let import = match self.import.take() {
            Some(import) if put.offset > 0 => Some(import),
            _ => None,
        };
        let mut import = match import {
            Some(import) => import,
            None => Import::begin(&self.shelf, put)?,
        };
        let taken = import.take(put);
        if taken.is_ok() && put.last {
            let (header, written) = import.finish(&self.shelf, go_on)?;
            tracing::info!("snapshot {}: imported, {} things", put.name, written.things);
            let saving = Saving { name: put.name.clone(), header };
            return Ok(saved("snapshot_imported", &saving, written));
        }
        let next = import.bytes();
        if taken.as_ref().is_err_and(|refusal| refusal.error == Refusal::DISK) {
            // How much of it was written is not known: it is begun again.
            import.remove(&self.shelf);
        } else {
            self.import = Some(import);
        }
        taken.map(|()| json!({ "type": "snapshot_put", "name": put.name.as_str(), "next": next }))
    }
}

fn saved(kind: &str, saving: &Saving, written: Written) -> Value {
    let Saving { name, header } = saving;
    json!({
        "type": kind, "name": name.as_str(), "saved": header.saved.seconds(), "ns": header.ns.as_str(),
        "things": written.things, "bytes": written.bytes, "epoch": header.epoch, "seq": header.seq,
    })
}
