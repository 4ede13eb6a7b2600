//! The last messages that were refused: who looks for a sensor that is not heard finds there what it says.

use std::fmt::Write as _;
use std::net::SocketAddr;

use serde::Serialize;
use thingsbus_adaptor::wire::{Rejected, Timestamp};

/// So many are remembered: some for each of the sensors that a broker usually has, in half a megabyte at the most.
const KEPT_MAX: usize = 256;

/// How much of a message is kept, in bytes: enough to know it by, and to see most of what goes wrong.
pub(crate) const EXCERPT_BYTES_MAX: usize = 200;

/// How much of a name is kept that is none, in bytes: as much as one that is a namespace may have.
const NAME_BYTES_MAX: usize = thingsbus_adaptor::wire::limits::NAMESPACE_BYTES_MAX;

/// The doors that take updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    Zmq,
    Udp,
    Query,
    Web,
}

impl Door {
    /// As the status has it.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Zmq => "zmq_in",
            Self::Udp => "udp_in",
            Self::Query => "query",
            Self::Web => "http",
        }
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Zmq => "ZeroMQ input",
            Self::Udp => "UDP input",
            Self::Query => "query door",
            Self::Web => "web door",
        }
    }
}

/// A message that is refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused<'a> {
    pub(super) door: Door,
    pub(super) from: SocketAddr,
    pub(super) why: Rejected,
    /// As much of it as there is.
    pub(super) message: &'a [u8],
    /// How long it is, in bytes.
    pub(super) bytes: u64,
}

/// Which thing it is about.
#[derive(Clone, Copy, Debug)]
pub(super) enum About<'a> {
    /// It says so itself, also where that is no namespace.
    Named(&'a str),
    /// It does not; the connection said this one before.
    Before(&'a str),
    Nobody,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    kept: Vec<Kept>,
    /// Which is written over next, where there are as many as are kept.
    oldest: usize,
}

/// One of them. What it is written over with has its memory.
#[derive(Debug)]
struct Kept {
    ts: Timestamp,
    door: Door,
    from: SocketAddr,
    why: Rejected,
    bytes: u64,
    excerpt: Vec<u8>,
    ns: String,
    has_ns: bool,
    is_named: bool,
}

/// The answer.
#[derive(Serialize)]
struct Answer<'a> {
    r#type: &'static str,
    ts: f64,
    rejected: Vec<Told<'a>>,
}

#[derive(Serialize)]
struct Told<'a> {
    ts: f64,
    door: &'static str,
    from: SocketAddr,
    reason: &'static str,
    message: String,
    ns: Option<&'a str>,
    named: bool,
    bytes: u64,
    excerpt: String,
}

impl Rejections {
    /// Remembers one, and forgets the oldest where there are too many. Once there are, it takes no memory.
    pub(super) fn add(&mut self, refused: &Refused<'_>, about: About<'_>, ts: Timestamp) {
        let Refused { door, from, why, message, bytes } = *refused;
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        let excerpt = message.get(..EXCERPT_BYTES_MAX).unwrap_or(message);
        let (ns, has_ns, is_named) = match about {
            About::Named(ns) => (beginning(ns), true, true),
            About::Before(ns) => (ns, true, false),
            About::Nobody => ("", false, false),
        };
        if self.kept.len() < KEPT_MAX {
            let (excerpt, ns) = (excerpt.to_vec(), ns.to_owned());
            self.kept.push(Kept { ts, door, from, why, bytes, excerpt, ns, has_ns, is_named });
            return;
        }
        if let Some(kept) = self.kept.get_mut(self.oldest) {
            (kept.ts, kept.door, kept.from, kept.why, kept.bytes) = (ts, door, from, why, bytes);
            (kept.has_ns, kept.is_named) = (has_ns, is_named);
            kept.excerpt.clear();
            kept.excerpt.extend_from_slice(excerpt);
            kept.ns.clear();
            kept.ns.push_str(ns);
        }
        self.oldest = (self.oldest + 1) % KEPT_MAX;
    }

    /// Appends those that are about this thing or one below it, all where `ns` is empty; the newest first.
    pub(super) fn push_answer(&self, ns: &str, now: Timestamp, out: &mut Vec<u8>) {
        let (newest, oldest) = self.kept.split_at_checked(self.oldest).unwrap_or_default();
        let in_order = newest.iter().rev().chain(oldest.iter().rev());
        let rejected = in_order.filter(|kept| kept.is_about(ns)).map(Kept::told).collect();
        let answer = Answer { r#type: "rejected", ts: now.seconds(), rejected };
        // A vector takes everything, and there is nothing in it that JSON has no word for.
        let _ = serde_json::to_writer(out, &answer);
    }
}

impl Kept {
    fn is_about(&self, root: &str) -> bool {
        let is_below = |rest: &str| rest.is_empty() || rest.starts_with('.');
        root.is_empty() || (self.has_ns && self.ns.strip_prefix(root).is_some_and(is_below))
    }

