//! A peer made of bytes: ZMTP written by hand, so that it can also be written wrongly.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::wait::PATIENCE;

pub const MORE: u8 = 1;
const LONG: u8 = 2;
pub const COMMAND: u8 = 4;

/// A connection that sends whatever it is told.
pub struct Raw {
    pub stream: TcpStream,
}

impl Raw {
    /// Connects and says nothing.
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the door can be reached");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Connects, and has the broker's READY behind it when it is back.
    pub fn ready(address: SocketAddr, socket_type: &str) -> Self {
        let mut raw = Self::connect(address);
        raw.send(&[greeting().to_vec(), ready(socket_type)].concat()).expect("a greeting can be sent");
        let mut greeting = [0; 64];
        raw.stream.read_exact(&mut greeting).expect("the broker greets");
        let (flags, body) = raw.read_frame().expect("the broker is ready");
        assert!(flags & COMMAND != 0 && body.starts_with(b"\x05READY"), "{flags} {}", body.escape_ascii());
        raw
    }

    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn read_frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head)?;
        let [flags, short] = head;
        let mut length = usize::from(short);
        if flags & LONG != 0 {
            let mut rest = [0; 7];
            self.stream.read_exact(&mut rest)?;
            length = rest.iter().fold(length, |length, byte| length << 8 | usize::from(*byte));
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((flags, body))
    }

    /// Says that nothing more comes, and waits until the broker has used it all and closed its side.
    pub fn finish(mut self) {
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        assert!(self.is_closed(), "the broker closes a connection that the peer has closed");
    }

    /// Does the broker close the connection? What it sends before is passed over.
    pub fn is_closed(&mut self) -> bool {
        self.is_closed_within(PATIENCE)
    }

    pub fn is_closed_within(&mut self, time: Duration) -> bool {
        self.stream.set_read_timeout(Some(time)).unwrap();
        let mut bytes = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return false;
                }
                Err(_) => return true,
            }
        }
    }
}

/// The 64 bytes with which a peer of ZMTP 3.1 with NULL begins.
pub fn greeting() -> [u8; 64] {
    let mut greeting = [0; 64];
    greeting[0] = 0xFF;
    greeting[9] = 0x7F;
    greeting[10] = 3;
    greeting[11] = 1;
    greeting[12..16].copy_from_slice(b"NULL");
    greeting
}

/// The handshake's command.
pub fn ready(socket_type: &str) -> Vec<u8> {
    let length = u32::try_from(socket_type.len()).unwrap().to_be_bytes();
    command("READY", &[b"\x0BSocket-Type", length.as_slice(), socket_type.as_bytes()].concat())
}

pub fn command(name: &str, data: &[u8]) -> Vec<u8> {
    let length = u8::try_from(name.len()).unwrap();
    frame(COMMAND, &[&[length], name.as_bytes(), data].concat())
}

/// A frame with its header.
pub fn frame(flags: u8, body: &[u8]) -> Vec<u8> {
    [header(flags, body.len() as u64), body.to_vec()].concat()
}

/// A frame's header, which may claim any length.
pub fn header(flags: u8, length: u64) -> Vec<u8> {
    match u8::try_from(length) {
        Ok(short) => vec![flags, short],
        Err(_) => [&[flags | LONG], length.to_be_bytes().as_slice()].concat(),
    }
}
