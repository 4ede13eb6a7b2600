//! From arrival to outgoing: what the doors that take updates hand them to, and what happens to them there.

use std::net::SocketAddr;
use std::time::Instant;

use thingsbus_adaptor::wire::{Rejected, Scratch, Timestamp, Update, decode_datagram, decode_update};

use crate::counters::Incoming;
use crate::door::clients::{Clients, Kind};
use crate::door::complaints::Complaints;
use crate::hub::Hub;

/// The hub, and the doors' way to it.
pub(super) struct Middle {
    pub(super) hub: Hub,
    pub(super) clients: Clients,
    pub(super) zmq_in: Incoming,
    pub(super) udp_in: Incoming,
    /// When this turn began, by the clock for timers and by the wall clock: what comes in a turn comes then.
    pub(super) instant: Instant,
    pub(super) now: Timestamp,
    rejections: Complaints,
    scratch: Scratch,
    /// The update in hand, as clients get it.
    message: Vec<u8>,
}

impl Middle {
    pub(super) fn new(hub: Hub, clients: Clients, instant: Instant) -> Self {
        Self {
            hub,
            clients,
            zmq_in: Incoming::default(),
            udp_in: Incoming::default(),
            instant,
            now: super::now(),
            rejections: Complaints::default(),
            scratch: Scratch::default(),
            message: Vec::new(),
        }
    }

    /// A message came by ZeroMQ, or something that is none.
    pub(super) fn message(&mut self, from: SocketAddr, message: Result<&[u8], Rejected>) {
        let Self { hub, clients, zmq_in, scratch, message: out, instant, now, rejections, .. } = self;
        let bytes = message.unwrap_or_default();
        let update = message.and_then(|bytes| decode_update(bytes, scratch));
        match arrive(update, hub, clients, zmq_in, out, *instant, *now) {
            Ok(()) => {}
            Err(why) => rejections.rejected(why.name(), *instant, from, "ZeroMQ input", why, bytes),
        }
    }

    /// A datagram came.
    pub(super) fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) {
        let Self { hub, clients, udp_in, scratch, message: out, instant, now, rejections, .. } = self;
        match arrive(decode_datagram(bytes, scratch), hub, clients, udp_in, out, *instant, *now) {
            Ok(()) => {}
            Err(why) => rejections.rejected(why.name(), *instant, from, "UDP input", why, bytes),
        }
    }
}

/// Into the directory, to the clients, and into the counters.
fn arrive(
    update: Result<Update<'_>, Rejected>,
    hub: &mut Hub,
    clients: &mut Clients,
    counters: &mut Incoming,
    out: &mut Vec<u8>,
    instant: Instant,
    now: Timestamp,
) -> Result<(), Rejected> {
    out.clear();
    let taken =
        update.and_then(|update| hub.take(&update, now, out).map(|before| (before, update.repairs())));
    match taken {
        Ok((before, repairs)) => {
            counters.accept(repairs);
            clients.publish(out, Kind::Update { before }, hub, instant);
            Ok(())
        }
        Err(why) => {
            counters.reject(why);
            Err(why)
        }
    }
}
