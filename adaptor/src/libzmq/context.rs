//! The one libzmq context of the process.

use std::mem;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use zmq::{Context, Error};

/// The context in use, never ended while it is.
static CURRENT: Mutex<Option<Current>> = Mutex::new(None);

#[derive(Clone)]
struct Current {
    context: Context,
    /// Who made it: after a `fork` the child has the context's memory and none of its threads.
    process: u32,
    generation: u64,
}

/// Calls `make` with the context. A context holds 1,023 sockets (some 200 senders), and the `zmq` crate cannot ask
/// for more: when it is full, those who come later get the next one, and the full one ends with its last socket.
pub fn with<T>(make: impl Fn(&Context) -> Result<T, Error>) -> Result<T, Error> {
    let used = current(None);
    match make(&used.context) {
        Err(Error::EMFILE) => make(&current(Some(used.generation)).context),
        result => result,
    }
}

/// A name for an inproc endpoint that nobody else uses.
pub fn unique_name(what: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("inproc://thingsbus-{what}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fn current(full: Option<u64>) -> Current {
    let mut slot = CURRENT.lock().unwrap_or_else(PoisonError::into_inner);
    let process = process::id();
    let usable = |current: &&Current| current.process == process && Some(current.generation) != full;
    if let Some(current) = slot.as_ref().filter(usable) {
        return current.clone();
    }
    let generation = slot.as_ref().map_or(0, |current| current.generation + 1);
    let fresh = Current { context: Context::new(), process, generation };
    match slot.replace(fresh.clone()) {
        // Ending it would wait for threads that are not here.
        Some(parents) if parents.process != process => mem::forget(parents),
        _ => {}
    }
    fresh
}
