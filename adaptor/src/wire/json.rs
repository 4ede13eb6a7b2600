//! JSON messages: decoding what sensors and brokers write.

use std::borrow::Cow;
use std::ops::Range;

use super::limits::{
    DATAGRAM_BYTES_MAX, DEPTH_MAX, DOCUMENTATION_URL_BYTES_MAX, MESSAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX,
};
use super::namespace::is_valid;
use super::scan::{Edit, Scanner, mend, needs_mending};
use super::snapshot::{Mark, Snapshot};
use super::update::{Message, Update};
use super::{Rejected, Timestamp, msgpack};

/// Memory that decoding needs now and then, kept between messages so that none is allocated for each.
#[derive(Default)]
pub struct Scratch {
    json: Vec<u8>,
    edits: Vec<Edit>,
    ns: String,
    data: String,
    documentation_url: String,
}

/// Decodes an update as a sensor sends it over ZeroMQ: a JSON object of type `thing_update`, or the short form
/// `[ns, ts, data, documentation_url]`. Keys come in any order, unknown ones are ignored, and of a key that
/// stands twice the last one counts, as in 0.2.1.
///
/// # Errors
/// The first reason found; nothing is kept of the message.
pub fn decode_update<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Update<'a>, Rejected> {
    let text = checked_text(bytes, MESSAGE_BYTES_MAX)?;
    let Scratch { edits, ns, data, documentation_url, .. } = scratch;
    update_from_text(text, 0, edits, Texts { ns, data, documentation_url })
}

/// Decodes one UDP datagram: msgpack as 0.2.1's sensors send it, or the JSON of [`decode_update`] (which no
/// msgpack update begins like, so `echo … > /dev/udp/HOST/7955` works too).
///
/// # Errors
/// The first reason found; nothing is kept of the message.
pub fn decode_datagram<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Update<'a>, Rejected> {
    if bytes.len() > DATAGRAM_BYTES_MAX {
        return Err(Rejected::TooLong);
    }
    let Scratch { json, edits, ns, data, documentation_url } = scratch;
    let texts = Texts { ns, data, documentation_url };
    if matches!(bytes.first(), Some(b'{' | b'[' | b' ')) {
        return update_from_text(checked_text(bytes, DATAGRAM_BYTES_MAX)?, 0, edits, texts);
    }
    let repairs = msgpack::to_json(bytes, json)?;
    update_from_text(checked_text(json, usize::MAX)?, repairs, edits, texts)
}

/// Decodes what a broker sends to its clients. Unknown types are [`Message::Other`].
///
/// # Errors
/// Where the message is broken, or is an update or a snapshot with something missing.
pub fn decode_message<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Message<'a>, Rejected> {
    let text = checked_text(bytes, SNAPSHOT_BYTES_MAX)?;
    let Scratch { edits, ns, data, documentation_url, .. } = scratch;
    edits.clear();
    // A snapshot holds the data of things two levels down.
    let mut scanner = Scanner::new(text, DEPTH_MAX + 2, edits);
    let fields = Fields::read(&mut scanner, text)?;
    scanner.end()?;
    let kind = fields.get(Key::Type).map(|range| string(text, range)).transpose()?;
    match kind.as_deref() {
        Some("thing_update") => {
            let texts = Texts { ns, data, documentation_url };
            fields.update(text, edits, 0, texts).map(Message::Update)
        }
        Some("thing_snapshot") => {
            let things = fields.get(Key::Data).ok_or(Rejected::DataMissing)?;
            let things = mended(text, &things, edits, data);
            Ok(Message::Snapshot(Snapshot {
                ts: fields.ts(text)?,
                epoch: fields.plain(Key::Epoch, text),
                seq: fields.number(Key::Seq, text),
                count: fields.number(Key::Count, text),
                next: fields.plain(Key::Next, text),
                things: things.0,
            }))
        }
        Some("thing_mark") => Ok(Message::Mark(Mark {
            mark: fields.plain(Key::Mark, text).ok_or(Rejected::Shape)?,
            epoch: fields.plain(Key::Epoch, text).ok_or(Rejected::Shape)?,
            seq: fields.number(Key::Seq, text).ok_or(Rejected::Shape)?,
        })),
        Some(_) => Ok(Message::Other),
        None => Err(Rejected::Type),
    }
}

