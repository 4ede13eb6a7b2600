//! One pass over JSON text: where each value begins and ends, whether it is valid, and what must be mended.
//!
//! RFC 8259, and what Python's `json` lets through besides. No recursion (a nesting bomb costs one bit a level)
//! and no allocation: the few values that must be mended are scanned once more and written anew.

use super::Rejected;

/// A value that was taken off a text.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    /// As it stands there.
    pub(super) text: &'t str,
    /// How deep arrays and objects nest in it: 0 where it is neither.
    pub(super) depth: usize,
    /// Is anything in it to be replaced? Then [`mend`] it before it goes on.
    pub(super) needs_mending: bool,
}

/// Reads values off the front of a text.
pub(super) struct Scanner<'t, 'o> {
    text: &'t str,
    at: usize,
    depth_max: usize,
    needs_mending: bool,
    rewrite: Option<Rewrite<'o>>,
}

/// The text with what must be replaced replaced.
struct Rewrite<'o> {
    out: &'o mut String,
    /// How far the text is in `out`.
    done: usize,
    /// How many of the places changed a value (a line end does not).
    repairs: u32,
}

/// Numbers with as many characters as this may be larger than any double (1.8e308).
const NUMBER_BYTES_SAFE: usize = 300;

impl<'t> Scanner<'t, '_> {
    /// At the text's start. `depth_max` is at most [`Nesting::DEPTH_MAX`].
    pub(super) fn new(text: &'t str, depth_max: usize) -> Self {
        Self { text, at: 0, depth_max, needs_mending: false, rewrite: None }
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

    /// What was not taken yet.
    pub(super) fn rest(&self) -> &'t str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// Takes a string and its colon, and gives the text between the quotes, escapes and all.
    pub(super) fn key(&mut self) -> Result<&'t str, Rejected> {
        self.skip_space();
        let key = self.string()?;
        if self.take(b':') { Ok(key) } else { Err(Rejected::NotJson) }
    }

    /// Takes one value of any kind.
    pub(super) fn value(&mut self) -> Result<Value<'t>, Rejected> {
        self.skip_space();
        let start = self.at;
        self.needs_mending = false;
        let mut open = Nesting::default();
        loop {
            match self.peek().ok_or(Rejected::NotJson)? {
                b'{' => {
                    self.at += 1;
                    open.push(Kind::Object, self.depth_max)?;
                    if !self.take(b'}') {
                        self.key()?;
                        continue;
                    }
                    open.pop();
                }
                b'[' => {
                    self.at += 1;
                    open.push(Kind::Array, self.depth_max)?;
                    if !self.take(b']') {
                        continue;
                    }
                    open.pop();
                }
                b'"' => _ = self.string()?,
                _ => self.scalar()?,
            }
            // A value has ended: so may what it stands in.
            loop {
                let Some(kind) = open.top() else {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    return Ok(Value { text, depth: open.deepest, needs_mending: self.needs_mending });
                };
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

    /// White space. A line end in it is taken out, so that a message is one line wherever it goes.
    fn skip_space(&mut self) {
        while let Some(byte) = self.byte() {
            match byte {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.replace(self.at, self.at + 1, ""),
                _ => break,
            }
            self.at += 1;
        }
    }

    /// Takes a string and gives what stands between the quotes.
    fn string(&mut self) -> Result<&'t str, Rejected> {
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
                    return Ok(self.text.get(start..self.at - 1).unwrap_or_default());
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
                self.replace(start, half, "\\ufffd");
            }
            0xdc00..=0xdfff => self.replace(start, self.at, "\\ufffd"),
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
        let (word, instead) = match self.byte() {
            Some(b't') => ("true", None),
            Some(b'f') => ("false", None),
            Some(b'n') => ("null", None),
            Some(b'N') => ("NaN", Some("null")),
            Some(b'I') => ("Infinity", Some("null")),
            Some(b'-') if self.rest().starts_with("-I") => ("-Infinity", Some("null")),
            _ => return self.number(),
        };
        if !self.rest().starts_with(word) {
            return Err(Rejected::NotJson);
        }
        let start = self.at;
        self.at += word.len();
        if let Some(instead) = instead {
            self.replace(start, self.at, instead);
        }
        Ok(())
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
                self.replace(start, self.at, "null"); // 1e999: an infinity by another name
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

    /// `text[start..end]` must not go on as it is, but as `with`.
    fn replace(&mut self, start: usize, end: usize, with: &str) {
        self.needs_mending = true;
        if let Some(rewrite) = &mut self.rewrite {
            rewrite.out.push_str(self.text.get(rewrite.done..start).unwrap_or_default());
            rewrite.out.push_str(with);
            rewrite.done = end;
            rewrite.repairs += u32::from(!with.is_empty());
        }
    }
}

/// Writes `value`, the text of one value that was scanned before, into `out` with what must be replaced replaced;
/// how many of the places changed a value (a line end does not).
pub(super) fn mend(value: &str, out: &mut String) -> u32 {
    out.clear();
    let rewrite = Some(Rewrite { out, done: 0, repairs: 0 });
    let mut scanner = Scanner { rewrite, ..Scanner::new(value, Nesting::DEPTH_MAX) };
    let scanned = scanner.value();
    debug_assert!(scanned.is_ok());
    let Some(Rewrite { out, done, repairs }) = scanner.rewrite else { return 0 };
    out.push_str(value.get(done..).unwrap_or_default());
    repairs
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
    deepest: usize,
}

impl Nesting {
    /// As many levels as there are bits.
    const DEPTH_MAX: usize = u128::BITS as usize;

    fn push(&mut self, kind: Kind, depth_max: usize) -> Result<(), Rejected> {
        if self.depth >= depth_max {
            return Err(Rejected::TooDeep);
        }
        self.kinds = self.kinds << 1 | u128::from(kind == Kind::Object);
        self.depth += 1;
        self.deepest = self.deepest.max(self.depth);
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
