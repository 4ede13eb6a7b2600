//! What peers tell of themselves in the handshake (RFC 23 and 37, "Connection Metadata").

use super::refused::Refused;
use super::role::SocketType;

const SOCKET_TYPE: &[u8] = b"Socket-Type";
const IDENTITY: &[u8] = b"Identity";

/// The longest identity that RFC 23, "The Identity Property", allows.
const IDENTITY_BYTES_MAX: usize = 255;

/// Reads the peer's socket type; `None` for a type that RFC 23 does not list.
///
/// A property is a length and a name, four bytes of length and a value. Names may be in any case; those that are not
/// known are passed over. An identity is checked where it has a meaning and not kept: an answer goes to the connection
/// that asked.
pub(super) fn read(metadata: &[u8]) -> Result<Option<SocketType>, Refused> {
    let mut socket_type = None;
    let mut identity_bytes = 0;
    let mut rest = metadata;
    while !rest.is_empty() {
        let (name, value, behind) = property(rest).ok_or(Refused::BadReady)?;
        if name.eq_ignore_ascii_case(SOCKET_TYPE) {
            socket_type = Some(value);
        } else if name.eq_ignore_ascii_case(IDENTITY) {
            identity_bytes = value.len();
        }
        rest = behind;
    }
    let socket_type = SocketType::parse(socket_type.ok_or(Refused::BadReady)?);
    match socket_type {
        Some(SocketType::Req | SocketType::Dealer | SocketType::Router)
            if identity_bytes > IDENTITY_BYTES_MAX =>
        {
            Err(Refused::BadReady)
        }
        _ => Ok(socket_type),
    }
}

/// Splits the first property off: name, value, and the bytes behind it.
fn property(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_bytes, rest) = bytes.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_bytes))?;
    let (value_bytes, rest) = rest.split_first_chunk()?;
    let (value, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*value_bytes)).ok()?)?;
    (!name.is_empty()).then_some((name, value, rest))
}

/// Our metadata: what we are. An identity is for those that connect.
pub(super) fn ours(socket_type: SocketType) -> Vec<u8> {
    let name = socket_type.name().as_bytes();
    let mut out = Vec::with_capacity(32);
    out.push(SOCKET_TYPE.len() as u8);
    out.extend_from_slice(SOCKET_TYPE);
    out.extend_from_slice(&(name.len() as u32).to_be_bytes());
    out.extend_from_slice(name);
    out
}
