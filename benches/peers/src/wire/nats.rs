//! NATS's client protocol. Each thing is a subject; subscribers have `bench.>`.

use std::io::Write;
use std::net::TcpStream;

use anyhow::Result;

use super::{Wire, connect, decimal, line, read_until};

pub struct Nats;

impl Wire for Nats {
    fn publisher(&self, port: u16) -> Result<TcpStream> {
        let mut stream = connect(port)?;
        read_until(&mut stream, b"\r\n")?; // INFO
        stream.write_all(
            b"CONNECT {\"verbose\":false,\"pedantic\":false,\"tls_required\":false}\r\nPING\r\n",
        )?;
        read_until(&mut stream, b"PONG\r\n")?;
        Ok(stream)
    }

    fn subscriber(&self, port: u16) -> Result<TcpStream> {
        let mut stream = self.publisher(port)?;
        stream.write_all(b"SUB bench.> 1\r\nPING\r\n")?;
        read_until(&mut stream, b"PONG\r\n")?;
        Ok(stream)
    }

    fn frame(&self, name: &str, text: &[u8]) -> Vec<u8> {
        [format!("PUB {name} {}\r\n", text.len()).as_bytes(), text, b"\r\n"].concat()
    }

    fn next(bytes: &[u8]) -> Option<(usize, Option<&[u8]>)> {
        let (first, head) = line(bytes)?;
        if !first.starts_with(b"MSG ") {
            return Some((head, None)); // The server's PING may wait longer than a run takes.
        }
        let length = decimal(first.rsplit(|&byte| byte == b' ').next()?)?;
        let text = bytes.get(head..head + length)?;
        (bytes.len() >= head + length + 2).then_some((head + length + 2, Some(text)))
    }
}
