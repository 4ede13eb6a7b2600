//! msgpack datagrams: read as the JSON that says the same, and written.
//!
//! What JSON has no word for is said by rule: `bin` is base64 text (text where a namespace, a URL or a key is
//! wanted), a timestamp is its number of seconds, any other extension is `{"ext":TYPE,"base64":"…"}`, NaN and the
//! infinities are null, and map keys that are numbers, booleans or nil are their JSON text.
//! <https://github.com/msgpack/msgpack/blob/master/spec.md>

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmp::Marker;
use serde::Serialize;

use super::limits::DEPTH_MAX;
use super::text::{push, push_float, push_json_string};
use super::{AckWanted, Namespace, Rejected, Timestamp};

/// Rewrites the first msgpack value in `bytes` as JSON into `out`; how many places had to be mended. What comes
/// after the value is ignored as 0.2.1 does (sensors send buffers of fixed size), and counted as one repair.
pub(super) fn to_json(bytes: &[u8], out: &mut Vec<u8>) -> Result<u32, Rejected> {
    out.clear();
    let mut reader = Reader { rest: bytes, out, repairs: 0 };
    reader.message()?;
    Ok(reader.repairs + u32::from(!reader.rest.is_empty()))
}

/// Encodes an update as 0.2.1's short form, the list `[ns, ts, data, documentation_url]`.
///
/// # Errors
/// What `data`'s own `Serialize` says.
pub fn encode_list<T: Serialize + ?Sized>(
    ns: &Namespace,
    ts: Option<Timestamp>,
    data: &T,
    documentation_url: Option<&str>,
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    encode(&(ns.as_str(), ts.map(Timestamp::seconds), data, documentation_url))
}

/// Encodes an update as the map of type `thing_update`.
///
/// # Errors
/// What `data`'s own `Serialize` says.
pub fn encode_map<T: Serialize + ?Sized>(
    ns: &Namespace,
    ts: Option<Timestamp>,
    data: &T,
    documentation_url: Option<&str>,
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    encode_asking(ns, ts, data, documentation_url, Asks::default())
}

/// Encodes an update as the map of type `thing_update`, with what it asks of the broker.
///
/// # Errors
/// What `data`'s own `Serialize` says.
pub fn encode_asking<T: Serialize + ?Sized>(
    ns: &Namespace,
    ts: Option<Timestamp>,
    data: &T,
    documentation_url: Option<&str>,
    asks: Asks<'_>,
) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    #[derive(Serialize)]
    struct Map<'a, T: ?Sized> {
        r#type: &'static str,
        ns: &'a str,
        ts: Option<f64>,
        documentation_url: Option<&'a str>,
        data: &'a T,
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ack: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        sender: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        number: Option<u64>,
    }
    let numbered = asks.ack.and_then(|ack| ack.numbered);
    encode(&Map {
        r#type: "thing_update",
        ns: ns.as_str(),
        ts: ts.map(Timestamp::seconds),
        documentation_url,
        data,
        ttl: asks.ttl.map(|ttl| ttl.as_secs_f64()),
        ack: asks.ack.map(|ack| ack.level.name()),
        sender: numbered.map(|numbered| numbered.sender()),
        number: numbered.map(|numbered| numbered.number()),
    })
}

/// What an update asks of the broker besides being taken.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Asks<'a> {
    /// To be forgotten after so long without a newer one.
    pub ttl: Option<Duration>,
    /// To be acknowledged.
    pub ack: Option<AckWanted<'a>>,
}

fn encode<T: Serialize>(message: &T) -> Result<Vec<u8>, rmp_serde::encode::Error> {
    let mut out = Vec::with_capacity(256);
    message.serialize(&mut rmp_serde::Serializer::new(&mut out).with_struct_map())?;
    Ok(out)
}

/// What `bin` means at a place.
#[derive(Clone, Copy, PartialEq)]
enum Bin {
    Base64,
    Text,
}

struct Reader<'b, 'o> {
    rest: &'b [u8],
    out: &'o mut Vec<u8>,
    repairs: u32,
}

