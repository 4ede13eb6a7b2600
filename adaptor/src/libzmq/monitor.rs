//! What libzmq tells of a socket's connections.
//!
//! The reader outlives the socket: libzmq's threads write to it blockingly, and with nobody there they would stand
//! still for the whole process. So the socket is closed first, and [`Monitor::wait_for_the_end`] waits for the
//! monitor's last word, which libzmq says when the socket is really gone: after its linger.

use zmq::{Context, DONTWAIT, Error, PollEvents, PollItem, Socket, SocketType};

use super::context::unique_name;

/// libzmq's numbers. The crate's own type for them panics on one it does not know.
#[allow(missing_docs)] // The names are libzmq's own.
pub mod event {
    pub const CONNECTED: u16 = 0x0001;
    pub const CONNECT_RETRIED: u16 = 0x0004;
    pub const CLOSED: u16 = 0x0080;
    pub const DISCONNECTED: u16 = 0x0200;
    pub const MONITOR_STOPPED: u16 = 0x0400;
    pub const HANDSHAKE_FAILED_NO_DETAIL: u16 = 0x0800;
    pub const HANDSHAKE_SUCCEEDED: u16 = 0x1000;
    pub(super) const ALL_OF_THESE: u16 = CONNECTED
        | CONNECT_RETRIED
        | CLOSED
        | DISCONNECTED
        | MONITOR_STOPPED
        | HANDSHAKE_FAILED_NO_DETAIL
        | HANDSHAKE_SUCCEEDED;
}

/// The reader of a socket's events.
pub struct Monitor {
    reader: Socket,
}

impl Monitor {
    /// Listens to `socket`, from before its first connection.
    ///
    /// # Errors
    /// What libzmq says.
    pub fn of(socket: &Socket, context: &Context) -> Result<Self, Error> {
        let name = unique_name("monitor");
        let reader = context.socket(SocketType::PAIR)?;
        reader.set_linger(0)?;
        // In this order: a monitor never has nobody to tell.
        reader.connect(&name)?;
        socket.monitor(&name, i32::from(event::ALL_OF_THESE))?;
        Ok(Self { reader })
    }

    /// The next event, or `None` when there is none for now. One that cannot be read is one that we do not know: 0.
    pub fn next_event(&self) -> Option<u16> {
        let frames = loop {
            match self.reader.recv_multipart(DONTWAIT) {
                Ok(frames) => break frames,
                Err(Error::EINTR) => {}
                Err(_) => return None,
            }
        };
        let number = frames.first().and_then(|frame| frame.first_chunk::<2>());
        Some(number.map_or(0, |bytes| u16::from_ne_bytes(*bytes)))
    }

    /// To wait for the next event.
    #[must_use]
    pub fn poll_item(&self) -> PollItem<'_> {
        self.reader.as_poll_item(PollEvents::POLLIN)
    }

    /// Blocks until libzmq has let go of the socket, which must have been closed.
    pub fn wait_for_the_end(self) {
        loop {
            match self.next_event() {
                Some(event::MONITOR_STOPPED) => return,
                Some(_) => {}
                None => match self.reader.poll(PollEvents::POLLIN, -1) {
                    Ok(_) | Err(Error::EINTR) => {}
                    Err(_) => return,
                },
            }
        }
    }
}
