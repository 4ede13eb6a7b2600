//! Updates that are to be acknowledged: a bounded queue that the caller fills, and one thread that sends what is in it
//! until the broker has answered.
//!
//! Each way to the broker has its own thread ([`super::zmq`], [`super::udp`]); what they have in common is here. An
//! update is in the queue from the call that sends it to the moment when it is known what became of it.

use std::fmt;
#[cfg(feature = "zmq")]
use std::sync::Mutex;
use std::sync::{Arc, MutexGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::SendError;
use super::watched::Watched;
use crate::error::Error;
use crate::wire::{AckLevel, Numbered, Outcome, Rejected};

mod name;
pub(super) mod queue;
mod receipt;

pub(crate) use name::SenderName;
use queue::{Counts, Limits, Queue, Settled};
use receipt::Slot;
pub use receipt::{Acked, NotAcked, Receipt};

/// Updates that wait to be acknowledged at most: as many as of the plain ones wait for a broker.
pub(crate) const UPDATES_MAX: usize = 10_000;

/// How long a sender that is dropped may take to have everything acknowledged.
const LINGER: Duration = Duration::from_secs(1);

/// That something was lost is said aloud once in this time; more often only to those who debug.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What became of the updates that were to be acknowledged: `accepted = acked + refused + dropped + waiting`, at every
/// moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct AckCounters {
    /// Updates given to the adaptor.
    pub accepted: u64,
    /// Those that a broker has where they were wanted.
    pub acked: u64,
    /// Those that a broker did not take, and would not.
    pub refused: u64,
    /// Those given up: the oldest of a full queue, and what had no answer when the adaptor was closed.
    pub dropped: u64,
    /// Those that wait to be sent, or for an answer.
    pub waiting: u64,
    /// The last one that was refused or dropped.
    pub last_lost: Option<Lost>,
    /// The sender's name, by which the broker knows what it took already; `None` before the first such update.
    pub sender: Option<String>,
    /// Whether a broker's query door is there. Over UDP: whether the last datagram was answered in time.
    pub connected: bool,
    /// Where they go; `None` before the first lookup has answered.
    pub endpoint: Option<String>,
    /// What went wrong last, in words; it stays after things have become well again.
    pub last_error: Option<String>,
}

/// An update that no broker acknowledged, nor will.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Lost {
    /// The thing.
    pub ns: String,
    /// The sender's number of the update.
    pub number: u64,
    /// Why.
    pub why: NotAcked,
}

/// Has updates acknowledged; dropping it gives them a second.
pub(crate) struct AckedSender {
    shared: Arc<Shared>,
    name: SenderName,
    wake: Wake,
    thread: Option<JoinHandle<()>>,
}

/// How the thread is told that there is something to do.
pub(super) enum Wake {
    /// It waits for sockets, and this is one of them.
    #[cfg(feature = "zmq")]
    Bell(Mutex<::zmq::Socket>),
    /// It waits for the state to change.
    #[cfg(feature = "udp")]
    Changed,
}

/// What the caller and the thread both see.
pub(super) struct Shared {
    state: Watched<State>,
}

pub(super) struct State {
    pub(super) queue: Queue<Arc<Slot>>,
    /// The thread has nothing to do and has to be woken for the next update.
    pub(super) idle: bool,
    pub(super) connected: bool,
    pub(super) endpoint: Option<String>,
    pub(super) last_error: Option<String>,
    last_lost: Option<Lost>,
    /// The one that is to be told in the log.
    unsaid: Option<Lost>,
    said_lost: Option<Instant>,
    /// By when it is to end; before, where nothing waits.
    pub(super) closing: Option<Instant>,
    pub(super) ended: bool,
}

