//! Clients that are behind the stream. When a client's queue is full, a bookmark is put into the order of last
//! updates, and nothing more is queued; when it reads again, it is given last values from the bookmark on, each with how
//! many updates they stand for, until it has caught up. So it ends with every thing's latest value however slow it is,
//! its queue never grows past its limit, and no one else waits.

use std::time::Instant;

use thingsbus_client::directory::Bookmark;

use super::client::{Client, Lag};
use crate::counters::Outgoing;
use crate::door::peers::{Peer, Peers};
use crate::door::subscriptions::Subscriptions;
use crate::hub::Hub;
use crate::zmtp::push_frame;

/// How many things are looked at for one client before the others have their turn.
const LOOKED_AT: usize = 2_000;

/// Who is behind, and from where each goes on.
#[derive(Default)]
pub(super) struct Behind {
    clients: Vec<Slow>,
}

struct Slow {
    key: usize,
    number: u64,
    bookmark: Bookmark,
}

impl Behind {
    /// The client's queue is full, and the hub's last update is the first that it does not get now.
    #[cold]
    pub(super) fn add(&mut self, key: usize, peer: &mut Peer<Client>, hub: &mut Hub, now: Instant) {
        let bookmark = hub.bookmark_before_last();
        peer.state.lag = Some(Lag { since: now, seq: hub.seq() - 1, merged: 0 });
        self.clients.push(Slow { key, number: peer.number(), bookmark });
        tracing::debug!(
            "{} is too slow for the stream and gets last values until it has caught up",
            peer.address
        );
    }

    /// Takes those out that have nothing but what was up to `seq` or before, and cannot be told what was forgotten since.
    pub(super) fn take_before(&mut self, peers: &Peers<Client>, hub: &mut Hub, seq: u64) -> Vec<usize> {
        let has_less = |slow: &mut Slow| {
            let peer = peers.get(slow.key).filter(|peer| peer.number() == slow.number);
            peer.and_then(|peer| peer.state.lag.as_ref()).is_some_and(|lag| lag.seq < seq)
        };
        let taken = self.clients.extract_if(.., has_less);
        taken
            .map(|slow| {
                hub.remove_bookmark(slow.bookmark);
                slow.key
            })
            .collect()
    }

    /// Writes last values for those who have read what waited for them; gives who turned out to be gone.
    pub(super) fn write_parts(
        &mut self,
        peers: &mut Peers<Client>,
        counters: &mut Outgoing,
        subscriptions: &Subscriptions,
        hub: &mut Hub,
        part_bytes: usize,
    ) -> Vec<usize> {
        let mut gone = Vec::new();
        for slow in std::mem::take(&mut self.clients) {
            match peers.get_mut(slow.key).filter(|peer| peer.number() == slow.number) {
                None => hub.remove_bookmark(slow.bookmark),
                Some(peer) if peer.outbox.bytes() >= part_bytes => self.clients.push(slow),
                Some(peer) => {
                    let caught_up = peer.write_missed(&slow, counters, subscriptions, hub, part_bytes);
                    if peer.flush().is_err() {
                        gone.push(slow.key);
                    }
                    if caught_up {
                        hub.remove_bookmark(slow.bookmark);
                        peer.state.lag = None;
                    } else {
                        self.clients.push(slow);
                    }
                }
            }
        }
        gone
    }

    pub(super) fn has_parts(&self, peers: &Peers<Client>, part_bytes: usize) -> bool {
        let has_room = |peer: &Peer<Client>| peer.outbox.bytes() < part_bytes;
        self.clients.iter().any(|slow| peers.get(slow.key).is_none_or(has_room))
    }
}

impl Peer<Client> {
    /// Writes last values from the bookmark on; `true` where there are no more.
    fn write_missed(
        &mut self,
        slow: &Slow,
        counters: &mut Outgoing,
        subscriptions: &Subscriptions,
        hub: &mut Hub,
        part_bytes: usize,
    ) -> bool {
        let Some(lag) = &mut self.state.lag else { return true };
        let (mut message, mut framed) = (Vec::new(), Vec::new());
        let mut looked_at = 0;
        let caught_up = loop {
            if looked_at == LOOKED_AT || self.outbox.bytes() + framed.len() >= part_bytes {
                break false;
            }
            looked_at += 1;
            let Some(last) = hub.next_after(&slow.bookmark) else { break true };
            lag.seq = last.seq().unwrap_or(lag.seq);
            message.clear();
            last.push_told_late(lag.merged, &mut message);
            if subscriptions.wants(slow.key, &message) {
                push_frame(&message, false, &mut framed);
                lag.merged = 0;
                counters.sent += 1;
                self.state.sent += 1;
            }
        };
        self.outbox.push(framed);
        caught_up
    }
}
