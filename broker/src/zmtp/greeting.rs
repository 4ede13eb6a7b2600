//! The 64 bytes with which both sides begin (RFC 37, "Formal Grammar" and "Version Negotiation").

use super::mechanism::Mechanism;
use super::refused::Refused;

/// How long a greeting is, ours and the peer's.
pub const GREETING_BYTES: usize = 64;

const SIGNATURE_FIRST: u8 = 0xFF;
const SIGNATURE_LAST: u8 = 0x7F;
const MAJOR: u8 = 3;
const MINOR: u8 = 1;

/// Where the fields stand.
const SIGNATURE_LAST_AT: usize = 9;
const MAJOR_AT: usize = 10;
const MINOR_AT: usize = 11;
const MECHANISM_AT: std::ops::Range<usize> = 12..32;

/// Reads a greeting as far as it has come: the minor version to speak (0 or 1) once it is whole, `None` before.
///
/// libzmq sends it in pieces, and waits for our first ten bytes in between; so each field is judged when it is there,
/// and foreign bytes are refused by their first. The padding, as-server and the filler mean nothing and are not looked
/// at. Versions higher than ours must be taken as ours (RFC 37, "Version Negotiation").
pub(super) fn read(bytes: &[u8], mechanism: Mechanism) -> Result<Option<u8>, Refused> {
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
        // This byte was a "revision" once: libzmq 3 puts 1 there for ZMTP 2.0, and RFC 37 has it read 2 the same way.
        Some(0) => return Err(Refused::OldZmtp { major: 1 }),
        Some(1 | 2) => return Err(Refused::OldZmtp { major: 2 }),
        _ => {}
    }
    if bytes.get(MECHANISM_AT).is_some_and(|name| name != mechanism.name()) {
        return Err(Refused::Mechanism);
    }
    match (bytes.get(MAJOR_AT), bytes.get(MINOR_AT)) {
        (Some(&major), Some(&minor)) if bytes.len() >= GREETING_BYTES => {
            Ok(Some(if major > MAJOR { MINOR } else { minor.min(MINOR) }))
        }
        _ => Ok(None),
    }
}

/// Writes ours, whole: nothing in it depends on the peer's, as older versions are not spoken.
pub(super) fn push(mechanism: Mechanism, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[SIGNATURE_FIRST, 0, 0, 0, 0, 0, 0, 0, 0, SIGNATURE_LAST, MAJOR, MINOR]);
    out.extend_from_slice(mechanism.name());
    out.resize(start.saturating_add(GREETING_BYTES), 0);
}