/// Is `data` one JSON value that needs no mending?
pub(super) fn check_data(data: &str) -> Result<(), Rejected> {
    let mut edits = Vec::new();
    let mut scanner = Scanner::new(data, DEPTH_MAX, &mut edits);
    scanner.value()?;
    scanner.end()?;
    if edits.is_empty() { Ok(()) } else { Err(Rejected::NotJson) }
}

pub(super) fn check_documentation_url(url: Option<&str>) -> Result<(), Rejected> {
    match url {
        Some(url) if url.len() > DOCUMENTATION_URL_BYTES_MAX => Err(Rejected::DocumentationUrl),
        _ => Ok(()),
    }
}

/// The things of a snapshot's `data`, one after the other: each an object with its own `ns`.
pub(super) struct ThingsScanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
}

impl<'a> ThingsScanner<'a> {
    /// The next thing's fields; `None` at the end. The text was checked and mended when the message came.
    pub(super) fn next(&mut self) -> Option<Result<ThingFields<'a>, Rejected>> {
        let mut edits = Vec::new();
        let rest = self.text.get(self.at..)?;
        let mut scanner = Scanner::new(rest, DEPTH_MAX + 2, &mut edits);
        if !(scanner.take(b'{') || scanner.take(b',')) || scanner.peek() == Some(b'}') {
            return None;
        }
        scanner.key().ok()?;
        let range = scanner.value().ok()?;
        self.at += range.end;
        let thing = rest.get(range)?;
        let mut scanner = Scanner::new(thing, DEPTH_MAX, &mut edits);
        Some(Fields::read(&mut scanner, thing).map(|fields| ThingFields { text: thing, fields }))
    }
}

/// One thing of a snapshot.
pub(super) struct ThingFields<'a> {
    text: &'a str,
    fields: Fields,
}

impl<'a> ThingFields<'a> {
    pub(super) fn ns(&self) -> Result<Cow<'a, str>, Rejected> {
        let ns = string(self.text, self.fields.get(Key::Ns).ok_or(Rejected::NsMissing)?)?;
        if is_valid(&ns) { Ok(ns) } else { Err(Rejected::Ns) }
    }

    pub(super) fn ts(&self) -> Result<Option<Timestamp>, Rejected> {
        self.fields.ts(self.text)
    }

    pub(super) fn received(&self) -> Option<Timestamp> {
        let text = self.text.get(self.fields.get(Key::Received)?)?;
        Timestamp::from_seconds(text.parse().ok()?)
    }

    pub(super) fn data(&self) -> Result<&'a str, Rejected> {
        let range = self.fields.get(Key::Data).ok_or(Rejected::DataMissing)?;
        self.text.get(range).ok_or(Rejected::DataMissing)
    }

    pub(super) fn documentation_url(&self) -> Result<Option<Cow<'a, str>>, Rejected> {
        self.fields.documentation_url(self.text)
    }

    pub(super) fn seq(&self) -> Option<u64> {
        self.fields.number(Key::Seq, self.text)
    }
}

/// Where decoded texts go that are not in the message as they stand.
struct Texts<'a> {
    ns: &'a mut String,
    data: &'a mut String,
    documentation_url: &'a mut String,
}

fn checked_text(bytes: &[u8], bytes_max: usize) -> Result<&str, Rejected> {
    if bytes.len() > bytes_max {
        return Err(Rejected::TooLong);
    }
    std::str::from_utf8(bytes).map_err(|_| Rejected::NotUtf8)
}

