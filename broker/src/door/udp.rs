//! The UDP door: one datagram is one message.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;
use thingsbus_adaptor::wire::limits::DATAGRAM_BYTES_MAX;

/// How many datagrams are taken before the others have their turn.
const DATAGRAMS: usize = 256;

/// The UDP door.
pub(crate) struct Udp {
    pub(crate) socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Udp {
    pub(crate) fn new(socket: UdpSocket) -> Self {
        // One byte more than fits, so that a datagram that is too long shows.
        Self { socket, buffer: vec![0; DATAGRAM_BYTES_MAX + 1] }
    }

    /// Gives the datagrams that came to `arrive`; `true` where there may be more.
    pub(crate) fn receive(&mut self, mut arrive: impl FnMut(SocketAddr, &[u8])) -> bool {
        for _ in 0..DATAGRAMS {
            match self.socket.recv_from(&mut self.buffer) {
                Ok((count, address)) => {
                    let address = SocketAddr::new(address.ip().to_canonical(), address.port());
                    arrive(address, self.buffer.get(..count).unwrap_or_default());
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                // An answer to something we sent could not be delivered, or a signal came: look again.
                Err(_) => {}
            }
        }
        true
    }
}
