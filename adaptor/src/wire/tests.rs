//! The wire's tests: golden bytes, one table for each rule, and properties.

mod ack;
mod bounds;
mod golden;
mod json;

mod msgpack;
mod named;
mod namespace;
mod properties;
mod query;
mod snapshot;
mod timestamp;

use super::*;

/// A decoded update in one line, `ns|ts|data|documentation_url|repairs`, or the reason's name.
fn told(decoded: Result<Update<'_>, Rejected>) -> String {
    match decoded {
        Err(reason) => reason.name().to_owned(),
        Ok(update) => {
            let ts = update.ts().map_or("-".to_owned(), |ts| ts.to_string());
            let url = update.documentation_url().unwrap_or("-");
            format!("{}|{ts}|{}|{url}|{}", update.ns(), update.data(), update.repairs())
        }
    }
}

#[track_caller]
fn check_update(input: impl AsRef<[u8]>, expected: &str) {
    let input = input.as_ref();
    let found = told(decode_update(input, &mut Scratch::default()));
    assert_eq!(found, expected, "of {}", String::from_utf8_lossy(input));
}

#[track_caller]
fn check_datagram(input: impl AsRef<[u8]>, expected: &str) {
    let input = input.as_ref();
    let found = told(decode_datagram(input, &mut Scratch::default()));
    assert_eq!(found, expected, "of {input:02x?}");
}

/// An update whose `data` is as given.
fn with_data(data: &str) -> String {
    format!(r#"{{"type":"thing_update","ns":"a","data":{data}}}"#)
}

/// `levels` of `open`, what stands innermost, and `levels` of `close`.
fn nested(open: &str, innermost: &str, close: &str, levels: usize) -> String {
    [&open.repeat(levels), innermost, &close.repeat(levels)].concat()
}

/// Runs `work` where the stack is small, so that a recursion as deep as its input would end the process.
fn on_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(128 * 1024).spawn(work).unwrap().join().unwrap();
}

/// The bytes of a text of hexadecimal digits; white space is ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn reasons_have_names_of_their_own() {
    for (index, reason) in Rejected::ALL.iter().enumerate() {
        assert_eq!(reason.index(), index);
        assert!(reason.name().bytes().all(|byte| byte.is_ascii_lowercase() || b"_8".contains(&byte)));
        assert!(Rejected::ALL.iter().filter(|other| other.name() == reason.name()).count() == 1);
        assert!(reason.to_string().len() > 20, "{reason}");
    }
    assert_eq!(Rejected::TooDeep.to_string(), "the data nests deeper than 64 levels");
}

#[test]
fn strings_are_written_with_what_must_be_escaped_escaped() {
    let check = |text: &str, expected: &str| {
        let mut out = Vec::new();
        push_json_string(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    };
    check("", r#""""#);
    check("é\"\\/\u{7f}\u{2028}😀\"", "\"é\\\"\\\\/\u{7f}\u{2028}😀\\\"\"");
    check("\n\r\t\u{8}\u{c}", r#""\n\r\t\u0008\u000c""#);
    for control in (0_u8..0x20).filter(|control| !b"\n\r\t".contains(control)) {
        check(&char::from(control).to_string(), &format!("\"\\u{control:04x}\""));
    }
}
