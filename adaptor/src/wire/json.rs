//! JSON messages: decoding what sensors and brokers write.

use std::borrow::Cow;
use std::time::Duration;

use super::ack::{AckLevel, AckWanted, Numbered};
use super::freshness::{self, Expected};
use super::limits::{
    DATAGRAM_BYTES_MAX, DEPTH_MAX, DOCUMENTATION_URL_BYTES_MAX, MESSAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX,
    TTL_S_MAX,
};
use super::namespace::is_valid;
use super::scan::{Scanner, Value, mend};
use super::snapshot::{Forgotten, Mark, Snapshot};
use super::update::{Message, Update};
use super::{Ask, QueryError, Rejected, Timestamp, canonical, msgpack};

/// Memory that decoding needs now and then, kept between messages so that none is allocated for each.
#[derive(Default)]
pub struct Scratch {
    json: Vec<u8>,
    ns: String,
    data: String,
    documentation_url: String,
}

impl Scratch {
    /// Where msgpack becomes JSON.
    pub(super) fn json(&mut self) -> &mut Vec<u8> {
        &mut self.json
    }
}

/// Decodes an update as a sensor sends it over ZeroMQ: a JSON object of type `thing_update`, or the short form
/// `[ns, ts, data, documentation_url]`. Keys come in any order, unknown ones are ignored, and of a key that
/// stands twice the last one counts, as in 0.2.1.
///
/// # Errors
/// The first reason found; nothing is kept of the message.
pub fn decode_update<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Update<'a>, Rejected> {
    let text = checked_text(bytes, MESSAGE_BYTES_MAX)?;
    let Scratch { ns, data, documentation_url, .. } = scratch;
    update_from_text(text, 0, Texts { ns, data, documentation_url })
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
    let Scratch { json, ns, data, documentation_url } = scratch;
    let texts = Texts { ns, data, documentation_url };
    if matches!(bytes.first(), Some(b'{' | b'[' | b' ' | b'\t' | b'\n' | b'\r')) {
        return update_from_text(checked_text(bytes, DATAGRAM_BYTES_MAX)?, 0, texts);
    }
    let repairs = msgpack::to_json(bytes, json)?;
    update_from_text(checked_text(json, usize::MAX)?, repairs, texts)
}

/// What comes to the query door.
#[derive(Debug)]
pub enum Question<'a> {
    /// A question.
    Ask(Ask),
    /// An update, to be acknowledged.
    Update(Update<'a>),
    /// What is meant as an update, and why it is none.
    Refused(RefusedUpdate<'a>),
}

/// An update that cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusedUpdate<'a> {
    /// Why.
    pub why: Rejected,
    /// Which it is, where that can be read.
    pub numbered: Option<Numbered<'a>>,
}

/// Decodes what comes to the query door.
///
/// # Errors
/// Where it is no question, and not meant as an update either.
pub fn decode_question<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Question<'a>, QueryError> {
    // Two levels of things are around the data in no update; one that nests too deep is still to be told so.
    let read = |text| Fields::read(&mut Scanner::new(text, DEPTH_MAX + 2)).ok();
    let fields = std::str::from_utf8(bytes).ok().and_then(read);
    match fields.filter(|fields| fields.kind().is_ok_and(|kind| kind == "thing_update")) {
        None => Ask::decode(bytes).map(Question::Ask),
        Some(fields) => Ok(match decode_update(bytes, scratch) {
            Ok(update) => Question::Update(update),
            Err(why) => Question::Refused(RefusedUpdate { why, numbered: fields.numbered() }),
        }),
    }
}

/// Whether a datagram that was refused asked to be told, and which update it is, as far as that can be read.
#[must_use]
pub fn refused_datagram<'a>(
    bytes: &'a [u8],
    why: Rejected,
    scratch: &'a mut Scratch,
) -> Option<RefusedUpdate<'a>> {
    let bytes = match bytes.first() {
        Some(b'{') => bytes,
        _ => msgpack::to_json(bytes, &mut scratch.json).ok().map(|_| scratch.json.as_slice())?,
    };
    let text = std::str::from_utf8(bytes).ok()?;
    let fields = Fields::read(&mut Scanner::new(text, DEPTH_MAX + 2)).ok()?;
    fields.get(Key::Ack).filter(|ack| ack.text != "null")?;
    Some(RefusedUpdate { why, numbered: fields.numbered() })
}

