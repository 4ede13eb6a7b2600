//! A snapshot's text: JSON Lines. The first line says what it is, then comes a line for each thing in the byte order of
//! their names, and the last says how many there are and the checksum of all bytes before it.

use std::borrow::Cow;
use std::io::{self, BufRead, Read, Write};
use std::time::Duration;

use crc32fast::Hasher;
use serde::Deserialize;
use serde_json::value::RawValue;
use thingsbus_adaptor::wire::limits::{MESSAGE_BYTES_MAX, TTL_S_MAX};
use thingsbus_adaptor::wire::{Namespace, Timestamp, Update, push_json_string};
use thingsbus_client::directory::{Scope, Value};

/// How files are written now.
const FORMAT: u64 = 1;

/// The longest line, in bytes: the longest value that the broker takes, with room for the longest name and URL.
const LINE_BYTES_MAX: usize = MESSAGE_BYTES_MAX + 64 * 1024;

/// The highest number of an update that is believed: that of a million updates a second for 285 years.
const SEQ_MAX: u64 = 1 << 53;

/// The longest name of a broker's life. Ours have some twenty bytes.
const EPOCH_BYTES_MAX: usize = 128;

/// How the last line begins.
const END: &[u8] = b"{\"things\":";

/// What the first line says.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct Header {
    pub(in crate::store) name: String,
    pub(in crate::store) saved: Timestamp,
    /// The snapshot has what was at and below this thing.
    pub(in crate::store) ns: Namespace,
    pub(in crate::store) epoch: String,
    /// Everything up to this update is in.
    pub(in crate::store) seq: u64,
}

/// One thing of a snapshot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thing {
    pub(crate) ns: Namespace,
    pub(crate) data: String,
    pub(crate) ts: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) seq: u64,
    pub(crate) documentation_url: Option<String>,
    pub(crate) ttl: Option<Duration>,
}

impl Thing {
    pub(in crate::store) fn value(&self) -> Value<'_> {
        let Self { data, ts, received, seq, documentation_url, .. } = self;
        Value {
            data,
            ts: *ts,
            received: *received,
            seq: *seq,
            documentation_url: documentation_url.as_deref(),
        }
    }
}

/// Why a text is not read.
#[derive(Debug, thiserror::Error)]
pub(in crate::store) enum Unread {
    /// The system says no.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// It is not as snapshots are.
    #[error("line {line}: {why}")]
    Wrong { line: u64, why: String },
    /// What the last line says is not so.
    #[error("line {line}: {why}")]
    Checksum { line: u64, why: String },
}

/// Writes a snapshot.
pub(in crate::store) struct Writer<W> {
    out: W,
    checksum: Hasher,
    line: Vec<u8>,
    things: u64,
    bytes: u64,
}

impl<W: Write> Writer<W> {
    pub(in crate::store) fn begin(out: W, header: &Header) -> io::Result<Self> {
        let mut writer = Self { out, checksum: Hasher::new(), line: Vec::new(), things: 0, bytes: 0 };
        let Header { name, saved, ns, epoch, seq } = header;
        let line = &mut writer.line;
        line.extend_from_slice(b"{\"snapshot\":");
        push_json_string(line, name);
        write!(line, ",\"format\":{FORMAT},\"saved\":{saved},\"ns\":\"{ns}\",\"epoch\":")?;
        push_json_string(line, epoch);
        write!(line, ",\"seq\":{seq}}}")?;
        writer.end_line()?;
        Ok(writer)
    }

    /// The next one, by name.
    pub(in crate::store) fn thing(
        &mut self,
        ns: &str,
        value: &Value<'_>,
        ttl: Option<Duration>,
    ) -> io::Result<()> {
        let Value { data, ts, received, seq, documentation_url } = value;
        let line = &mut self.line;
        write!(line, "{{\"ns\":\"{ns}\",\"ts\":{ts},\"data\":{data},\"documentation_url\":")?;
        match documentation_url {
            Some(url) => push_json_string(line, url),
            None => line.extend_from_slice(b"null"),
        }
        write!(line, ",\"received\":{received},\"seq\":{seq}")?;
        if let Some(ttl) = ttl {
            write!(line, ",\"ttl\":{:?}", ttl.as_secs_f64())?;
        }
        line.push(b'}');
        self.things += 1;
        self.end_line()
    }

    /// Gives what was written to, and how many things and bytes it has.
    pub(in crate::store) fn end(mut self) -> io::Result<(W, u64, u64)> {
        let last = last_line(self.things, &self.checksum);
        self.out.write_all(&last)?;
        Ok((self.out, self.things, self.bytes + last.len() as u64))
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.line.push(b'\n');
        self.checksum.update(&self.line);
        self.out.write_all(&self.line)?;
        self.bytes += self.line.len() as u64;
        self.line.clear();
        Ok(())
    }
}

