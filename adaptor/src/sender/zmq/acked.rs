//! Acknowledged updates over ZeroMQ: by a DEALER to the broker's query door, many under way at once.
//!
//! The broker takes a number only where it is above all that it took of this sender, so nothing may overtake. Each
//! connection has a socket of its own, which does not connect again by itself: libzmq would go on there with what it
//! still holds. On a new connection everything that has no answer is sent again, from the oldest on.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use ::zmq::{Error, PollEvents, Socket};

use super::course::Course;
use super::{Lookup, Timing};
use crate::libzmq;
use crate::sender::SendError;
use crate::sender::acked::queue::{Limits, Patience};
use crate::sender::acked::{AckedSender, SenderName, Shared, UPDATES_MAX, Wake};
use crate::sender::pause::Pause;

mod link;
#[cfg(test)]
mod tests;

use link::{Link, Phase, Trouble};

/// Enough for a disk that takes a tenth of a second to write them, at ten thousand a second.
const UNDER_WAY_MAX: usize = 1_000;

/// What libzmq and the broker may have to hold of one sender.
const UNDER_WAY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A broker whose connection stands and who says nothing for so long is asked again, over another connection. A broken
/// connection is noticed without it; this is for a broker that has lost its answers, or waits for its disk.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_MAX: Duration = Duration::from_secs(60);

/// Between two attempts to connect that brought no answer.
const PAUSE_FIRST: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Answers that are read, and updates that are sent, before the other has its turn and the lock is let go of.
const BATCH_MAX: usize = 64;

/// Trouble is said aloud once in this time; more often only to those who debug.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// Starts a sender of acknowledged updates; `endpoints` gives the brokers' query doors.
pub(crate) fn start(name: SenderName, endpoints: Lookup) -> Result<AckedSender, SendError> {
    start_with(name, endpoints, limits(), Timing::default())
}

fn limits() -> Limits {
    Limits {
        updates_max: UPDATES_MAX,
        under_way_max: UNDER_WAY_MAX,
        under_way_bytes_max: UNDER_WAY_BYTES_MAX,
        patience: Patience { directory: PATIENCE, disk: PATIENCE, max: PATIENCE_MAX },
    }
}

fn start_with(
    name: SenderName,
    endpoints: Lookup,
    limits: Limits,
    timing: Timing,
) -> Result<AckedSender, SendError> {
    let (bell, bell_heard) = libzmq::bell().map_err(|error| SendError::Socket(error.into()))?;
    AckedSender::start(name, limits, Wake::Bell(Mutex::new(bell)), move |shared| {
        move || Runner::new(shared, bell_heard, endpoints, timing).run()
    })
}

/// The thread's own.
struct Runner {
    shared: Arc<Shared>,
    bell: Socket,
    lookup: Lookup,
    timing: Timing,
    course: Course,
    link: Option<Link>,
    /// Something was answered over this link.
    answered: bool,
    /// When a link that was up was lost, and none was up since.
    lost: Option<Instant>,
    /// Since when no update could be sent; `None` while it can.
    down_since: Option<Instant>,
    /// No lookup, no new link before this.
    not_before: Instant,
    looked_up: Option<Instant>,
    pauses: Pause,
    lookups: Pause,
    warned: Option<Instant>,
}

impl Runner {
    fn new(shared: Arc<Shared>, bell: Socket, lookup: Lookup, timing: Timing) -> Self {
        let now = Instant::now();
        Self {
            shared,
            bell,
            lookup,
            course: Course::default(),
            link: None,
            answered: false,
            lost: None,
            down_since: Some(now),
            not_before: now,
            looked_up: None,
            pauses: Pause::new(PAUSE_FIRST, PAUSE_MAX),
            lookups: Pause::new(timing.lookup_pause_first, timing.lookup_pause_max),
            timing,
            warned: None,
        }
    }

    fn run(mut self) {
        loop {
            libzmq::clear(&self.bell);
            let mut more = self.hear();
            if self.link.is_none() && self.not_before <= Instant::now() {
                self.open();
            }
            more |= self.pour();
            let due = self.steer();
            let now = Instant::now();
            let endpoint = self.course.candidate().map(|candidate| candidate.endpoint.as_str());
            let connected = self.is_up();
            let over = self.shared.change(|state| {
                state.connected = connected;
                if state.endpoint.as_deref() != endpoint {
                    state.endpoint = endpoint.map(str::to_owned);
                }
                state.idle = !more;
                (state.is_over(now), state.closing)
            });
            match over {
                (true, _) => break,
                (false, closing) if !more => self.wait([due, closing]),
                (false, _) => {}
            }
        }
        if let Some(link) = self.link.take() {
            link.close();
        }
    }

