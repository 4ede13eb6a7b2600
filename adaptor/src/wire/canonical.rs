//! Updates in canonical form, which is what our own adaptors send: read in the order in which they are written, and
//! passed on as they came. Whatever looks otherwise is read by the long way, and means the same there.

use super::Timestamp;
use super::limits::{DEPTH_MAX, DOCUMENTATION_URL_BYTES_MAX};
use super::namespace::is_valid;
use super::scan::Scanner;
use super::update::Update;

/// Reads an update in canonical form that no broker has numbered; `None` for everything else, good or bad.
pub(super) fn read(text: &str) -> Option<Update<'_>> {
    let (ns, rest) = text.strip_prefix(r#"{"ns":""#)?.split_once('"')?;
    if !is_valid(ns) {
        return None;
    }
    let (ts, rest) = value(rest.strip_prefix(r#","type":"thing_update","ts":"#)?)?;
    // 0.2.1's clients take no integer.
    if !ts.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
        return None;
    }
    let seconds = Timestamp::from_seconds(ts.parse().ok()?)?;
    let (data, rest) = value(rest.strip_prefix(r#","data":"#)?)?;
    let rest = rest.strip_prefix(r#","documentation_url":"#)?;
    let (documentation_url, rest) = match rest.strip_prefix("null") {
        Some(rest) => (None, rest),
        None => {
            let (url, rest) = rest.strip_prefix('"')?.split_once('"')?;
            let is_plain = url.bytes().all(|byte| byte >= 0x20 && byte != b'\\');
            if !is_plain || url.is_empty() || url.len() > DOCUMENTATION_URL_BYTES_MAX {
                return None;
            }
            (Some(url), rest)
        }
    };
    if rest != "}" {
        return None;
    }
    let verbatim = text.strip_suffix('}');
    Some(Update {
        ns,
        ts: Some(seconds),
        data,
        documentation_url,
        seq: None,
        merged: None,
        ttl: None,
        ack: None,
        repairs: 0,
        verbatim,
    })
}

/// The value at the very beginning, and what follows it.
fn value(text: &str) -> Option<(&str, &str)> {
    let mut scanner = Scanner::new(text, DEPTH_MAX);
    let value = scanner.value().ok()?;
    let is_plain = !value.needs_mending && text.starts_with(value.text);
    is_plain.then_some((value.text, scanner.rest()))
}
