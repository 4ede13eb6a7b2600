//! Where the hub is while the broker's thread sleeps: other threads read it there, without waking that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use thingsbus_adaptor::wire::{Query, Timestamp};

use crate::hub::Hub;

/// A place for the hub. Another one that knows nothing is there while it is out, so that both are always somewhere.
#[derive(Clone)]
pub(crate) struct Home(Arc<Mutex<Inside>>);

struct Inside {
    hub: Hub,
    is_home: bool,
}

impl Home {
    /// With nobody at home.
    pub(crate) fn new(nobody: Hub) -> Self {
        Self(Arc::new(Mutex::new(Inside { hub: nobody, is_home: false })))
    }

    /// The hub goes home, or leaves it. Whoever reads it is waited for: some microseconds.
    pub(super) fn swap(&self, hub: &mut Hub) {
        let mut inside = self.lock();
        std::mem::swap(&mut inside.hub, hub);
        inside.is_home = !inside.is_home;
    }

    /// Answers a query, if the hub is at home.
    pub(crate) fn answer(&self, query: &Query, now: Timestamp) -> Option<Vec<u8>> {
        let inside = self.lock();
        inside.is_home.then(|| {
            let mut answer = Vec::new();
            inside.hub.answer(query, now, &mut answer);
            answer
        })
    }

    /// Who panicked while reading it has changed nothing.
    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
