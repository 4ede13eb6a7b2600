//! Live streams: all of them share what the gate gives, and each has a queue of its own that is bounded. Who reads slowly
//! falls behind, and is told the last values of what changed meanwhile.

mod merged;
pub(super) mod monitor;
mod queue;
pub(super) mod sse;
mod stream;
pub(super) mod ws;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thingsbus_adaptor::wire::Namespace;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

use super::app::Caller;
use super::problem::Problem;
use crate::door::gate::{Batch, Call, Gate};
use queue::Queue;
pub(super) use stream::{Scope, Stream};

/// The most bytes that wait for all streams together. Messages that several streams get are there once, and count for
/// each.
const WAITING_BYTES_MAX: usize = 64 * 1024 * 1024;

/// How many streams are written to at once, and how soon the next are. Where few have something to tell it is told at once;
/// a thousand that all have are written to in turn, each with what came meanwhile, so that they do not take a core from
/// ZeroMQ's clients, nor some milliseconds at a time.
const WRITES: usize = 32;
const WRITES_EVERY: Duration = Duration::from_millis(1);

/// All live streams.
pub(super) struct Live {
    gate: Gate,
    queues: Mutex<HashMap<usize, Arc<Queue>>>,
    /// The streams that there were so far: no two have the same number.
    opened: AtomicUsize,
    streams_max: usize,
    waiting: Arc<AtomicUsize>,
    /// Updates that were not told because newer ones stood for them.
    merged: AtomicU64,
}

/// A stream's place in it, until it is dropped.
struct Follower {
    live: Arc<Live>,
    number: usize,
    queue: Arc<Queue>,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.live.queues.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
        // Where the broker is too busy to hear this, it is told again with the next message for this one.
        let _ = self.live.gate.call(Call::Unfollow(self.number));
    }
}

impl Live {
    pub(super) fn new(gate: Gate, streams_max: usize) -> Arc<Self> {
        Arc::new(Self {
            gate,
            queues: Mutex::default(),
            opened: AtomicUsize::default(),
            streams_max,
            waiting: Arc::default(),
            merged: AtomicU64::default(),
        })
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// How many updates were not told because newer ones stood for them.
    pub(super) fn merged(&self) -> u64 {
        self.merged.load(Ordering::Relaxed)
    }

    /// Gives out what the gate gives, until that ends, and all streams with it.
    pub(super) async fn give_out(self: Arc<Self>, mut batches: UnboundedReceiver<Batch>) {
        let mut touched: VecDeque<Arc<Queue>> = VecDeque::new();
        let mut next = Instant::now();
        loop {
            tokio::select! {
                batch = batches.recv() => match batch {
                    Some(batch) => touched.extend(self.give_out_batch(batch)),
                    None => break,
                },
                () = tokio::time::sleep_until(next), if !touched.is_empty() => {}
            }
            let now = Instant::now();
            if now >= next && !touched.is_empty() {
                touched.drain(..touched.len().min(WRITES)).for_each(|queue| queue.wake());
                next = now + WRITES_EVERY;
            }
        }
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).values().for_each(|queue| queue.end());
    }

    /// Puts messages where they wait; the queues in which nothing waited before.
    fn give_out_batch(&self, mut batch: Batch) -> Vec<Arc<Queue>> {
        let queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
        for (follower, count) in batch.missed.drain() {
            if let Some(queue) = queues.get(&follower) {
                queue.miss(count);
            }
        }
        let (mut touched, mut gone) = (Vec::new(), HashSet::new());
        for message in batch.messages.drain(..) {
            for follower in &message.followers {
                match queues.get(follower) {
                    Some(queue) if queue.push(message.seq, message.bytes.clone()) => {
                        touched.push(queue.clone());
                    }
                    Some(_) => {}
                    None => drop(gone.insert(*follower)),
                }
            }
        }
        drop(queues);
        for follower in gone {
            let _ = self.gate.call(Call::Unfollow(follower));
        }
        touched
    }

    /// A stream of these parts of the directory.
    pub(super) fn open(self: &Arc<Self>, caller: &Caller, scope: Scope) -> Result<Stream, Problem> {
        let number = self.opened.fetch_add(1, Ordering::Relaxed);
        let queue = Arc::new(Queue::new(self.waiting.clone()));
        {
            let mut queues = self.queues.lock().unwrap_or_else(PoisonError::into_inner);
            if queues.len() >= self.streams_max {
                let detail = format!("there are {} live streams already (web.streams_max)", queues.len());
                return Err(Problem::busy(detail));
            }
            queues.insert(number, queue.clone());
        }
        let follower = Follower { live: self.clone(), number, queue };
        let prefixes = scope.parts.iter().flat_map(|part| prefixes(part, scope.tree)).collect();
        let busy = |_| Problem::busy("too many requests wait for the broker already; ask again");
        self.gate.call(Call::Follow(number, prefixes)).map_err(busy)?;
        Ok(Stream::new(follower, caller, scope))
    }
}

/// What messages of this thing, and of those below it, begin with.
fn prefixes(ns: &Namespace, tree: bool) -> Vec<Vec<u8>> {
    let ns = ns.as_str();
    let texts = match (ns, tree) {
        ("", true) => vec!["{\"ns\":\"".to_owned()],
        (ns, true) => vec![format!("{{\"ns\":\"{ns}\""), format!("{{\"ns\":\"{ns}.")],
        (ns, false) => vec![format!("{{\"ns\":\"{ns}\"")],
    };
    texts.into_iter().map(String::into_bytes).collect()
}
