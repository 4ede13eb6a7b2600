//! A thing's last value as it lies on disk: a byte that says how to read the rest, `received`, `ts`, `seq` and `ttl` (in
//! seconds, 0 for none) in eight bytes each (little-endian; all but `seq` are doubles), the length of the documentation
//! URL in two, the URL, and what is left is the value, as JSON text. The first version has no `ttl`.

use std::time::Duration;

use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::{Record, Value};

/// How rows are written now.
const VERSION: u8 = 2;

/// Appends a thing's last value.
pub(super) fn push(record: &Record, ttl: Option<Duration>, out: &mut Vec<u8>) {
    let url = record.documentation_url().unwrap_or_default();
    out.push(VERSION);
    out.extend_from_slice(&record.received().seconds().to_le_bytes());
    out.extend_from_slice(&record.ts().seconds().to_le_bytes());
    out.extend_from_slice(&record.seq().to_le_bytes());
    out.extend_from_slice(&ttl.unwrap_or_default().as_secs_f64().to_le_bytes());
    // The wire's limit for URLs is far below.
    out.extend_from_slice(&u16::try_from(url.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(url.as_bytes());
    out.extend_from_slice(record.data().as_bytes());
}

/// Reads one; `None` where it is none.
pub(super) fn read(row: &[u8]) -> Option<(Value<'_>, Option<Duration>)> {
    let (&version, rest) = row.split_first()?;
    let (received, rest) = rest.split_first_chunk()?;
    let (ts, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    let (ttl, rest) = match version {
        1 => (Duration::ZERO, rest),
        VERSION => {
            let (ttl, rest) = rest.split_first_chunk()?;
            (Duration::try_from_secs_f64(f64::from_le_bytes(*ttl)).ok()?, rest)
        }
        _ => return None,
    };
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
    Some((value, Some(ttl).filter(|ttl| !ttl.is_zero())))
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
            let ttl = url.map(|_| Duration::from_millis(1500));
            let mut row = Vec::new();
            push(directory.get("shop.lathe").unwrap(), ttl, &mut row);
            assert_eq!(format!("{:?}", read(&row).unwrap()), format!("{:?}", (value, ttl)));
            let first_version = [&[1], &row[1..25], &row[33..]].concat();
            assert_eq!(
                format!("{:?}", read(&first_version).unwrap()),
                format!("{:?}", (value, None::<Duration>))
            );
            for length in 0..row.len() - value.data.len() + 1 {
                assert!(read(&row[..length]).is_none(), "{length}");
            }
            row[0] = 3;
            assert!(read(&row).is_none());
        }
    }
}
