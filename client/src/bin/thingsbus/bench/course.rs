//! What all threads of a run see: its clock, how far each is, and when to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::plan::Plan;
use crate::failure::Failure;

/// What all threads of a run see.
#[derive(Clone)]
pub(super) struct Course(Arc<Inner>);

struct Inner {
    origin: Instant,
    stop_sending: AtomicBool,
    end: AtomicBool,
    /// By publisher.
    sent: Vec<AtomicU64>,
    /// By subscriber.
    heard: Vec<Heard>,
}

/// How far a subscriber is. Each has its own place in memory, because each writes there with every message.
struct Heard {
    taken: AtomicU64,
    /// By publisher: the highest number, and one.
    next: Vec<AtomicU64>,
}

impl Course {
    pub(super) fn new(plan: &Plan) -> Self {
        let zeros = || (0..plan.publishers).map(|_| AtomicU64::new(0)).collect();
        let heard = (0..plan.subscribers).map(|_| Heard { taken: AtomicU64::new(0), next: zeros() });
        Self(Arc::new(Inner {
            origin: Instant::now(),
            stop_sending: AtomicBool::new(false),
            end: AtomicBool::new(false),
            sent: zeros(),
            heard: heard.collect(),
        }))
    }

    /// How long after the run's beginning that is.
    pub(super) fn clock_at(&self, now: Instant) -> Duration {
        now.duration_since(self.0.origin)
    }

    pub(super) fn stop_sending(&self) {
        self.0.stop_sending.store(true, Relaxed);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.0.stop_sending.load(Relaxed)
    }

    pub(super) fn end(&self) {
        self.0.end.store(true, Relaxed);
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.end.load(Relaxed)
    }

    pub(super) fn tell_sent(&self, publisher: u16, sent: u64) {
        if let Some(place) = self.0.sent.get(usize::from(publisher)) {
            place.store(sent, Relaxed);
        }
    }

    pub(super) fn tell_taken(&self, subscriber: u16, taken: u64, publisher: usize, next: u64) {
        if let Some(heard) = self.0.heard.get(usize::from(subscriber)) {
            heard.taken.store(taken, Relaxed);
            if let Some(place) = heard.next.get(publisher) {
                place.store(next, Relaxed);
            }
        }
    }

    /// Up to where every subscriber has heard this publisher.
    pub(super) fn heard_by_all(&self, publisher: u16) -> u64 {
        let next =
            |heard: &Heard| heard.next.get(usize::from(publisher)).map_or(0, |next| next.load(Relaxed));
        self.0.heard.iter().map(next).min().unwrap_or(0)
    }

    /// Has every subscriber heard every publisher's last message?
    pub(super) fn is_last_heard(&self) -> bool {
        (0..).zip(&self.0.sent).all(|(publisher, sent)| self.heard_by_all(publisher) >= sent.load(Relaxed))
    }

    /// How many messages were sent.
    pub(super) fn sent(&self) -> u64 {
        self.0.sent.iter().map(|sent| sent.load(Relaxed)).sum()
    }

    /// How many messages came, at all subscribers together.
    pub(super) fn taken(&self) -> u64 {
        self.0.heard.iter().map(|heard| heard.taken.load(Relaxed)).sum()
    }

    /// How many came at the subscriber that has the fewest.
    pub(super) fn taken_least(&self) -> u64 {
        self.0.heard.iter().map(|heard| heard.taken.load(Relaxed)).min().unwrap_or(0)
    }
}

/// Ctrl-C and SIGTERM end the run early; the second one ends the program.
pub(super) struct Watch(Arc<AtomicUsize>);

impl Watch {
    #[cfg(unix)]
    pub(super) fn new() -> Result<Self, Failure> {
        use signal_hook::consts::{SIGINT, SIGTERM};
        use signal_hook::flag::{register, register_conditional_shutdown, register_usize};
        let seen = Arc::new(AtomicUsize::new(0));
        let again = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds the flag not yet set.
            register_conditional_shutdown(signal, 128 + signal, Arc::clone(&again))
                .and_then(|_| register(signal, Arc::clone(&again)))
                .and_then(|_| register_usize(signal, Arc::clone(&seen), signal.unsigned_abs() as usize))
                .map_err(|error| Failure::failed(format_args!("cannot listen to signals: {error}")))?;
        }
        Ok(Self(seen))
    }

    #[cfg(not(unix))]
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self(Arc::default()))
    }

    /// The signal that came; 0 where none did.
    pub(super) fn signal(&self) -> u8 {
        u8::try_from(self.0.load(Relaxed)).unwrap_or(u8::MAX)
    }
}
