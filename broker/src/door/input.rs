//! The input door's side of ZeroMQ: one frame is one message.

use thingsbus_adaptor::wire::Rejected;
use thingsbus_client::directory::Place;

use super::peers::{Peer, Then};
use crate::zmtp::Event;

/// What the door keeps of a sender.
#[derive(Default)]
pub(crate) struct Sender {
    /// Inside a message of several frames, which is told of once.
    in_multipart: bool,
    /// The thing that it spoke of last.
    spoke_of: Option<Place>,
}

/// What came in place of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoMessage<'a> {
    pub(crate) why: Rejected,
    /// Its first frame, where there is that.
    pub(crate) frame: &'a [u8],
    /// How long that is, in bytes, as the sender says.
    pub(crate) bytes: u64,
}

impl Peer<Sender> {
    /// Takes what a sender sent: gives each whole message, or why it is none, to `arrive`, with the thing that the sender
    /// spoke of last.
    pub(crate) fn event(
        &mut self,
        event: Event<'_>,
        arrive: impl FnOnce(Result<&[u8], NoMessage<'_>>, &mut Option<Place>),
    ) -> Then {
        let (message, more) = match event {
            Event::Frame { body, more: false } => (Ok(body), false),
            Event::Frame { body, more: true } => {
                (Err(NoMessage { why: Rejected::Multipart, frame: body, bytes: body.len() as u64 }), true)
            }
            Event::TooLong { bytes, more } => {
                (Err(NoMessage { why: Rejected::TooLong, frame: &[], bytes }), more)
            }
            _ => return Then::GoOn,
        };
        if !std::mem::replace(&mut self.state.in_multipart, more) {
            arrive(message, &mut self.state.spoke_of);
        }
        Then::GoOn
    }
}
