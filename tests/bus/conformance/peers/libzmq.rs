//! libzmq as the `zmq` crate builds it.

use zmq::SocketType;

use super::Socket;
use crate::conformance::Kind;
use crate::support::peers::socket;

pub(super) fn connect(kind: Kind, url: &str) -> zmq::Socket {
    let socket = socket(match kind {
        Kind::Push => SocketType::PUSH,
        Kind::Pub => SocketType::PUB,
        Kind::Xpub => SocketType::XPUB,
        Kind::Sub => SocketType::SUB,
        Kind::Xsub => SocketType::XSUB,
        Kind::Req => SocketType::REQ,
        Kind::Dealer => SocketType::DEALER,
        Kind::Router => SocketType::ROUTER,
    });
    socket.connect(url).expect("an address");
    socket
}

impl Socket for zmq::Socket {
    fn send(&mut self, frames: &[&str]) {
        self.send_multipart(frames, 0).expect("a message can be sent");
    }

    fn subscribe(&mut self, prefix: &str) {
        self.set_subscribe(prefix.as_bytes()).unwrap();
    }

    fn cancel(&mut self, prefix: &str) {
        self.set_unsubscribe(prefix.as_bytes()).unwrap();
    }

    fn receive(&mut self) -> Vec<String> {
        let frames = self.recv_multipart(0).expect("a message comes");
        frames.into_iter().map(|frame| String::from_utf8(frame).expect("text")).collect()
    }
}
