//! Datagrams by the dozen: one system call for all that wait.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use mio::net::UdpSocket;
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};

use super::ROOM_BYTES;

/// The most datagrams in one system call. More of them gain little, and each has its own room.
const BATCH: usize = 64;

/// Where datagrams are put. Only the memory that they use is ever touched.
pub(super) struct Receiver {
    rooms: Vec<u8>,
    headers: MultiHeaders<SockaddrStorage>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { rooms: vec![0; BATCH * ROOM_BYTES], headers: MultiHeaders::preallocate(BATCH, None) }
    }

    /// Takes what waits, as much as one system call gives, and hands it to `arrive`; how many datagrams it was.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        mut arrive: impl FnMut(SocketAddr, &[u8]),
    ) -> io::Result<usize> {
        let mut rooms = self.rooms.chunks_exact_mut(ROOM_BYTES);
        let mut slices: [_; BATCH] =
            std::array::from_fn(|_| [IoSliceMut::new(rooms.next().unwrap_or_default())]);
        let received =
            recvmmsg(socket.as_raw_fd(), &mut self.headers, &mut slices, MsgFlags::MSG_DONTWAIT, None)?;
        let mut count = 0;
        for message in received {
            count += 1;
            let Some(address) = message.address.as_ref().and_then(socket_address) else { continue };
            arrive(address, message.iovs().next().unwrap_or_default());
        }
        Ok(count)
    }
}

fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = || address.as_sockaddr_in().map(|v4| SocketAddr::V4((*v4).into()));
    address.as_sockaddr_in6().map(|v6| SocketAddr::V6((*v6).into())).or_else(v4)
}
