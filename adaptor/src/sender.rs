//! The sending side: takes encoded messages and brings them to the broker's input, never blocking the caller.

use std::error::Error;
use std::io;
use std::time::Duration;

pub(crate) mod acked;
mod pause;
#[cfg(feature = "zmq")]
mod queue;
#[cfg(feature = "udp")]
pub(crate) mod udp;
mod watched;
#[cfg(feature = "zmq")]
pub(crate) mod zmq;

/// What a lookup of the broker may fail with; it is logged and shown, never taken apart.
pub(crate) type LookupError = Box<dyn Error + Send + Sync>;

/// One way to the broker.
#[derive(Debug)]
pub(crate) enum Sender {
    /// Over TCP, with a queue: what waits for a broker is kept, up to a limit.
    #[cfg(feature = "zmq")]
    Zmq(zmq::ZmqSender),
    /// One datagram per message, sent or lost at once.
    #[cfg(feature = "udp")]
    Udp(udp::UdpSender),
}

impl Sender {
    /// Takes a message without blocking.
    pub(crate) fn send(&self, message: Vec<u8>) -> Sent {
        match self {
            #[cfg(feature = "zmq")]
            Self::Zmq(sender) => sender.send(message),
            #[cfg(feature = "udp")]
            Self::Udp(sender) => sender.send(&message),
        }
    }

    /// What became of the messages so far.
    pub(crate) fn counters(&self) -> Counters {
        match self {
            #[cfg(feature = "zmq")]
            Self::Zmq(sender) => sender.counters(),
            #[cfg(feature = "udp")]
            Self::Udp(sender) => sender.counters(),
        }
    }

    /// Waits until nothing that was queued at the call is queued any more; false when `limit` came first.
    /// UDP queues nothing: always true, at once.
    #[cfg_attr(not(feature = "zmq"), allow(unused_variables))]
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        match self {
            #[cfg(feature = "zmq")]
            Self::Zmq(sender) => sender.flush(limit),
            #[cfg(feature = "udp")]
            Self::Udp(_) => true,
        }
    }

    /// Flushes, ends the connection, and returns the last counters, all within `limit`.
    #[cfg_attr(not(feature = "zmq"), allow(unused_variables))]
    pub(crate) fn close(self, limit: Duration) -> Counters {
        match self {
            #[cfg(feature = "zmq")]
            Self::Zmq(sender) => sender.close(limit),
            #[cfg(feature = "udp")]
            Self::Udp(sender) => sender.counters(),
        }
    }
}

/// What `send` did with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(feature = "zmq"), allow(dead_code))] // A datagram waits in no queue.
pub(crate) enum Sent {
    /// Queued, or given to the network.
    Taken,
    /// Queued, and the oldest message in the full queue was dropped for it.
    OldestDropped,
    /// This message was dropped: a datagram that could not be sent, or the sender's thread is gone.
    Dropped,
}

/// What became of the messages given to a sender: `accepted = sent + dropped + queued`, at every moment. Those that are
/// to be acknowledged are counted apart, in `acknowledged`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// Messages given to the sender.
    pub accepted: u64,
    /// Messages handed over to the network library while a connection stood, or datagrams given to the kernel.
    /// A connection that breaks can still lose what was on the way: for what must not be lost there are acknowledged
    /// updates.
    pub sent: u64,
    /// Messages lost here: the oldest of a full queue, what was left in the queue when the sender was closed,
    /// datagrams that could not be sent.
    pub dropped: u64,
    /// Messages waiting for a connection, or for a broker that is slower than we are.
    pub queued: u64,
    /// UDP only: how often the other host has said that nobody listens there. The datagrams it speaks of
    /// count as `sent`.
    pub refused: u64,
    /// Whether a broker is there and takes messages now. UDP cannot know: there it says that an address is known.
    pub connected: bool,
    /// The broker that is connected or being tried; `None` before the first lookup has answered.
    pub endpoint: Option<String>,
    /// What went wrong last, in words; it stays after things have become well again.
    pub last_error: Option<String>,
    /// What became of the updates that were to be acknowledged.
    pub acknowledged: acked::AckCounters,
}

/// Why a sender could not start. Once it runs, nothing is an error any more: see [`Counters`].
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
#[cfg_attr(not(feature = "zmq"), allow(dead_code))] // Nothing of this is needed to send datagrams.
pub(crate) enum SendError {
    /// The operating system gave no thread.
    #[error("cannot start the sender's thread")]
    Thread(#[source] io::Error),
    /// The operating system gave no socket.
    #[error("cannot make the sender's socket")]
    Socket(#[source] io::Error),
}
