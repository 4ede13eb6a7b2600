//! The way out of an adapter: updates to the broker, and what is said of those that did not get there.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::Update;
use thingsbus_adaptor::{Adaptor, Counters, Target};

use super::complaints::{Complaint, Complaints};
use crate::args::Global;
use crate::broker::{HINT, timeout};
use crate::failure::Failure;
use crate::numbers::grouped;
use crate::output::tell;
use crate::send::{Ack, why};

/// How many messages may wait before whoever can wait does; the adaptor drops the oldest at twice as many.
const QUEUED_MAX: u64 = 5_000;

/// How often is looked how the broker's connection is.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// What messages are counted by that the broker did not take.
const NOT_TAKEN: &str = "the broker did not take them in time";

/// Sends updates and keeps count. Shared by the one who sends and the one who ends it.
#[derive(Clone)]
pub(crate) struct Outlet {
    shared: Arc<Shared>,
}

struct Shared {
    /// Nobody holds on to it for longer than [`LOOK_EVERY`], so that who ends it can close it.
    adaptor: Mutex<Option<Arc<Adaptor>>>,
    /// Each is sent until the broker has answered it so.
    ack: Option<Ack>,
    timeout: Duration,
    state: Mutex<State>,
}

struct State {
    complaints: Complaints,
    /// How many of the adaptor's drops are among the complaints.
    dropped: u64,
    /// How many of the broker's refusals are.
    refused: u64,
    /// Since when the broker is not there, and whether that was said.
    down: Option<(Instant, bool)>,
}

impl Outlet {
    pub(crate) fn new(target: Target, ack: Option<Ack>, global: &Global) -> Result<Self, Failure> {
        let adaptor = Adaptor::relay(target).map_err(Failure::failed)?;
        let now = Instant::now();
        let (complaints, down) = (Complaints::default(), Some((now, false)));
        let state = State { complaints, dropped: 0, refused: 0, down };
        let shared = Shared {
            adaptor: Mutex::new(Some(Arc::new(adaptor))),
            ack,
            timeout: timeout(global),
            state: Mutex::new(state),
        };
        let outlet = Self { shared: Arc::new(shared) };
        let watched = outlet.clone();
        let thread = std::thread::Builder::new().name("thingsbus-look".to_owned());
        let started = thread.spawn(move || {
            while watched.look() {
                std::thread::sleep(LOOK_EVERY);
            }
        });
        started.map_err(|error| Failure::failed(format_args!("cannot start a thread: {error}")))?;
        Ok(outlet)
    }

    /// Sends an update, without waiting for the broker.
    pub(crate) fn send(&self, update: &Update<'_>) {
        let Some(adaptor) = self.adaptor() else { return };
        let sent = match self.shared.ack {
            Some(ack) => adaptor.send_update_acked(update, ack.level()).map(drop),
            None => adaptor.send_update(update),
        };
        if let Err(error) = sent {
            self.complain(Complaint::new(error.to_string(), update.ns()));
        }
    }

    /// Waits where so much is queued that the oldest would be dropped soon; not for a broker that is not there.
    pub(crate) fn wait_for_room(&self) {
        while self.state().down.is_none_or(|(_, told)| !told) {
            let Some(adaptor) = self.adaptor() else { return };
            if self.counted(adaptor.counters()).queued < QUEUED_MAX || adaptor.flush(LOOK_EVERY) {
                return;
            }
        }
    }

    /// Something was not even sent.
    pub(crate) fn complain(&self, complaint: Complaint) {
        self.complain_of(complaint, 1);
    }

    /// Says what has changed about the broker's connection, and what was dropped; `false` after the end.
    fn look(&self) -> bool {
        let Some(adaptor) = self.adaptor() else { return false };
        let counters = self.counted(adaptor.counters());
        drop(adaptor);
        self.complain_of_refusals(&counters);
        let dropped = self.new_drops(&counters);
        if dropped > 0 {
            self.complain_of(Complaint::new(NOT_TAKEN, why(&counters)), dropped);
        }
        self.say_connection(&counters, Instant::now());
        true
    }

