//! What is to be done, with everything that the options leave open decided.

use std::time::Duration;

use serde_json::Value;
use thingsbus_adaptor::wire::Namespace;
use thingsbus_adaptor::wire::limits::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX};

use super::Options;
use super::message::Template;
use crate::failure::Failure;
use crate::numbers::{counted, grouped};

/// Enough to keep everybody busy: 1,000 to 10,000 carry the same on one machine, and more makes only latencies longer.
const WINDOW_MAX: u64 = 2_000;

/// Where neither a time nor a number is given.
const DURATION: Duration = Duration::from_secs(5);

/// Where the broker does not tell its receive buffer: what the smallest usual one holds.
const DATAGRAMS: u64 = 100;

/// What the kernel charges for keeping a datagram, beside its bytes: measured 768 on Linux, rounded up.
const DATAGRAM_OVERHEAD: u64 = 1_024;

/// What the broker adds to a message: its number.
const NUMBER_BYTES: u64 = 30;

/// What is to be done.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) publishers: u16,
    pub(super) subscribers: u16,
    pub(super) things: u64,
    pub(super) payload: usize,
    /// Each message, as it is sent.
    pub(super) message_bytes: usize,
    /// Messages a second; where there is none, the window counts.
    pub(super) rate: Option<u64>,
    /// Messages on their way, of all publishers.
    pub(super) window: u64,
    pub(super) duration: Option<Duration>,
    pub(super) messages: Option<u64>,
    pub(super) udp: bool,
    pub(super) ns: String,
    /// By which this run's messages are told from others.
    pub(super) run: String,
}

impl Plan {
    pub(super) fn new(options: Options, status: &Value) -> Result<Self, Failure> {
        let Options { publishers, subscribers, things, payload, rate, window, duration, messages, udp, ns } =
            options;
        let mut plan = Self {
            publishers,
            subscribers,
            things,
            payload: payload as usize,
            message_bytes: 0,
            rate,
            window: 0,
            duration: duration.or_else(|| messages.is_none().then_some(DURATION)),
            messages,
            udp,
            ns: ns.to_string(),
            run: run_id(),
        };
        let template = Template::new(&plan, 0);
        Namespace::parse(template.thing_name()).and_then(|name| ns.join(&name)).map_err(Failure::usage)?;
        plan.message_bytes = template.len();
        let (limit, how) = if udp { (DATAGRAM_BYTES_MAX, "UDP") } else { (MESSAGE_BYTES_MAX, "ZeroMQ") };
        if plan.message_bytes > limit {
            let limit = counted((payload as usize + limit).saturating_sub(plan.message_bytes) as u64, "byte");
            return Err(Failure::usage(format_args!(
                "--payload {payload}: by {how} it can be {limit} at the most"
            )));
        }
        let things_max = status.pointer("/limits/things_max").and_then(Value::as_u64).unwrap_or(u64::MAX);
        if things > things_max {
            let max = grouped(things_max);
            return Err(Failure::usage(format_args!(
                "--things {things}: the broker takes {max} at the most"
            )));
        }
        plan.window = window.unwrap_or_else(|| plan.room(status));
        Ok(plan)
    }

    /// How many of the messages publisher number `publisher` sends.
    pub(super) fn share(&self, publisher: u16) -> Option<u64> {
        let (all, publishers) = (self.messages?, u64::from(self.publishers));
        Some(all / publishers + u64::from(u64::from(publisher) < all % publishers))
    }

    /// How many messages may be on their way of one publisher.
    pub(super) fn window_each(&self) -> u64 {
        (self.window / u64::from(self.publishers)).max(1)
    }

    /// How many messages the broker has room for, to be on the safe side.
    fn room(&self, status: &Value) -> u64 {
        let number = |path| status.pointer(path).and_then(Value::as_u64);
        let bytes = self.message_bytes as u64 + NUMBER_BYTES;
        let each = number("/limits/client_queue_bytes_max").unwrap_or(u64::MAX);
        let all = number("/limits/client_queues_bytes_max").unwrap_or(u64::MAX) / u64::from(self.subscribers);
        let mut room = (each.min(all) / 4 / bytes).min(WINDOW_MAX);
        if self.udp {
            let buffer = number("/doors/udp_in/buffer_bytes");
            let datagrams = buffer.map(|buffer| buffer / 2 / (self.message_bytes as u64 + DATAGRAM_OVERHEAD));
            room = room.min(datagrams.unwrap_or(DATAGRAMS));
        }
        room.max(1)
    }
}

/// Eight hexadecimal digits that no other run has, as far as that goes.
fn run_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    let random = std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:08x}", random >> 32)
}
