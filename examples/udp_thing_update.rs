//! Sends one datagram, as 0.2.1's example `udp_msgpack_thingupdate.py` does: a map, or with `list` the short form.
//! All that a sensor needs is a UDP socket: no library, no connection, no clock.
//!
//! `cargo run --example udp_thing_update -- [list] [-v] [HOST:PORT]`, the broker's input, 127.0.0.1:7955 if not given

use std::error::Error;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs, UdpSocket};

use thingsbus_adaptor::wire::{Namespace, encode_list, encode_map};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut list, mut verbose, mut broker_input) = (false, false, "127.0.0.1:7955".to_owned());
    for arg in std::env::args().skip(1) {
        match arg.as_str() {
            "list" => list = true,
            "-v" => verbose = true,
            _ => broker_input = arg,
        }
    }
    let ns = Namespace::parse("test.abc")?;
    let (data, documentation_url) = ("Hello, World", Some("http://example.com/"));
    // `None` for the time: the broker sets its own.
    let datagram = if list {
        encode_list(&ns, None, data, documentation_url)?
    } else {
        encode_map(&ns, None, data, documentation_url)?
    };
    if verbose {
        println!("sending {} bytes to {broker_input}: {}", datagram.len(), datagram.escape_ascii());
    }
    let to = broker_input.to_socket_addrs()?.next().ok_or("no such host")?;
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    UdpSocket::bind(from)?.send_to(&datagram, to)?;
    Ok(())
}