/// The last line: how many things there are, and the checksum of what was written.
fn last_line(things: u64, checksum: &Hasher) -> Vec<u8> {
    format!("{{\"things\":{things},\"crc32\":\"{:08x}\"}}\n", checksum.clone().finalize()).into_bytes()
}

/// How strictly a text is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Strictness {
    /// As we wrote it, byte for byte.
    Ours,
    /// As somebody may have changed it by hand: in any order, and without the last line.
    Brought,
}

/// Reads a snapshot, line by line; nothing that it says is believed before it was looked at.
pub(in crate::store) struct Reader<R> {
    input: R,
    strictness: Strictness,
    checksum: Hasher,
    line: Vec<u8>,
    number: u64,
    things: u64,
    header: Header,
    last: Option<Namespace>,
    is_over: bool,
    /// Where the last thing's line begins, in bytes.
    pub(in crate::store) begin: u64,
    next: u64,
}

#[derive(Deserialize)]
struct HeaderLine<'a> {
    snapshot: Cow<'a, str>,
    format: u64,
    saved: f64,
    #[serde(default)]
    ns: Cow<'a, str>,
    #[serde(default)]
    epoch: Cow<'a, str>,
    #[serde(default)]
    seq: u64,
}

#[derive(Deserialize)]
struct ThingLine<'a> {
    ns: Cow<'a, str>,
    ts: Option<f64>,
    #[serde(borrow)]
    data: &'a RawValue,
    documentation_url: Option<Cow<'a, str>>,
    received: Option<f64>,
    seq: Option<u64>,
    ttl: Option<f64>,
}

impl<R: BufRead> Reader<R> {
    /// Reads the first line.
    pub(in crate::store) fn open(input: R, strictness: Strictness) -> Result<Self, Unread> {
        let header = Header {
            name: String::new(),
            saved: Timestamp::default(),
            ns: Namespace::root(),
            epoch: String::new(),
            seq: 0,
        };
        let mut reader = Self {
            input,
            strictness,
            checksum: Hasher::new(),
            line: Vec::new(),
            number: 0,
            things: 0,
            header,
            last: None,
            is_over: false,
            begin: 0,
            next: 0,
        };
        if !reader.read_line()? {
            return Err(reader.wrong("it is empty"));
        }
        reader.header = parse_header(&reader.line).map_err(|why| reader.wrong(why))?;
        Ok(reader)
    }

    pub(in crate::store) fn header(&self) -> &Header {
        &self.header
    }

    /// How many things were read.
    pub(in crate::store) fn things(&self) -> u64 {
        self.things
    }

    /// The next thing; `None` at the end, where the text is whole.
    pub(in crate::store) fn next(&mut self) -> Result<Option<Thing>, Unread> {
        if self.is_over {
            return Ok(None);
        }
        let checksum_before = self.checksum.clone();
        let is_there = loop {
            let is_there = self.read_line()?;
            // Somebody's editor may have left empty lines.
            if !is_there || self.strictness == Strictness::Ours || !self.line.trim_ascii().is_empty() {
                break is_there;
            }
        };
        if !is_there {
            self.is_over = true;
            return match self.strictness {
                Strictness::Ours => Err(self.wrong("the last line is missing: the file is cut off")),
                Strictness::Brought => Ok(None),
            };
        }
        if self.line.starts_with(END) {
            return self.end(&checksum_before).map(|()| None);
        }
        let thing = parse_thing(&self.line, &self.header).map_err(|why| self.wrong(why))?;
        let is_in_order = self.last.as_ref().is_none_or(|last| last < &thing.ns);
        if self.strictness == Strictness::Ours && !is_in_order {
            return Err(self.wrong(format_args!("{} does not belong here: things are in order", thing.ns)));
        }
        self.things += 1;
        self.last = Some(thing.ns.clone());
        Ok(Some(thing))
    }

    /// Looks at the last line, and that it is the last.
    fn end(&mut self, checksum: &Hasher) -> Result<(), Unread> {
        self.is_over = true;
        let wanted = last_line(self.things, checksum);
        let is_so = match self.strictness {
            Strictness::Ours => self.line == wanted,
            Strictness::Brought => self.line.trim_ascii_end() == wanted.trim_ascii_end(),
        };
        if !is_so {
            let line = self.number;
            let found =
                String::from_utf8_lossy(self.line.trim_ascii_end()).chars().take(60).collect::<String>();
            let wanted = String::from_utf8_lossy(wanted.trim_ascii_end()).into_owned();
            let why =
                format!("the count or the checksum does not fit what is above it: {found}, not {wanted}");
            return Err(Unread::Checksum { line, why });
        }
        while self.read_line()? {
            if self.strictness == Strictness::Ours || !self.line.trim_ascii().is_empty() {
                return Err(self.wrong("there is more after the last line"));
            }
        }
        Ok(())
    }

