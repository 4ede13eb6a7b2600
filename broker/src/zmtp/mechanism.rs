//! The security mechanism of a door: the commands between greeting and traffic (RFC 37, "Authentication and
//! Confidentiality").
//!
//! A mechanism is one file and one variant. CURVE (RFC 26) would be `curve.rs`: its `name` goes into the greeting, it
//! answers HELLO by WELCOME before [`Mechanism::peer_metadata`] finds the metadata (in its INITIATE, boxed), and it
//! opens and seals the MESSAGE commands that then stand for frames; `Connection::traffic` and the encoders are where
//! that is called.

mod null;

use super::command::Command;
use super::refused::Refused;
use super::role::SocketType;

/// Which mechanism a door has. Both sides must have the same: there is nothing to be talked down to.
#[derive(Clone, Copy)]
pub(super) enum Mechanism {
    /// No authentication, no encryption.
    Null,
}

impl Mechanism {
    /// The name as it stands in a greeting, filled up with zeros.
    pub(super) const fn name(self) -> &'static [u8; 20] {
        match self {
            Self::Null => null::NAME,
        }
    }

    /// Takes a handshake command of the peer's, and finds the peer's metadata in it.
    pub(super) fn peer_metadata(self, command: Command<'_>) -> Result<&[u8], Refused> {
        match self {
            Self::Null => null::peer_metadata(command),
        }
    }

    /// Appends the command that ends the handshake well.
    pub(super) fn push_ready(self, ours: SocketType, out: &mut Vec<u8>) {
        match self {
            Self::Null => null::push_ready(ours, out),
        }
    }

    /// Appends the command that ends it badly. `reason` is printable and without spaces.
    pub(super) fn push_error(self, reason: &'static str, out: &mut Vec<u8>) {
        match self {
            Self::Null => null::push_error(reason, out),
        }
    }
}
