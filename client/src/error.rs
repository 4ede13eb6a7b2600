//! What can go wrong on the listening side.

use std::time::Duration;

use thingsbus_adaptor::wire::{Namespace, NamespaceError};
use thingsbus_adaptor::{AddressError, BrokerName};

/// Why something was not to be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A namespace breaks the rule.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// What names the broker is no name of a broker.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The value is of another shape than was asked for.
    #[error("the value of {ns} is of another shape: {source}")]
    Shape {
        /// Whose value.
        ns: Namespace,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// The broker's directory did not come in time.
    #[error("no directory from {broker} within {}: {why}", Seconds(*.waited))]
    NotReady {
        /// Which broker.
        broker: BrokerName,
        /// How long it was waited for.
        waited: Duration,
        /// What was seen last.
        why: String,
    },
    /// The broker's query door did not answer in time.
    #[error("no answer from {broker} within {}: {why}", Seconds(*.waited))]
    NoAnswer {
        /// Which broker.
        broker: BrokerName,
        /// How long it was waited for.
        waited: Duration,
        /// What was seen last.
        why: String,
    },
    /// The broker answered that it cannot.
    #[error("{broker} cannot answer that: {why}")]
    Refused {
        /// Which broker.
        broker: BrokerName,
        /// Why.
        why: String,
    },
    /// libzmq could not do what it was asked for.
    #[error("ZeroMQ: {0}")]
    Zmq(String),
    /// The system has no thread left.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

/// A short time, for people.
struct Seconds(Duration);

impl std::fmt::Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} s", (self.0.as_secs_f64() * 10.0).round() / 10.0)
    }
}
