//! Last values on their way to disk.

use std::ops::Range;

use thingsbus_client::directory::Record;

use super::row::{self, Kept};

/// The most things of one batch.
const THINGS_MAX: usize = 20_000;

/// The most bytes, but for the last thing. What a stalled disk may cost in memory is twice this.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Last values on their way to disk. Its memory serves one batch after the other.
#[derive(Debug, Default)]
pub(super) struct Batch {
    bytes: Vec<u8>,
    rows: Vec<(Range<usize>, Range<usize>)>,
    /// Senders and the highest number that was taken of each; none for those that are forgotten.
    pub(super) senders: Vec<(Box<str>, Option<u64>)>,
}

impl Batch {
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
        self.senders.clear();
    }

    /// Adds a thing as it is now. Of one that was forgotten the row is empty.
    pub(super) fn push(&mut self, record: &Record, kept: &Kept) {
        let begin = self.bytes.len();
        self.bytes.extend_from_slice(record.ns().as_bytes());
        let middle = self.bytes.len();
        if !record.is_forgotten() {
            row::push(record, kept, &mut self.bytes);
        }
        self.rows.push((begin..middle, middle..self.bytes.len()));
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.senders.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.rows.len() >= THINGS_MAX || self.bytes.len() >= BYTES_MAX
    }

    /// Names and rows, by name, empty rows for what was forgotten: what lies together on disk is written together.
    pub(super) fn by_name(&mut self) -> impl Iterator<Item = (&str, &[u8])> {
        let Self { bytes, rows, .. } = self;
        rows.sort_by(|one, other| bytes.get(one.0.clone()).cmp(&bytes.get(other.0.clone())));
        rows.iter().filter_map(|(ns, row)| {
            let ns = std::str::from_utf8(bytes.get(ns.clone())?).ok()?;
            Some((ns, bytes.get(row.clone())?))
        })
    }
}
