//! Whether a thing still speaks as it used to: the word for it, what was expected of the thing, and the message that says
//! that the word is another one now.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use super::namespace::is_valid;
use super::text::{push, push_float, push_integer};
use super::{Rejected, Timestamp};

/// Whether a thing still speaks as it used to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Freshness {
    /// It spoke as was to be expected, or it is not known yet what is.
    #[default]
    Fresh,
    /// It should have spoken by now.
    Late,
    /// So long ago that most likely something is wrong.
    Silent,
}

impl Freshness {
    /// All of them, from good to bad.
    pub const ALL: [Self; 3] = [Self::Fresh, Self::Late, Self::Silent];

    /// As the wire has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Late => "late",
            Self::Silent => "silent",
        }
    }

    /// The word of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|word| word.name() == name)
    }
}

impl std::fmt::Display for Freshness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// How a thing speaks, as the broker learned it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rhythm {
    /// The time from one update to the next, weighted by itself: a burst every ten minutes is every ten minutes.
    pub interval: Duration,
    /// By how much that differs, give or take.
    pub deviation: Duration,
    /// Updates a second, bursts and all.
    pub rate: f64,
    /// So long after an update the thing is late.
    pub late_after: Duration,
}

/// What is told of a thing besides its value: the word, and what was expected of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Expected {
    /// The word.
    pub freshness: Freshness,
    /// `None` as long as it is being learned.
    pub rhythm: Option<Rhythm>,
}

/// A thing's word is another one now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FreshnessChange<'a> {
    /// The thing's namespace, which keeps the rule.
    pub ns: &'a str,
    /// When, by the broker's clock.
    pub ts: Timestamp,
    /// The word before.
    pub was: Freshness,
    /// The word, and what was expected.
    pub expected: Expected,
    /// The number of the thing's last update. It has no number of its own.
    pub seq: u64,
}

impl Expected {
    /// Appends `"freshness":…,"interval":…,"deviation":…,"rate":…,"late_after":…`.
    pub fn push_fields(&self, out: &mut Vec<u8>) {
        push(out, format_args!("\"freshness\":\"{}\"", self.freshness));
        let numbers = self.rhythm.map(|rhythm| {
            let Rhythm { interval, deviation, rate, late_after } = rhythm;
            [seconds(interval), seconds(deviation), rate, seconds(late_after)]
        });
        for (place, key) in ["interval", "deviation", "rate", "late_after"].into_iter().enumerate() {
            push(out, format_args!(",\"{key}\":"));
            match numbers.and_then(|numbers| numbers.get(place).copied()) {
                Some(number) => push_float(out, number),
                None => out.extend_from_slice(b"null"),
            }
        }
    }
}

impl FreshnessChange<'_> {
    /// Appends it as the broker sends it. It begins as the thing's updates do, so that who hears them hears it.
    pub fn push_json(&self, out: &mut Vec<u8>) {
        let Self { ns, ts, was, expected, seq } = self;
        push(out, format_args!(r#"{{"ns":"{ns}","type":"thing_freshness","ts":{ts},"#));
        expected.push_fields(out);
        push(out, format_args!(",\"was\":\"{was}\",\"seq\":"));
        push_integer(out, *seq);
        out.push(b'}');
    }
}

/// In the fewest digits: 2.506 s are 2.506, and not the sum of 2 and 0.506, which as doubles are a little more.
fn seconds(duration: Duration) -> f64 {
    const EXACT: u128 = 1 << f64::MANTISSA_DIGITS;
    match duration.as_nanos() {
        nanos @ ..EXACT => nanos as f64 / 1e9,
        _ => duration.as_secs_f64(),
    }
}

/// What is told of one thing's freshness, as it is read: in a page of the query door, or in a message.
#[derive(Debug, Deserialize)]
struct Shape<'a> {
    #[serde(borrow, default)]
    freshness: Option<Cow<'a, str>>,
    interval: Option<f64>,
    deviation: Option<f64>,
    rate: Option<f64>,
    late_after: Option<f64>,
}

impl Shape<'_> {
    /// `None` where there is no word in it, or one that this version does not know.
    fn expected(&self) -> Option<Expected> {
        let freshness = Freshness::named(self.freshness.as_deref()?)?;
        let duration = |seconds: Option<f64>| Duration::try_from_secs_f64(seconds?).ok();
        let rhythm = || {
            Some(Rhythm {
                interval: duration(self.interval)?,
                deviation: duration(self.deviation)?,
                rate: self.rate?,
                late_after: duration(self.late_after)?,
            })
        };
        Some(Expected { freshness, rhythm: rhythm() })
    }
}

/// Reads what is told of a thing's freshness off the object that tells it; `None` where it does not.
pub(super) fn read_expected(thing: &str) -> Option<Expected> {
    serde_json::from_str::<Shape<'_>>(thing).ok()?.expected()
}

/// Reads a message of which the rest is known.
pub(super) fn read_change<'a>(
    text: &str,
    ns: &'a str,
    ts: Option<Timestamp>,
    seq: Option<u64>,
) -> Result<FreshnessChange<'a>, Rejected> {
    #[derive(Deserialize)]
    struct Was<'a> {
        #[serde(borrow)]
        was: Cow<'a, str>,
    }
    debug_assert!(is_valid(ns));
    let was: Was<'_> = serde_json::from_str(text).map_err(|_| Rejected::Shape)?;
    Ok(FreshnessChange {
        ns,
        ts: ts.ok_or(Rejected::Ts)?,
        was: Freshness::named(&was.was).ok_or(Rejected::Shape)?,
        expected: read_expected(text).ok_or(Rejected::Shape)?,
        seq: seq.ok_or(Rejected::Shape)?,
    })
}