/// Decodes what a broker sends to its clients. Unknown types are [`Message::Other`].
///
/// # Errors
/// Where the message is broken, or is an update or a snapshot with something missing.
pub fn decode_message<'a>(bytes: &'a [u8], scratch: &'a mut Scratch) -> Result<Message<'a>, Rejected> {
    let text = checked_text(bytes, SNAPSHOT_BYTES_MAX)?;
    let Scratch { ns, data, documentation_url, .. } = scratch;
    // A snapshot holds the data of things two levels down.
    let mut scanner = Scanner::new(text, DEPTH_MAX + 2);
    let fields = Fields::read(&mut scanner)?;
    scanner.end()?;
    match fields.kind()?.as_ref() {
        "thing_update" => fields.update(0, Texts { ns, data, documentation_url }).map(Message::Update),
        "thing_snapshot" => {
            let things = fields.get(Key::Data).ok_or(Rejected::DataMissing)?;
            if !things.text.starts_with('{') {
                return Err(Rejected::Shape);
            }
            let (things, _) = mended(things, data);
            Ok(Message::Snapshot(Snapshot {
                ts: fields.ts()?,
                epoch: fields.plain(Key::Epoch),
                seq: fields.number(Key::Seq),
                since: fields.number(Key::Since),
                count: fields.number(Key::Count),
                next: fields.plain(Key::Next),
                things,
                forgotten: fields.get(Key::Forgotten).map(|forgotten| forgotten.text),
            }))
        }
        "thing_forgotten" => Ok(Message::Forgotten(Forgotten {
            ns: kept(fields.ns()?, ns),
            ts: fields.ts()?.ok_or(Rejected::Ts)?,
            seq: fields.number(Key::Seq).ok_or(Rejected::Shape)?,
            merged: fields.number(Key::Merged),
        })),
        "thing_freshness" => {
            let (ts, seq) = (fields.ts()?, fields.number(Key::Seq));
            freshness::read_change(text, kept(fields.ns()?, ns), ts, seq).map(Message::Freshness)
        }
        "thing_mark" => Ok(Message::Mark(Mark {
            mark: fields.plain(Key::Mark).ok_or(Rejected::Shape)?,
            epoch: fields.plain(Key::Epoch).ok_or(Rejected::Shape)?,
            seq: fields.number(Key::Seq).ok_or(Rejected::Shape)?,
        })),
        _ => Ok(Message::Other),
    }
}

/// `data` without the space around it, where it is one JSON value that needs no mending.
pub(super) fn checked_data(data: &str) -> Result<&str, Rejected> {
    let mut scanner = Scanner::new(data, DEPTH_MAX);
    let value = scanner.value()?;
    scanner.end()?;
    if value.needs_mending { Err(Rejected::NotJson) } else { Ok(value.text) }
}

/// `url`, where it is one: the empty text is none.
pub(super) fn checked_documentation_url(url: &str) -> Result<Option<&str>, Rejected> {
    match url.len() {
        0 => Ok(None),
        1..=DOCUMENTATION_URL_BYTES_MAX => Ok(Some(url)),
        _ => Err(Rejected::DocumentationUrl),
    }
}

/// The things of a snapshot's `data`, one after the other: each an object with its own `ns`.
pub(super) struct ThingsScanner<'a> {
    /// What was not told yet. It was checked and mended when the message came.
    pub(super) rest: &'a str,
}

impl<'a> ThingsScanner<'a> {
    /// The next thing's fields; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Result<ThingFields<'a>, Rejected>> {
        let mut scanner = Scanner::new(self.rest, DEPTH_MAX);
        if !(scanner.take(b'{') || scanner.take(b',')) || scanner.peek() == Some(b'}') {
            return None;
        }
        scanner.key().ok()?;
        let thing = scanner.rest();
        let fields = Fields::read(&mut scanner);
        self.rest = scanner.rest();
        let text = thing.get(..thing.len() - self.rest.len()).unwrap_or_default();
        Some(fields.map(|fields| ThingFields { fields, text }))
    }
}

