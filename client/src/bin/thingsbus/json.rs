//! JSON text, kept as its sender wrote it: made short, made readable, checked.

use thingsbus_adaptor::wire::{Rejected, Scratch, decode_update};

/// Without the space between its parts. Numbers and strings stay as they are.
pub(crate) fn compact(json: &str) -> String {
    rewritten(json, false)
}

/// With a line for each member.
pub(crate) fn pretty(json: &str) -> String {
    rewritten(json, true)
}

/// A JSON value as a broker would take it: on one line, with NaN made null; and how many places had to be mended for
/// that.
pub(crate) fn checked(text: &[u8]) -> Result<(String, u32), Rejected> {
    // The wire's own decoder says what is one. In the short form of an update nothing can pose as another field:
    // it has exactly four.
    let update = [br#"["x",null,"#, text, b",null]"].concat();
    let mut scratch = Scratch::default();
    decode_update(&update, &mut scratch).map(|update| (update.data().to_owned(), update.repairs())).map_err(
        |why| {
            match why {
                // It has too many parts: what was given is not one value.
                Rejected::Shape => Rejected::NotJson,
                why => why,
            }
        },
    )
}

/// `text` as a JSON string.
pub(crate) fn string(text: &str) -> String {
    let mut out = Vec::new();
    thingsbus_adaptor::wire::push_json_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

fn rewritten(json: &str, lines: bool) -> String {
    let mut out = String::with_capacity(json.len());
    let mut indent = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let new_line = |out: &mut String, indent: usize| {
        if lines {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", indent));
        }
    };
    for character in json.chars() {
        if in_string {
            out.push(character);
            in_string = escaped || character != '"';
            escaped = !escaped && character == '\\';
            continue;
        }
        match character {
            ' ' | '\t' | '\n' | '\r' => continue,
            '}' | ']' => {
                indent = indent.saturating_sub(1);
                // What is empty stays together.
                if !out.ends_with(['{', '[']) {
                    new_line(&mut out, indent);
                }
            }
            _ if out.ends_with(['{', '[']) => new_line(&mut out, indent),
            _ => {}
        }
        out.push(character);
        match character {
            '"' => in_string = true,
            '{' | '[' => indent += 1,
            ',' => new_line(&mut out, indent),
            ':' if lines => out.push(' '),
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn space_goes_and_bytes_stay() {
        let check = |json: &str, wanted: &str| assert_eq!(compact(json), wanted);
        check(r#" { "a" : 1.0 , "b" : [ 1 , 2e5 ] } "#, r#"{"a":1.0,"b":[1,2e5]}"#);
        check(r#""a b \" c \\""#, r#""a b \" c \\""#);
        check(
            r#"{"k \\": "v , [", "n": 18446744073709551616}"#,
            r#"{"k \\":"v , [","n":18446744073709551616}"#,
        );
        check("null", "null");
    }

    #[test]
    fn pretty_has_a_line_for_each_member() {
        let wanted = "{\n  \"a\": 1.0,\n  \"b\": [\n    1,\n    {}\n  ],\n  \"c\": [],\n  \"d\": \"x{\"\n}";
        assert_eq!(pretty(r#"{"a":1.0, "b":[1,{ }],"c":[ ],"d":"x{"}"#), wanted);
        assert_eq!(pretty("21.50"), "21.50");
        assert_eq!(pretty("[[1]]"), "[\n  [\n    1\n  ]\n]");
    }

    #[test]
    fn values_are_checked_as_a_broker_does() {
        let check = |text: &str, wanted: Result<(&str, u32), Rejected>| {
            assert_eq!(
                checked(text.as_bytes()),
                wanted.map(|(json, repairs)| (json.to_owned(), repairs)),
                "{text}"
            );
        };
        check("1.0", Ok(("1.0", 0)));
        check(" {\"a\":\n 1} ", Ok(("{\"a\": 1}", 0)));
        check("NaN", Ok(("null", 1)));
        check("", Err(Rejected::NotJson));
        check("hello", Err(Rejected::NotJson));
        check("1,2", Err(Rejected::NotJson));
        check("1,null", Err(Rejected::NotJson));
        check("1]", Err(Rejected::NotJson));
        check("1,null],[2", Err(Rejected::NotJson));
        check(&"[".repeat(100), Err(Rejected::TooDeep));
        assert_eq!(checked(b"\"\xff\""), Err(Rejected::NotUtf8));
    }

    #[test]
    fn text_becomes_a_string() {
        assert_eq!(string("a\"b\n"), r#""a\"b\n""#);
    }
}
