//! Datagrams one by one, where the system has no call for many.

use std::io;
use std::net::SocketAddr;

use mio::net::UdpSocket;

use super::ROOM_BYTES;

/// Where a datagram is put.
pub(super) struct Receiver {
    room: Vec<u8>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { room: vec![0; ROOM_BYTES] }
    }

    /// Takes one datagram and hands it to `arrive`; how many it was.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        mut arrive: impl FnMut(SocketAddr, &[u8]),
    ) -> io::Result<usize> {
        let (bytes, address) = socket.recv_from(&mut self.room)?;
        arrive(address, self.room.get(..bytes).unwrap_or_default());
        Ok(1)
    }
}