impl<'b> Reader<'b, '_> {
    /// The message around the data: there `bin` is text, since old packers write all text so.
    fn message(&mut self) -> Result<(), Rejected> {
        match self.marker()? {
            Marker::FixMap(len) => self.message_map(u32::from(len)),
            Marker::Map16 => self.u16().and_then(|len| self.message_map(u32::from(len))),
            Marker::Map32 => self.u32().and_then(|len| self.message_map(len)),
            Marker::FixArray(len) => self.message_list(u32::from(len)),
            Marker::Array16 => self.u16().and_then(|len| self.message_list(u32::from(len))),
            Marker::Array32 => self.u32().and_then(|len| self.message_list(len)),
            Marker::Reserved => Err(Rejected::NotMsgpack),
            _ => Err(Rejected::Shape),
        }
    }

    fn message_map(&mut self, len: u32) -> Result<(), Rejected> {
        self.out.push(b'{');
        for index in 0..len {
            self.comma(index);
            let start = self.out.len();
            self.key()?;
            let bin = match self.out.get(start..) {
                Some(b"\"ns\"" | b"\"type\"" | b"\"documentation_url\"" | b"\"ack\"" | b"\"sender\"") => {
                    Bin::Text
                }
                _ => Bin::Base64,
            };
            self.out.push(b':');
            self.value(1, bin)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    fn message_list(&mut self, len: u32) -> Result<(), Rejected> {
        if len != 4 {
            return Err(Rejected::Shape);
        }
        // As the map that it stands for, in canonical order: most are passed on as they stand here.
        let before =
            [r#"{"ns":"#, r#","type":"thing_update","ts":"#, r#","data":"#, r#","documentation_url":"#];
        for (index, before) in before.into_iter().enumerate() {
            self.out.extend_from_slice(before.as_bytes());
            self.value(1, if index == 2 { Bin::Base64 } else { Bin::Text })?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// One value. `depth` is how many maps and lists are around it, the message's own among them.
    fn value(&mut self, depth: usize, bin: Bin) -> Result<(), Rejected> {
        match self.marker()? {
            Marker::Null => self.out.extend_from_slice(b"null"),
            Marker::True => self.out.extend_from_slice(b"true"),
            Marker::False => self.out.extend_from_slice(b"false"),
            Marker::FixPos(number) => push(self.out, format_args!("{number}")),
            Marker::FixNeg(number) => push(self.out, format_args!("{number}")),
            Marker::U8 => self.number(|[byte]: [u8; 1]| byte)?,
            Marker::U16 => self.number(u16::from_be_bytes)?,
            Marker::U32 => self.number(u32::from_be_bytes)?,
            Marker::U64 => self.number(u64::from_be_bytes)?,
            Marker::I8 => self.number(i8::from_be_bytes)?,
            Marker::I16 => self.number(i16::from_be_bytes)?,
            Marker::I32 => self.number(i32::from_be_bytes)?,
            Marker::I64 => self.number(i64::from_be_bytes)?,
            Marker::F32 => {
                let number = f32::from_be_bytes(self.array()?);
                self.float(number.is_finite(), number);
            }
            Marker::F64 => {
                let number = f64::from_be_bytes(self.array()?);
                self.float(number.is_finite(), number);
            }
            Marker::FixStr(len) => self.string(usize::from(len))?,
            Marker::Str8 => self.u8().and_then(|len| self.string(usize::from(len)))?,
            Marker::Str16 => self.u16().and_then(|len| self.string(usize::from(len)))?,
            Marker::Str32 => self.u32().and_then(|len| self.string(len as usize))?,
            Marker::Bin8 => self.u8().and_then(|len| self.bin(usize::from(len), bin))?,
            Marker::Bin16 => self.u16().and_then(|len| self.bin(usize::from(len), bin))?,
            Marker::Bin32 => self.u32().and_then(|len| self.bin(len as usize, bin))?,
            Marker::FixArray(len) => self.list(u32::from(len), depth, bin)?,
            Marker::Array16 => self.u16().and_then(|len| self.list(u32::from(len), depth, bin))?,
            Marker::Array32 => self.u32().and_then(|len| self.list(len, depth, bin))?,
            Marker::FixMap(len) => self.map(u32::from(len), depth, bin)?,
            Marker::Map16 => self.u16().and_then(|len| self.map(u32::from(len), depth, bin))?,
            Marker::Map32 => self.u32().and_then(|len| self.map(len, depth, bin))?,
            Marker::FixExt1 => self.ext(1, depth)?,
            Marker::FixExt2 => self.ext(2, depth)?,
            Marker::FixExt4 => self.ext(4, depth)?,
            Marker::FixExt8 => self.ext(8, depth)?,
            Marker::FixExt16 => self.ext(16, depth)?,
            Marker::Ext8 => self.u8().and_then(|len| self.ext(usize::from(len), depth))?,
            Marker::Ext16 => self.u16().and_then(|len| self.ext(usize::from(len), depth))?,
            Marker::Ext32 => self.u32().and_then(|len| self.ext(len as usize, depth))?,
            Marker::Reserved => return Err(Rejected::NotMsgpack),
        }
        Ok(())
    }

    fn list(&mut self, len: u32, depth: usize, bin: Bin) -> Result<(), Rejected> {
        let depth = deeper(depth)?;
        self.out.push(b'[');
        for index in 0..len {
            self.comma(index);
            self.value(depth, bin)?;
        }
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, len: u32, depth: usize, bin: Bin) -> Result<(), Rejected> {
        let depth = deeper(depth)?;
        self.out.push(b'{');
        for index in 0..len {
            self.comma(index);
            self.key()?;
            self.out.push(b':');
            self.value(depth, bin)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// A map key, as JSON text in quotes.
    fn key(&mut self) -> Result<(), Rejected> {
        let start = self.out.len();
        self.value(usize::MAX, Bin::Text)?;
        if self.out.get(start) != Some(&b'"') {
            self.out.insert(start, b'"');
            self.out.push(b'"');
        }
        Ok(())
    }

    fn comma(&mut self, index: u32) {
        if index > 0 {
            self.out.push(b',');
        }
    }

    fn number<const N: usize, T: std::fmt::Display>(
        &mut self,
        from: impl Fn([u8; N]) -> T,
    ) -> Result<(), Rejected> {
        let number = from(self.array()?);
        push(self.out, format_args!("{number}"));
        Ok(())
    }

    fn float(&mut self, finite: bool, number: impl Serialize) {
        if finite {
            push_float(self.out, number);
        } else {
            self.repairs += 1;
            self.out.extend_from_slice(b"null");
        }
    }

    fn string(&mut self, len: usize) -> Result<(), Rejected> {
        let text = std::str::from_utf8(self.take(len)?).map_err(|_| Rejected::NotUtf8)?;
        push_json_string(self.out, text);
        Ok(())
    }

    fn bin(&mut self, len: usize, bin: Bin) -> Result<(), Rejected> {
        if bin == Bin::Text {
            return self.string(len);
        }
        let text = STANDARD.encode(self.take(len)?);
        push(self.out, format_args!("\"{text}\""));
        Ok(())
    }

    fn ext(&mut self, len: usize, depth: usize) -> Result<(), Rejected> {
        let [kind] = self.array::<1>()?.map(|byte| i8::from_be_bytes([byte]));
        let bytes = self.take(len)?;
        match if kind == -1 { timestamp(bytes) } else { None } {
            Some(seconds) => push_float(self.out, seconds),
            None => {
                deeper(depth)?;
                let text = STANDARD.encode(bytes);
                push(self.out, format_args!("{{\"ext\":{kind},\"base64\":\"{text}\"}}"));
            }
        }
        Ok(())
    }

    fn marker(&mut self) -> Result<Marker, Rejected> {
        self.u8().map(Marker::from_u8)
    }

    fn u8(&mut self) -> Result<u8, Rejected> {
        self.array().map(u8::from_be_bytes)
    }

    fn u16(&mut self) -> Result<u16, Rejected> {
        self.array().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, Rejected> {
        self.array().map(u32::from_be_bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Rejected> {
        let (head, rest) = self.rest.split_first_chunk().ok_or(Rejected::NotMsgpack)?;
        self.rest = rest;
        Ok(*head)
    }

    /// The next `len` bytes, where there are as many: a length is believed only when its bytes are there.
    fn take(&mut self, len: usize) -> Result<&'b [u8], Rejected> {
        let (head, rest) = self.rest.split_at_checked(len).ok_or(Rejected::NotMsgpack)?;
        self.rest = rest;
        Ok(head)
    }
}

/// One level down. A key is at no depth at all: what would nest in it is refused.
fn deeper(depth: usize) -> Result<usize, Rejected> {
    match depth {
        usize::MAX => Err(Rejected::Key),
        depth if depth > DEPTH_MAX => Err(Rejected::TooDeep),
        depth => Ok(depth + 1),
    }
}

/// The seconds of a timestamp extension in one of its three lengths.
fn timestamp(bytes: &[u8]) -> Option<f64> {
    let (seconds, nanoseconds) = match bytes.len() {
        4 => (f64::from(u32::from_be_bytes(bytes.try_into().ok()?)), 0),
        8 => {
            let both = u64::from_be_bytes(bytes.try_into().ok()?);
            ((both & 0x3_ffff_ffff) as f64, (both >> 34) as u32)
        }
        12 => {
            let (nanoseconds, seconds) = bytes.split_first_chunk::<4>()?;
            (i64::from_be_bytes(seconds.try_into().ok()?) as f64, u32::from_be_bytes(*nanoseconds))
        }
        _ => return None,
    };
    Some(seconds + f64::from(nanoseconds) / 1e9)
}
