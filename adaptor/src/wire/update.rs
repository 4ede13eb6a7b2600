//! An update: one thing has a new value.

use std::time::Duration;

use super::freshness::FreshnessChange;
use super::json::{checked_data, checked_documentation_url};
use super::namespace::{Namespace, is_valid};
use super::snapshot::{Forgotten, Mark, Snapshot};
use super::text::{push_float, push_integer, push_json_string};
use super::{AckWanted, Rejected, Timestamp};

/// One thing has a new value. Borrows what it was decoded from.
///
/// What an `Update` holds is always good: `ns` keeps the rule, `data` is valid JSON on one line.
#[derive(Clone, Copy, Debug)]
pub struct Update<'a> {
    pub(super) ns: &'a str,
    pub(super) ts: Option<Timestamp>,
    pub(super) data: &'a str,
    pub(super) documentation_url: Option<&'a str>,
    pub(super) seq: Option<u64>,
    pub(super) merged: Option<u64>,
    pub(super) ttl: Option<Duration>,
    pub(super) ack: Option<AckWanted<'a>>,
    pub(super) repairs: u32,
    /// Where it came in canonical form: all of it but the last brace, to be passed on as it is.
    pub(super) verbatim: Option<&'a str>,
}

/// Two updates are the same where they say the same, however they were written.
impl PartialEq for Update<'_> {
    fn eq(&self, other: &Self) -> bool {
        let Self { ns, ts, data, documentation_url, seq, merged, ttl, ack, repairs, verbatim: _ } = self;
        (*ns, *data, *documentation_url) == (other.ns, other.data, other.documentation_url)
            && (*ts, *seq, *merged, *repairs) == (other.ts, other.seq, other.merged, other.repairs)
            && (*ttl, *ack) == (other.ttl, other.ack)
    }
}

