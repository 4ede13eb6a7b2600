//! A sender of datagrams: msgpack lists as 0.2.1's sensors send them; many in a system call, so that a
//! thousand sensors fit into one thread.

use std::io::IoSlice;
use std::net::UdpSocket;
use std::ops::Range;
use std::os::fd::AsRawFd;

use anyhow::{Result, ensure};
use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, sendmmsg};
use rmp::encode::{write_array_len, write_f64, write_map_len, write_str, write_u32};

use super::Publisher;
use super::ring::{Publishing, RING};
use crate::update::{NUMBER_BASE, THINGS, name};

pub struct UdpPublisher {
    socket: UdpSocket,
    datagrams: Vec<Vec<u8>>,
    /// Where the four bytes of the number are, in all of them.
    number_at: usize,
}

impl UdpPublisher {
    pub fn connect(port: u16, publishing: Publishing) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(("127.0.0.1", port))?;
        let mut number_at = 0;
        let mut datagrams = Vec::new();
        for place in 0..RING as usize {
            let mut out = Vec::new();
            write_array_len(&mut out, 4)?;
            write_str(&mut out, &name(publishing.publisher, place % (THINGS / publishing.publishers)))?;
            write_f64(&mut out, 1423351104.945)?;
            write_map_len(&mut out, 4)?;
            write_str(&mut out, "n")?;
            number_at = out.len() + 1; // After the marker.
            write_u32(&mut out, NUMBER_BASE as u32)?;
            write_str(&mut out, "run")?;
            write_u32(&mut out, publishing.run)?;
            write_str(&mut out, "luminance")?;
            write_f64(&mut out, 114.361669921875)?;
            write_str(&mut out, "busy")?;
            write_f64(&mut out, 0.143)?;
            write_str(&mut out, "http://e.org/dddddddddddd")?;
            datagrams.push(out);
        }
        Ok(Self { socket, datagrams, number_at })
    }
}

impl Publisher for UdpPublisher {
    fn send(&mut self, numbers: Range<u64>) -> Result<()> {
        let count = (numbers.end - numbers.start) as usize;
        ensure!(count <= self.datagrams.len(), "{count} datagrams in one call");
        for number in numbers.clone() {
            let datagram = &mut self.datagrams[(number % RING) as usize];
            let bytes = ((NUMBER_BASE + number) as u32).to_be_bytes();
            datagram[self.number_at..self.number_at + bytes.len()].copy_from_slice(&bytes);
        }
        if count == 1 {
            self.socket.send(&self.datagrams[(numbers.start % RING) as usize])?;
            return Ok(());
        }
        let slices: Vec<_> =
            numbers.map(|number| [IoSlice::new(&self.datagrams[(number % RING) as usize])]).collect();
        let nowhere: Vec<Option<SockaddrStorage>> = vec![None; count]; // Connected already.
        let mut headers = MultiHeaders::preallocate(count, None);
        let sent = sendmmsg(self.socket.as_raw_fd(), &mut headers, &slices, nowhere, [], MsgFlags::empty())?;
        ensure!(sent.count() == count, "the system took fewer than {count} datagrams");
        Ok(())
    }
}