    fn is_up(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.phase() == Phase::Up)
    }

    /// Takes in how the connection is and what the broker has answered; true where there may be more.
    fn hear(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let now = Instant::now();
        link.listen(&self.timing, now);
        let mut answers = Vec::new();
        while answers.len() < BATCH_MAX
            && let Some(answer) = link.next_answer()
        {
            answers.push(answer);
        }
        let more = answers.len() == BATCH_MAX;
        if !answers.is_empty() {
            self.answered = true;
            self.pauses.reset();
            self.shared.change(|state| {
                for (number, outcome) in answers {
                    state.answered(number, outcome, now);
                }
            });
        }
        match link.phase() {
            Phase::Up if self.down_since.is_some() => {
                let endpoint = self.course.candidate().map(|candidate| candidate.endpoint.as_str());
                tracing::debug!(endpoint, "connected to the broker's query door");
                (self.down_since, self.lost) = (None, None);
            }
            // What was answered before it broke is read first.
            Phase::Failed(trouble) if !more => self.failed(trouble, now),
            _ => {}
        }
        more
    }

    /// Sends what may be sent now; true where there is more.
    fn pour(&mut self) -> bool {
        let Some(link) = self.link.as_ref().filter(|link| link.phase() == Phase::Up) else { return false };
        let now = Instant::now();
        let poured = self.shared.change(|state| {
            for _ in 0..BATCH_MAX {
                let Some((number, message)) = state.queue.to_send() else { return Ok(false) };
                if !link.send(number, message)? {
                    return Ok(false);
                }
                state.queue.sent(now);
            }
            Ok(true)
        });
        poured.unwrap_or_else(|error: Error| {
            self.warn("cannot send", Some(&error));
            self.failed(Trouble::Lost, now);
            false
        })
    }

    /// Sees whether an answer is overdue; when to come again if nothing happens before.
    fn steer(&mut self) -> Option<Instant> {
        let Some(link) = &self.link else { return Some(self.not_before) };
        let handshake_due = link.answer_due(&self.timing);
        if !self.is_up() {
            return handshake_due;
        }
        let now = Instant::now();
        let due = self.shared.lock().queue.due()?;
        if due > now {
            return Some(due);
        }
        self.warn("no answer in time; everything without one is sent again", None);
        self.shared.change(|state| state.queue.miss());
        self.drop_link(now);
        Some(now)
    }

    /// The link is of no more use: what next?
    fn failed(&mut self, trouble: Trouble, now: Instant) {
        let what = match trouble {
            Trouble::Lost => "the connection was lost",
            Trouble::NotAccepted => {
                "nobody accepts connections to the query door (a 0.2.1 broker has none: it acknowledges nothing)"
            }
            Trouble::NoHandshake => "nobody there speaks as a query door does",
        };
        let was_up = self.down_since.is_none();
        self.warn(what, None);
        let answered = self.answered;
        self.drop_link(now);
        if was_up {
            self.lost = Some(now);
        }
        // As the plain updates do: a broker that was there is given a moment to come back before the next one is tried.
        let patient = self.lost.is_some_and(|lost| lost + self.timing.connect_wait > now);
        if answered {
            self.not_before = now;
        } else if !self.course.many() || patient || self.course.next() {
            self.not_before = now + self.pauses.next();
        }
    }

    fn open(&mut self) {
        let now = Instant::now();
        let begins = !self.course.many() || self.course.at_first();
        if self.course.candidate().is_none() || (begins && self.lookup_due() <= now) {
            self.look_up();
        }
        let Some(candidate) = self.course.candidate() else { return };
        match libzmq::with(|context| Link::open(context, candidate, &self.timing, Instant::now())) {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                self.not_before = Instant::now() + self.pauses.next();
                self.warn("cannot open a socket", Some(&error));
            }
        }
    }

    /// Asks where the brokers are. What is known already stays where there is no answer.
    fn look_up(&mut self) {
        let found = (self.lookup)().and_then(|endpoints| libzmq::resolve(&endpoints));
        let now = Instant::now();
        self.looked_up = Some(now);
        match found {
            Ok(candidates) => {
                self.lookups.reset();
                self.course.replace(candidates);
            }
            Err(error) => {
                self.not_before = now + self.lookups.next();
                self.warn("cannot look up the broker", Some(&*error));
            }
        }
    }

    /// Counts from when the connection was lost or from the last lookup, whichever came later.
    fn lookup_due(&self) -> Instant {
        let from = self.looked_up.max(self.down_since).unwrap_or_else(Instant::now);
        from + self.timing.relookup_after
    }

    fn drop_link(&mut self, now: Instant) {
        let Some(link) = self.link.take() else { return };
        link.close();
        self.answered = false;
        self.down_since.get_or_insert(now);
        self.shared.change(|state| state.queue.begin_again());
    }

    /// Sleeps until something happens, at most until the first of these times.
    fn wait(&self, until: [Option<Instant>; 2]) {
        let timeout_ms = libzmq::poll_ms(until.into_iter().flatten().min());
        let bell = self.bell.as_poll_item(PollEvents::POLLIN);
        let polled = match &self.link {
            Some(link) => {
                let [monitor, socket] = link.poll_items();
                ::zmq::poll(&mut [bell, monitor, socket], timeout_ms)
            }
            None => ::zmq::poll(&mut [bell], timeout_ms),
        };
        match polled {
            Ok(_) | Err(Error::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the sender of acknowledged updates cannot wait for its sockets");
                std::thread::sleep(PAUSE_FIRST);
            }
        }
    }

    /// Kept for the counters every time, logged now and then.
    fn warn(&mut self, what: &str, error: Option<&(dyn std::error::Error + 'static)>) {
        let endpoint = self.course.candidate().map(|candidate| candidate.endpoint.as_str());
        let error = error.map(ToString::to_string);
        let parts = [Some(what), endpoint, error.as_deref()];
        let said = parts.into_iter().flatten().collect::<Vec<_>>().join(": ");
        let now = Instant::now();
        if self.warned.is_none_or(|warned| warned + SAY_EVERY <= now) {
            self.warned = Some(now);
            tracing::warn!("acknowledged updates: {said}");
        } else {
            tracing::debug!("acknowledged updates: {said}");
        }
        self.shared.change(|state| state.last_error = Some(said));
    }
}
