//! Which thing a refused message is about, as far as that can be read.

use std::borrow::Cow;

use super::json::{Scratch, string};
use super::limits::DEPTH_MAX;
use super::msgpack;
use super::scan::Scanner;

/// How far a refused message is looked into, in bytes: names stand at the beginning, and who floods a broker with what it
/// refuses is not to keep it busy.
const LOOKED_INTO_BYTES_MAX: usize = 16 * 1024;

/// What a message that was refused calls its thing: also what is no namespace, in JSON or msgpack, and in a message that
/// breaks off or goes wrong behind it.
///
/// ```
/// use thingsbus_adaptor::wire::{Scratch, name_in_refused};
/// let name = name_in_refused(br#"{"ns":"Shop Lathe","data":{"rpm":}}"#, &mut Scratch::default()).map(|name| name.into_owned());
/// assert_eq!(name.as_deref(), Some("Shop Lathe"));
/// ```
#[must_use]
pub fn name_in_refused<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Option<Cow<'a, str>> {
    let bytes = bytes.get(..LOOKED_INTO_BYTES_MAX).unwrap_or(bytes);
    let json = match bytes.first()? {
        b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r' => bytes,
        _ => {
            // What was read before it went wrong is there.
            let _ = msgpack::to_json(bytes, scratch.json());
            scratch.json()
        }
    };
    let text = json.utf8_chunks().next()?.valid();
    let mut scanner = Scanner::new(text, DEPTH_MAX + 2);
    if scanner.take(b'[') {
        return string(scanner.value().ok()?);
    }
    let mut name = None;
    if scanner.take(b'{') {
        while let (Ok(key), Ok(value)) = (scanner.key(), scanner.value()) {
            if key == "ns" {
                name = string(value);
            }
            if !scanner.take(b',') {
                break;
            }
        }
    }
    name
}
