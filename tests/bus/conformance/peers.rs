//! A socket of any library, by one interface.

mod libzmq;
mod script;
mod zeromq_rs;

use super::{Kind, Library};

/// What every library's socket does, each in its own words.
trait Socket {
    fn send(&mut self, frames: &[&str]);

    fn subscribe(&mut self, prefix: &str);

    fn cancel(&mut self, prefix: &str);

    /// The frames of the next message; panics where none comes.
    fn receive(&mut self) -> Vec<String>;
}

/// A socket that is connected or about to be.
pub(super) struct Peer {
    pub(super) kind: Kind,
    socket: Box<dyn Socket>,
}

impl Peer {
    pub(super) fn connect(library: Library, kind: Kind, url: &str) -> Self {
        let socket: Box<dyn Socket> = match library {
            Library::Libzmq => Box::new(libzmq::connect(kind, url)),
            Library::ZeromqRs => Box::new(zeromq_rs::connect(kind, url)),
            Library::Pyzmq => Box::new(script::python(kind, url)),
            Library::Node => Box::new(script::node(kind, url)),
        };
        Self { kind, socket }
    }

    pub(super) fn send(&mut self, frames: &[&str]) {
        self.socket.send(frames);
    }

    /// An XSUB subscribes by a message of its own.
    pub(super) fn subscribe(&mut self, prefix: &str) {
        match self.kind {
            Kind::Xsub => self.socket.send(&[&format!("\u{1}{prefix}")]),
            _ => self.socket.subscribe(prefix),
        }
    }

    pub(super) fn cancel(&mut self, prefix: &str) {
        match self.kind {
            Kind::Xsub => self.socket.send(&[&format!("\0{prefix}")]),
            _ => self.socket.cancel(prefix),
        }
    }

    pub(super) fn receive(&mut self) -> Vec<String> {
        self.socket.receive()
    }

    /// The next message, which is of one frame.
    pub(super) fn receive_one(&mut self) -> String {
        let [message] = <[String; 1]>::try_from(self.receive()).expect("a message of one frame");
        message
    }
}
