//! A thing's last value as it lies on disk: a byte that says how to read the rest, `received`, `ts`, `seq` and `ttl` (in
//! seconds, 0 for none) in eight bytes each (little-endian; all but `seq` are doubles), what was learned of how it speaks
//! (five numbers in four bytes each, and how many gaps there were in one: 0 where nothing was), the length of the
//! documentation URL in two, the URL, and what is left is the value, as JSON text. The first version has no `ttl`, and the
//! second nothing that was learned.

use std::time::Duration;

use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::{Place, Record, Value};

use crate::hub::{Hub, Learned};

/// How rows are written now.
const VERSION: u8 = 3;

/// What is kept of a thing besides its last value.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Kept {
    pub(super) ttl: Option<Duration>,
    /// How it speaks; `None` where nothing was learned.
    pub(super) learned: Option<Learned>,
}

impl Kept {
    pub(super) fn of(hub: &Hub, place: Place) -> Self {
        Self { ttl: hub.ttls.of(place), learned: hub.freshness.learned(place) }
    }
}

/// Appends a thing's last value.
pub(super) fn push(record: &Record, kept: &Kept, out: &mut Vec<u8>) {
    let url = record.documentation_url().unwrap_or_default();
    out.push(VERSION);
    out.extend_from_slice(&record.received().seconds().to_le_bytes());
    out.extend_from_slice(&record.ts().seconds().to_le_bytes());
    out.extend_from_slice(&record.seq().to_le_bytes());
    out.extend_from_slice(&kept.ttl.unwrap_or_default().as_secs_f64().to_le_bytes());
    let Learned { mean, deviation, rate, longest, second, gaps } = kept.learned.unwrap_or_default();
    for number in [mean, deviation, rate, longest, second] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    out.push(gaps);
    // The wire's limit for URLs is far below.
    out.extend_from_slice(&u16::try_from(url.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(url.as_bytes());
    out.extend_from_slice(record.data().as_bytes());
}

/// Reads one; `None` where it is none.
pub(super) fn read(row: &[u8]) -> Option<(Value<'_>, Kept)> {
    let (&version, rest) = row.split_first()?;
    let (received, rest) = rest.split_first_chunk()?;
    let (ts, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    let (ttl, rest) = match version {
        1 => (Duration::ZERO, rest),
        2..=VERSION => {
            let (ttl, rest) = rest.split_first_chunk()?;
            (Duration::try_from_secs_f64(f64::from_le_bytes(*ttl)).ok()?, rest)
        }
        _ => return None,
    };
    let (learned, rest) = if version == VERSION { read_learned(rest)? } else { (Learned::default(), rest) };
    let (url_bytes, rest) = rest.split_first_chunk()?;
    let (url, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*url_bytes)))?;
    let url = std::str::from_utf8(url).ok()?;
    let value = Value {
        data: std::str::from_utf8(data).ok().filter(|data| !data.is_empty())?,
        ts: Timestamp::from_seconds(f64::from_le_bytes(*ts))?,
        received: Timestamp::from_seconds(f64::from_le_bytes(*received))?,
        seq: u64::from_le_bytes(*seq),
        documentation_url: (!url.is_empty()).then_some(url),
    };
    let ttl = Some(ttl).filter(|ttl| !ttl.is_zero());
    Some((value, Kept { ttl, learned: Some(learned).filter(|learned| learned.gaps > 0) }))
}

fn read_learned(row: &[u8]) -> Option<(Learned, &[u8])> {
    let (numbers, rest) = row.split_first_chunk::<20>()?;
    let (&gaps, rest) = rest.split_first()?;
    let (numbers, _) = numbers.as_chunks::<4>();
    let mut numbers = numbers.iter().map(|number| f32::from_le_bytes(*number));
    let mut next = || numbers.next();
    let learned =
        Learned { mean: next()?, deviation: next()?, rate: next()?, longest: next()?, second: next()?, gaps };
    Some((learned, rest))
}

#[cfg(test)]
mod tests {
    use thingsbus_client::directory::Directory;

    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        let at = |seconds| Timestamp::from_seconds(seconds).unwrap();
        for url in [None, Some("http://e.org/größe")] {
            let value = Value {
                data: r#"{"rpm":1200}"#,
                ts: at(-1.5),
                received: at(1423351104.945),
                seq: u64::MAX,
                documentation_url: url,
            };
            let mut directory = Directory::new();
            directory.put("shop.lathe", &value);
            let learned =
                Learned { mean: 30.0, deviation: 2.5, rate: 0.033, longest: 61.0, second: 31.5, gaps: 16 };
            let ttl = url.map(|_| Duration::from_millis(1500));
            let kept = Kept { ttl, learned: url.map(|_| learned) };
            let mut row = Vec::new();
            push(directory.get("shop.lathe").unwrap(), &kept, &mut row);
            let check = |row: &[u8], kept: Kept| {
                assert_eq!(format!("{:?}", read(row).unwrap()), format!("{:?}", (value, kept)));
            };
            check(&row, kept);
            check(&[&[2], &row[1..33], &row[54..]].concat(), Kept { ttl, learned: None });
            check(&[&[1], &row[1..25], &row[54..]].concat(), Kept::default());
            for length in 0..row.len() - value.data.len() + 1 {
                assert!(read(&row[..length]).is_none(), "{length}");
            }
            row[0] = VERSION + 1;
            assert!(read(&row).is_none());
        }
    }
}
