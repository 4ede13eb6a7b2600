//! What every file that holds libzmq's sockets needs: the process's one context, numeric addresses, and what a
//! socket's monitor tells. For the crates of this workspace, not for users: it shows the `zmq` crate's types.

mod context;
mod endpoint;
mod monitor;

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use zmq::{DONTWAIT, Error, Socket, SocketType};

pub use context::{unique_name, with};
pub use endpoint::{Candidate, resolve};
pub use monitor::{Monitor, event};

/// A pair of sockets: what is sent into the first makes the second one readable.
///
/// # Errors
/// What libzmq says.
pub fn bell() -> Result<(Socket, Socket), Error> {
    let name = unique_name("bell");
    with(|context| {
        let heard = context.socket(SocketType::PAIR)?;
        heard.set_linger(0)?;
        heard.bind(&name)?;
        let bell = context.socket(SocketType::PAIR)?;
        bell.set_linger(0)?;
        bell.connect(&name)?;
        Ok((bell, heard))
    })
}

/// Rings a bell. Who hears it may be gone, and a full line rings already: there is nothing to do about an error.
pub fn ring(bell: &Mutex<Socket>) {
    let bell = bell.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = bell.send("", DONTWAIT) {
        tracing::trace!(%error, "nobody to wake");
    }
}

/// Takes what rang.
pub fn clear(heard: &Socket) {
    loop {
        match heard.recv_msg(DONTWAIT) {
            Ok(_) | Err(Error::EINTR) => {}
            Err(_) => return,
        }
    }
}

/// How long a poll may take until then, in its milliseconds: rounded up, since too early is once more around for nothing.
/// For ever where there is no such time.
#[must_use]
pub fn poll_ms(until: Option<Instant>) -> i64 {
    until.map_or(-1, |until| {
        let left = until.saturating_duration_since(Instant::now());
        i64::try_from(left.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX)
    })
}
