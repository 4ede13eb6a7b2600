//! What a client's thread and its users share: the mirror, who listens, and how the connection is.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{Namespace, Timestamp};

use crate::event::{Event, Flags};
use crate::feed::Queue;
use crate::mirror::{Change, Mirror};

/// What a client's thread and its users share.
pub(crate) struct Shared {
    pub(crate) broker: BrokerName,
    state: Mutex<State>,
    /// Something changed that is waited for: ready, or closed.
    changed: Condvar,
    /// Wakes the thread; it is there as long as the thread is.
    bell: Mutex<Box<dyn FnMut() + Send>>,
    rung: AtomicBool,
    listeners_made: AtomicU64,
}

/// Behind the lock, which is held for moments only: never while something outside is waited for or called.
pub(crate) struct State {
    pub(crate) mirror: Mirror,
    pub(crate) listeners: Listeners,
    /// What the connection is doing, for an error that says it.
    pub(crate) doing: String,
    pub(crate) closed: bool,
}

/// Who wants events, by the thing that they subscribed to.
#[derive(Default)]
pub(crate) struct Listeners {
    by_ns: HashMap<Box<str>, Vec<Listener>>,
}

struct Listener {
    id: u64,
    flags: Flags,
    queue: Arc<Queue>,
}

impl Shared {
    pub(crate) fn new(broker: BrokerName, bell: Box<dyn FnMut() + Send>) -> Self {
        let state = State {
            mirror: Mirror::new(),
            listeners: Listeners::default(),
            doing: "starting".to_owned(),
            closed: false,
        };
        Self {
            broker,
            state: Mutex::new(state),
            changed: Condvar::new(),
            bell: Mutex::new(bell),
            rung: AtomicBool::new(false),
            listeners_made: AtomicU64::new(0),
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who wait to look again.
    pub(crate) fn notify(&self) {
        self.changed.notify_all();
    }

    /// Waits until `done` or the deadline; `false` for the latter.
    pub(crate) fn wait_until(&self, deadline: Option<Instant>, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        while !done(&state) {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        true
    }

    /// Wakes the thread, which has something to do.
    pub(crate) fn ring(&self) {
        if !self.rung.swap(true, Ordering::AcqRel) {
            (self.bell.lock().unwrap_or_else(PoisonError::into_inner))();
        }
    }

    /// The thread is awake, and looks at everything after this.
    pub(crate) fn answer_bell(&self) {
        self.rung.store(false, Ordering::Release);
    }

    /// Adds a listener; the number takes it away again.
    pub(crate) fn listen(&self, ns: &Namespace, flags: Flags, queue: Arc<Queue>) -> u64 {
        let id = self.listeners_made.fetch_add(1, Ordering::Relaxed);
        let mut state = self.lock();
        if state.closed {
            queue.close();
        }
        state.listeners.by_ns.entry(ns.as_str().into()).or_default().push(Listener { id, flags, queue });
        state.mirror.follow(ns, flags.contains(Flags::TREE), Instant::now());
        drop(state);
        self.ring();
        id
    }

    /// Takes a listener away, and what waits for it. Nothing where it is gone already.
    pub(crate) fn unlisten(&self, ns: &Namespace, id: u64) {
        let mut state = self.lock();
        let Some(listeners) = state.listeners.by_ns.get_mut(ns.as_str()) else { return };
        let Some(place) = listeners.iter().position(|listener| listener.id == id) else { return };
        let listener = listeners.remove(place);
        if listeners.is_empty() {
            state.listeners.by_ns.remove(ns.as_str());
        }
        drop(state);
        listener.queue.abandon();
    }

    /// Ends everything that waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for listener in state.listeners.by_ns.values().flatten() {
            listener.queue.close();
        }
        drop(state);
        self.notify();
        self.ring();
    }
}

impl Listeners {
    /// Gives a change to all who want it.
    pub(crate) fn tell(&self, change: Change<'_>) {
        if self.by_ns.is_empty() {
            return;
        }
        let flags = if change.is_snapshot { Flags::SNAPSHOT } else { Flags::NONE };
        let flags = if change.is_forgotten { flags | Flags::FORGOTTEN } else { flags };
        let flags = if change.freshness.is_some() { flags | Flags::FRESHNESS } else { flags };
        let mut event: Option<Event> = None;
        // The thing itself, then what is above it, up to the root.
        let mut at = Some(change.ns);
        while let Some(ns) = at {
            let needed = if ns == change.ns { flags } else { flags | Flags::TREE };
            for listener in self.by_ns.get(ns).into_iter().flatten() {
                if listener.flags.contains(needed) {
                    let event = event.get_or_insert_with(|| event_of(&change, flags));
                    listener.queue.push(event.clone());
                }
            }
            at = match ns.rsplit_once('.') {
                Some((above, _)) => Some(above),
                None if ns.is_empty() => None,
                None => Some(""),
            };
        }
    }
}

fn event_of(change: &Change<'_>, flags: Flags) -> Event {
    let ns = Namespace::parse(change.ns).unwrap_or_default();
    Event {
        ns: Arc::new(ns),
        ts: change.ts,
        data: change.data.into(),
        documentation_url: change.documentation_url.map(Into::into),
        seq: change.seq,
        merged: change.merged,
        age: change.age,
        flags,
        missed: 0,
        freshness: change.freshness,
    }
}

/// The client's own wall clock.
pub(crate) fn wall_clock() -> Timestamp {
    Timestamp::from_system_time(std::time::SystemTime::now())
}

#[cfg(test)]
mod tests {
    use thingsbus_adaptor::Address;

    use super::*;
    use crate::feed::Events;

    #[test]
    fn events_that_nobody_takes_any_more_are_not_kept() {
        let shared = Arc::new(Shared::new(BrokerName::Address(Address::this_machine()), Box::new(|| ())));
        let ns = Namespace::parse("a").unwrap();
        let [(first, _), (second, id)] = [(); 2].map(|()| Events::of(&shared, &ns, Flags::TREE));
        let listeners = || shared.lock().listeners.by_ns.values().map(Vec::len).sum::<usize>();
        assert_eq!(listeners(), 2);
        drop(first);
        assert_eq!(listeners(), 1);
        shared.unlisten(&ns, id);
        assert!(shared.lock().listeners.by_ns.is_empty());
        drop(second);
        assert!(shared.lock().listeners.by_ns.is_empty());
    }
}
