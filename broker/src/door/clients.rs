//! The door to the clients: each message once into a buffer, and from there to all who want it. A client that is too
//! slow for the stream falls behind it and gets last values instead; a newcomer gets what it subscribed to as it is
//! now.

mod behind;
mod client;
mod newcomers;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;
use thingsbus_adaptor::wire::{Mark, Timestamp};

use super::complaints::Complaints;
use super::peers::{Expired, Peer, Peers, ReadBuffer, ReadEnd, Then};
use super::subscriptions::Subscriptions;
use crate::counters::Outgoing;
use crate::hub::Hub;
use crate::zmtp::{Event, push_frame};
use behind::Behind;
use client::Client;
use newcomers::Newcomers;

/// How a snapshot begins: a client whose subscription fits it wants snapshots, as 0.2.1's do.
pub(crate) const SNAPSHOT_BEGINNING: &[u8] = br#"{"type":"thing_snapshot""#;

/// When as much waits for one delivery, it is made, in bytes.
const TURN_BYTES: usize = 256 * 1024;

/// Parts of the directory (first snapshots, last values) are written for a client for which less than this waits, in
/// bytes: a message that comes meanwhile waits for one of them, some 50 µs.
const PART_BYTES_MAX: usize = 16 * 1024;

/// What a slow client missed comes in larger ones, in bytes: it must come faster than the same things are updated again,
/// or it would be given the first of them over and over.
const MISSED_BYTES_MAX: usize = 256 * 1024;

/// What answers to marks may add to a full queue, in bytes: who reads slowly gets its answer, and who only asks does not
/// fill our memory.
const MARKS_BYTES: usize = 64 * 1024;

/// The most slow clients that are told of, so that the status stays readable.
const SLOW_TOLD_MAX: usize = 100;

/// How much may wait for clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// For one of them, in bytes.
    pub(crate) client_bytes_max: usize,
    /// For all of them, in bytes, shared evenly among those for whom something waits.
    pub(crate) all_bytes_max: usize,
}

/// What a message is to those who get it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// An update, and the number of the same thing's update before it.
    Update {
        /// `None` where the thing is new.
        before: Option<u64>,
    },
    /// A part of the periodic snapshot.
    Snapshot,
    /// A thing's word is another one now. A client that is too slow for the stream asks when it has caught up.
    Freshness,
}

/// The door to the clients.
pub(crate) struct Clients {
    pub(crate) peers: Peers<Client>,
    pub(crate) counters: Outgoing,
    limits: QueueLimits,
    subscriptions: Subscriptions,
    /// The messages since the last delivery, each once, as they go out.
    turn: Vec<u8>,
    /// Who gets something of it.
    touched: Vec<usize>,
    messages: u64,
    /// For which clients something waits, at the last delivery: those that share what may wait for all.
    waiting: Vec<usize>,
    behind: Behind,
    newcomers: Newcomers,
}

impl Clients {
    pub(crate) fn new(peers: Peers<Client>, limits: QueueLimits) -> Self {
        Self {
            peers,
            counters: Outgoing::default(),
            limits,
            subscriptions: Subscriptions::default(),
            turn: Vec::new(),
            touched: Vec::new(),
            messages: 0,
            waiting: Vec::new(),
            behind: Behind::default(),
            newcomers: Newcomers::default(),
        }
    }

    pub(crate) fn set_limits(&mut self, limits: QueueLimits) {
        self.limits = limits;
    }

    /// Reads what a client sent: subscriptions.
    pub(crate) fn read(
        &mut self,
        key: usize,
        buffer: &mut ReadBuffer,
        now: Instant,
        complaints: &mut Complaints,
        hub: &Hub,
    ) -> ReadEnd {
        // A mark counts what was published, so that must be on its way before one is answered.
        self.deliver();
        let Self { peers, subscriptions, newcomers, counters, limits, .. } = self;
        let end = peers.read(key, buffer, now, complaints, |key, peer, event| {
            match event {
                Event::Subscribe(prefix) => match Mark::asked(prefix) {
                    // Answered, not kept: everything this client subscribed to before is active by now.
                    Some(mark) => {
                        if !peer.answer_mark(mark, hub, limits.client_bytes_max + MARKS_BYTES) {
                            counters.dropped += 1;
                        }
                    }
                    None => {
                        if peer.subscribe(key, prefix, subscriptions) {
                            newcomers.add(key, peer, prefix);
                        }
                    }
                },
                Event::Cancel(prefix) => subscriptions.cancel(key, prefix),
                _ => {}
            }
            Then::GoOn
        });
        if end == ReadEnd::Closed {
            self.subscriptions.forget(key);
        }
        end
    }

    /// Closes who did not finish the handshake in time, and who was silent for too long; when to look again.
    pub(crate) fn expire(&mut self, now: Instant, complaints: &mut Complaints) -> Option<Instant> {
        let Expired { keys, again } = self.peers.expire(now, complaints);
        for key in keys {
            self.subscriptions.forget(key);
        }
        again
    }

    /// Sends what waits for a client that takes more now.
    pub(crate) fn flush(&mut self, key: usize) {
        if !self.peers.flush(key) {
            self.subscriptions.forget(key);
        }
    }

    /// Is there anybody who wants messages that begin so?
    pub(crate) fn is_wanted(&self, beginning: &[u8]) -> bool {
        self.subscriptions.is_wanted(beginning)
    }

