//! A snapshot: the values of many things in one message; the mark that says a subscription is active; and the word that
//! a thing is forgotten.

use std::borrow::Cow;

use super::freshness::Expected;
use super::json::ThingsScanner;
use super::namespace::is_valid;
use super::text::{push, push_float, push_integer, push_json_string};
use super::{Rejected, Timestamp, Update};

/// The values of many things: what a broker sends every 15 s, and what the query door answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Snapshot<'a> {
    pub(super) ts: Option<Timestamp>,
    pub(super) epoch: Option<&'a str>,
    pub(super) seq: Option<u64>,
    pub(super) since: Option<u64>,
    pub(super) count: Option<u64>,
    pub(super) next: Option<&'a str>,
    pub(super) things: &'a str,
    pub(super) forgotten: Option<&'a str>,
}

/// One thing as a snapshot tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Told<'a> {
    /// The thing's namespace, which keeps the rule.
    pub ns: Cow<'a, str>,
    /// What its sender says when the value was.
    pub ts: Option<Timestamp>,
    /// When the broker received it, by the broker's clock. A 0.2.1 broker does not say.
    pub received: Option<Timestamp>,
    /// The value, as JSON text.
    pub data: &'a str,
    /// Where the value is explained.
    pub documentation_url: Option<Cow<'a, str>>,
    /// The number of its last update. A 0.2.1 broker does not say.
    pub seq: Option<u64>,
    /// How fresh it is, where that was asked.
    pub expected: Option<Expected>,
}

/// The answer to a subscription that begins `{"mark":"TOKEN"`: all that was subscribed before is active.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Mark<'a> {
    /// The token.
    pub mark: &'a str,
    /// The broker's life.
    pub epoch: &'a str,
    /// The last update before the mark.
    pub seq: u64,
}

impl<'a> Snapshot<'a> {
    /// The broker's clock when it wrote the snapshot.
    #[must_use]
    pub fn ts(&self) -> Option<Timestamp> {
        self.ts
    }

    /// The broker's life that `seq` counts in.
    #[must_use]
    pub fn epoch(&self) -> Option<&'a str> {
        self.epoch
    }

    /// The broker's last update when it wrote the snapshot: everything up to it is in.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Since when everything is told, as was asked; `None` where the broker tells all there is, and what it does not tell
    /// is gone.
    #[must_use]
    pub fn since(&self) -> Option<u64> {
        self.since
    }

    /// The things that were forgotten, and did not speak again.
    pub fn forgotten(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        // Names have nothing in them that would be escaped.
        let inner = self.forgotten.and_then(|list| list.strip_prefix('[')?.strip_suffix(']')).unwrap_or("");
        inner
            .split(',')
            .filter_map(|name| name.trim().strip_prefix('"')?.strip_suffix('"'))
            .filter(|ns| is_valid(ns))
    }

    /// Where the next page begins (`after`); `None` on the last one.
    #[must_use]
    pub fn next(&self) -> Option<&'a str> {
        self.next
    }

    /// How many things the broker says are in it.
    #[must_use]
    pub fn count(&self) -> Option<u64> {
        self.count
    }

    /// The things. One that is broken is told as its reason, and the rest goes on.
    pub fn things(&self) -> impl Iterator<Item = Result<Told<'a>, Rejected>> + use<'a> {
        let mut scanner = ThingsScanner { rest: self.things };
        std::iter::from_fn(move || {
            scanner.next().map(|fields| {
                let fields = fields?;
                Ok(Told {
                    ns: fields.ns()?,
                    ts: fields.ts()?,
                    received: fields.received(),
                    data: fields.data()?,
                    documentation_url: fields.documentation_url()?,
                    seq: fields.seq(),
                    expected: fields.expected(),
                })
            })
        })
    }
}

impl<'a> Mark<'a> {
    /// What the broker answers.
    #[must_use]
    pub fn new(mark: &'a str, epoch: &'a str, seq: u64) -> Self {
        Self { mark, epoch, seq }
    }