impl AckedSender {
    /// Starts the thread that `make` makes, and returns at once.
    pub(super) fn start<R: FnOnce() + Send + 'static>(
        name: SenderName,
        limits: Limits,
        wake: Wake,
        make: impl FnOnce(Arc<Shared>) -> R,
    ) -> Result<Self, SendError> {
        let shared = Arc::new(Shared {
            state: Watched::new(State {
                queue: Queue::new(name.first_number(), limits),
                idle: false,
                connected: false,
                endpoint: None,
                last_error: None,
                last_lost: None,
                unsaid: None,
                said_lost: None,
                closing: None,
                ended: false,
            }),
        });
        let run = make(Arc::clone(&shared));
        let last_word = LastWord(Arc::clone(&shared));
        let thread = thread::Builder::new().name("thingsbus-acked".to_owned()).spawn(move || {
            let _last_word = last_word;
            run();
        });
        Ok(Self { shared, name, wake, thread: Some(thread.map_err(SendError::Thread)?) })
    }

    /// Takes an update in, which `encode` writes with the number that it is given. Costs a lock that nobody holds for
    /// long, and now and then a system call to wake the thread.
    pub(crate) fn send(
        &self,
        ns: &str,
        level: AckLevel,
        encode: impl FnOnce(Numbered<'_>) -> Result<Vec<u8>, Rejected>,
    ) -> Result<Receipt, Error> {
        let mut state = self.shared.lock();
        let number = state.queue.next_number();
        let numbered = self.name.numbered(number).ok_or(Rejected::Ack)?;
        let message = encode(numbered)?;
        let slot = Arc::new(Slot::default());
        if let Some(oldest) = state.queue.push(ns, level, message, Arc::clone(&slot)) {
            state.settle(oldest);
        }
        if state.ended {
            state.give_up();
        }
        let wake = std::mem::take(&mut state.idle);
        self.shared.tell(state);
        if wake {
            self.wake();
        }
        Ok(Receipt::new(number, slot))
    }

    pub(crate) fn counters(&self) -> AckCounters {
        let state = self.shared.lock();
        let Counts { acked, refused, dropped, waiting } = state.queue.counts();
        AckCounters {
            accepted: acked + refused + dropped + waiting,
            acked,
            refused,
            dropped,
            waiting,
            last_lost: state.last_lost.clone(),
            sender: Some(self.name.as_str().to_owned()),
            connected: state.connected && !state.ended,
            endpoint: state.endpoint.clone(),
            last_error: state.last_error.clone(),
        }
    }

    /// Waits until it is known of all updates that were sent before what became of them; false when `limit` came first.
    pub(crate) fn flush(&self, limit: Duration) -> bool {
        let until = Instant::now().checked_add(limit);
        let next = self.shared.lock().queue.next_number();
        let settled = |state: &State| state.queue.oldest().is_none_or(|oldest| oldest >= next);
        settled(&self.shared.wait(until, settled))
    }

    /// Waits for what has no answer, for as long as `limit`, and ends; the rest is dropped. Never takes longer than
    /// `limit`: a thread that is busy with a lookup, or waits for a datagram, then ends by itself.
    pub(crate) fn close(&mut self, limit: Duration) {
        let Some(thread) = self.thread.take() else { return };
        // A limit beyond what the clock can say is as good as a day.
        let deadline = Instant::now() + limit.min(Duration::from_secs(86_400));
        self.shared.change(|state| state.closing = Some(deadline));
        self.wake();
        let mut state = self.shared.wait(Some(deadline), |state| state.ended);
        if state.ended {
            drop(state);
            if thread.join().is_err() {
                tracing::error!("the thread of acknowledged updates panicked");
            }
        } else {
            state.ended = true;
            state.give_up();
            self.shared.tell(state);
            self.wake();
        }
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    fn wake(&self) {
        match &self.wake {
            #[cfg(feature = "zmq")]
            Wake::Bell(bell) => crate::libzmq::ring(bell),
            #[cfg(feature = "udp")]
            Wake::Changed => self.shared.state.wake(),
        }
    }
}

impl Drop for AckedSender {
    fn drop(&mut self) {
        self.close(LINGER);
    }
}

impl fmt::Debug for AckedSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckedSender").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

/// However the thread ends, also by a panic in a lookup: whoever waits must not wait for ever.
struct LastWord(Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.give_up();
            state.ended = true;
        });
    }
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Waits until something is so; without `until`, for as long as it takes.
    pub(super) fn wait(
        &self,
        until: Option<Instant>,
        is_so: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        self.state.wait(until, is_so)
    }

    /// Changes the state and tells those who wait; with nobody there it costs no system call.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        self.tell(state);
        result
    }

    /// Lets go of the state, and says what is to be said of it: to those who wait, and in the log, where whoever reads
    /// it may want to send something himself.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let lost = state.unsaid.take();
        let Counts { refused, dropped, .. } = state.queue.counts();
        let now = Instant::now();
        let aloud = lost.is_some() && state.said_lost.is_none_or(|said| said + SAY_EVERY <= now);
        if aloud {
            state.said_lost = Some(now);
        }
        self.state.tell(state);
        let Some(Lost { ns, number, why }) = lost else { return };
        if aloud {
            tracing::warn!(%ns, number, refused, dropped, "an update is not acknowledged: {why}");
        } else {
            tracing::debug!(%ns, number, refused, dropped, "an update is not acknowledged: {why}");
        }
    }
}

impl State {
    /// Is there nothing more to do for the thread?
    pub(super) fn is_over(&self, now: Instant) -> bool {
        self.ended || self.closing.is_some_and(|deadline| self.queue.is_empty() || deadline <= now)
    }

    /// The broker has answered an update.
    pub(super) fn answered(&mut self, number: u64, outcome: Outcome, now: Instant) {
        let fate = match outcome {
            Outcome::Taken { seq, .. } => Ok(Acked { seq }),
            Outcome::Refused { reason, message } => Err(NotAcked::Refused { reason, message }),
        };
        if let Some(settled) = self.queue.answered(number, fate, now) {
            self.settle(settled);
        }
    }

    /// Gives up on everything that waits.
    fn give_up(&mut self) {
        while let Some(settled) = self.queue.give_up() {
            self.settle(settled);
        }
    }

    /// Tells whoever waits for an update what became of it.
    fn settle(&mut self, settled: Settled<Arc<Slot>>) {
        let Settled { number, ns, waiter, fate } = settled;
        if let Err(why) = &fate {
            let lost = Lost { ns, number, why: why.clone() };
            self.unsaid = Some(lost.clone());
            self.last_lost = Some(lost);
        }
        waiter.settle(fate);
    }
}