    /// Sends what waits, as long as `limit`, and says what became of everything; `true` where nothing was lost.
    /// `always` says it also where all is well.
    pub(crate) fn finish(&self, limit: Duration, always: bool) -> bool {
        let deadline = Instant::now() + limit;
        let Some(mut adaptor) = self.lock_adaptor().take() else { return true };
        let counters = loop {
            match Arc::try_unwrap(adaptor) {
                Ok(adaptor) => break adaptor.close(deadline.saturating_duration_since(Instant::now())),
                Err(shared) if Instant::now() >= deadline => break shared.counters(),
                Err(shared) => adaptor = shared,
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let counters = self.counted(counters);
        self.complain_of_refusals(&counters);
        let left = self.new_drops(&counters) + counters.queued;
        let mut state = self.state();
        if left > 0 {
            // It is said now, with everything else.
            let _ = state.complaints.add(Complaint::new(NOT_TAKEN, ""), left, Instant::now());
        }
        let lost = state.complaints.summary();
        drop(state);
        let sent = grouped(counters.sent);
        match &lost {
            Some(lost) if left > 0 => tell(format_args!("{sent} sent, {lost}: {}", why(&counters))),
            Some(lost) => tell(format_args!("{sent} sent, {lost}")),
            None if always => tell(format_args!("{sent} sent")),
            None => {}
        }
        lost.is_none()
    }

    /// The counters of the way that the updates go.
    fn counted(&self, mut counters: Counters) -> Counters {
        let acknowledged = &counters.acknowledged;
        if self.shared.ack.is_none() || acknowledged.accepted == 0 {
            return counters;
        }
        (counters.sent, counters.dropped) = (acknowledged.acked, acknowledged.dropped);
        (counters.queued, counters.connected) = (acknowledged.waiting, acknowledged.connected);
        counters.endpoint.clone_from(&acknowledged.endpoint);
        counters.last_error.clone_from(&acknowledged.last_error);
        counters
    }

    /// What the broker has refused since this was last looked at. Of several reasons the last one is told.
    fn complain_of_refusals(&self, counters: &Counters) {
        let refused = counters.acknowledged.refused;
        let known = std::mem::replace(&mut self.state().refused, refused);
        if let (1.., Some(lost)) = (refused.saturating_sub(known), &counters.acknowledged.last_lost) {
            self.complain_of(Complaint::new(lost.why.to_string(), &*lost.ns), refused - known);
        }
    }

    /// How many more the adaptor has dropped.
    fn new_drops(&self, counters: &Counters) -> u64 {
        let mut state = self.state();
        let known = std::mem::replace(&mut state.dropped, counters.dropped);
        counters.dropped.saturating_sub(known)
    }

    fn say_connection(&self, counters: &Counters, now: Instant) {
        let mut state = self.state();
        let place = counters.endpoint.as_deref().unwrap_or("the broker");
        match (counters.connected, state.down) {
            (true, Some((_, told))) => {
                state.down = None;
                if told {
                    tell(format_args!("connected to {place}"));
                }
            }
            (false, None) => state.down = Some((now, false)),
            (false, Some((since, false))) if now.duration_since(since) >= self.shared.timeout => {
                state.down = Some((since, true));
                // Where it is not even known where the broker is, that is the trouble.
                let hint = counters.endpoint.as_ref().map_or_else(String::new, |_| format!("; {HINT}"));
                tell(format_args!("{}; messages wait{hint}", why(counters)));
            }
            _ => {}
        }
    }

    fn complain_of(&self, complaint: Complaint, count: u64) {
        let said = self.state().complaints.add(complaint, count, Instant::now());
        if let Some(said) = said {
            tell(said);
        }
    }

    fn adaptor(&self) -> Option<Arc<Adaptor>> {
        self.lock_adaptor().clone()
    }

    fn lock_adaptor(&self) -> MutexGuard<'_, Option<Arc<Adaptor>>> {
        self.shared.adaptor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
