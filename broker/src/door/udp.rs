//! The UDP door: one datagram is one message.

mod dropped;
#[cfg(target_os = "linux")]
#[path = "udp/batches.rs"]
mod receiver;
#[cfg(not(target_os = "linux"))]
#[path = "udp/one_by_one.rs"]
mod receiver;

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use thingsbus_adaptor::wire::limits::DATAGRAM_BYTES_MAX;

use receiver::Receiver;

/// How many datagrams are taken before the others have their turn.
const DATAGRAMS: usize = 256;

/// The room for each: one byte more than fits, so that a datagram that is too long shows.
const ROOM_BYTES: usize = DATAGRAM_BYTES_MAX + 1;

/// The UDP door.
pub(crate) struct Udp {
    socket: UdpSocket,
    receiver: Receiver,
    buffer_bytes: usize,
}

impl Udp {
    /// With the socket, for which the system keeps `buffer_bytes` of what was not taken yet.
    pub(crate) fn new(socket: UdpSocket, buffer_bytes: usize) -> Self {
        Self { socket, receiver: Receiver::new(), buffer_bytes }
    }

    /// What the system gives as receive buffer, in bytes.
    pub(crate) fn buffer_bytes(&self) -> usize {
        self.buffer_bytes
    }

    /// Gives the datagrams that came to `arrive`; `true` where there may be more.
    pub(crate) fn receive(&mut self, mut arrive: impl FnMut(SocketAddr, &[u8])) -> bool {
        let mut taken = 0;
        while taken < DATAGRAMS {
            let received = self.receiver.receive(&self.socket, &mut arrive);
            match received {
                Ok(count) => taken += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An answer to something we sent could not be delivered, or a signal came: look again.
                Err(_) => taken += 1,
            }
        }
        true
    }

    /// Answers the sender of a datagram. What the system does not take at once is lost: who is not answered asks again.
    pub(crate) fn answer(&self, to: SocketAddr, answer: &[u8]) {
        let _ = self.socket.send_to(answer, to);
    }

    /// How many datagrams the system has dropped because its buffer was full; `None` where it does not tell.
    pub(crate) fn dropped(&self) -> Option<u64> {
        dropped::dropped(&self.socket)
    }
}
