//! Commands: frames with a name, which the protocol itself sends (RFC 37, "Commands" and "Connection Heartbeating").

use std::time::Duration;

use super::frame;
use super::refused::Refused;

/// The most context that a PING may carry (RFC 37, "Connection Heartbeating").
pub const PING_CONTEXT_BYTES_MAX: usize = 16;

/// A command's two parts, as they stand in its frame.
#[derive(Clone, Copy)]
pub(super) struct Command<'a> {
    pub(super) name: &'a [u8],
    pub(super) data: &'a [u8],
}

impl<'a> Command<'a> {
    /// Takes a command frame's body apart: one byte of length, the name, and the rest is the name's own affair.
    pub(super) fn read(body: &'a [u8]) -> Result<Self, Refused> {
        let (&name_bytes, rest) = body.split_first().ok_or(Refused::BadCommand)?;
        match rest.split_at_checked(usize::from(name_bytes)) {
            Some((name, data)) if !name.is_empty() => Ok(Self { name, data }),
            _ => Err(Refused::BadCommand),
        }
    }
}

/// A PING's context, kept until it is echoed.
#[derive(Clone, Copy)]
pub(super) struct PingContext {
    bytes: [u8; PING_CONTEXT_BYTES_MAX],
    len: u8,
}

/// Reads what a PING carries: how long the peer may then be silent (zero: no word on that), and the context.
pub(super) fn read_ping(data: &[u8]) -> Result<(Duration, PingContext), Refused> {
    let (ttl, context) = data.split_first_chunk().ok_or(Refused::BadCommand)?;
    let ttl = Duration::from_millis(u64::from(u16::from_be_bytes(*ttl)).saturating_mul(100));
    let mut bytes = [0; PING_CONTEXT_BYTES_MAX];
    // RFC 37: the context "MUST not exceed 16 octets". libzmq cuts it short, which echoes what was never said.
    let kept = bytes.get_mut(..context.len()).ok_or(Refused::BadCommand)?;
    kept.copy_from_slice(context);
    let len = u8::try_from(context.len()).map_err(|_| Refused::BadCommand)?;
    Ok((ttl, PingContext { bytes, len }))
}

/// Appends a PING. `ttl` asks the peer to give the connection up after so long a silence of ours; it is sent in tenths
/// of a second, at most 6553.5 s, zero for no word on that. Only for peers of ZMTP 3.1
/// ([`Connection::peer_minor`](super::Connection::peer_minor) of 1) and after [`Event::Ready`](super::Event::Ready).
pub fn push_ping(ttl: Duration, out: &mut Vec<u8>) {
    let tenths = u16::try_from(ttl.as_millis() / 100).unwrap_or(u16::MAX);
    push(b"PING", &tenths.to_be_bytes(), out);
}

/// Appends the answer to a PING.
pub(super) fn push_pong(context: &PingContext, out: &mut Vec<u8>) {
    push(b"PONG", context.bytes.get(..usize::from(context.len)).unwrap_or_default(), out);
}

/// Appends a command. Names are ours, and short.
pub(super) fn push(name: &'static [u8], data: &[u8], out: &mut Vec<u8>) {
    frame::push_header(frame::COMMAND, name.len().saturating_add(data.len()).saturating_add(1), out);
    out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
    out.extend_from_slice(name);
    out.extend_from_slice(data);
}
