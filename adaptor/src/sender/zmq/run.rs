//! The sender's thread: keeps a link to a broker and pours the queue into it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ::zmq::{Error, PollEvents, Socket};

use super::course::{Course, Dialect, Failure, Step};
use super::link::{Link, Phase};
use super::{Lookup, Shared, Timing};
use crate::libzmq;
use crate::libzmq::Candidate;
use crate::sender::pause::Pause;

/// Trouble, and its end, are said aloud once in this time; more often only to those who debug.
const SAY_EVERY: Duration = Duration::from_secs(60);

/// What came of an attempt to hand messages over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Poured {
    /// Nothing is waiting.
    All,
    /// There is more.
    Some,
    /// The pipe is full.
    Blocked,
}

pub(super) struct Runner {
    shared: Arc<Shared>,
    bell: Socket,
    lookup: Lookup,
    timing: Timing,
    course: Course,
    link: Option<Link>,
    hand: VecDeque<Vec<u8>>,
    /// Since when no message could flow; `None` while it can.
    down_since: Option<Instant>,
    /// No lookup, no new link before this.
    not_before: Instant,
    looked_up: Option<Instant>,
    rounds: Pause,
    lookups: Pause,
    warned: Option<Instant>,
    said_up: Option<Instant>,
}

impl Runner {
    pub(super) fn new(shared: Arc<Shared>, bell: Socket, lookup: Lookup, timing: Timing) -> Self {
        let now = Instant::now();
        Self {
            shared,
            bell,
            lookup,
            course: Course::default(),
            link: None,
            hand: VecDeque::new(),
            down_since: Some(now),
            not_before: now,
            looked_up: None,
            rounds: Pause::new(timing.reconnect_first, timing.reconnect_max),
            lookups: Pause::new(timing.lookup_pause_first, timing.lookup_pause_max),
            timing,
            warned: None,
            said_up: None,
        }
    }

    pub(super) fn run(mut self) {
        loop {
            libzmq::clear(&self.bell);
            let due = self.steer();
            let poured = self.pour();
            let closing = self.shared.change(|state| {
                let done = state.queue.len() == 0 && poured == Poured::All;
                state.closing.map(|deadline| (deadline, done || deadline <= Instant::now()))
            });
            match closing {
                Some((_, true)) => break,
                Some((deadline, false)) => self.wait([due, Some(deadline)], poured),
                None => self.wait([due, None], poured),
            }
        }
    }

    /// Does what is due about the link; says when to come again if nothing happens before.
    fn steer(&mut self) -> Option<Instant> {
        let now = Instant::now();
        if let Some(link) = &mut self.link {
            link.listen(&self.timing, now);
        }
        self.take_stock(now);
        if self.link.is_none() && self.not_before <= now {
            self.open(now);
        }
        self.publish();
        match &self.link {
            None => Some(self.not_before),
            Some(link) => match link.phase() {
                Phase::Up => None,
                Phase::Failed(_) => Some(now),
                Phase::Connecting(since) | Phase::Lost(since) => {
                    let patience = Some(since + self.timing.connect_wait).filter(|&patience| patience > now);
                    let relookup = Some(self.relookup_due()).filter(|_| !self.course.many());
                    [link.answer_due(&self.timing), patience, relookup].into_iter().flatten().min()
                }
            },
        }
    }

