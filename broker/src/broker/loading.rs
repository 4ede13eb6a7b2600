//! Loading a snapshot: its things are merged with the directory, by name, a slice in each turn. What differs becomes an
//! update that arrives now, and what is not in the snapshot is forgotten.

use std::collections::VecDeque;
use std::sync::mpsc::TryRecvError;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::{Namespace, SnapshotName, Update};
use thingsbus_client::directory::{Record, Scope};

use super::middle::Middle;
use crate::store::snapshots::{Load, Piece, Refusal, Thing};

/// How many things are looked at before the stream has its turn.
const LOADED: usize = 300;

/// The snapshot in hand.
#[derive(Default)]
pub(super) struct Loading {
    task: Option<Task>,
    /// Is there something to be done that nothing else brings?
    has_more: bool,
}

struct Task {
    load: Load,
    begun: Option<Begun>,
    things: VecDeque<Thing>,
    is_over: bool,
    /// The last thing that was looked at.
    after: Option<String>,
    counts: Counts,
}

struct Begun {
    head_kept_as: SnapshotName,
    scope: Namespace,
}

#[derive(Default)]
struct Counts {
    set: u64,
    forgotten: u64,
    same: u64,
    refused: u64,
}

/// What came of the snapshot.
enum Next {
    Thing,
    End,
    /// It is still being read.
    NotYet,
}

/// How a slice ended.
enum Slice {
    /// The stream has its turn.
    Over,
    /// What is still being read wakes the broker when it comes.
    Waits,
    /// Everything is loaded: the answer.
    Loaded(Value),
}

impl Loading {
    pub(super) fn has_more(&self) -> bool {
        self.has_more
    }

    /// Puts some things into the directory. Who asked is answered by the store, when all of it is on disk.
    pub(super) fn turn(&mut self, middle: &mut Middle) {
        self.has_more = false;
        if self.task.is_none() {
            self.task = middle.store.as_mut().and_then(crate::store::Store::next_load).map(Task::new);
        }
        let Some(task) = &mut self.task else { return };
        let outcome = match task.slice(middle) {
            Ok(Slice::Waits) => return,
            Ok(Slice::Over) => {
                self.has_more = true;
                return;
            }
            Ok(Slice::Loaded(answer)) => Ok(answer),
            Err(refusal) => Err(task.refused(refusal)),
        };
        if let (Some(task), Some(store)) = (self.task.take(), &mut middle.store) {
            store.loaded(outcome, task.load.to, middle.hub.seq());
        }
    }
}

impl Task {
    fn new(load: Load) -> Self {
        Self {
            load,
            begun: None,
            things: VecDeque::new(),
            is_over: false,
            after: None,
            counts: Counts::default(),
        }
    }

    /// Looks at some things.
    fn slice(&mut self, middle: &mut Middle) -> Result<Slice, Refusal> {
        let mut left = LOADED;
        while left > 0 {
            let next = self.look()?;
            let Some(Begun { scope, .. }) = &self.begun else { return Ok(Slice::Waits) };
            let end = match next {
                Next::NotYet => return Ok(Slice::Waits),
                Next::Thing => self.things.front().map(|thing| thing.ns.as_str()),
                Next::End => None,
            };
            // Those before it are not in the snapshot.
            let scope = Scope { ns: scope.as_str(), tree: true };
            let things = middle.hub.directory().things_and_forgotten(scope, self.after.as_deref());
            let others = things.take_while(|record| end.is_none_or(|end| record.ns() < end)).take(left);
            let others: Vec<(String, u64)> = others.map(name_and_seq).collect();
            left -= others.len();
            for (ns, seq) in others {
                if seq <= self.load.up_to && middle.forget(&ns) {
                    self.counts.forgotten += 1;
                }
                self.after = Some(ns);
            }
            if left == 0 {
                break;
            }
            let Some(thing) = self.things.pop_front() else {
                return Ok(Slice::Loaded(self.answer(middle)));
            };
            self.put(&thing, middle);
            self.after = Some(thing.ns.as_str().to_owned());
            left -= 1;
        }
        Ok(Slice::Over)
    }

    /// Takes what came.
    fn look(&mut self) -> Result<Next, Refusal> {
        while self.things.is_empty() && !self.is_over {
            match self.load.pieces.try_recv() {
                Ok(Piece::Begin { head_kept_as, scope }) => self.begun = Some(Begun { head_kept_as, scope }),
                Ok(Piece::Things(things)) => self.things = things.into(),
                Ok(Piece::End) => self.is_over = true,
                Ok(Piece::Failed(refusal)) => return Err(refusal),
                Err(TryRecvError::Empty) => return Ok(Next::NotYet),
                Err(TryRecvError::Disconnected) => return Err(Refusal::stopping()),
            }
        }
        Ok(if self.things.is_empty() { Next::End } else { Next::Thing })
    }

    fn put(&mut self, thing: &Thing, middle: &mut Middle) {
        let Thing { ns, data, ts, documentation_url: url, ttl, .. } = thing;
        let (ns, url) = (ns.as_str(), url.as_deref());
        if let Some(known) = middle.hub.directory().get(ns) {
            if (known.data(), known.ts(), known.documentation_url()) == (data, *ts, url) {
                self.counts.same += 1;
                return;
            }
            // An update takes no documentation URL away: who has one and is to have none begins anew.
            if url.is_none() && known.documentation_url().is_some() {
                middle.forget(ns);
            }
        }
        let update = Update::from_checked(ns, Some(*ts), data, url, None).with_ttl(*ttl);
        match middle.bring_back(update) {
            Ok(_) => self.counts.set += 1,
            Err(_) => self.counts.refused += 1,
        }
    }

    fn answer(&self, middle: &Middle) -> Value {
        let Counts { set, forgotten, same, refused } = self.counts;
        let (name, kept) = (&self.load.name, self.begun.as_ref().map(|begun| begun.head_kept_as.as_str()));
        tracing::info!(
            "snapshot {name}: loaded; {set} things set, {forgotten} forgotten, {same} the same, {refused} refused; the \
             state before is {}",
            kept.unwrap_or_default(),
        );
        json!({
            "type": "snapshot_loaded", "name": name.as_str(), "set": set, "forgotten": forgotten, "same": same,
            "refused": refused, "head_kept_as": kept, "seq": middle.hub.seq(),
        })
    }

    /// Why it was not loaded, or not to its end.
    fn refused(&self, refusal: Refusal) -> Refusal {
        let Some(Begun { head_kept_as, .. }) = &self.begun else { return refusal };
        let Counts { set, forgotten, .. } = self.counts;
        let message = format!(
            "{}; before that {set} things were set and {forgotten} forgotten: `thingsbus snapshot load {head_kept_as}` \
             brings the state before back",
            refusal.message
        );
        Refusal { message, ..refusal }
    }
}

fn name_and_seq(record: &Record) -> (String, u64) {
    (record.ns().to_owned(), record.seq())
}
