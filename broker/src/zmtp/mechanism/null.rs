//! NULL: both sides say READY and what they are (RFC 23 and 37, "The NULL Security Mechanism").

use crate::zmtp::command::{self, Command};
use crate::zmtp::metadata;
use crate::zmtp::refused::Refused;
use crate::zmtp::role::SocketType;

/// As it stands in a greeting.
pub(super) const NAME: &[u8; 20] = b"NULL\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// The metadata is all that a READY carries.
pub(super) fn peer_metadata(command: Command<'_>) -> Result<&[u8], Refused> {
    match command.name {
        b"READY" => Ok(command.data),
        b"ERROR" => Err(Refused::PeerError),
        _ => Err(Refused::NoReady),
    }
}

pub(super) fn push_ready(ours: SocketType, out: &mut Vec<u8>) {
    command::push(b"READY", &metadata::ours(ours), out);
}

pub(super) fn push_error(reason: &'static str, out: &mut Vec<u8>) {
    let reason = reason.as_bytes();
    let mut data = Vec::with_capacity(reason.len().saturating_add(1));
    data.push(u8::try_from(reason.len()).unwrap_or(u8::MAX));
    data.extend_from_slice(reason);
    command::push(b"ERROR", &data, out);
}
