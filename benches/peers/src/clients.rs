//! What publishes and what subscribes: by hand over TCP (lean), by libzmq, or in datagrams.

pub mod lean;
pub mod libzmq;
pub mod ring;
pub mod udp;

use std::ops::Range;
use std::time::Duration;

use anyhow::Result;

/// The longest that a client waits before it looks whether it shall stop.
pub const WAIT: Duration = Duration::from_millis(100);
/// When a publisher gives up a broker that takes nothing.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(3);

pub trait Publisher: Send {
    /// Sends the updates with these numbers; lean ones all in one system call, or two.
    fn send(&mut self, numbers: Range<u64>) -> Result<()>;
}

pub trait Subscriber: Send {
    /// Waits for at most [`WAIT`] and gives the text of each message that came.
    fn receive(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<()>;
}

/// The clients of one run.
pub struct Clients {
    pub publishers: Vec<Box<dyn Publisher>>,
    pub subscribers: Vec<Box<dyn Subscriber>>,
}

/// How many of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub publishers: usize,
    pub subscribers: usize,
}

impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}", self.publishers, self.subscribers)
    }
}
