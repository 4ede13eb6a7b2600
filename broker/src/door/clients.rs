//! The door to the clients: each message once into a buffer, and from there to all who want it.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::Mark;

use super::complaints::Complaints;
use super::outbox::write_direct;
use super::peers::{Peer, Peers, ReadBuffer, ReadEnd, Then};
use super::subscriptions::{SUBSCRIPTIONS_MAX, Subscriptions};
use crate::counters::Outgoing;
use crate::hub::Hub;
use crate::zmtp::{Event, push_frame};

/// How a snapshot begins: a client whose subscription fits it wants snapshots, as 0.2.1's do.
pub(crate) const SNAPSHOT_BEGINNING: &[u8] = br#"{"type":"thing_snapshot""#;

/// When as much waits for one delivery, it is made, in bytes.
const TURN_BYTES: usize = 256 * 1024;

/// A newcomer gets the next part of its first snapshot when less than this waits for it, in bytes.
const GREETING_BYTES: usize = 256 * 1024;

/// The most slow clients that are told of, so that the status stays readable.
const SLOW_TOLD_MAX: usize = 100;

/// What answers to marks may add to a full queue, in bytes: who reads slowly gets its answer, and who only asks does not
/// fill our memory.
const MARKS_BYTES: usize = 64 * 1024;

/// How many parts of first snapshots are written before the others have their turn.
const GREETING_PARTS: usize = 4;

/// How much may wait for clients.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueueLimits {
    /// For one of them, in bytes.
    pub(crate) client_bytes_max: usize,
    /// For all of them, in bytes, shared evenly among those for whom something waits.
    pub(crate) all_bytes_max: usize,
}

/// What the door keeps of a client.
pub(crate) struct Client {
    pub(crate) connected: Instant,
    /// Messages handed on to it.
    pub(crate) sent: u64,
    /// Messages not kept for it because its queue was full, and since when.
    pub(crate) dropped: u64,
    pub(crate) dropped_since: Option<Instant>,
    /// What of the turn's buffer is for it.
    ranges: Vec<Range<usize>>,
    ranges_bytes: usize,
    /// The last message that it was looked at for, so that it gets none twice.
    looked_at: u64,
    /// It had its first snapshot, or is having it.
    greeted: bool,
    /// It is among those for whom something waits.
    waits: bool,
}

impl Default for Client {
    fn default() -> Self {
        Self {
            connected: Instant::now(),
            sent: 0,
            dropped: 0,
            dropped_since: None,
            ranges: Vec::new(),
            ranges_bytes: 0,
            looked_at: 0,
            greeted: false,
            waits: false,
        }
    }
}

