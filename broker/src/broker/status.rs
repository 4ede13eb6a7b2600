//! How the broker is, as `thingsbus status` gets it.

use std::time::Instant;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::Timestamp;

use super::middle::Middle;
use crate::config::Config;
use crate::counters::{Connections, Queries};
use crate::door::input::Sender;
use crate::door::peers::Peers;
use crate::door::udp::Udp;

/// Where everything is that the status tells.
pub(super) struct Status<'b> {
    pub(super) middle: &'b Middle,
    pub(super) senders: &'b Peers<Sender>,
    pub(super) askers: Openings,
    pub(super) queries: &'b Queries,
    pub(super) udp: &'b Udp,
    pub(super) config: &'b Config,
    pub(super) started: Instant,
}

/// A door's connections, counted.
#[derive(Clone)]
pub(super) struct Openings {
    open: usize,
    counters: Connections,
}

impl Openings {
    pub(super) fn of<S: Default>(peers: &Peers<S>) -> Self {
        Self { open: peers.len(), counters: peers.counters.clone() }
    }

    fn to_json(&self) -> Value {
        let Connections { accepted, turned_away, refused } = self.counters;
        json!({ "open": self.open, "accepted": accepted, "turned_away": turned_away, "refused": refused })
    }
}

impl Status<'_> {
    pub(super) fn to_json(&self, instant: Instant, now: Timestamp) -> Value {
        let Middle { hub, clients, store, history, zmq_in, udp_in, query_in, gate_in, .. } = self.middle;
        let limits = &self.config.limits;
        let [fresh, late, silent] = hub.words();
        let mut zmq_in = zmq_in.to_json();
        zmq_in.insert("connections".to_owned(), Openings::of(self.senders).to_json());
        let mut udp_in = udp_in.to_json();
        udp_in.insert("buffer_bytes".to_owned(), json!(self.udp.buffer_bytes()));
        udp_in.insert("dropped_by_system".to_owned(), json!(self.udp.dropped()));
        json!({
            "type": "status",
            "version": env!("CARGO_PKG_VERSION"),
            "pid": std::process::id(),
            "ts": now.seconds(),
            "uptime_s": instant.duration_since(self.started).as_secs_f64(),
            "epoch": hub.epoch(),
            "seq": hub.seq(),
            "things": hub.directory().len(),
            "freshness": { "fresh": fresh, "late": late, "silent": silent },
            "forgotten": hub.forgotten(),
            "directory_bytes": hub.directory().bytes(),
            "limits": {
                "things_max": limits.things_max,
                "directory_bytes_max": limits.directory_bytes_max,
                "connections_max": limits.connections_max,
                "client_queue_bytes_max": limits.client_queue_bytes_max,
                "client_queues_bytes_max": limits.client_queues_bytes_max,
            },
            "history": history.as_ref().map(|history| history.to_json(instant)),
            "store": store.as_ref().map(|store| store.to_json(hub, instant)),
            "doors": {
                "zmq_in": zmq_in,
                "udp_in": udp_in,
                "clients": {
                    "sent": clients.counters.sent,
                    "merged": clients.counters.merged,
                    "dropped": clients.counters.dropped,
                    "connections": Openings::of(&clients.peers).to_json(),
                    "slow": clients.slow(instant),
                },
                "query": {
                    "answered": self.queries.answered,
                    "refused": self.queries.refused,
                    "updates": query_in.to_json(),
                    "connections": self.askers.to_json(),
                },
                "http": { "updates": gate_in.to_json() },
            },
        })
    }
}