/// What a client gets from a broker.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// One thing has a new value.
    Update(Update<'a>),
    /// The values of many things.
    Snapshot(Snapshot<'a>),
    /// A thing was forgotten.
    Forgotten(Forgotten<'a>),
    /// A thing is late, silent or fresh again.
    Freshness(FreshnessChange<'a>),
    /// The answer to a mark: every subscription made before it is active.
    Mark(Mark<'a>),
    /// A type that this version does not know; to be ignored.
    Other,
}

impl<'a> Update<'a> {
    /// An update of `ns` to `data`, a JSON text that is checked here.
    ///
    /// # Errors
    /// Where `data` is not JSON on one line, nests too deep, or `documentation_url` is too long.
    pub fn new(
        ns: &'a Namespace,
        ts: Option<Timestamp>,
        data: &'a str,
        documentation_url: Option<&'a str>,
    ) -> Result<Self, Rejected> {
        let data = checked_data(data)?;
        let documentation_url = documentation_url.map(checked_documentation_url).transpose()?.flatten();
        Ok(Self {
            ns: ns.as_str(),
            ts,
            data,
            documentation_url,
            seq: None,
            merged: None,
            ttl: None,
            ack: None,
            repairs: 0,
            verbatim: None,
        })
    }

    /// Puts together what was checked before, such as what a directory holds.
    #[must_use]
    pub fn from_checked(
        ns: &'a str,
        ts: Option<Timestamp>,
        data: &'a str,
        documentation_url: Option<&'a str>,
        seq: Option<u64>,
    ) -> Self {
        debug_assert!(is_valid(ns));
        let (merged, ttl, ack, verbatim) = (None, None, None, None);
        Self { ns, ts, data, documentation_url, seq, merged, ttl, ack, repairs: 0, verbatim }
    }

    /// The thing's namespace, which keeps the rule.
    #[must_use]
    pub fn ns(&self) -> &'a str {
        self.ns
    }

    /// What the sender says when it was; `None` leaves it to the broker.
    #[must_use]
    pub fn ts(&self) -> Option<Timestamp> {
        self.ts
    }

    /// The value: JSON text, as the sender wrote it where that can be.
    #[must_use]
    pub fn data(&self) -> &'a str {
        self.data
    }

    /// Where `data` is explained; never the empty text.
    #[must_use]
    pub fn documentation_url(&self) -> Option<&'a str> {
        self.documentation_url
    }

    /// The broker's number of this update. `None` on the way to the broker, and from a 0.2.1 broker.
    #[must_use]
    pub fn seq(&self) -> Option<u64> {
        self.seq
    }

    /// Told late, to a client that was too slow for the stream: how many updates the client was not sent since its
    /// last message because newer ones of the same things stand for them. `None` in the stream itself.
    #[must_use]
    pub fn merged(&self) -> Option<u64> {
        self.merged
    }

    /// After how long without a newer update the thing is to be forgotten.
    #[must_use]
    pub fn ttl(&self) -> Option<Duration> {
        self.ttl
    }

    /// What its sender wants to be told.
    #[must_use]
    pub fn ack(&self) -> Option<AckWanted<'a>> {
        self.ack
    }

    /// The same update, to be forgotten where no newer one comes for so long.
    #[must_use]
    pub fn with_ttl(self, ttl: Option<Duration>) -> Self {
        Self { ttl, verbatim: None, ..self }
    }

    /// The same update, to be acknowledged.
    #[must_use]
    pub fn with_ack(self, ack: Option<AckWanted<'a>>) -> Self {
        Self { ack, verbatim: None, ..self }
    }

    /// How many places in the message had to be mended: NaN and infinities made null, half characters.
    #[must_use]
    pub fn repairs(&self) -> u32 {
        self.repairs
    }

    /// The same update with the broker's stamp on it, without what is between its sender and the broker.
    #[must_use]
    pub fn stamped(self, ts: Timestamp, seq: u64) -> Self {
        Self { ts: Some(self.ts.unwrap_or(ts)), seq: Some(seq), ttl: None, ack: None, ..self }
    }

    /// The same update, told late.
    #[must_use]
    pub fn told_late(self, merged: u64) -> Self {
        Self { merged: Some(merged), ..self }
    }

    /// Appends the update in canonical order: `ns`, `type`, `ts`, `data`, `documentation_url`, `seq`, `merged`; and what
    /// only the broker is told, `ttl`, `ack`, `sender`, `number`.
    /// The order is part of the wire, since clients subscribe to its first bytes.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        match self.verbatim {
            Some(verbatim) => out.extend_from_slice(verbatim.as_bytes()),
            None => {
                out.extend_from_slice(br#"{"ns":""#);
                out.extend_from_slice(self.ns.as_bytes());
                out.extend_from_slice(br#"","type":"thing_update","#);
                self.push_value_fields(out);
            }
        }
        if let Some(seq) = self.seq {
            out.extend_from_slice(br#","seq":"#);
            push_integer(out, seq);
        }
        if let Some(merged) = self.merged {
            out.extend_from_slice(br#","merged":"#);
            push_integer(out, merged);
        }
        if let Some(ttl) = self.ttl {
            out.extend_from_slice(br#","ttl":"#);
            push_float(out, ttl.as_secs_f64());
        }
        if let Some(ack) = self.ack {
            out.push(b',');
            ack.push_fields(out);
        }
        out.push(b'}');
    }

    /// Appends `"ts":…,"data":…,"documentation_url":…`, which updates and snapshots have in common.
    pub(super) fn push_value_fields(&self, out: &mut Vec<u8>) {
        match self.ts {
            Some(ts) => {
                out.extend_from_slice(br#""ts":"#);
                push_float(out, ts.seconds());
                out.extend_from_slice(br#","data":"#);
            }
            None => out.extend_from_slice(br#""ts":null,"data":"#),
        }
        out.extend_from_slice(self.data.as_bytes());
        out.extend_from_slice(br#","documentation_url":"#);
        match self.documentation_url {
            Some(url) => push_json_string(out, url),
            None => out.extend_from_slice(b"null"),
        }
    }

    /// The update in canonical order, as a new vector.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + self.ns.len() + 128);
        self.push_json(&mut out);
        out
    }
}
