//! ZMTP 3.0 with the NULL mechanism (RFC 23).

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result};

use super::{Wire, connect};
use crate::update::BEGINNING;

const MORE: u8 = 1;
const LONG: u8 = 2;
const COMMAND: u8 = 4;

pub struct Zmtp {
    /// What publishers say that they are: PUSH or PUB.
    pub publisher: &'static str,
}

impl Wire for Zmtp {
    fn publisher(&self, port: u16) -> Result<TcpStream> {
        open(port, self.publisher)
    }

    fn subscriber(&self, port: u16) -> Result<TcpStream> {
        subscribed(port, &[BEGINNING])
    }

    fn frame(&self, _name: &str, text: &[u8]) -> Vec<u8> {
        frame(text)
    }

    fn next(bytes: &[u8]) -> Option<(usize, Option<&[u8]>)> {
        let (head, body) = match bytes {
            [flags, length @ ..] if flags & LONG != 0 => {
                (9, u64::from_be_bytes(*length.first_chunk()?) as usize)
            }
            [_, length, ..] => (2, usize::from(*length)),
            _ => return None,
        };
        let text = bytes.get(head..head + body)?;
        Some((head + body, (bytes[0] & (COMMAND | MORE) == 0).then_some(text)))
    }
}

/// A SUB with these subscriptions. It asked for a mark first, so a Thingsbus broker sends it no last values.
pub fn subscribed(port: u16, prefixes: &[&str]) -> Result<TcpStream> {
    let mut stream = open(port, "SUB")?;
    let mut bytes = subscription(r#"{"mark":"first""#);
    bytes.extend(prefixes.iter().flat_map(|prefix| subscription(prefix)));
    stream.write_all(&bytes)?;
    Ok(stream)
}

/// A subscription as ZMTP 3.0 sends it: a message.
pub fn subscription(prefix: &str) -> Vec<u8> {
    frame(&[b"\x01", prefix.as_bytes()].concat())
}

/// A message of one frame.
pub fn frame(body: &[u8]) -> Vec<u8> {
    let mut out = match u8::try_from(body.len()) {
        Ok(length) => vec![0, length],
        Err(_) => [&[LONG], &(body.len() as u64).to_be_bytes()[..]].concat(),
    };
    out.extend(body);
    out
}

/// A connection after the handshake.
pub fn open(port: u16, socket_type: &str) -> Result<TcpStream> {
    let mut stream = connect(port)?;
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting[12..16].copy_from_slice(b"NULL");
    let mut ready = b"\x05READY\x0bSocket-Type".to_vec();
    ready.extend((socket_type.len() as u32).to_be_bytes());
    ready.extend(socket_type.as_bytes());
    stream.write_all(&greeting)?;
    stream.read_exact(&mut greeting).context("no greeting")?;
    stream.write_all(&[&[COMMAND, ready.len() as u8], &ready[..]].concat())?;
    let mut head = [0; 2];
    stream.read_exact(&mut head).context("no READY")?;
    stream.read_exact(&mut vec![0; usize::from(head[1])])?;
    Ok(stream)
}
