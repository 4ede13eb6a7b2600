//! The addresses that the broker may be at, and the socket to the one in use.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// More addresses than this are not tried.
const ADDRESSES_MAX: usize = 16;

/// The addresses that the broker may be at.
#[derive(Debug, Default)]
pub(super) struct Places {
    addresses: Vec<SocketAddr>,
    at: usize,
    /// Connected to the address in use: only so the kernel tells of a refusal. Made when it is needed.
    socket: Option<UdpSocket>,
}

impl Places {
    pub(super) fn is_empty(&self) -> bool {
        self.addresses.is_empty()
    }

    /// The address in use, as it is told.
    pub(super) fn endpoint(&self) -> Option<String> {
        self.addresses.get(self.at).map(|address| format!("udp://{address}"))
    }

    /// A lookup found these. The address in use stays if it is among them.
    pub(super) fn replace(&mut self, mut addresses: Vec<SocketAddr>) {
        addresses.truncate(ADDRESSES_MAX);
        let current = self.addresses.get(self.at);
        let kept = addresses.iter().position(|address| Some(address) == current);
        if kept.is_none() {
            self.socket = None;
        }
        self.at = kept.unwrap_or(0);
        self.addresses = addresses;
    }

    /// To the next address; the only one keeps its socket.
    pub(super) fn turn(&mut self) {
        if self.addresses.len() > 1 {
            self.at = (self.at + 1) % self.addresses.len();
            self.socket = None;
        }
    }

    /// The socket to the address in use, and whether it is a new one.
    pub(super) fn socket(&mut self) -> io::Result<(&UdpSocket, bool)> {
        let (socket, is_new) = match self.socket.take() {
            Some(socket) => (socket, false),
            None => (connect(self.addresses.get(self.at))?, true),
        };
        Ok((self.socket.insert(socket), is_new))
    }
}

fn connect(address: Option<&SocketAddr>) -> io::Result<UdpSocket> {
    let address =
        address.ok_or_else(|| io::Error::new(ErrorKind::NotFound, "no address of the broker is known"))?;
    let any: IpAddr =
        if address.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0))?;
    socket.set_nonblocking(true)?;
    socket.connect(address)?;
    Ok(socket)
}