/// One thing of a snapshot.
pub(super) struct ThingFields<'a> {
    fields: Fields<'a>,
    /// All of it.
    text: &'a str,
}

impl<'a> ThingFields<'a> {
    pub(super) fn ns(&self) -> Result<Cow<'a, str>, Rejected> {
        self.fields.ns()
    }

    pub(super) fn ts(&self) -> Result<Option<Timestamp>, Rejected> {
        self.fields.ts()
    }

    pub(super) fn received(&self) -> Option<Timestamp> {
        Timestamp::from_seconds(self.fields.get(Key::Received)?.text.parse().ok()?)
    }

    pub(super) fn data(&self) -> Result<&'a str, Rejected> {
        self.fields.get(Key::Data).map(|data| data.text).ok_or(Rejected::DataMissing)
    }

    pub(super) fn documentation_url(&self) -> Result<Option<Cow<'a, str>>, Rejected> {
        self.fields.documentation_url()
    }

    pub(super) fn seq(&self) -> Option<u64> {
        self.fields.number(Key::Seq)
    }

    pub(super) fn expected(&self) -> Option<Expected> {
        self.fields.get(Key::Freshness)?;
        freshness::read_expected(self.text)
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

fn update_from_text<'a>(text: &'a str, repairs: u32, texts: Texts<'a>) -> Result<Update<'a>, Rejected> {
    if repairs == 0
        && let Some(update) = canonical::read(text)
    {
        return Ok(update);
    }
    let mut scanner = Scanner::new(text, DEPTH_MAX);
    let fields = if scanner.peek() == Some(b'[') {
        Fields::read_list(&mut scanner)?
    } else {
        let fields = Fields::read(&mut scanner)?;
        if fields.kind()? != "thing_update" {
            return Err(Rejected::Type);
        }
        fields
    };
    scanner.end()?;
    fields.update(repairs, texts)
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
    Merged,
    Ttl,
    Ack,
    Sender,
    Number,
    Since,
    Forgotten,
    Freshness,
}

impl Key {
    const COUNT: usize = 19;

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
            "merged" => Self::Merged,
            "ttl" => Self::Ttl,
            "ack" => Self::Ack,
            "sender" => Self::Sender,
            "number" => Self::Number,
            "since" => Self::Since,
            "forgotten" => Self::Forgotten,
            "freshness" => Self::Freshness,
            _ => return None,
        })
    }
}

/// The value of each known key.
#[derive(Default)]
struct Fields<'a> {
    values: [Option<Value<'a>>; Key::COUNT],
}

