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
    pub(super) depth: u8,
    /// Is anything escaped in a string of it?
    pub(super) has_escapes: bool,
    /// Is anything in it to be replaced? Then [`mend`] it before it goes on.
    pub(super) needs_mending: bool,
}

/// Reads values off the front of a text.
pub(super) struct Scanner<'t, 'o> {
    text: &'t str,
    at: usize,
    depth_max: usize,
    has_escapes: bool,
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
        Self { text, at: 0, depth_max, has_escapes: false, needs_mending: false, rewrite: None }
    }

    /// The next byte that is not white space, without taking it.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        match self.byte() {
            Some(byte) if byte > b' ' => Some(byte),
            _ => self.peek_past_space(),
        }
    }

    /// Takes `byte` where it is the next one after white space.
    #[inline(always)]
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
        let start = self.skip_key()?;
        Ok(self.text.get(start.0..start.1).unwrap_or_default())
    }

    /// Takes a string and its colon, and says where the text between the quotes stands.
    #[inline(always)]
    fn skip_key(&mut self) -> Result<(usize, usize), Rejected> {
        if self.peek() != Some(b'"') {
            return Err(Rejected::NotJson);
        }
        let start = self.at + 1;
        self.string()?;
        let end = self.at - 1;
        if self.take(b':') { Ok((start, end)) } else { Err(Rejected::NotJson) }
    }

    /// Takes one value of any kind.
    pub(super) fn value(&mut self) -> Result<Value<'t>, Rejected> {
        let mut next = self.peek();
        let start = self.at;
        (self.has_escapes, self.needs_mending) = (false, false);
        let mut open = Nesting::default();
        loop {
            match next.ok_or(Rejected::NotJson)? {
                b'{' => {
                    self.at += 1;
                    open.push(Kind::Object, self.depth_max)?;
                    if !self.take(b'}') {
                        self.skip_key()?;
                        next = self.peek();
                        continue;
                    }
                    open.pop();
                }
                b'[' => {
                    self.at += 1;
                    open.push(Kind::Array, self.depth_max)?;
                    if !self.take(b']') {
                        next = self.peek();
                        continue;
                    }
                    open.pop();
                }
                b'"' => self.string()?,
                b'-' | b'0'..=b'9' => self.number()?,
                _ => self.word()?,
            }
            // A value has ended: so may what it stands in.
            loop {
                let Some(kind) = open.top() else {
                    let text = self.text.get(start..self.at).unwrap_or_default();
                    let Self { has_escapes, needs_mending, .. } = *self;
                    return Ok(Value { text, depth: open.deepest, has_escapes, needs_mending });
                };
                let byte = self.peek();
                self.at += 1;
                match (byte, kind) {
                    (Some(b','), Kind::Array) => break,
                    (Some(b','), Kind::Object) => {
                        self.skip_key()?;
                        break;
                    }
                    (Some(b']'), Kind::Array) | (Some(b'}'), Kind::Object) => open.pop(),
                    _ => return Err(Rejected::NotJson),
                }
            }
            next = self.peek();
        }
    }

    #[inline(always)]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Skips white space. A line end in it is taken out, so that a message is one line wherever it goes.
    #[cold]
    fn peek_past_space(&mut self) -> Option<u8> {
        loop {
            match self.byte()? {
                b' ' | b'\t' => {}
                b'\n' | b'\r' => self.replace(self.at, self.at + 1, ""),
                byte => return Some(byte),
            }
            self.at += 1;
        }
    }

    /// Takes a string, of which the first quote is the next byte.
    #[inline(always)]
    fn string(&mut self) -> Result<(), Rejected> {
        self.at += 1;
        loop {
            self.at += plain_bytes(self.text.as_bytes().get(self.at..).unwrap_or_default());
            match self.byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Rejected::NotJson),
            }
        }
    }

    /// An escape. Half of a surrogate pair, which Python writes and nobody else reads, becomes U+FFFD.
    #[cold]
    fn escape(&mut self) -> Result<(), Rejected> {
        let start = self.at;
        self.has_escapes = true;
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

    /// A word: JSON's three, and the three of Python's `json`, which become null.
    #[cold]
    fn word(&mut self) -> Result<(), Rejected> {
        let (word, instead) = match self.byte() {
            Some(b't') => ("true", None),
            Some(b'f') => ("false", None),
            Some(b'n') => ("null", None),
            Some(b'N') => ("NaN", Some("null")),
            Some(b'I') => ("Infinity", Some("null")),
            _ => ("-Infinity", Some("null")),
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
            if self.byte() == Some(b'I') {
                self.at = start;
                return self.word();
            }
        }
        let leading_zero = self.byte() == Some(b'0');
        if self.digits()? > 1 && leading_zero {
            return Err(Rejected::NotJson);
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.byte(), Some(b'e' | b'E')) || self.at - start > NUMBER_BYTES_SAFE {
            self.large_number(start)?;
        }
        Ok(())
    }

    /// The rest of a number that may be larger than any double.
    #[cold]
    fn large_number(&mut self, start: usize) -> Result<(), Rejected> {
        if matches!(self.byte(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        let number = self.text.get(start..self.at).and_then(|text| text.parse::<f64>().ok());
        if number.is_none_or(f64::is_infinite) {
            self.replace(start, self.at, "null"); // 1e999: an infinity by another name
        }
        Ok(())
    }

    #[inline(always)]
    fn digits(&mut self) -> Result<usize, Rejected> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
        if self.at == start { Err(Rejected::NotJson) } else { Ok(self.at - start) }
    }

    /// `text[start..end]` must not go on as it is, but as `with`.
    #[cold]
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

/// How many bytes come before the first that ends a string, escapes something or does not belong in one. Eight at a
/// time: in each byte of `found` the high bit says so, rightly for the lowest byte that is found (those above it may
/// be wrong, because a subtraction borrows from them).
#[inline]
fn plain_bytes(bytes: &[u8]) -> usize {
    const EACH: u64 = u64::MAX / 0xff;
    let is_zero = |word: u64| word.wrapping_sub(EACH) & !word;
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let quote = is_zero(word ^ (EACH * u64::from(b'"')));
        let escape = is_zero(word ^ (EACH * u64::from(b'\\')));
        let control = word.wrapping_sub(EACH * 0x20) & !word;
        let found = (quote | escape | control) & (EACH * 0x80);
        if found != 0 {
            return index * 8 + found.trailing_zeros() as usize / 8;
        }
    }
    let plain = rest.iter().take_while(|&&byte| byte != b'"' && byte != b'\\' && byte >= 0x20).count();
    words.len() * 8 + plain
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
    deepest: u8,
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
        self.deepest = self.deepest.max(self.depth as u8);
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