/// A newcomer that is getting its first snapshot.
struct Greeting {
    key: usize,
    number: u64,
    /// Where the next part begins.
    after: Option<String>,
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
    greetings: VecDeque<Greeting>,
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
            greetings: VecDeque::new(),
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
        let Self { peers, subscriptions, greetings, counters, limits, .. } = self;
        let mut answer_mark = |peer: &mut Peer<Client>, mark: &str| {
            if !peer.answer_mark(mark, hub, limits.client_bytes_max + MARKS_BYTES) {
                counters.dropped += 1;
                peer.state.dropped += 1;
                peer.state.dropped_since.get_or_insert(now);
            }
        };
        let end = peers.read(key, buffer, now, complaints, |key, peer, event| {
            match event {
                Event::Subscribe(prefix) => match Mark::asked(prefix) {
                    // Answered, not kept: everything this client subscribed to before is active by now.
                    Some(mark) => answer_mark(peer, mark),
                    None if peer.subscribe(key, prefix, subscriptions) => {
                        greetings.push_back(Greeting { key, number: peer.number(), after: None });
                    }
                    None => {}
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

    /// Sends what waits for a client that takes more now.
    pub(crate) fn flush(&mut self, key: usize) {
        if !self.peers.flush(key) {
            self.subscriptions.forget(key);
        } else if let Some(peer) = self.peers.get_mut(key).filter(|peer| peer.outbox.is_empty()) {
            peer.state.dropped_since = None;
        }
    }

    /// Is there anybody who wants messages that begin so?
    pub(crate) fn is_wanted(&self, beginning: &[u8]) -> bool {
        self.subscriptions.is_wanted(beginning)
    }

    /// Puts a message into the buffer for all who want it.
    pub(crate) fn publish(&mut self, message: &[u8], now: Instant) {
        self.messages += 1;
        let share = self.limits.all_bytes_max / self.waiting.len().max(1);
        let queue_bytes_max = self.limits.client_bytes_max.min(share);
        let Self { peers, counters, subscriptions, turn, touched, messages, .. } = self;
        let mut framed: Option<Range<usize>> = None;
        subscriptions.wanting(message, |key| {
            let Some(peer) = peers.get_mut(key) else { return };
            let client = &mut peer.state;
            if std::mem::replace(&mut client.looked_at, *messages) == *messages {
                return;
            }
            let framed = framed.get_or_insert_with(|| {
                let start = turn.len();
                push_frame(message, false, turn);
                start..turn.len()
            });
            if peer.outbox.bytes() + client.ranges_bytes + framed.len() > queue_bytes_max {
                counters.dropped += 1;
                client.dropped += 1;
                client.dropped_since.get_or_insert(now);
                return;
            }
            counters.sent += 1;
            client.sent += 1;
            client.ranges_bytes += framed.len();
            match client.ranges.last_mut() {
                Some(last) if last.end == framed.start => last.end = framed.end,
                Some(_) => client.ranges.push(framed.clone()),
                None => {
                    touched.push(key);
                    client.ranges.push(framed.clone());
                }
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
        let turn = Arc::new(std::mem::take(&mut self.turn));
        self.forget_who_waits_no_more();
        for key in std::mem::take(&mut self.touched) {
            let Some(peer) = self.peers.get_mut(key) else { continue };
            match peer.deliver(&turn) {
                Ok(()) if peer.outbox.is_empty() => {}
                Ok(()) => {
                    if !std::mem::replace(&mut peer.state.waits, true) {
                        self.waiting.push(key);
                    }
                }
                Err(_) => self.close(key),
            }
        }
        // Nobody waits for it in most turns: then its memory serves the next one.
        if let Ok(mut turn) = Arc::try_unwrap(turn) {
            turn.clear();
            self.turn = turn;
        }
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

    /// Writes the next parts of newcomers' first snapshots, by `part(after, out)` which gives where the next one
    /// begins;
    pub(crate) fn greet(&mut self, mut part: impl FnMut(Option<&str>, &mut Vec<u8>) -> Option<String>) {
        let mut parts = 0;
        for _ in 0..self.greetings.len() {
            let Some(mut greeting) = self.greetings.pop_front() else { break };
            let Some(peer) = self.peers.get_mut(greeting.key).filter(|peer| peer.number() == greeting.number)
            else {
                continue;
            };
            if parts == GREETING_PARTS || peer.outbox.bytes() >= GREETING_BYTES {
                self.greetings.push_back(greeting);
                continue;
            }
            parts += 1;
            let greeting_key = greeting.key;
            let mut snapshot = Vec::new();
            let next = part(greeting.after.as_deref(), &mut snapshot);
            let mut framed = Vec::with_capacity(snapshot.len() + 9);
            push_frame(&snapshot, false, &mut framed);
            peer.outbox.push(framed);
            peer.state.sent += 1;
            self.counters.sent += 1;
            if next.is_some() {
                greeting.after = next;
                self.greetings.push_back(greeting);
            }
            if peer.flush().is_err() {
                self.close(greeting_key);
            }
        }
    }

    /// May a newcomer get the next part of its first snapshot at once?
    pub(crate) fn can_greet(&self) -> bool {
        let has_room = |greeting: &Greeting| {
            self.peers.get(greeting.key).is_some_and(|peer| peer.outbox.bytes() < GREETING_BYTES)
        };
        self.greetings.iter().any(has_room)
    }

    /// Who did not get everything, how much, and since when; and who has much waiting.
    pub(crate) fn slow(&self, now: Instant) -> Vec<Value> {
        let slow = |peer: &&Peer<Client>| peer.state.dropped > 0 || peer.outbox.bytes() > 0;
        let told = |peer: &Peer<Client>| {
            json!({
                "peer": peer.address.to_string(),
                "connected_s": now.duration_since(peer.state.connected).as_secs(),
                "waiting_bytes": peer.outbox.bytes(),
                "sent": peer.state.sent,
                "dropped": peer.state.dropped,
                "dropping_s": peer.state.dropped_since.map(|since| now.duration_since(since).as_secs()),
            })
        };
        self.peers.iter().map(|(_, peer)| peer).filter(slow).take(SLOW_TOLD_MAX).map(told).collect()
    }

    fn close(&mut self, key: usize) {
        self.peers.close(key);
        self.subscriptions.forget(key);
    }
}

impl Peer<Client> {
    /// Takes a subscription; `true` where it makes this one a newcomer that wants a first snapshot.
    fn subscribe(&mut self, key: usize, prefix: &[u8], subscriptions: &mut Subscriptions) -> bool {
        if !subscriptions.subscribe(key, prefix) {
            let address = self.address;
            tracing::warn!("{address} has {SUBSCRIPTIONS_MAX} subscriptions; one more was not taken");
            return false;
        }
        SNAPSHOT_BEGINNING.starts_with(prefix) && !std::mem::replace(&mut self.state.greeted, true)
    }

    /// Answers a mark; `false` where too much waits for this client already.
    fn answer_mark(&mut self, mark: &str, hub: &Hub, queue_bytes_max: usize) -> bool {
        let mut message = Vec::new();
        hub.mark(mark, &mut message);
        let mut framed = Vec::new();
        push_frame(&message, false, &mut framed);
        let fits = self.outbox.bytes() + framed.len() <= queue_bytes_max;
        if fits {
            self.outbox.push(framed);
        }
        fits
    }

    /// Sends its part of `turn`, or keeps what the socket does not take.
    fn deliver(&mut self, turn: &Arc<Vec<u8>>) -> std::io::Result<()> {
        let ranges = std::mem::take(&mut self.state.ranges);
        let wanted = std::mem::take(&mut self.state.ranges_bytes);
        let written = if self.outbox.is_empty() { write_direct(&mut self.stream, turn, &ranges)? } else { 0 };
        if written < wanted {
            self.outbox.push_shared(turn, &ranges, written);
        } else {
            self.state.dropped_since = None;
        }
        self.state.ranges = ranges;
        self.state.ranges.clear();
        Ok(())
    }
}
