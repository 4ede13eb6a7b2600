//! JSON as Python's `repr` writes the value that it reads from it, so that what people parse from 0.2.1's printed
//! events stays as it was.

use std::collections::HashMap;
use std::fmt::{self, Display, Formatter, Write};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// JSON text, shown as Python writes the value. From text to text, since Python's integers have no end.
pub(crate) struct PythonRepr<'a>(pub(crate) &'a str);

impl Display for PythonRepr<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let text = self.0.trim();
        let python = match text.as_bytes().first() {
            Some(b'{') => serde_json::from_str(text).map(|fields: Fields<'_>| fields.write(f)),
            Some(b'[') => serde_json::from_str(text).map(|values: Vec<&RawValue>| write_list(f, &values)),
            Some(b'"') => serde_json::from_str(text).map(|text: String| write_text(f, &text)),
            Some(b'n') => Ok(f.write_str("None")),
            Some(b't') => Ok(f.write_str("True")),
            Some(b'f') => Ok(f.write_str("False")),
            _ if text == "-0" => Ok(f.write_char('0')),
            _ if text.contains(['.', 'e', 'E']) => {
                serde_json::from_str(text).map(|float| write_float(f, float))
            }
            _ => Ok(f.write_str(text)),
        };
        python.unwrap_or_else(|_| f.write_str(text))
    }
}

fn write_list(f: &mut Formatter<'_>, values: &[&RawValue]) -> fmt::Result {
    f.write_char('[')?;
    for (index, value) in values.iter().enumerate() {
        f.write_str(if index > 0 { ", " } else { "" })?;
        PythonRepr(value.get()).fmt(f)?;
    }
    f.write_char(']')
}

/// An object's fields. A key that comes again has its last value, at its first place.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl Fields<'_> {
    fn write(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_char('{')?;
        for (index, (key, value)) in self.0.iter().enumerate() {
            f.write_str(if index > 0 { ", " } else { "" })?;
            write_text(f, key)?;
            write!(f, ": {}", PythonRepr(value.get()))?;
        }
        f.write_char('}')
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;
        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut places: HashMap<String, usize> = HashMap::new();
                let mut fields: Vec<(String, &RawValue)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
                    match places.get(&key).and_then(|&place| fields.get_mut(place)) {
                        Some(field) => field.1 = value,
                        None => {
                            places.insert(key.clone(), fields.len());
                            fields.push((key, value));
                        }
                    }
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(InOrder)
    }
}

/// Python's `repr` of a float: the shortest digits that read back, in plain notation from 1e-4 to below 1e16.
fn write_float(f: &mut Formatter<'_>, float: f64) -> fmt::Result {
    let size = float.abs();
    if size == 0.0 || (1e-4..1e16).contains(&size) {
        return write!(f, "{float:?}");
    }
    let text = format!("{float:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => write!(f, "{digits}e-{exponent:0>2}"),
        None => write!(f, "{digits}e+{exponent:0>2}"),
    }
}

/// Python's `repr` of a text: single quotes, unless only those are in it.
fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    f.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if c == quote => write!(f, "\\{c}")?,
            c if is_hidden(c) => match u32::from(c) {
                code if code <= 0xff => write!(f, "\\x{code:02x}")?,
                code if code <= 0xffff => write!(f, "\\u{code:04x}")?,
                code => write!(f, "\\U{code:08x}")?,
            },
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
}

/// What Python does not print as it is: Unicode's control and format characters, separators, private use, and what is
/// no character. Code points that are not assigned yet are printed: which ones these are depends on Python's version.
fn is_hidden(c: char) -> bool {
    const HIDDEN: [(char, char); 26] = [
        ('\0', '\x1f'),
        ('\x7f', '\u{a0}'),
        ('\u{ad}', '\u{ad}'),
        ('\u{600}', '\u{605}'),
        ('\u{61c}', '\u{61c}'),
        ('\u{6dd}', '\u{6dd}'),
        ('\u{70f}', '\u{70f}'),
        ('\u{890}', '\u{891}'),
        ('\u{8e2}', '\u{8e2}'),
        ('\u{1680}', '\u{1680}'),
        ('\u{180e}', '\u{180e}'),
        ('\u{2000}', '\u{200f}'),
        ('\u{2028}', '\u{202f}'),
        ('\u{205f}', '\u{206f}'),
        ('\u{3000}', '\u{3000}'),
        ('\u{e000}', '\u{f8ff}'),
        ('\u{fdd0}', '\u{fdef}'),
        ('\u{feff}', '\u{feff}'),
        ('\u{fff9}', '\u{fffb}'),
        ('\u{110bd}', '\u{110bd}'),
        ('\u{110cd}', '\u{110cd}'),
        ('\u{13430}', '\u{1343f}'),
        ('\u{1bca0}', '\u{1bca3}'),
        ('\u{1d173}', '\u{1d17a}'),
        ('\u{e0001}', '\u{e007f}'),
        ('\u{f0000}', '\u{10ffff}'),
    ];
    HIDDEN.iter().any(|(first, last)| (*first..=*last).contains(&c)) || u32::from(c) & 0xfffe == 0xfffe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_writes_what_python_writes() {
        // Each right side is what Python 3.11 prints for repr(json.loads(left)).
        let check = |json: &str, python: &str| assert_eq!(PythonRepr(json).to_string(), python);
        check("1.0", "1.0");
        check("1e5", "100000.0");
        check("1e16", "1e+16");
        check("1.5e-7", "1.5e-07");
        check("0.0001", "0.0001");
        check("0.00001", "1e-05");
        check("123456789012345680.0", "1.2345678901234568e+17");
        check("-0.0", "-0.0");
        check("18446744073709551615", "18446744073709551615");
        check(r#""it's""#, r#""it's""#);
        check(r#""it's \"it\"""#, r#"'it\'s "it"'"#);
        check(r#""a\r\n\t\u0000\u007f\\ü""#, r"'a\r\n\t\x00\x7f\\ü'");
        check(r#"{"b":[1,null,true,false],"a":{}}"#, "{'b': [1, None, True, False], 'a': {}}");
        check(r#"{"a":1,"b":2,"a":{"c":[]}}"#, "{'a': {'c': []}, 'b': 2}");
        check("123456789012345678901234567890", "123456789012345678901234567890");
        check("[-0, -1]", "[0, -1]");
        check("\"\u{2028}\u{3000}\u{ffff}\u{e000}\"", r"'\u2028\u3000\uffff\ue000'");
        check("\"\u{e0041}\u{1f600}\"", "'\\U000e0041\u{1f600}'");
    }
}