    /// Puts a message into the buffer for all who want it. An update must be the hub's last.
    pub(crate) fn publish(&mut self, message: &[u8], kind: Kind, hub: &mut Hub, now: Instant) {
        self.messages += 1;
        let queue_bytes_max = self.queue_bytes_max();
        let Self { peers, counters, subscriptions, turn, touched, messages, behind, .. } = self;
        let mut framed: Option<Range<usize>> = None;
        subscriptions.wanting(message, |key| {
            let Some(peer) = peers.get_mut(key) else { return };
            if !peer.state.is_looked_at_first(*messages) {
                return;
            }
            if let Some(merged) = peer.state.merge(kind) {
                counters.merged += merged;
                counters.dropped += u64::from(matches!(kind, Kind::Freshness));
                return;
            }
            let framed = framed.get_or_insert_with(|| {
                let start = turn.len();
                push_frame(message, false, turn);
                start..turn.len()
            });
            if peer.waiting_bytes() + framed.len() <= queue_bytes_max {
                counters.sent += 1;
                if peer.state.take(framed) {
                    touched.push(key);
                }
                return;
            }
            match kind {
                // Its last values will come with those that it is behind with.
                Kind::Snapshot | Kind::Freshness => counters.dropped += 1,
                Kind::Update { .. } => behind.add(key, peer, hub, now),
            }
        });
        if self.turn.len() >= TURN_BYTES {
            self.deliver();
        }
    }

    /// Sends what was published since the last delivery.
    pub(crate) fn deliver(&mut self) {
        if self.turn.is_empty() {
            return;
        }
        let mut turn = std::mem::take(&mut self.turn);
        let mut touched = std::mem::take(&mut self.touched);
        // Those whose sockets took everything, most often all, are done with; the others stay on the list.
        touched.retain(|&key| {
            let Some(peer) = self.peers.get_mut(key) else { return false };
            match peer.write(&turn) {
                Ok(0) => peer.state.finish_turn(),
                Ok(_) => return true,
                Err(_) => self.close(key),
            }
            false
        });
        self.forget_who_waits_no_more();
        if !touched.is_empty() {
            // It may be kept for long: no more of it than is used.
            turn.shrink_to_fit();
            let turn = Arc::new(std::mem::take(&mut turn));
            for &key in &touched {
                let Some(peer) = self.peers.get_mut(key) else { continue };
                peer.keep(&turn);
                if !std::mem::replace(&mut peer.state.waits, true) {
                    self.waiting.push(key);
                }
            }
            touched.clear();
        }
        turn.clear();
        (self.turn, self.touched) = (turn, touched);
    }

    /// Writes what those are due who do not follow the stream: slow clients and newcomers. Only after a delivery, so
    /// that what is older goes out first.
    pub(crate) fn write_parts(&mut self, hub: &mut Hub, heard_since: Timestamp, now: Timestamp) {
        let (part_bytes, missed_bytes) = (self.at_once(PART_BYTES_MAX), self.at_once(MISSED_BYTES_MAX));
        let Self { peers, counters, subscriptions, behind, newcomers, .. } = self;
        let mut gone = behind.write_parts(peers, counters, subscriptions, hub, missed_bytes);
        gone.extend(newcomers.write_parts(peers, counters, hub, part_bytes, heard_since, now));
        for key in gone {
            self.close(key);
        }
    }

    /// Is there a part to be written at once?
    pub(crate) fn has_parts(&self) -> bool {
        self.behind.has_parts(&self.peers, self.at_once(MISSED_BYTES_MAX))
            || self.newcomers.has_parts(&self.peers, self.at_once(PART_BYTES_MAX))
    }

    /// What may wait for one client now, in bytes.
    fn queue_bytes_max(&self) -> usize {
        self.limits.client_bytes_max.min(self.limits.all_bytes_max / self.waiting.len().max(1))
    }

    /// How much may wait for a client that is given parts of so many bytes: less than what may wait at all, so that what
    /// happens meanwhile has room too.
    fn at_once(&self, bytes_max: usize) -> usize {
        bytes_max.min(self.queue_bytes_max() / 2)
    }

    /// Who is too slow for the stream, how much was merged for it, and since when; and for whom much waits.
    pub(crate) fn slow(&self, now: Instant) -> Vec<Value> {
        let slow = |peer: &&Peer<Client>| peer.state.is_or_was_behind() || peer.outbox.bytes() > 0;
        let slow = self.peers.iter().map(|(_, peer)| peer).filter(slow).take(SLOW_TOLD_MAX);
        slow.map(|peer| peer.to_json(now)).collect()
    }

    /// A client whose queue is full is in no delivery, and still has its share.
    fn forget_who_waits_no_more(&mut self) {
        let Self { peers, waiting, .. } = self;
        waiting.retain(|key| {
            let Some(peer) = peers.get_mut(*key) else { return false };
            // One that came after, at the same key, is not on the list yet.
            peer.state.waits &= !peer.outbox.is_empty();
            peer.state.waits
        });
    }

    /// Closes who is so far behind that it cannot be told what was forgotten: it asks anew when it is back.
    pub(crate) fn close_behind(&mut self, hub: &mut Hub) {
        let all_since = hub.all_since();
        for key in self.behind.take_before(&self.peers, hub, all_since) {
            tracing::warn!(
                "closed the connection of a client that is too far behind to be told what was forgotten"
            );
            self.close(key);
        }
    }

    fn close(&mut self, key: usize) {
        self.peers.close(key);
        self.subscriptions.forget(key);
    }
}
