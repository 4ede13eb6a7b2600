//! MQTT 3.1.1 at QoS 0. Each thing is a topic; subscribers have `bench/#`.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Result, ensure};

use super::{Wire, connect};

const CONNECT: u8 = 0x10;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;

pub struct Mqtt;

impl Wire for Mqtt {
    fn publisher(&self, port: u16) -> Result<TcpStream> {
        let mut stream = connect(port)?;
        // Version 4, a clean session, no keepalive, no name: the broker chooses one.
        stream.write_all(&packet(CONNECT, b"\0\x04MQTT\x04\x02\0\0\0\0"))?;
        let mut answer = [0; 4];
        stream.read_exact(&mut answer)?;
        ensure!(answer == [0x20, 2, 0, 0], "not let in: {answer:?}");
        Ok(stream)
    }

    fn subscriber(&self, port: u16) -> Result<TcpStream> {
        let mut stream = self.publisher(port)?;
        stream.write_all(&packet(SUBSCRIBE, b"\0\x01\0\x07bench/#\0"))?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer)?;
        ensure!(answer == [0x90, 3, 0, 1, 0], "not subscribed: {answer:?}");
        Ok(stream)
    }

    fn frame(&self, name: &str, text: &[u8]) -> Vec<u8> {
        let topic = name.replace('.', "/");
        packet(PUBLISH, &[&(topic.len() as u16).to_be_bytes(), topic.as_bytes(), text].concat())
    }

    fn next(bytes: &[u8]) -> Option<(usize, Option<&[u8]>)> {
        let (mut at, mut length) = (1, 0);
        loop {
            let byte = *bytes.get(at)?;
            length |= usize::from(byte & 0x7f) << (7 * (at - 1));
            at += 1;
            if byte < 0x80 {
                break;
            }
        }
        let body = bytes.get(at..at + length)?;
        let text = match body {
            [high, low, rest @ ..] if bytes[0] & 0xf0 == PUBLISH => {
                rest.get(usize::from(u16::from_be_bytes([*high, *low]))..)
            }
            _ => None,
        };
        Some((at + length, text))
    }
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    let mut length = body.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend(body);
    out
}
