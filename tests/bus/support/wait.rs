//! Waiting for what is to happen, with a limit and without blind sleeps.

use std::time::{Duration, Instant};

/// How long anything is waited for: long, because the machine may be busy, and only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often is looked where nothing tells.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until there is something; panics with `what` where there is nothing in [`PATIENCE`].
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, look).unwrap_or_else(|| panic!("waited {PATIENCE:?} for {what}"))
}

/// Looks until there is something or the time is over.
pub fn within<T>(time: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + time;
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
