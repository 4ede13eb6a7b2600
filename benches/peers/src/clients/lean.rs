//! Lean clients: a blocking TCP socket, whole batches in each system call, and as little as can be around them.

use std::io::{ErrorKind, Read, Write};
use std::marker::PhantomData;
use std::net::TcpStream;
use std::ops::Range;

use anyhow::{Result, bail};

use super::ring::{Frames, Publishing, unbroken};
use super::{Publisher, SEND_TIMEOUT, Subscriber, WAIT};
use crate::wire::Wire;

/// What one read takes at most. The longest message fits, a snapshot of 256 KiB.
const READ_BYTES_MAX: usize = 1 << 20;

pub struct LeanPublisher {
    stream: TcpStream,
    frames: Frames,
}

impl LeanPublisher {
    pub fn connect<W: Wire>(wire: &W, port: u16, publishing: Publishing) -> Result<Self> {
        let stream = wire.publisher(port)?;
        stream.set_write_timeout(Some(SEND_TIMEOUT))?;
        Ok(Self { stream, frames: Frames::new(publishing, |name, text| wire.frame(name, text))? })
    }
}

impl Publisher for LeanPublisher {
    fn send(&mut self, numbers: Range<u64>) -> Result<()> {
        for numbers in unbroken(numbers) {
            self.stream.write_all(self.frames.numbered(numbers))?;
        }
        Ok(())
    }
}

pub struct LeanSubscriber<W> {
    stream: TcpStream,
    unread: Unread<W>,
}

impl<W: Wire> LeanSubscriber<W> {
    pub fn connect(wire: &W, port: u16) -> Result<Self> {
        Self::over(wire.subscriber(port)?)
    }

    /// Over a stream that has subscribed.
    pub fn over(stream: TcpStream) -> Result<Self> {
        stream.set_read_timeout(Some(WAIT))?;
        Ok(Self { stream, unread: Unread::new(READ_BYTES_MAX) })
    }
}

impl<W: Wire> Subscriber for LeanSubscriber<W> {
    fn receive(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        self.unread.read(&mut self.stream, each).map(drop)
    }
}

/// What was read of a stream and is no whole message yet.
pub struct Unread<W> {
    buffer: Vec<u8>,
    bytes: usize,
    wire: PhantomData<W>,
}

impl<W: Wire> Unread<W> {
    pub fn new(bytes_max: usize) -> Self {
        Self { buffer: vec![0; bytes_max], bytes: 0, wire: PhantomData }
    }

    /// Reads once, and gives the text of each message that is whole; `false` where there was nothing to read.
    pub fn read(&mut self, stream: &mut impl Read, each: &mut dyn FnMut(&[u8])) -> Result<bool> {
        match stream.read(&mut self.buffer[self.bytes..]) {
            Ok(0) => bail!("the broker closed the connection"),
            Ok(bytes) => self.bytes += bytes,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => return Ok(false),
                _ => return Err(error.into()),
            },
        }
        let mut at = 0;
        while let Some((bytes, text)) = W::next(&self.buffer[at..self.bytes]) {
            if let Some(text) = text {
                each(text);
            }
            at += bytes;
        }
        self.buffer.copy_within(at..self.bytes, 0);
        self.bytes -= at;
        Ok(true)
    }
}
