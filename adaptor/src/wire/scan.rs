//! One pass over JSON text: where each value begins and ends, whether it is valid, and what must be mended.
//!
//! RFC 8259, and what Python's `json` lets through besides. No recursion (a nesting bomb costs one bit a level)
//! and no allocation unless something must be mended.

use std::ops::Range;

use super::Rejected;

/// A place in the text to be replaced before it goes on.
#[derive(Clone, Debug)]
pub(super) struct Edit {
    at: Range<usize>,
    with: &'static str,
}

/// Reads values off the front of a text.
pub(super) struct Scanner<'t, 'e> {
    text: &'t str,
    at: usize,
    depth_max: usize,
    edits: &'e mut Vec<Edit>,
}

/// Numbers with as many characters as this may be larger than any double (1.8e308).
const NUMBER_BYTES_SAFE: usize = 300;

impl<'t, 'e> Scanner<'t, 'e> {
    /// At the text's start. What must be mended is added to `edits`. `depth_max` is at most 128.
    pub(super) fn new(text: &'t str, depth_max: usize, edits: &'e mut Vec<Edit>) -> Self {
        Self { text, at: 0, depth_max, edits }
    }

    /// The next byte that is not white space, without taking it.
    pub(super) fn peek(&mut self) -> Option<u8> {
        self.skip_space();
        self.byte()
    }

    /// Takes `byte` where it is the next one after white space.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Nothing but white space may follow.
    pub(super) fn end(&mut self) -> Result<(), Rejected> {
        if self.peek().is_none() { Ok(()) } else { Err(Rejected::NotJson) }
    }

    /// Takes a string and its colon; the range is the text between the quotes, escapes and all.
    pub(super) fn key(&mut self) -> Result<Range<usize>, Rejected> {
        self.skip_space();
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { Err(Rejected::NotJson) }
    }

    /// Takes one value of any kind and says where it stands.
    pub(super) fn value(&mut self) -> Result<Range<usize>, Rejected> {
        self.skip_space();
        let start = self.at;
        let mut open = Nesting::default();
        loop {
            match self.peek().ok_or(Rejected::NotJson)? {
                b'{' => {
                    self.at += 1;
                    if !self.take(b'}') {
                        open.push(Kind::Object, self.depth_max)?;
                        self.key()?;
                        continue;
                    }
                    open.check(self.depth_max)?;
                }
                b'[' => {
                    self.at += 1;
                    if !self.take(b']') {
                        open.push(Kind::Array, self.depth_max)?;
                        continue;
                    }
                    open.check(self.depth_max)?;
                }
                b'"' => drop(self.string()?),
                _ => self.scalar()?,
            }
            // A value has ended: so may what it stands in.
            loop {
                let Some(kind) = open.top() else { return Ok(start..self.at) };
                let byte = self.peek();
                self.at += 1;
                match (byte, kind) {
                    (Some(b','), Kind::Array) => break,
                    (Some(b','), Kind::Object) => {
                        self.key()?;
                        break;
                    }
                    (Some(b']'), Kind::Array) | (Some(b'}'), Kind::Object) => open.pop(),
                    _ => return Err(Rejected::NotJson),
                }
            }
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// White space. A line end in it is taken out, so that a message is one line wherever it goes.
    fn skip_space(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.edit(self.at..self.at + 1, ""),
                _ => break,
            }
            self.at += 1;
        }
    }