    /// Reads the next line, with its end; `false` where there is none.
    fn read_line(&mut self) -> Result<bool, Unread> {
        self.line.clear();
        self.number += 1;
        self.begin = self.next;
        let most = LINE_BYTES_MAX as u64 + 1;
        let read = self.input.by_ref().take(most).read_until(b'\n', &mut self.line)?;
        if read > LINE_BYTES_MAX {
            return Err(self.wrong(format_args!("it is longer than {LINE_BYTES_MAX} bytes")));
        }
        self.next += read as u64;
        self.checksum.update(&self.line);
        if self.strictness == Strictness::Ours && read > 0 && !self.line.ends_with(b"\n") {
            return Err(self.wrong("it is cut off"));
        }
        Ok(read > 0)
    }

    fn wrong(&self, why: impl std::fmt::Display) -> Unread {
        Unread::Wrong { line: self.number, why: why.to_string() }
    }
}

/// Reads the first line.
pub(in crate::store) fn parse_header(line: &[u8]) -> Result<Header, String> {
    const SHAPE: &str =
        r#"a snapshot begins with {"snapshot":"NAME","format":1,"saved":SECONDS,"ns":"","epoch":"","seq":0}"#;
    let line: HeaderLine<'_> = object(line).map_err(|why| format!("{why}; {SHAPE}"))?;
    let HeaderLine { snapshot, format, saved, ns, epoch, seq } = line;
    if format != FORMAT {
        return Err(format!("it is of format {format}, which this version does not know"));
    }
    if seq > SEQ_MAX || epoch.len() > EPOCH_BYTES_MAX {
        return Err(format!("no broker has such an epoch or seq; {SHAPE}"));
    }
    Ok(Header {
        name: snapshot.into_owned(),
        saved: moment(saved, "saved")?,
        ns: Namespace::parse(&ns).map_err(|error| error.to_string())?,
        epoch: epoch.into_owned(),
        seq,
    })
}

/// How many things the last line says there are.
pub(in crate::store) fn parse_end(line: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct EndLine {
        things: u64,
    }
    line.starts_with(END).then_some(())?;
    object(line).ok().map(|EndLine { things }| things)
}

/// Reads one thing, of a snapshot that begins with `header`.
pub(in crate::store) fn parse_thing(line: &[u8], header: &Header) -> Result<Thing, String> {
    let line: ThingLine<'_> = object(line)?;
    let ns = Namespace::parse(&line.ns).map_err(|error| error.to_string())?;
    if !(Scope { ns: header.ns.as_str(), tree: true }).holds(ns.as_str()) {
        return Err(format!(
            "{ns} is not below {}, which is all that the first line says is here",
            header.ns
        ));
    }
    let received = line.received.map_or(Ok(header.saved), |received| moment(received, "received"))?;
    let ts = line.ts.map_or(Ok(received), |ts| moment(ts, "ts"))?;
    // What was never numbered came before everything that was.
    let seq = line.seq.unwrap_or(1).max(1);
    if seq > SEQ_MAX {
        return Err(format!("no broker has counted to {seq}"));
    }
    let ttl = match line.ttl {
        None => None,
        Some(ttl) => {
            let is_one = |ttl: &Duration| !ttl.is_zero() && ttl.as_secs() <= TTL_S_MAX;
            let ttl = Duration::try_from_secs_f64(ttl).ok().filter(is_one);
            Some(ttl.ok_or("its ttl is no time up to ten years")?)
        }
    };
    let update = Update::new(&ns, Some(ts), line.data.get(), line.documentation_url.as_deref());
    let update = update.map_err(|why| why.to_string())?;
    let (data, documentation_url) = (update.data().to_owned(), update.documentation_url().map(str::to_owned));
    Ok(Thing { data, ts, received, seq, documentation_url, ttl, ns })
}

fn object<'a, T: Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    let text = std::str::from_utf8(line).map_err(|_| "it is not UTF-8".to_owned())?;
    // Serde would take a list for the object with its keys left out.
    if !text.trim_ascii_start().starts_with('{') {
        return Err("it is no JSON object".to_owned());
    }
    serde_json::from_str(text).map_err(|error| {
        let error = error.to_string();
        // Which line it is is told by who reads them.
        error.split(" at line ").next().unwrap_or(&error).to_owned()
    })
}

fn moment(seconds: f64, what: &str) -> Result<Timestamp, String> {
    Timestamp::from_seconds(seconds).ok_or_else(|| format!("its {what} is no moment"))
}