    /// The token that a client's subscription to `{"mark":"TOKEN"` asks to be answered; `None` where the
    /// subscription is none to a mark.
    #[must_use]
    pub fn asked(subscription: &'a [u8]) -> Option<&'a str> {
        let token = subscription.strip_prefix(br#"{"mark":""#)?.strip_suffix(b"\"")?;
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if token.iter().all(plain) { std::str::from_utf8(token).ok() } else { None }
    }

    /// Appends the mark as the broker sends it.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"mark":"#);
        push_json_string(out, self.mark);
        out.extend_from_slice(br#","type":"thing_mark","epoch":"#);
        push_json_string(out, self.epoch);
        push(out, format_args!(",\"seq\":{}}}", self.seq));
    }
}

/// A thing was forgotten, on purpose or because its time was over: it has no value any more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forgotten<'a> {
    /// The thing's namespace, which keeps the rule.
    pub ns: &'a str,
    /// When, by the broker's clock.
    pub ts: Timestamp,
    /// The broker's number of this: it counts as an update.
    pub seq: u64,
    /// As of an update that is told late.
    pub merged: Option<u64>,
}

impl Forgotten<'_> {
    /// Appends it as the broker sends it. It begins as the thing's updates do, so that who hears them hears it.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        let Self { ns, ts, seq, merged } = self;
        push(out, format_args!(r#"{{"ns":"{ns}","type":"thing_forgotten","ts":{ts},"seq":{seq}"#));
        if let Some(merged) = merged {
            push(out, format_args!(",\"merged\":{merged}"));
        }
        out.push(b'}');
    }
}

/// What the query door says of a page besides its things.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Page<'a> {
    /// The broker's life.
    pub epoch: &'a str,
    /// The broker's last update.
    pub seq: u64,
    /// Since when everything is told; `None` where all there is is told.
    pub since: Option<u64>,
    /// What was forgotten since then.
    pub forgotten: &'a [&'a str],
    /// Where the next page begins; `None` on the last one.
    pub next: Option<&'a str>,
}

/// Writes a snapshot, thing by thing, into a buffer.
pub struct SnapshotWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    count: u64,
}

impl<'o> SnapshotWriter<'o> {
    /// Begins a snapshot at the end of `out`.
    pub fn begin(out: &'o mut Vec<u8>, ts: Timestamp) -> Self {
        let start = out.len();
        push(out, format_args!("{{\"type\":\"thing_snapshot\",\"ts\":{ts},\"data\":{{"));
        Self { out, start, count: 0 }
    }

    /// Adds a thing. `received` is told to those who ask by the query door, and left out for 0.2.1's clients; what was
    /// expected of it, to those who ask for that.
    pub fn thing(&mut self, update: &Update<'_>, received: Option<Timestamp>, expected: Option<&Expected>) {
        if self.count > 0 {
            self.out.push(b',');
        }
        self.count += 1;
        for part in [b"\"".as_slice(), update.ns.as_bytes(), b"\":{\"ns\":\"", update.ns.as_bytes(), b"\","] {
            self.out.extend_from_slice(part);
        }
        update.push_value_fields(self.out);
        if let Some(received) = received {
            self.out.extend_from_slice(b",\"received\":");
            push_float(self.out, received.seconds());
        }
        if let Some(seq) = update.seq {
            self.out.extend_from_slice(b",\"seq\":");
            push_integer(self.out, seq);
        }
        if let Some(expected) = expected {
            self.out.push(b',');
            expected.push_fields(self.out);
        }
        self.out.push(b'}');
    }

    /// How many things are in it.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long it is so far, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.out.len() - self.start
    }

    /// Ends it; with `page`, as an answer of the query door.
    pub fn end(self, page: Option<Page<'_>>) {
        let Self { out, count, .. } = self;
        out.push(b'}');
        if let Some(page) = page {
            out.extend_from_slice(br#","epoch":"#);
            push_json_string(out, page.epoch);
            push(out, format_args!(",\"seq\":{},\"since\":", page.seq));
            match page.since {
                Some(since) => push_integer(out, since),
                None => out.extend_from_slice(b"null"),
            }
            push(out, format_args!(",\"count\":{count},"));
            out.extend_from_slice(b"\"forgotten\":[");
            for (index, ns) in page.forgotten.iter().enumerate() {
                push(out, format_args!("{}\"{ns}\"", if index == 0 { "" } else { "," }));
            }
            out.extend_from_slice(b"],\"next\":");
            match page.next {
                Some(next) => push_json_string(out, next),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.push(b'}');
    }
}