    fn told(&self) -> Told<'_> {
        Told {
            ts: self.ts.seconds(),
            door: self.door.key(),
            from: self.from,
            reason: self.why.name(),
            message: self.why.to_string(),
            ns: self.has_ns.then_some(&self.ns),
            named: self.is_named,
            bytes: self.bytes,
            excerpt: escaped(&self.excerpt, self.bytes > self.excerpt.len() as u64),
        }
    }
}

/// As much of a name as is kept.
fn beginning(name: &str) -> &str {
    let end = (0..=NAME_BYTES_MAX).rev().find(|end| name.is_char_boundary(*end));
    end.filter(|_| name.len() > NAME_BYTES_MAX).and_then(|end| name.get(..end)).unwrap_or(name)
}

/// As text, in which what is no UTF-8 and what is not to be seen stands as `\x0a`. Of a character that was cut in two
/// nothing is told.
fn escaped(excerpt: &[u8], is_cut: bool) -> String {
    let mut text = String::with_capacity(excerpt.len());
    let mut chunks = excerpt.utf8_chunks().peekable();
    while let Some(chunk) = chunks.next() {
        for character in chunk.valid().chars() {
            match character {
                '\\' => text.push_str("\\\\"),
                control if control.is_control() => {
                    push_bytes(control.encode_utf8(&mut [0; 4]).as_bytes(), &mut text);
                }
                other => text.push(other),
            }
        }
        if !is_cut || chunks.peek().is_some() {
            push_bytes(chunk.invalid(), &mut text);
        }
    }
    text
}

fn push_bytes(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        // A text takes everything.
        let _ = write!(text, "\\x{byte:02x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(message: &[u8]) -> Refused<'_> {
        let from = ([192, 0, 2, 1], 5).into();
        Refused { door: Door::Zmq, from, why: Rejected::NotJson, message, bytes: message.len() as u64 }
    }

    fn told(rejections: &Rejections, ns: &str) -> Vec<serde_json::Value> {
        let mut answer = Vec::new();
        rejections.push_answer(ns, Timestamp::default(), &mut answer);
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        answer["rejected"].as_array().unwrap().clone()
    }

    #[test]
    fn the_last_are_kept_and_the_newest_is_told_first() {
        let mut rejections = Rejections::default();
        for number in 0..KEPT_MAX + 3 {
            assert_eq!(told(&rejections, "").len(), number.min(KEPT_MAX));
            let message = number.to_string();
            rejections.add(&refused(message.as_bytes()), About::Named("shop"), Timestamp::default());
        }
        let excerpts: Vec<String> =
            told(&rejections, "").iter().map(|told| told["excerpt"].as_str().unwrap().to_owned()).collect();
        let wanted: Vec<String> = (3..KEPT_MAX + 3).rev().map(|number| number.to_string()).collect();
        assert_eq!(excerpts, wanted);
    }

    #[test]
    fn a_flood_of_long_ones_takes_no_memory() {
        let mut rejections = Rejections::default();
        let (long, name) = (vec![b'x'; 1024 * 1024], "ä".repeat(100_000));
        for _ in 0..3 * KEPT_MAX {
            rejections.add(&refused(&long), About::Named(&name), Timestamp::default());
        }
        let bytes: usize =
            rejections.kept.iter().map(|kept| kept.excerpt.capacity() + kept.ns.capacity()).sum();
        assert!(bytes <= KEPT_MAX * (EXCERPT_BYTES_MAX + NAME_BYTES_MAX), "{bytes}");
        let one = told(&rejections, "").pop().unwrap();
        assert_eq!(one["ns"].as_str().unwrap().len(), NAME_BYTES_MAX);
        assert_eq!(
            (&one["bytes"], one["excerpt"].as_str().unwrap().len()),
            (&(1024 * 1024).into(), EXCERPT_BYTES_MAX)
        );
    }

    #[test]
    fn who_asks_for_a_thing_is_told_of_it_and_what_is_below() {
        let mut rejections = Rejections::default();
        let abouts = [
            About::Named("shop"),
            About::Before("shop.lamp"),
            About::Named("shop.Lamp Two"),
            About::Named("shopping"),
            About::Nobody,
        ];
        for about in abouts {
            rejections.add(&refused(b"x"), about, Timestamp::default());
        }
        let names = |ns: &str| -> Vec<String> {
            told(&rejections, ns).iter().map(|told| format!("{} {}", told["ns"], told["named"])).collect()
        };
        assert_eq!(names("shop"), [r#""shop.Lamp Two" true"#, r#""shop.lamp" false"#, r#""shop" true"#]);
        assert_eq!(names("shop.lamp"), [r#""shop.lamp" false"#]);
        assert_eq!(names("").len(), abouts.len());
    }

    #[test]
    fn an_excerpt_is_text_that_says_each_byte() {
        let check = |bytes: &[u8], wanted: &str| assert_eq!(escaped(bytes, false), wanted);
        check(br#"{"ns":"a\"}"#, r#"{"ns":"a\\"}"#);
        check("Grüße\n".as_bytes(), r"Grüße\x0a");
        check(b"\x1b[2Ja\xffb\xc3", r"\x1b[2Ja\xffb\xc3");
        check("\u{9b}".as_bytes(), r"\xc2\x9b");
        assert_eq!(escaped(b"a\xffb\xc3", true), r"a\xffb");
    }
}
