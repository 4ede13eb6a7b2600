//! A plain HTTP/1.1 client, of which a test sees every byte.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::support::wait::PATIENCE;

/// What came for an answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    head: String,
    pub body: String,
}

impl Answer {
    /// The first header of this name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Which problem it tells.
    pub fn problem(&self) -> String {
        let body: Value = serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"));
        let name = body["type"].as_str().unwrap_or_else(|| panic!("no problem: {self:?}"));
        name.strip_prefix("urn:thingsbus:").expect("a name").to_owned()
    }
}

/// A connection on which nothing was said.
pub fn connect(door: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(door).unwrap_or_else(|error| panic!("{door}: {error}"));
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout can be set");
    stream
}

/// Asks one thing, with these headers.
pub fn ask(door: SocketAddr, method: &str, path: &str, headers: &[&str]) -> Answer {
    send(door, method, path, headers, "")
}

/// The same with a body.
pub fn send(door: SocketAddr, method: &str, path: &str, headers: &[&str], body: &str) -> Answer {
    let mut stream = connect(door);
    let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|header| header.starts_with("Host: ")) {
        head += &format!("Host: {door}\r\n");
    }
    headers.iter().for_each(|header| head += &format!("{header}\r\n"));
    if !body.is_empty() {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).expect("a request can be sent");
    answer(stream)
}

/// What comes until the connection ends.
pub fn answer(stream: TcpStream) -> Answer {
    let text = rest(stream);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Answer { status: status.expect("a status"), head: head.to_owned(), body: body.to_owned() }
}

/// What comes until the connection is ended, and it must be.
pub fn rest(mut stream: TcpStream) -> String {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Ok(_) => {}
        // Some of what was sent was never read.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the connection is not ended: {error}"),
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
