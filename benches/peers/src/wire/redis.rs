//! RESP. Each thing is a channel; subscribers have the pattern `bench.*`.

use std::io::Write;
use std::net::TcpStream;

use anyhow::Result;

use super::{Wire, connect, decimal, line, read_until};

pub struct Redis {
    /// Whether the last value is kept too: a SET before each PUBLISH, in one pipeline.
    pub set: bool,
}

impl Wire for Redis {
    /// Without answers: nobody else answers a publisher, and it is to Redis's advantage.
    fn publisher(&self, port: u16) -> Result<TcpStream> {
        let mut stream = connect(port)?;
        stream.write_all(&command(&[b"PING"]))?;
        read_until(&mut stream, b"+PONG\r\n")?;
        stream.write_all(&command(&[b"CLIENT", b"REPLY", b"OFF"]))?;
        Ok(stream)
    }

    fn subscriber(&self, port: u16) -> Result<TcpStream> {
        let mut stream = connect(port)?;
        stream.write_all(&command(&[b"PSUBSCRIBE", b"bench.*"]))?;
        read_until(&mut stream, b":1\r\n")?;
        Ok(stream)
    }

    fn frame(&self, name: &str, text: &[u8]) -> Vec<u8> {
        let name = name.as_bytes();
        let publish = command(&[b"PUBLISH", name, text]);
        if self.set { [command(&[b"SET", name, text]), publish].concat() } else { publish }
    }

    fn next(bytes: &[u8]) -> Option<(usize, Option<&[u8]>)> {
        let (first, mut at) = line(bytes)?;
        let mut last = None;
        for _ in 0..decimal(first.strip_prefix(b"*")?)? {
            let (head, length) = line(bytes.get(at..)?)?;
            at += length;
            if let Some(length) = head.strip_prefix(b"$") {
                let length = decimal(length)?;
                last = Some(bytes.get(at..at + length)?);
                at += length + 2;
            }
        }
        (bytes.len() >= at).then_some((at, last))
    }
}

fn command(parts: &[&[u8]]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", parts.len()).into_bytes();
    for part in parts {
        out.extend(format!("${}\r\n", part.len()).bytes());
        out.extend(*part);
        out.extend(b"\r\n");
    }
    out
}