impl<'a> Fields<'a> {
    /// Takes an object.
    fn read(scanner: &mut Scanner<'a, '_>) -> Result<Self, Rejected> {
        let mut fields = Self::default();
        if !scanner.take(b'{') {
            scanner.value()?;
            return Err(Rejected::Shape);
        }
        if scanner.take(b'}') {
            return Ok(fields);
        }
        loop {
            let key = scanner.key()?;
            let value = scanner.value()?;
            let known = Key::named(key);
            let escaped = || key.contains('\\').then(|| unescape(key)).flatten();
            if let Some(known) = known.or_else(|| escaped().and_then(|key| Key::named(&key))) {
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
    fn read_list(scanner: &mut Scanner<'a, '_>) -> Result<Self, Rejected> {
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

    fn put(&mut self, key: Key, value: Value<'a>) {
        if let Some(place) = self.values.get_mut(key as usize) {
            *place = Some(value);
        }
    }

    fn get(&self, key: Key) -> Option<Value<'a>> {
        self.values.get(key as usize).copied().flatten()
    }

    fn update(&self, repairs: u32, texts: Texts<'a>) -> Result<Update<'a>, Rejected> {
        let ns = kept(self.ns()?, texts.ns);
        let ts = self.ts()?;
        let data = self.get(Key::Data).ok_or(Rejected::DataMissing)?;
        if usize::from(data.depth) > DEPTH_MAX {
            return Err(Rejected::TooDeep);
        }
        let documentation_url = self.documentation_url()?.map(|url| kept(url, texts.documentation_url));
        let ts_repairs = self.get(Key::Ts).is_some_and(|ts| ts.needs_mending);
        let (data, data_repairs) = mended(data, texts.data);
        let (seq, merged) = (self.number(Key::Seq), self.number(Key::Merged));
        let (ttl, ack) = (self.ttl()?, self.ack()?);
        let repairs = repairs + data_repairs + u32::from(ts_repairs);
        Ok(Update { ns, ts, data, documentation_url, seq, merged, ttl, ack, repairs, verbatim: None })
    }

    fn ttl(&self) -> Result<Option<Duration>, Rejected> {
        let Some(ttl) = self.get(Key::Ttl).filter(|ttl| ttl.text != "null") else { return Ok(None) };
        let seconds: f64 = ttl.text.parse().map_err(|_| Rejected::Ttl)?;
        let in_range = seconds > 0.0 && seconds <= TTL_S_MAX as f64;
        let ttl = Duration::try_from_secs_f64(seconds).ok().filter(|_| in_range);
        ttl.map(Some).ok_or(Rejected::Ttl)
    }

    /// What the sender wants to be told. Without `ack` its other keys mean nothing.
    fn ack(&self) -> Result<Option<AckWanted<'a>>, Rejected> {
        let Some(ack) = self.get(Key::Ack).filter(|ack| ack.text != "null") else { return Ok(None) };
        let level = inner(ack).and_then(AckLevel::named).ok_or(Rejected::Ack)?;
        let is_numbered = self.get(Key::Sender).is_some() || self.get(Key::Number).is_some();
        let numbered = self.numbered();
        if is_numbered && numbered.is_none() {
            return Err(Rejected::Ack);
        }
        Ok(Some(AckWanted { level, numbered }))
    }

    fn numbered(&self) -> Option<Numbered<'a>> {
        Numbered::new(self.plain(Key::Sender)?, self.number(Key::Number)?)
    }

    fn kind(&self) -> Result<Cow<'a, str>, Rejected> {
        self.get(Key::Type).and_then(string).ok_or(Rejected::Type)
    }

    fn ns(&self) -> Result<Cow<'a, str>, Rejected> {
        let ns = self.get(Key::Ns).ok_or(Rejected::NsMissing)?;
        string(ns).filter(|ns| is_valid(ns)).ok_or(Rejected::Ns)
    }

    /// A number of seconds, or `None` for null, a missing `ts` and what is not finite.
    fn ts(&self) -> Result<Option<Timestamp>, Rejected> {
        match self.get(Key::Ts).map_or("null", |ts| ts.text) {
            "null" | "NaN" | "Infinity" | "-Infinity" => Ok(None),
            number => Ok(Timestamp::from_seconds(number.parse().map_err(|_| Rejected::Ts)?)),
        }
    }

    fn documentation_url(&self) -> Result<Option<Cow<'a, str>>, Rejected> {
        let Some(url) = self.get(Key::DocumentationUrl).filter(|url| url.text != "null") else {
            return Ok(None);
        };
        let url = string(url).ok_or(Rejected::DocumentationUrl)?;
        Ok(checked_documentation_url(&url)?.is_some().then_some(url))
    }

    fn number(&self, key: Key) -> Option<u64> {
        self.get(key)?.text.parse().ok()
    }

    /// A string that has no escapes, as those have that brokers write: `None` for everything else.
    fn plain(&self, key: Key) -> Option<&'a str> {
        inner(self.get(key).filter(|value| !value.has_escapes)?)
    }
}

/// What stands between a string's quotes.
fn inner(value: Value<'_>) -> Option<&str> {
    value.text.strip_prefix('"')?.strip_suffix('"')
}

/// The text of a string. Where half a surrogate pair stands in it, it is no text.
pub(super) fn string(value: Value<'_>) -> Option<Cow<'_, str>> {
    let inner = inner(value)?;
    if value.has_escapes { unescape(inner).map(Cow::Owned) } else { Some(Cow::Borrowed(inner)) }
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

/// The value's text with what must be mended in it mended, and how many places that were.
fn mended<'a>(value: Value<'a>, place: &'a mut String) -> (&'a str, u32) {
    if value.needs_mending {
        let repairs = mend(value.text, place);
        (place, repairs)
    } else {
        (value.text, 0)
    }
}
