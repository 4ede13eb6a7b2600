//! Clients of libzmq, each with a context of its own, as programs have.

use std::ops::Range;

use anyhow::{Result, ensure};
use zmq::{Context, DONTWAIT, Message, Socket, SocketType};

use super::ring::{Publishing, RING};
use super::{Publisher, SEND_TIMEOUT, Subscriber, WAIT};
use crate::update::{BEGINNING, NUMBER, set_number};

/// libzmq's default of 1,000 loses messages far below what the machine can carry.
pub const HIGH_WATER_MARK: i32 = 100_000;

/// How many messages are taken before the caller is told, at most.
const BATCH_MAX: usize = 1_000;

pub struct ZmqPublisher {
    socket: Socket,
    texts: Vec<Vec<u8>>,
}

impl ZmqPublisher {
    /// `kind` is PUSH or PUB.
    pub fn connect(kind: SocketType, port: u16, publishing: Publishing) -> Result<Self> {
        let socket = socket(kind)?;
        socket.set_sndtimeo(SEND_TIMEOUT.as_millis() as i32)?;
        socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
        let texts = publishing.updates().map(|update| Ok(update?.1)).collect::<Result<_>>()?;
        Ok(Self { socket, texts })
    }
}

impl Publisher for ZmqPublisher {
    fn send(&mut self, numbers: Range<u64>) -> Result<()> {
        for number in numbers {
            let text = &mut self.texts[(number % RING) as usize];
            set_number(&mut text[NUMBER], number);
            self.socket.send(text.as_slice(), 0)?;
        }
        Ok(())
    }
}

pub struct ZmqSubscriber {
    socket: Socket,
    message: Message,
}

impl ZmqSubscriber {
    pub fn connect(port: u16) -> Result<Self> {
        let socket = socket(zmq::SUB)?;
        socket.set_rcvtimeo(WAIT.as_millis() as i32)?;
        socket.connect(&format!("tcp://127.0.0.1:{port}"))?;
        socket.set_subscribe(BEGINNING.as_bytes())?;
        Ok(Self { socket, message: Message::new() })
    }
}

impl Subscriber for ZmqSubscriber {
    fn receive(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()> {
        for taken in 0..BATCH_MAX {
            // Waits for the first only.
            match self.socket.recv(&mut self.message, if taken == 0 { 0 } else { DONTWAIT }) {
                Ok(()) => each(&self.message),
                Err(error) => {
                    ensure!(matches!(error, zmq::Error::EAGAIN | zmq::Error::EINTR), error);
                    break;
                }
            }
        }
        Ok(())
    }
}

fn socket(kind: SocketType) -> Result<Socket> {
    let socket = Context::new().socket(kind)?;
    socket.set_sndhwm(HIGH_WATER_MARK)?;
    socket.set_rcvhwm(HIGH_WATER_MARK)?;
    socket.set_linger(0)?;
    Ok(socket)
}
