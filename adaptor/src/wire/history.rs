//! What a thing said over time: the question, and the answer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::limits::HISTORY_VALUES_MAX;
use super::namespace::{Namespace, NamespaceError};
use super::text::{push, push_float, push_json_string};

/// What did a thing say over time?
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryQuery {
    /// The thing.
    pub ns: Namespace,
    /// What came then or later, by the broker's clock.
    pub from: Option<Timestamp>,
    /// What came before.
    pub to: Option<Timestamp>,
    /// The last values of that, and not the first; so many in all.
    pub last: Option<usize>,
    /// Not the values, but a line for each stretch of this length, for each of their numbers.
    pub every: Option<Duration>,
    /// Lines for the number at this place of the value alone (a JSON pointer, RFC 6901).
    pub path: Option<String>,
    /// The most values in the answer.
    pub limit: usize,
    /// Go on from here: the last answer's `next`.
    pub after: Option<String>,
}

impl HistoryQuery {
    /// All that there is of a thing.
    #[must_use]
    pub fn of(ns: Namespace) -> Self {
        let (from, to, last, every, path, after) = Default::default();
        Self { ns, from, to, last, every, path, limit: HISTORY_VALUES_MAX, after }
    }
}

/// The wire's shape.
#[derive(Serialize, Deserialize)]
pub(super) struct Shape<'a> {
    ns: std::borrow::Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    every: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
}

impl Shape<'_> {
    pub(super) fn read(self) -> Result<HistoryQuery, NamespaceError> {
        let every = self.every.and_then(|every| Duration::try_from_secs_f64(every).ok());
        Ok(HistoryQuery {
            ns: Namespace::parse(&self.ns)?,
            from: self.from.and_then(Timestamp::from_seconds),
            to: self.to.and_then(Timestamp::from_seconds),
            last: self.last,
            every: every.filter(|every| !every.is_zero()),
            path: self.path,
            limit: self.limit.unwrap_or(HISTORY_VALUES_MAX).clamp(1, HISTORY_VALUES_MAX),
            after: self.after,
        })
    }
}

impl<'a> From<&'a HistoryQuery> for Shape<'a> {
    fn from(query: &'a HistoryQuery) -> Self {
        Self {
            ns: query.ns.as_str().into(),
            from: query.from.map(Timestamp::seconds),
            to: query.to.map(Timestamp::seconds),
            last: query.last,
            every: query.every.map(|every| every.as_secs_f64()),
            path: query.path.clone(),
            limit: Some(query.limit),
            after: query.after.clone(),
        }
    }
}

/// The numbers of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HistoryLine {
    /// When it begins: a multiple of its length since 1970 UTC, in seconds.
    pub start: f64,
    /// How many values there were.
    pub count: u64,
    /// The lowest.
    pub min: f64,
    /// The highest.
    pub max: f64,
    /// Their mean.
    pub mean: f64,
    /// The last.
    pub last: f64,
}

/// Writes the answer to a [`HistoryQuery`] into a buffer.
pub struct HistoryWriter<'o> {
    out: &'o mut Vec<u8>,
    /// Nothing was written in the list or the object in hand.
    is_first: bool,
}

impl<'o> HistoryWriter<'o> {
    /// Begins an answer with values.
    pub fn values(out: &'o mut Vec<u8>, now: Timestamp, ns: &str) -> Self {
        push(out, format_args!(r#"{{"type":"history","ts":{now},"ns":"{ns}","values":["#));
        Self { out, is_first: true }
    }

    /// A value: when it came, when it was as its sender says, and what.
    pub fn value(&mut self, received: Timestamp, ts: Timestamp, data: &str) {
        let comma = if std::mem::replace(&mut self.is_first, false) { "" } else { "," };
        push(self.out, format_args!("{comma}[{received},{ts},{data}]"));
    }

    /// Ends an answer with values. `next` is where to go on.
    pub fn end_values(self, next: Option<&str>) {
        self.out.push(b']');
        self.end(next);
    }

    /// Begins an answer with lines.
    pub fn lines(out: &'o mut Vec<u8>, now: Timestamp, ns: &str, every: Duration) -> Self {
        push(out, format_args!(r#"{{"type":"history","ts":{now},"ns":"{ns}","every":"#));
        push_float(out, every.as_secs_f64());
        out.extend_from_slice(br#","lines":{"#);
        Self { out, is_first: true }
    }

    /// The lines of the numbers at one path.
    pub fn path(&mut self, path: &str, lines: impl Iterator<Item = HistoryLine>) {
        if !std::mem::replace(&mut self.is_first, false) {
            self.out.push(b',');
        }
        push_json_string(self.out, path);
        self.out.extend_from_slice(b":[");
        for (index, line) in lines.enumerate() {
            let HistoryLine { start, count, min, max, mean, last } = line;
            push(self.out, format_args!("{}[{start:?},{count}", if index == 0 { "" } else { "," }));
            for number in [min, max, mean, last] {
                self.out.push(b',');
                push_float(self.out, number);
            }
            self.out.push(b']');
        }
        self.out.push(b']');
    }

    /// Ends an answer with lines.
    pub fn end_lines(self, next: Option<&str>) {
        self.out.push(b'}');
        self.end(next);
    }

    fn end(self, next: Option<&str>) {
        self.out.extend_from_slice(br#","next":"#);
        match next {
            Some(next) => push_json_string(self.out, next),
            None => self.out.extend_from_slice(b"null"),
        }
        self.out.push(b'}');
    }
}
