//! Frames: flags, a length of one or eight bytes, a body (RFC 23 and 37, "Framing").

use super::refused::Refused;

const MORE: u8 = 1;
const LONG: u8 = 2;
pub(super) const COMMAND: u8 = 4;
const RESERVED: u8 = !(MORE | LONG | COMMAND);

/// The most bytes that stand before a frame's body.
pub const FRAME_HEADER_BYTES_MAX: usize = 9;

/// What stands before a frame's body.
#[derive(Clone, Copy)]
pub(super) struct Header {
    flags: u8,
    /// The body's length as claimed.
    pub(super) body_bytes: u64,
}

impl Header {
    /// Reads a header from the front of `bytes` and gives the bytes behind it; `None` while it is not whole.
    #[inline]
    pub(super) fn read(bytes: &[u8]) -> Result<Option<(Self, &[u8])>, Refused> {
        let Some((&flags, rest)) = bytes.split_first() else { return Ok(None) };
        if flags & RESERVED != 0 || flags & (COMMAND | MORE) == COMMAND | MORE {
            return Err(Refused::BadFlags);
        }
        let header = if flags & LONG == 0 {
            rest.split_first().map(|(short, body)| (u64::from(*short), body))
        } else {
            rest.split_first_chunk().map(|(long, body)| (u64::from_be_bytes(*long), body))
        };
        Ok(header.map(|(body_bytes, body)| (Self { flags, body_bytes }, body)))
    }

    /// How long the header itself was.
    #[inline]
    pub(super) const fn bytes(self) -> usize {
        if self.flags & LONG == 0 { 2 } else { FRAME_HEADER_BYTES_MAX }
    }

    /// Whether more frames of this message follow.
    #[inline]
    pub(super) const fn more(self) -> bool {
        self.flags & MORE != 0
    }

    /// Whether this is a command, not a part of a message.
    #[inline]
    pub(super) const fn is_command(self) -> bool {
        self.flags & COMMAND != 0
    }

    /// The whole body at the front of `rest`; `None` while some of it is missing.
    #[inline]
    pub(super) fn body(self, rest: &[u8]) -> Option<&[u8]> {
        rest.get(..usize::try_from(self.body_bytes).ok()?)
    }
}

/// Appends what goes before a body of `body_bytes`, for a body that is kept elsewhere.
#[inline]
pub fn frame_header(body_bytes: usize, more: bool, out: &mut Vec<u8>) {
    push_header(if more { MORE } else { 0 }, body_bytes, out);
}

/// Appends a frame of a message.
#[inline]
pub fn push_frame(body: &[u8], more: bool, out: &mut Vec<u8>) {
    frame_header(body.len(), more, out);
    out.extend_from_slice(body);
}

/// Appends the header of a message's frame or, with [`COMMAND`], of a command.
#[inline]
pub(super) fn push_header(flags: u8, body_bytes: usize, out: &mut Vec<u8>) {
    if let Ok(short) = u8::try_from(body_bytes) {
        out.extend_from_slice(&[flags, short]);
    } else {
        let [a, b, c, d, e, f, g, h] = (body_bytes as u64).to_be_bytes();
        out.extend_from_slice(&[flags | LONG, a, b, c, d, e, f, g, h]);
    }
}
