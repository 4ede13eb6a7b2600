//! What every file that holds libzmq's sockets needs: the process's one context, numeric addresses, and what a
//! socket's monitor tells. For the crates of this workspace, not for users: it shows the `zmq` crate's types.

mod context;
mod endpoint;
mod monitor;

use zmq::{Error, Socket, SocketType};

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
