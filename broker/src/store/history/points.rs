//! Points on their way to the history: a thing's name and what it said, packed one behind the other, so that putting one
//! there costs the broker's thread a copy and nothing else.

use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::Value;

use super::bytes::Reader;

/// Points on their way. Its memory serves one batch after the other.
#[derive(Debug, Default)]
pub(crate) struct Points {
    bytes: Vec<u8>,
    count: usize,
}

/// What one thing said once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point<'a> {
    pub(crate) ns: &'a str,
    /// JSON text.
    pub(crate) data: &'a str,
    pub(crate) received: Timestamp,
    pub(crate) ts: Timestamp,
    pub(crate) seq: u64,
}

impl<'a> Point<'a> {
    /// What was said.
    pub(crate) fn value(&self) -> Value<'a> {
        let Self { data, received, ts, seq, .. } = *self;
        Value { data, ts, received, seq, documentation_url: None }
    }
}

impl Points {
    /// Takes one. A name or a text that is longer than 4 GiB is not taken; the wire's limits are far below.
    pub(crate) fn push(&mut self, ns: &str, value: &Value<'_>) {
        let (Ok(ns_length), Ok(data_length)) = (u32::try_from(ns.len()), u32::try_from(value.data.len()))
        else {
            return;
        };
        self.bytes.extend_from_slice(&ns_length.to_le_bytes());
        self.bytes.extend_from_slice(&data_length.to_le_bytes());
        self.bytes.extend_from_slice(&value.received.seconds().to_le_bytes());
        self.bytes.extend_from_slice(&value.ts.seconds().to_le_bytes());
        self.bytes.extend_from_slice(&value.seq.to_le_bytes());
        self.bytes.extend_from_slice(ns.as_bytes());
        self.bytes.extend_from_slice(value.data.as_bytes());
        self.count += 1;
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.count = 0;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How much memory they take.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// In the order in which they were pushed.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Point<'_>> {
        let mut reader = Reader(&self.bytes);
        std::iter::from_fn(move || {
            let (ns, data) = (reader.u32()? as usize, reader.u32()? as usize);
            let received = Timestamp::from_seconds(reader.f64()?)?;
            let ts = Timestamp::from_seconds(reader.f64()?)?;
            let seq = reader.u64()?;
            let ns = std::str::from_utf8(reader.take(ns)?).ok()?;
            let data = std::str::from_utf8(reader.take(data)?).ok()?;
            Some(Point { ns, data, received, ts, seq })
        })
    }
}