    /// A string, of which the range is what stands between the quotes.
    fn string(&mut self) -> Result<Range<usize>, Rejected> {
        if self.byte() != Some(b'"') {
            return Err(Rejected::NotJson);
        }
        let start = self.at + 1;
        self.at = start;
        loop {
            let bytes = self.text.as_bytes().get(self.at..).unwrap_or_default();
            let plain = bytes.iter().position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20);
            self.at += plain.ok_or(Rejected::NotJson)?;
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(start..self.at - 1);
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Rejected::NotJson),
            }
        }
    }

    /// An escape. Half of a surrogate pair, which Python writes and nobody else reads, becomes U+FFFD.
    fn escape(&mut self) -> Result<(), Rejected> {
        let start = self.at;
        self.at += 2;
        match self.text.as_bytes().get(start + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => return Ok(()),
            Some(b'u') => {}
            _ => return Err(Rejected::NotJson),
        }
        match self.hex4()? {
            0xd800..=0xdbff => {
                let half = self.at;
                if self.rest().starts_with("\\u") {
                    self.at += 2;
                    if matches!(self.hex4()?, 0xdc00..=0xdfff) {
                        return Ok(());
                    }
                    self.at = half; // a half alone; what follows is looked at for itself
                }
                self.edit(start..half, "\\ufffd");
            }
            0xdc00..=0xdfff => self.edit(start..self.at, "\\ufffd"),
            _ => {}
        }
        Ok(())
    }

    fn hex4(&mut self) -> Result<u32, Rejected> {
        let digits = self.text.get(self.at..self.at + 4).ok_or(Rejected::NotJson)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(Rejected::NotJson);
        }
        self.at += 4;
        u32::from_str_radix(digits, 16).map_err(|_| Rejected::NotJson)
    }

    /// A number or a word: JSON's three, and the three of Python's `json`, which become null.
    fn scalar(&mut self) -> Result<(), Rejected> {
        let start = self.at;
        for (word, edit) in [
            ("true", None),
            ("false", None),
            ("null", None),
            ("NaN", Some("null")),
            ("Infinity", Some("null")),
            ("-Infinity", Some("null")),
        ] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                if let Some(edit) = edit {
                    self.edit(start..self.at, edit);
                }
                return Ok(());
            }
        }
        self.number()
    }

    fn number(&mut self) -> Result<(), Rejected> {
        let start = self.at;
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        let leading_zero = self.byte() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(Rejected::NotJson);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        let exponent = matches!(self.byte(), Some(b'e' | b'E'));
        if exponent {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if exponent || self.at - start > NUMBER_BYTES_SAFE {
            let number = self.text.get(start..self.at).and_then(|text| text.parse::<f64>().ok());
            if number.is_none_or(f64::is_infinite) {
                self.edit(start..self.at, "null"); // 1e999: an infinity by another name
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<usize, Rejected> {
        let bytes = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let count = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Rejected::NotJson) } else { Ok(count) }
    }

    fn edit(&mut self, at: Range<usize>, with: &'static str) {
        self.edits.push(Edit { at, with });
    }
}

/// `text[range]` with its edits made, into `out`; how many of them changed a value (a line end does not).
pub(super) fn mend(text: &str, range: &Range<usize>, edits: &[Edit], out: &mut String) -> u32 {
    out.clear();
    let mut from = range.start;
    let mut repairs = 0;
    for edit in edits.iter().filter(|edit| edit.at.start >= range.start && edit.at.end <= range.end) {
        out.push_str(text.get(from..edit.at.start).unwrap_or_default());
        out.push_str(edit.with);
        from = edit.at.end;
        repairs += u32::from(!edit.with.is_empty());
    }
    out.push_str(text.get(from..range.end).unwrap_or_default());
    repairs
}

/// Whether any edit lies within `range`.
pub(super) fn needs_mending(range: &Range<usize>, edits: &[Edit]) -> bool {
    edits.iter().any(|edit| edit.at.start >= range.start && edit.at.end <= range.end)
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Array,
    Object,
}

/// What is open around the place in hand: one bit a level.
#[derive(Default)]
struct Nesting {
    kinds: u128,
    depth: usize,
}

impl Nesting {
    fn check(&self, depth_max: usize) -> Result<(), Rejected> {
        if self.depth < depth_max { Ok(()) } else { Err(Rejected::TooDeep) }
    }

    fn push(&mut self, kind: Kind, depth_max: usize) -> Result<(), Rejected> {
        self.check(depth_max)?;
        self.kinds = self.kinds << 1 | u128::from(kind == Kind::Object);
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.kinds >>= 1;
        self.depth -= 1;
    }

    fn top(&self) -> Option<Kind> {
        match (self.depth, self.kinds & 1) {
            (0, _) => None,
            (_, 1) => Some(Kind::Object),
            _ => Some(Kind::Array),
        }
    }
}