fn update_from_text<'a>(
    text: &'a str,
    repairs: u32,
    edits: &'a mut Vec<Edit>,
    texts: Texts<'a>,
) -> Result<Update<'a>, Rejected> {
    edits.clear();
    let mut scanner = Scanner::new(text, DEPTH_MAX, edits);
    let fields = match scanner.peek() {
        Some(b'{') => {
            let fields = Fields::read(&mut scanner, text)?;
            let kind = fields.get(Key::Type).ok_or(Rejected::Type)?;
            if string(text, kind)? != "thing_update" {
                return Err(Rejected::Type);
            }
            fields
        }
        Some(b'[') => Fields::read_list(&mut scanner)?,
        _ => {
            scanner.value()?;
            return Err(Rejected::Shape);
        }
    };
    scanner.end()?;
    fields.update(text, edits, repairs, texts)
}

/// The keys that any message has.
#[derive(Clone, Copy)]
enum Key {
    Ns,
    Type,
    Ts,
    Data,
    DocumentationUrl,
    Seq,
    Received,
    Epoch,
    Count,
    Next,
    Mark,
}

impl Key {
    const COUNT: usize = 11;

    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "ns" => Self::Ns,
            "type" => Self::Type,
            "ts" => Self::Ts,
            "data" => Self::Data,
            "documentation_url" => Self::DocumentationUrl,
            "seq" => Self::Seq,
            "received" => Self::Received,
            "epoch" => Self::Epoch,
            "count" => Self::Count,
            "next" => Self::Next,
            "mark" => Self::Mark,
            _ => return None,
        })
    }
}

/// Where each known field's value stands in the text.
#[derive(Default)]
struct Fields {
    ranges: [Option<Range<usize>>; Key::COUNT],
}

impl Fields {
    /// Takes an object.
    fn read(scanner: &mut Scanner<'_, '_>, text: &str) -> Result<Self, Rejected> {
        let mut fields = Self::default();
        if !scanner.take(b'{') {
            return Err(Rejected::Shape);
        }
        if scanner.take(b'}') {
            return Ok(fields);
        }
        loop {
            let key = scanner.key()?;
            let key = text.get(key).unwrap_or_default();
            let value = scanner.value()?;
            let known = if key.contains('\\') {
                Key::named(&unescape(key).ok_or(Rejected::NotUtf8)?)
            } else {
                Key::named(key)
            };
            if let Some(known) = known {
                fields.put(known, value);
            }
            if scanner.take(b'}') {
                return Ok(fields);
            }
            if !scanner.take(b',') {
                return Err(Rejected::NotJson);
            }
        }
    }

    /// Takes the short form: a list of exactly `ns`, `ts`, `data`, `documentation_url`.
    fn read_list(scanner: &mut Scanner<'_, '_>) -> Result<Self, Rejected> {
        const ORDER: [Key; 4] = [Key::Ns, Key::Ts, Key::Data, Key::DocumentationUrl];
        let mut fields = Self::default();
        scanner.take(b'[');
        if scanner.take(b']') {
            return Err(Rejected::Shape);
        }
        let mut order = ORDER.into_iter();
        loop {
            let value = scanner.value()?;
            let Some(key) = order.next() else { return Err(Rejected::Shape) };
            fields.put(key, value);
            if scanner.take(b']') {
                break;
            }
            if !scanner.take(b',') {
                return Err(Rejected::NotJson);
            }
        }
        if order.next().is_none() { Ok(fields) } else { Err(Rejected::Shape) }
    }

    fn put(&mut self, key: Key, value: Range<usize>) {
        if let Some(place) = self.ranges.get_mut(key as usize) {
            *place = Some(value);
        }
    }

    fn get(&self, key: Key) -> Option<Range<usize>> {
        self.ranges.get(key as usize).cloned().flatten()
    }

