//! Sending over ZeroMQ: a bounded queue that the caller fills, and one thread that brings it to a broker.
//!
//! The thread owns all sockets. It speaks PUSH to brokers whose input is a PULL (ours) and XPUB to those whose
//! input is a SUB (0.2.1); [`course`] says how it finds out. Messages stay in our queue until a broker takes them,
//! so what is lost is nearly always lost here, oldest first, and counted. What is not:
//! - bytes on the way when a connection breaks: what is pushed is not acknowledged ([`acked`] is for what must be);
//! - up to 1,000 messages in libzmq's pipe when a broker is given up for another one;
//! - towards a 0.2.1 broker that stands still, everything past libzmq's 100,000: a PUB or XPUB drops silently there.
//!
//! All senders of a process share one libzmq context (two threads of libzmq's, however many senders) and have one
//! thread each, which sleeps while there is nothing to do. The context is never ended, so nothing waits in a
//! destructor that the caller did not ask for; a sender that is closed waits for its own socket only.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::zmq::Socket;

use crate::libzmq;

use super::acked::AckCounters;
use super::queue::Queue;
use super::watched::Watched;
use super::{Counters, LookupError, SendError, Sent};

pub(crate) mod acked;
mod course;
mod link;
mod run;
#[cfg(test)]
mod tests;

/// Messages that wait at most: with a sensor's few messages a minute, hours; at a few hundred bytes each, megabytes.
pub(crate) const HIGH_WATER_MARK: usize = 10_000;
/// How long a sender that is dropped may take to send what it holds.
pub(crate) const LINGER: Duration = Duration::from_secs(1);

/// Gives the brokers' endpoints (`tcp://host:port`), best first. Runs on the sender's thread and may block;
/// while it does, nothing is sent, but nothing could be: no broker is connected.
pub(crate) type Lookup = Box<dyn FnMut() -> Result<Vec<String>, LookupError> + Send>;

/// What one may choose.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Messages in the queue at most; at least two.
    pub(crate) queue_messages_max: usize,
    /// How long `drop` may take.
    pub(crate) linger: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { queue_messages_max: HIGH_WATER_MARK, linger: LINGER }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone)]
struct Timing {
    /// For one place to accept the connection, to shake hands, or to come back, before the next one is tried.
    connect_wait: Duration,
    /// Without a connection, before the endpoints are looked up again.
    relookup_after: Duration,
    /// libzmq's pauses between two attempts at one place, and ours between two rounds through all of them.
    reconnect_first: Duration,
    reconnect_max: Duration,
    /// Between two lookups that failed.
    lookup_pause_first: Duration,
    lookup_pause_max: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            connect_wait: Duration::from_secs(3),
            relookup_after: Duration::from_secs(15),
            reconnect_first: Duration::from_millis(100),
            reconnect_max: Duration::from_secs(5),
            lookup_pause_first: Duration::from_secs(1),
            lookup_pause_max: Duration::from_secs(60),
        }
    }
}

/// Brings messages to a broker; dropping it flushes within the linger it was started with.
pub(crate) struct ZmqSender {
    shared: Arc<Shared>,
    /// The caller's end of the line that wakes the thread.
    bell: Mutex<Socket>,
    thread: Option<JoinHandle<()>>,
    linger: Duration,
}

/// What the caller and the thread both see.
type Shared = Watched<State>;

struct State {
    queue: Queue,
    /// The thread has nothing to do and has to be woken for the next message.
    idle: bool,
    connected: bool,
    endpoint: Option<String>,
    last_error: Option<String>,
    closing: Option<Instant>,
    ended: bool,
}

impl ZmqSender {
    /// Starts the thread and returns at once: whether there is a broker shows later, in the counters.
    pub(crate) fn start(endpoints: Lookup, options: Options) -> Result<Self, SendError> {
        Self::start_with(endpoints, options, Timing::default())
    }

    fn start_with(endpoints: Lookup, options: Options, timing: Timing) -> Result<Self, SendError> {
        let (bell, bell_heard) = libzmq::bell().map_err(|error| SendError::Socket(error.into()))?;
        let shared = Arc::new(Shared::new(State {
            queue: Queue::new(options.queue_messages_max),
            idle: false,
            connected: false,
            endpoint: None,
            last_error: None,
            closing: None,
            ended: false,
        }));
        let runner = run::Runner::new(Arc::clone(&shared), bell_heard, endpoints, timing);
        let thread = thread::Builder::new()
            .name("thingsbus-send".to_owned())
            .spawn(move || runner.run())
            .map_err(SendError::Thread)?;
        Ok(Self { shared, bell: Mutex::new(bell), thread: Some(thread), linger: options.linger })
    }

    /// Queues a message. Costs a lock that nobody holds for long, and now and then a system call to wake the thread.
    pub(crate) fn send(&self, message: Vec<u8>) -> Sent {
        let mut state = self.shared.lock();
        if state.ended {
            state.queue.count_dropped();
            return Sent::Dropped;
        }
        let dropped = state.queue.push(message);
        let wake = std::mem::take(&mut state.idle);
        drop(state);
        if wake {
            libzmq::ring(&self.bell);
        }
        if dropped { Sent::OldestDropped } else { Sent::Taken }
    }

    pub(crate) fn counters(&self) -> Counters {
        self.shared.lock().counters()
    }

    /// Waits until libzmq has got everything that was queued at the call, over a connection that stands
    /// (to an old broker: with its subscription), or until it was dropped for newer messages; false when `limit`
    /// came first. It is then on its way, in libzmq's hands and the kernel's: [`ZmqSender::close`] waits for more.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now().checked_add(limit);
        let accepted = self.shared.lock().queue.accepted();
        let state = self.shared.wait(until, |state| state.ended || state.queue.gone() >= accepted);
        state.queue.gone() >= accepted
    }

    /// Flushes, lets libzmq write out what it has got, and ends; whatever is still queued when `limit` is over is
    /// dropped. Never takes longer than `limit`: a thread that is busy with a lookup then ends by itself.
    pub(crate) fn close(mut self, limit: Duration) -> Counters {
        self.end(limit);
        self.counters()
    }

    fn end(&mut self, limit: Duration) {
        let Some(thread) = self.thread.take() else { return };
        // A limit beyond what the clock can say is as good as a day.
        let deadline = Instant::now() + limit.min(Duration::from_secs(86_400));
        self.shared.lock().closing = Some(deadline);
        libzmq::ring(&self.bell);
        let mut state = self.shared.wait(Some(deadline), |state| state.ended);
        if state.ended {
            drop(state);
            if thread.join().is_err() {
                tracing::error!("the sender's thread panicked");
            }
        } else {
            state.ended = true;
            state.queue.drop_waiting();
        }
    }
}

impl Drop for ZmqSender {
    fn drop(&mut self) {
        self.end(self.linger);
    }
}

impl fmt::Debug for ZmqSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ZmqSender").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl State {
    fn counters(&self) -> Counters {
        Counters {
            accepted: self.queue.accepted(),
            sent: self.queue.sent(),
            dropped: self.queue.dropped(),
            queued: self.queue.len() as u64,
            refused: 0,
            connected: self.connected && !self.ended,
            endpoint: self.endpoint.clone(),
            last_error: self.last_error.clone(),
            acknowledged: AckCounters::default(), // They go another way.
        }
    }
}