    /// Decides whether the link is still the right one.
    fn take_stock(&mut self, now: Instant) {
        let Some(link) = &self.link else { return };
        let (phase, dialect) = (link.phase(), link.dialect());
        let patient = |since: Instant| since + self.timing.connect_wait > now;
        match phase {
            Phase::Up => {
                if self.down_since.take().is_some() {
                    self.course.came_up();
                    self.rounds.reset();
                    self.say_up(dialect, now);
                }
                return;
            }
            Phase::Failed(failure) => return self.failed(failure, now),
            Phase::Connecting(since) if self.course.many() => {
                if link.attempts_failed() > 0 || (!patient(since) && link.answer_due(&self.timing).is_none())
                {
                    return self.next(now, "cannot connect");
                }
            }
            Phase::Lost(since) if !patient(since) && (self.course.many() || !link.retrying()) => {
                self.course.lost_for_good();
                return self.next(now, "the connection was lost");
            }
            Phase::Connecting(_) | Phase::Lost(_) => {}
        }
        if self.down_since.is_none() {
            tracing::debug!("the connection was lost");
            self.down_since = Some(now);
        }
        // Several places are looked up again at the beginning of a round, so that the last one gets its turn.
        if !self.course.many() && self.relookup_due() <= now {
            self.relookup(now);
        }
    }

    /// The one place there is does not answer: perhaps it has moved.
    fn relookup(&mut self, now: Instant) {
        self.warn(now, "no connection to the broker yet", None);
        let kept = self.look_up();
        let Some(link) = &mut self.link else { return };
        // The lookup may have taken long.
        link.listen(&self.timing, Instant::now());
        let lost_old = link.dialect() == Dialect::Xpub;
        let stuck = !link.retrying();
        match (link.phase(), kept) {
            (Phase::Up, _) | (_, Err(())) => {}
            (_, Ok(true)) if !lost_old && !stuck => {}
            (_, Ok(_)) => {
                self.course.lost_for_good();
                self.drop_link();
            }
        }
    }

    fn failed(&mut self, failure: Failure, now: Instant) {
        tracing::debug!(?failure, dialect = ?self.course.dialect(), "the broker did not shake hands");
        if self.down_since.is_none() {
            self.down_since = Some(now);
        }
        match self.course.handshake_failed(failure) {
            Step::Again => self.drop_link(),
            Step::Next => self.next(now, "nobody there shakes hands"),
        }
    }

    fn next(&mut self, now: Instant, why: &str) {
        self.drop_link();
        self.down_since.get_or_insert(now);
        if self.course.next() {
            self.not_before = now + self.rounds.next();
            self.warn(now, why, None);
        }
    }

    fn open(&mut self, now: Instant) {
        if self.course.candidate().is_none() || (self.course.at_first() && self.relookup_due() <= now) {
            let looked_up = self.look_up();
            if looked_up.is_err() && self.course.candidate().is_none() {
                return;
            }
        }
        let Some(candidate) = self.course.candidate() else { return };
        let dialect = self.course.dialect();
        let opened = libzmq::with(|context| Link::open(context, candidate, dialect, &self.timing, now));
        match opened {
            Ok(link) => self.link = Some(link),
            Err(error) => {
                self.not_before = now + self.rounds.next();
                self.warn(now, "cannot open a socket", Some(&error));
            }
        }
    }

    /// Asks for the endpoints; true when the answer is the one place that we already know.
    fn look_up(&mut self) -> Result<bool, ()> {
        let found = (self.lookup)().and_then(|endpoints| libzmq::resolve(&endpoints));
        let now = Instant::now();
        self.looked_up = Some(now);
        match found {
            Ok(candidates) => {
                self.lookups.reset();
                Ok(self.course.replace(candidates))
            }
            Err(error) => {
                self.not_before = now + self.lookups.next();
                self.warn(now, "cannot look up the broker", Some(&*error));
                Err(())
            }
        }
    }

    /// Counts from when the connection was lost or from the last lookup, whichever came later.
    fn relookup_due(&self) -> Instant {
        let from = self.looked_up.max(self.down_since).unwrap_or_else(Instant::now);
        (from + self.timing.relookup_after).max(self.not_before)
    }

    fn drop_link(&mut self) {
        if let Some(link) = self.link.take() {
            // What is in its pipe was for a broker that is not there; late, it would come out of order.
            link.close(Duration::ZERO);
        }
    }

