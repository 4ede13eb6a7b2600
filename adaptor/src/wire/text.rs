//! JSON text: writing strings and numbers.

/// Appends `text` as a JSON string: only what must be escaped is (RFC 8259, section 7), so it stays readable.
pub fn push_json_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text;
    while let Some(at) = rest.bytes().position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut tail_bytes = tail.bytes();
        match tail_bytes.next() {
            Some(b'"') => out.extend_from_slice(b"\\\""),
            Some(b'\\') => out.extend_from_slice(b"\\\\"),
            Some(b'\n') => out.extend_from_slice(b"\\n"),
            Some(b'\r') => out.extend_from_slice(b"\\r"),
            Some(b'\t') => out.extend_from_slice(b"\\t"),
            Some(control) => push(out, format_args!("\\u{control:04x}")),
            None => {}
        }
        // What was escaped is one ASCII byte, so the next byte begins a character.
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest.as_bytes());
    out.push(b'"');
}

/// Appends what `write!` would. A vector takes everything, so there is no error to have.
pub(super) fn push(out: &mut Vec<u8>, what: std::fmt::Arguments<'_>) {
    let _ = std::io::Write::write_fmt(out, what);
}

/// Appends a finite number with a fraction or an exponent, in the fewest digits that read back as the same.
pub(super) fn push_float(out: &mut Vec<u8>, number: impl serde::Serialize) {
    let _ = serde_json::to_writer(out, &number);
}

/// Appends a number.
pub(super) fn push_integer(out: &mut Vec<u8>, number: u64) {
    let _ = serde_json::to_writer(out, &number);
}
