//! The 64 bytes with which both sides begin (RFC 37, "Formal Grammar" and "Version Negotiation").

use super::mechanism::Mechanism;
use super::refused::Refused;

/// How long a greeting is, ours and the peer's.
pub const GREETING_BYTES: usize = 64;

const SIGNATURE_FIRST: u8 = 0xFF;
const SIGNATURE_LAST: u8 = 0x7F;
const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// The first part, which tells the version: signature and major version.
const START_BYTES: usize = 11;
const SIGNATURE_LAST_AT: usize = 9;
const MAJOR_AT: usize = 10;

/// The other part: minor version, mechanism, as-server, filler.
const REST_BYTES: usize = GREETING_BYTES - START_BYTES;

/// Reads the first part, as far as it has come: how long it is and the peer's major version, `None` before it is whole.
///
/// libzmq sends it in pieces, and waits for our signature in between; so each field is judged when it is there, and
/// foreign bytes are refused by their first. The padding means nothing. Versions higher than ours must be taken
/// (RFC 37, "Version Negotiation").
pub(super) fn read_start(bytes: &[u8]) -> Result<Option<(usize, u8)>, Refused> {
    if bytes.first().is_some_and(|first| *first != SIGNATURE_FIRST) {
        return Err(Refused::NotZmtp);
    }
    match bytes.get(SIGNATURE_LAST_AT) {
        None | Some(&SIGNATURE_LAST) => {}
        // No signature but the length of a long identity and the flags of its frame: RFC 37, "Detecting ZMTP 1.0".
        Some(0) => return Err(Refused::OldZmtp { major: 1 }),
        Some(_) => return Err(Refused::NotZmtp),
    }
    match bytes.get(MAJOR_AT) {
        None => Ok(None),
        // This byte was a "revision" once: libzmq 3 puts 1 there for ZMTP 2.0, and RFC 37 has it read 2 the same way.
        Some(0) => Err(Refused::OldZmtp { major: 1 }),
        Some(1 | 2) => Err(Refused::OldZmtp { major: 2 }),
        Some(&major) => Ok(Some((START_BYTES, major))),
    }
}

/// Reads the other part: how long it is and the minor version to speak (0 or 1), `None` before it is whole. As-server
/// and the filler mean nothing to a peer that comes with NULL, and are not looked at.
pub(super) fn read_rest(
    bytes: &[u8],
    major: u8,
    mechanism: Mechanism,
) -> Result<Option<(usize, u8)>, Refused> {
    let Some((&minor, rest)) = bytes.split_first() else { return Ok(None) };
    if rest.first_chunk().is_some_and(|name| name != mechanism.name()) {
        return Err(Refused::Mechanism);
    }
    let spoken = if major > MAJOR { MINOR } else { minor.min(MINOR) };
    Ok((bytes.len() >= REST_BYTES).then_some((REST_BYTES, spoken)))
}

/// Writes the first part of ours.
pub(super) fn push_start(out: &mut Vec<u8>) {
    out.extend_from_slice(&[SIGNATURE_FIRST, 0, 0, 0, 0, 0, 0, 0, 0, SIGNATURE_LAST, MAJOR]);
}

/// Writes the other part.
pub(super) fn push_rest(mechanism: Mechanism, out: &mut Vec<u8>) {
    let end = out.len().saturating_add(REST_BYTES);
    out.push(MINOR);
    out.extend_from_slice(mechanism.name());
    out.resize(end, 0);
}
