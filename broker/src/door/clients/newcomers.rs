//! Newcomers: who subscribes gets what there is now, it alone, part by part. A client of 0.2.1, which subscribes to
//! everything, gets a snapshot; who subscribes to a namespace gets last values as updates, unless it asks for marks,
//! since such a client asks the query door.

use std::collections::VecDeque;

use thingsbus_adaptor::wire::Timestamp;

use super::SNAPSHOT_BEGINNING;
use super::client::Client;
use crate::counters::Outgoing;
use crate::door::peers::{Peer, Peers};
use crate::hub::Hub;
use crate::zmtp::push_frame;

/// How every update begins.
const UPDATE_BEGINNING: &[u8] = br#"{"ns":""#;

/// How many parts are written before the others have their turn.
const PARTS: usize = 4;

/// The most subscriptions of one client that wait for their last values. Who makes more at once asks the query door.
const WAITING_MAX: usize = 10_000;

/// Who is told what there is now, and how far.
#[derive(Default)]
pub(super) struct Newcomers {
    waiting: VecDeque<Newcomer>,
}

struct Newcomer {
    key: usize,
    number: u64,
    wants: Wants,
    /// The last thing that it was told of, or that was looked at for it.
    after: Option<String>,
}

enum Wants {
    /// A snapshot, as 0.2.1's clients.
    Snapshot,
    /// The last values of things whose names begin so, or of the one that has that name.
    LastValues { beginning: String, exactly: bool },
}

impl Newcomers {
    /// The client subscribed to `prefix`.
    pub(super) fn add(&mut self, key: usize, peer: &mut Peer<Client>, prefix: &[u8]) {
        let wants = if SNAPSHOT_BEGINNING.starts_with(prefix) {
            if std::mem::replace(&mut peer.state.has_snapshot, true) {
                return;
            }
            Wants::Snapshot
        } else {
            match last_values(prefix) {
                Some(wants) if !peer.state.asks => wants,
                _ => return,
            }
        };
        if self.waiting.len() < WAITING_MAX {
            self.waiting.push_back(Newcomer { key, number: peer.number(), wants, after: None });
        } else {
            tracing::warn!("{} is not told last values: too many wait for theirs", peer.address);
        }
    }

    /// Writes the next parts; gives who turned out to be gone.
    pub(super) fn write_parts(
        &mut self,
        peers: &mut Peers<Client>,
        counters: &mut Outgoing,
        hub: &Hub,
        part_bytes: usize,
        heard_since: Timestamp,
        now: Timestamp,
    ) -> Vec<usize> {
        let mut gone = Vec::new();
        let mut parts = 0;
        for _ in 0..self.waiting.len() {
            let Some(mut newcomer) = self.waiting.pop_front() else { break };
            let peer = peers.get_mut(newcomer.key).filter(|peer| peer.number() == newcomer.number);
            let Some(peer) = peer else { continue };
            if parts == PARTS || !is_due(peer, part_bytes) {
                self.waiting.push_back(newcomer);
                continue;
            }
            parts += 1;
            let sent = peer.state.sent;
            newcomer.after = match &newcomer.wants {
                Wants::Snapshot => {
                    let mut message = Vec::new();
                    let next = hub.snapshot_part(newcomer.after.as_deref(), heard_since, now, &mut message);
                    peer.send_now(&message);
                    next
                }
                Wants::LastValues { beginning, exactly } => {
                    let after = newcomer.after.as_deref();
                    peer.send_last_values(hub, beginning, *exactly, after, part_bytes)
                }
            };
            counters.sent += peer.state.sent - sent;
            if peer.flush().is_err() {
                gone.push(newcomer.key);
            } else if newcomer.after.is_some() {
                self.waiting.push_back(newcomer);
            }
        }
        gone
    }

    pub(super) fn has_parts(&self, peers: &Peers<Client>, part_bytes: usize) -> bool {
        let is_due = |peer: &Peer<Client>| is_due(peer, part_bytes);
        self.waiting.iter().any(|newcomer| peers.get(newcomer.key).is_none_or(is_due))
    }
}

/// Who is behind the stream gets what that is first: in another order an old value could come after a new one.
fn is_due(peer: &Peer<Client>, part_bytes: usize) -> bool {
    peer.outbox.bytes() < part_bytes && peer.state.lag.is_none()
}

impl Peer<Client> {
    /// Sends the next last values; where to go on, if there are more.
    fn send_last_values(
        &mut self,
        hub: &Hub,
        beginning: &str,
        exactly: bool,
        after: Option<&str>,
        part_bytes: usize,
    ) -> Option<String> {
        let mut message = Vec::new();
        for update in hub.last_values(beginning, after) {
            if exactly && update.ns() != beginning {
                return None;
            }
            message.clear();
            update.push_json(&mut message);
            self.send_now(&message);
            if self.outbox.bytes() >= part_bytes {
                return Some(update.ns().to_owned());
            }
        }
        None
    }

    fn send_now(&mut self, message: &[u8]) {
        let mut framed = Vec::with_capacity(message.len() + 9);
        push_frame(message, false, &mut framed);
        self.outbox.push(framed);
        self.state.sent += 1;
    }
}

/// The last values that a subscription asks for; `None` where it is to something else.
fn last_values(prefix: &[u8]) -> Option<Wants> {
    if UPDATE_BEGINNING.starts_with(prefix) {
        return Some(Wants::LastValues { beginning: String::new(), exactly: false });
    }
    let rest = std::str::from_utf8(prefix.strip_prefix(UPDATE_BEGINNING)?).ok()?;
    Some(match rest.split_once('"') {
        Some((ns, _)) => Wants::LastValues { beginning: ns.to_owned(), exactly: true },
        None => Wants::LastValues { beginning: rest.to_owned(), exactly: false },
    })
}
