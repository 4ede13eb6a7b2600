//! The input door's side of ZeroMQ: one frame is one message.

use thingsbus_adaptor::wire::Rejected;

use super::peers::{Peer, Then};
use crate::zmtp::Event;

/// What the door keeps of a sender.
#[derive(Default)]
pub(crate) struct Sender {
    /// Inside a message of several frames, which is told of once.
    in_multipart: bool,
}

impl Peer<Sender> {
    /// Takes what a sender sent: gives each whole message, or why it is none, to `arrive`.
    pub(crate) fn event(&mut self, event: Event<'_>, arrive: impl FnOnce(Result<&[u8], Rejected>)) -> Then {
        let (message, more) = match event {
            Event::Frame { body, more: false } => (Ok(body), false),
            Event::Frame { more: true, .. } => (Err(Rejected::Multipart), true),
            Event::TooLong { more, .. } => (Err(Rejected::TooLong), more),
            _ => return Then::GoOn,
        };
        if !std::mem::replace(&mut self.state.in_multipart, more) {
            arrive(message);
        }
        Then::GoOn
    }
}
