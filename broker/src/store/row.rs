//! A thing's last value as it lies on disk: a byte that says how to read the rest, `received`, `ts` and `seq` in eight
//! bytes each (little-endian; the first two are doubles), the length of the documentation URL in two, the URL, and what
//! is left is the value, as JSON text.

use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::{Record, Value};

/// How rows are written now.
const VERSION: u8 = 1;

/// Appends a thing's last value.
pub(super) fn push(record: &Record, out: &mut Vec<u8>) {
    let url = record.documentation_url().unwrap_or_default();
    out.push(VERSION);
    out.extend_from_slice(&record.received().seconds().to_le_bytes());
    out.extend_from_slice(&record.ts().seconds().to_le_bytes());
    out.extend_from_slice(&record.seq().to_le_bytes());
    // The wire's limit for URLs is far below.
    out.extend_from_slice(&u16::try_from(url.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend_from_slice(url.as_bytes());
    out.extend_from_slice(record.data().as_bytes());
}

/// Reads one; `None` where it is none.
pub(super) fn read(row: &[u8]) -> Option<Value<'_>> {
    let (&VERSION, rest) = row.split_first()? else { return None };
    let (received, rest) = rest.split_first_chunk()?;
    let (ts, rest) = rest.split_first_chunk()?;
    let (seq, rest) = rest.split_first_chunk()?;
    let (url_bytes, rest) = rest.split_first_chunk()?;
    let (url, data) = rest.split_at_checked(usize::from(u16::from_le_bytes(*url_bytes)))?;
    let url = std::str::from_utf8(url).ok()?;
    Some(Value {
        data: std::str::from_utf8(data).ok().filter(|data| !data.is_empty())?,
        ts: Timestamp::from_seconds(f64::from_le_bytes(*ts))?,
        received: Timestamp::from_seconds(f64::from_le_bytes(*received))?,
        seq: u64::from_le_bytes(*seq),
        documentation_url: (!url.is_empty()).then_some(url),
    })
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
            let mut row = Vec::new();
            push(directory.get("shop.lathe").unwrap(), &mut row);
            assert_eq!(format!("{:?}", read(&row).unwrap()), format!("{value:?}"));
            for length in 0..row.len() - value.data.len() + 1 {
                assert!(read(&row[..length]).is_none(), "{length}");
            }
            row[0] = 2;
            assert!(read(&row).is_none());
        }
    }
}
