//! JSON as Python's `repr` writes the value that it reads from it, so that what people parse from 0.2.1's printed
//! events stays as it was.

use std::fmt::{self, Display, Formatter, Write};

use serde_json::Value;

/// JSON text, shown as Python writes the value.
pub(crate) struct PythonRepr<'a>(pub(crate) &'a str);

impl Display for PythonRepr<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match serde_json::from_str(self.0) {
            Ok(value) => write_value(f, &value),
            Err(_) => f.write_str(self.0),
        }
    }
}

fn write_value(f: &mut Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::Null => f.write_str("None"),
        Value::Bool(true) => f.write_str("True"),
        Value::Bool(false) => f.write_str("False"),
        Value::Number(number) => match number.as_f64().filter(|_| number.is_f64()) {
            Some(float) => write_float(f, float),
            None => write!(f, "{number}"),
        },
        Value::String(text) => write_text(f, text),
        Value::Array(values) => {
            f.write_char('[')?;
            for (index, value) in values.iter().enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                write_value(f, value)?;
            }
            f.write_char(']')
        }
        Value::Object(fields) => {
            f.write_char('{')?;
            for (index, (key, value)) in fields.iter().enumerate() {
                f.write_str(if index > 0 { ", " } else { "" })?;
                write_text(f, key)?;
                f.write_str(": ")?;
                write_value(f, value)?;
            }
            f.write_char('}')
        }
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
            c if c.is_control() || matches!(c, '\u{a0}' | '\u{ad}') => match u32::from(c) {
                code if code <= 0xff => write!(f, "\\x{code:02x}")?,
                code => write!(f, "\\u{code:04x}")?,
            },
            c => f.write_char(c)?,
        }
    }
    f.write_char(quote)
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
    }
}
