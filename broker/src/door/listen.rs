//! Taking the ports.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

/// How many connections may wait to be accepted: a workshop's power comes back and everything calls at once.
const BACKLOG: i32 = 1_024;

/// The receive buffer that is asked for, in bytes: a second of bursts from a thousand sensors.
pub(crate) const UDP_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// How soon a dead peer is noticed where nothing is sent: a minute of silence, then three questions.
pub(crate) const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(std::time::Duration::from_secs(60))
    .with_interval(std::time::Duration::from_secs(10))
    .with_retries(3);

/// How many places are tried for a block of ports where any will do.
const TRIES: usize = 64;

/// Where such a block may begin: below the ports that systems give to outgoing connections, of which a block of four in
/// a row is hard to find on a busy machine.
const BLOCKS: std::ops::Range<u16> = 10_000..32_000;

/// The sockets of all doors.
pub(crate) struct Sockets<F = ()> {
    pub(crate) clients: std::net::TcpListener,
    pub(crate) input: std::net::TcpListener,
    pub(crate) udp: std::net::UdpSocket,
    pub(crate) query: std::net::TcpListener,
    /// What the fourth port was taken for.
    pub(crate) fourth: F,
    /// Where they are, by the clients' port: the others follow it.
    pub(crate) address: SocketAddr,
    /// What the system gives as receive buffer, in bytes.
    pub(crate) udp_buffer_bytes: usize,
}

impl<F> Sockets<F> {
    /// The broker's own, and what the fourth port was taken for.
    pub(crate) fn split(self) -> (Sockets, F) {
        let Self { clients, input, udp, query, fourth, address, udp_buffer_bytes } = self;
        (Sockets { clients, input, udp, query, fourth: (), address, udp_buffer_bytes }, fourth)
    }
}

/// Why a port was not to be had.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) address: SocketAddr,
    pub(crate) protocol: &'static str,
    pub(crate) source: io::Error,
}

/// Takes `port` and the three after it, the last by `fourth`. Port 0 takes any that are free.
pub(crate) fn listen<F>(
    bind: IpAddr,
    port: u16,
    fourth: impl Fn(u16) -> Result<F, Refused>,
) -> Result<Sockets<F>, Refused> {
    if port != 0 {
        return block(bind, port, &fourth);
    }
    let mut tries = 0;
    loop {
        tries += 1;
        match block(bind, any_block(), &fourth) {
            Err(refused) if tries < TRIES && refused.source.kind() == io::ErrorKind::AddrInUse => {}
            other => return other,
        }
    }
}

/// A block at random, so that brokers which start at once are not in each other's way.
fn any_block() -> u16 {
    let blocks = u64::from(BLOCKS.end - BLOCKS.start) / 4;
    let random = RandomState::new().build_hasher().finish() % blocks;
    BLOCKS.start + 4 * u16::try_from(random).unwrap_or_default()
}

fn block<F>(
    bind: IpAddr,
    port: u16,
    fourth: impl Fn(u16) -> Result<F, Refused>,
) -> Result<Sockets<F>, Refused> {
    let at = |offset: u16| match port.checked_add(offset) {
        Some(port) => Ok(SocketAddr::new(bind, port)),
        None => {
            let why = io::Error::new(io::ErrorKind::InvalidInput, "the ports after it are past 65535");
            Err(refused(SocketAddr::new(bind, port), "TCP", why))
        }
    };
    let last = at(3)?.port();
    let clients = tcp(at(0)?)?;
    let (udp, udp_buffer_bytes) = udp(at(1)?)?;
    Ok(Sockets {
        input: tcp(at(1)?)?,
        query: tcp(at(2)?)?,
        fourth: fourth(last)?,
        address: clients
            .local_addr()
            .map_err(|source| refused(SocketAddr::new(bind, port), "TCP", source))?,
        clients,
        udp,
        udp_buffer_bytes,
    })
}

pub(crate) fn tcp(address: SocketAddr) -> Result<std::net::TcpListener, Refused> {
    on_both_families(address, "TCP", |address| {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        // A restart need not wait for the old connections' last packets.
        socket.set_reuse_address(true)?;
        take(&socket, address)?;
        socket.listen(BACKLOG)?;
        Ok(socket.into())
    })
}

fn udp(address: SocketAddr) -> Result<(std::net::UdpSocket, usize), Refused> {
    on_both_families(address, "UDP", |address| {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        ask_for_buffer(&socket)?;
        take(&socket, address)?;
        let given = socket.recv_buffer_size()?;
        Ok((socket.into(), given))
    })
}

/// Past the system's `net.core.rmem_max` only who may administer the network gets it.
fn ask_for_buffer(socket: &Socket) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::RcvBufForce};
        if setsockopt(socket, RcvBufForce, &UDP_BUFFER_BYTES).is_ok() {
            return Ok(());
        }
    }
    socket.set_recv_buffer_size(UDP_BUFFER_BYTES)
}

fn take(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() {
        // One socket for both families where the address is that of all.
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())
}

/// All addresses are IPv6's and IPv4's where the machine has both, and IPv4's where it has no IPv6.
fn on_both_families<T>(
    address: SocketAddr,
    protocol: &'static str,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<T, Refused> {
    let no_ipv6 = |error: &io::Error| {
        matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::AddrNotAvailable)
            || error.raw_os_error().is_some_and(|code| code == EAFNOSUPPORT)
    };
    match bind(address) {
        Err(error) if address.is_ipv6() && address.ip().is_unspecified() && no_ipv6(&error) => {
            let address = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), address.port());
            bind(address).map_err(|source| refused(address, protocol, source))
        }
        other => other.map_err(|source| refused(address, protocol, source)),
    }
}

/// "Address family not supported", for which the standard library has no kind.
const EAFNOSUPPORT: i32 = if cfg!(target_os = "linux") { 97 } else { 47 };

fn refused(address: SocketAddr, protocol: &'static str, source: io::Error) -> Refused {
    Refused { address, protocol, source }
}

/// What every accepted connection gets.
pub(crate) fn set_up(stream: &mio::net::TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    SockRef::from(stream).set_tcp_keepalive(&KEEPALIVE)
}
