//! What a broker refused last, and why.

use std::time::Duration;

use serde::Deserialize;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{Ask, Namespace, Timestamp};

use crate::ask::ask;
use crate::error::Error;
use crate::history::refused;

/// A message that a broker refused.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RejectedMessage {
    /// When, by the broker's clock.
    pub ts: Timestamp,
    /// How long ago that was when it was asked.
    pub age: Duration,
    /// Where it came: `zmq_in`, `udp_in`, `query` or `http`.
    pub door: String,
    /// The sender's address and port.
    pub from: String,
    /// Why, by the name that counters have: `bad_ns`.
    pub reason: String,
    /// Why, in a sentence.
    pub message: String,
    /// Which thing it was about, also where that is no namespace; `None` where nobody knows.
    pub ns: Option<String>,
    /// Did the message say so itself? Else it is the thing that its connection spoke of before.
    pub named: bool,
    /// How long it was, in bytes.
    pub bytes: u64,
    /// How it began: up to 200 bytes, in which what is no text stands as `\x0a`.
    pub excerpt: String,
}

/// Asks a broker which messages about the thing `ns` and those below it were refused last, and why; about all, and nobody
/// knows what, where `ns` is the root. The newest is first, and a broker remembers 256. Blocks, for `limit` at most.
///
/// ```no_run
/// use std::time::Duration;
/// use thingsbus_adaptor::{BrokerName, wire::Namespace};
/// let broker = BrokerName::from_env()?.name;
/// for message in thingsbus_client::rejected(&broker, &Namespace::root(), Duration::from_secs(5))? {
///     println!("{}: {}", message.from, message.message);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where there is no answer, as from a 0.2.1 broker, or one that is none.
pub fn rejected(broker: &BrokerName, ns: &Namespace, limit: Duration) -> Result<Vec<RejectedMessage>, Error> {
    #[derive(Deserialize)]
    struct Answer {
        ts: f64,
        rejected: Vec<Shape>,
    }
    let answer = ask(broker, &Ask::Rejected { ns: ns.clone() }, limit)?;
    let read: Answer = serde_json::from_str(&answer).map_err(|_| refused(broker, &answer))?;
    let now = Timestamp::from_seconds(read.ts).unwrap_or_default();
    Ok(read.rejected.into_iter().map(|shape| shape.read(now)).collect())
}

/// The wire's shape of it.
#[derive(Deserialize)]
struct Shape {
    ts: f64,
    door: String,
    from: String,
    reason: String,
    message: String,
    ns: Option<String>,
    named: bool,
    bytes: u64,
    excerpt: String,
}

impl Shape {
    fn read(self, now: Timestamp) -> RejectedMessage {
        let Self { ts, door, from, reason, message, ns, named, bytes, excerpt } = self;
        let ts = Timestamp::from_seconds(ts).unwrap_or_default();
        RejectedMessage { ts, age: now.since(ts), door, from, reason, message, ns, named, bytes, excerpt }
    }
}