    fn update<'a>(
        &self,
        text: &'a str,
        edits: &'a [Edit],
        repairs: u32,
        texts: Texts<'a>,
    ) -> Result<Update<'a>, Rejected> {
        let ns = string(text, self.get(Key::Ns).ok_or(Rejected::NsMissing)?).map_err(|_| Rejected::Ns)?;
        if !is_valid(&ns) {
            return Err(Rejected::Ns);
        }
        let ns = kept(ns, texts.ns);
        let ts = self.ts(text)?;
        let data = self.get(Key::Data).ok_or(Rejected::DataMissing)?;
        let documentation_url = self.documentation_url(text)?;
        let documentation_url = documentation_url.map(|url| kept(url, texts.documentation_url));
        let ts_repairs = self.get(Key::Ts).is_some_and(|range| ts.is_none() && needs_mending(&range, edits));
        let (data, data_repairs) = mended(text, &data, edits, texts.data);
        let seq = self.number(Key::Seq, text);
        let repairs = repairs + data_repairs + u32::from(ts_repairs);
        Ok(Update { ns, ts, data, documentation_url, seq, repairs })
    }

    /// A number of seconds, or `None` for null, a missing `ts` and what is not finite.
    fn ts(&self, text: &str) -> Result<Option<Timestamp>, Rejected> {
        let Some(ts) = self.get(Key::Ts).and_then(|range| text.get(range)) else { return Ok(None) };
        match ts {
            "null" | "NaN" | "Infinity" | "-Infinity" => Ok(None),
            number => Ok(Timestamp::from_seconds(number.parse().map_err(|_| Rejected::Ts)?)),
        }
    }

    fn documentation_url<'a>(&self, text: &'a str) -> Result<Option<Cow<'a, str>>, Rejected> {
        let Some(range) = self.get(Key::DocumentationUrl) else { return Ok(None) };
        if text.get(range.clone()) == Some("null") {
            return Ok(None);
        }
        let url = string(text, range).map_err(|_| Rejected::DocumentationUrl)?;
        check_documentation_url(Some(&url))?;
        Ok(if url.is_empty() { None } else { Some(url) })
    }

    fn number(&self, key: Key, text: &str) -> Option<u64> {
        text.get(self.get(key)?)?.parse().ok()
    }

    /// A string that has no escapes, as those have that brokers write: `None` for everything else.
    fn plain<'a>(&self, key: Key, text: &'a str) -> Option<&'a str> {
        text.get(self.get(key)?)?.strip_prefix('"')?.strip_suffix('"')
    }
}

/// The text of a string value. Where half a surrogate pair stands in it, it is no text.
fn string(text: &str, range: Range<usize>) -> Result<Cow<'_, str>, Rejected> {
    let inner = text
        .get(range)
        .and_then(|value| value.strip_prefix('"'))
        .and_then(|value| value.strip_suffix('"'))
        .ok_or(Rejected::Type)?;
    if inner.contains('\\') {
        unescape(inner).map(Cow::Owned).ok_or(Rejected::NotUtf8)
    } else {
        Ok(Cow::Borrowed(inner))
    }
}

fn unescape(inner: &str) -> Option<String> {
    serde_json::from_str(&format!("\"{inner}\"")).ok()
}

/// `text` for as long as the scratch lives.
fn kept<'a>(text: Cow<'a, str>, place: &'a mut String) -> &'a str {
    match text {
        Cow::Borrowed(text) => text,
        Cow::Owned(text) => {
            *place = text;
            place
        }
    }
}

/// The value at `range` with what must be mended in it mended, and how many places that were.
fn mended<'a>(text: &'a str, range: &Range<usize>, edits: &[Edit], place: &'a mut String) -> (&'a str, u32) {
    if needs_mending(range, edits) {
        let repairs = mend(text, range, edits, place);
        (place, repairs)
    } else {
        (text.get(range.clone()).unwrap_or_default(), 0)
    }
}
