//! A state that one thread changes and others wait for; where nobody waits, a change costs no system call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A state that can be waited for.
pub(super) struct Watched<T> {
    state: Mutex<T>,
    changed: Condvar,
    /// How many wait. Changed and read under the lock.
    watchers: AtomicUsize,
}

impl<T> Watched<T> {
    pub(super) fn new(state: T) -> Self {
        Self { state: Mutex::new(state), changed: Condvar::new(), watchers: AtomicUsize::new(0) }
    }

    /// A panic while the lock was held leaves counts behind, nothing that could be unsound.
    pub(super) fn lock(&self) -> MutexGuard<'_, T> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until something is so; without `until`, for as long as it takes.
    pub(super) fn wait(&self, until: Option<Instant>, is_so: impl Fn(&T) -> bool) -> MutexGuard<'_, T> {
        let mut state = self.lock();
        self.watchers.fetch_add(1, Ordering::Relaxed);
        while !is_so(&state) {
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        self.watchers.fetch_sub(1, Ordering::Relaxed);
        state
    }

    /// Changes the state and tells those who wait.
    #[cfg(feature = "zmq")]
    pub(super) fn change<R>(&self, change: impl FnOnce(&mut T) -> R) -> R {
        let mut state = self.lock();
        let result = change(&mut state);
        self.tell(state);
        result
    }

    /// Lets go of a state that was changed, and tells those who wait.
    pub(super) fn tell(&self, state: MutexGuard<'_, T>) {
        let is_watched = self.watchers.load(Ordering::Relaxed) > 0;
        drop(state);
        if is_watched {
            self.wake();
        }
    }

    /// Lets those who wait look again.
    pub(super) fn wake(&self) {
        self.changed.notify_all();
    }
}