    /// Hands over one batch.
    fn pour(&mut self) -> Poured {
        let Some(link) = self.link.as_ref().filter(|link| link.phase() == Phase::Up) else {
            return Poured::All;
        };
        let empty = self.shared.change(|state| {
            state.queue.take(&mut self.hand);
            state.idle = self.hand.is_empty();
            state.idle
        });
        if empty {
            return Poured::All;
        }
        let mut poured = Poured::Some;
        let mut broken = None;
        while let Some(message) = self.hand.front() {
            match link.send(message) {
                Ok(true) => drop(self.hand.pop_front()),
                Ok(false) => {
                    poured = Poured::Blocked;
                    break;
                }
                Err(error) => {
                    broken = Some(error);
                    break;
                }
            }
        }
        self.shared.change(|state| state.queue.settle(&mut self.hand));
        if let Some(error) = broken {
            let now = Instant::now();
            self.warn(now, "cannot send", Some(&error));
            self.next(now, "cannot send");
        }
        poured
    }

    /// Sleeps until something happens, at most until the first of these times.
    fn wait(&self, until: [Option<Instant>; 2], poured: Poured) {
        let timeout_ms = match poured {
            Poured::Some => 0,
            _ => libzmq::poll_ms(until.into_iter().flatten().min()),
        };
        let bell = self.bell.as_poll_item(PollEvents::POLLIN);
        let polled = match &self.link {
            Some(link) => {
                let [monitor, socket] = link.poll_items(poured == Poured::Blocked);
                ::zmq::poll(&mut [bell, monitor, socket], timeout_ms)
            }
            None => ::zmq::poll(&mut [bell], timeout_ms),
        };
        match polled {
            Ok(_) | Err(Error::EINTR) => {}
            Err(error) => {
                tracing::error!(%error, "the sender cannot wait for its sockets");
                thread::sleep(self.timing.reconnect_first);
            }
        }
    }

    fn publish(&self) {
        let connected = self.link.as_ref().is_some_and(|link| link.phase() == Phase::Up);
        let endpoint = self.course.candidate().map(|candidate| candidate.endpoint.as_str());
        let state = self.shared.lock();
        if state.connected == connected && state.endpoint.as_deref() == endpoint {
            return;
        }
        drop(state);
        self.shared.change(|state| {
            state.connected = connected;
            state.endpoint = endpoint.map(str::to_owned);
        });
    }

    fn say_up(&mut self, dialect: Dialect, now: Instant) {
        let Some(Candidate { endpoint, address }) = self.course.candidate() else { return };
        let old = dialect == Dialect::Xpub;
        if self.said_up.is_none_or(|said| said + SAY_EVERY <= now) {
            self.said_up = Some(now);
            tracing::info!(endpoint, %address, old, "connected to the broker");
        } else {
            tracing::debug!(endpoint, %address, old, "connected to the broker again");
        }
    }

    /// Kept for the counters every time, logged now and then.
    fn warn(&mut self, now: Instant, what: &str, error: Option<&(dyn std::error::Error + 'static)>) {
        let endpoint = self.course.candidate().map_or("", |candidate| candidate.endpoint.as_str());
        let said = match (error, endpoint) {
            (Some(error), "") => format!("{what}: {error}"),
            (Some(error), _) => format!("{what}: {endpoint}: {error}"),
            (None, _) => format!("{what}: {endpoint}"),
        };
        if self.warned.is_none_or(|warned| warned + SAY_EVERY <= now) {
            self.warned = Some(now);
            tracing::warn!("{said}");
        } else {
            tracing::debug!("{said}");
        }
        self.shared.change(|state| state.last_error = Some(said));
    }
}

impl Drop for Runner {
    /// Also after a panic in a lookup: whoever waits must not wait for ever.
    fn drop(&mut self) {
        let linger =
            self.shared.lock().closing.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(link) = self.link.take() {
            link.close(linger.unwrap_or_default());
        }
        self.shared.change(|state| {
            state.queue.drop_waiting();
            state.ended = true;
        });
    }
}
