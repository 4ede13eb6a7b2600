//! Points that are in no run yet: in memory one behind the other, on disk in the journal.

use std::cell::OnceCell;
use std::collections::HashMap;

use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::super::head::{Problem, other};
use super::block::BLOCK_BYTES;
use super::bytes::{Reader, seal, unseal};
use super::file::{JOURNAL, NAMES, broken};
use super::rules::Rules;

/// How much is packed at once for the journal: LZ4 looks back 64 KiB and no further.
const FRAME_BYTES: usize = 1024 * 1024;

/// What a point takes besides its text.
const ROW_BYTES: usize = 34;

/// Points that are in no run yet.
#[derive(Debug, Default)]
pub(super) struct Open {
    bytes: Vec<u8>,
    count: u64,
    /// When the first came, if there is one.
    oldest: Option<f64>,
    /// Which things they are of, and where they lie, in that order: made for the first question after something came, so
    /// that a page of many things looks through all points once and not once for each thing.
    index: OnceCell<Vec<(u32, u32)>>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct OpenRow<'a> {
    pub(super) id: u32,
    pub(super) rule: u16,
    pub(super) received: f64,
    pub(super) ts: f64,
    pub(super) seq: u64,
    pub(super) data: &'a [u8],
}

impl Open {
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn count(&self) -> u64 {
        self.count
    }

    pub(super) fn oldest(&self) -> Option<f64> {
        self.oldest
    }

    pub(super) fn clear(&mut self) {
        self.index.take();
        self.bytes.clear();
        self.count = 0;
        self.oldest = None;
    }

    pub(super) fn push(&mut self, row: &OpenRow<'_>) {
        let Ok(length) = u32::try_from(row.data.len()) else { return };
        self.bytes.extend_from_slice(&row.id.to_le_bytes());
        self.bytes.extend_from_slice(&row.rule.to_le_bytes());
        self.bytes.extend_from_slice(&row.received.to_le_bytes());
        self.bytes.extend_from_slice(&row.ts.to_le_bytes());
        self.bytes.extend_from_slice(&row.seq.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(row.data);
        self.added(row.received);
    }

    fn added(&mut self, received: f64) {
        self.index.take();
        self.count += 1;
        self.oldest = Some(self.oldest.map_or(received, |oldest| oldest.min(received)));
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.index.take();
        self.bytes.extend_from_slice(&other.bytes);
        self.count += other.count;
        let (one, two) = (self.oldest, other.oldest);
        self.oldest = one.map(|one| two.map_or(one, |two| two.min(one))).or(two);
    }

    /// In the order in which they came, each with where it lies.
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, OpenRow<'_>)> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let row = self.at(at)?;
            let place = at;
            at += ROW_BYTES + row.data.len();
            Some((place, row))
        })
    }

    pub(super) fn at(&self, at: usize) -> Option<OpenRow<'_>> {
        read_row(&mut Reader(self.bytes.get(at..)?))
    }

    /// Those of one thing, in the order in which they came.
    pub(super) fn of(&self, id: u32) -> impl Iterator<Item = OpenRow<'_>> {
        let index = self.index.get_or_init(|| {
            // What does not fit into 32 bits is hundreds of times what is ever open.
            let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
            let mut index: Vec<(u32, u32)> = self.iter().map(|(at, row)| (row.id, place(at))).collect();
            index.sort_unstable();
            index
        });
        let begin = index.partition_point(|(other, _)| *other < id);
        let of_thing = index.iter().skip(begin).take_while(move |(other, _)| *other == id);
        of_thing.filter_map(|(_, at)| self.at(*at as usize))
    }

    /// Puts them into the journal, behind the row of this number; gives the number of the last one.
    pub(super) fn write(&self, writing: &WriteTransaction, mut number: u64) -> Result<u64, Problem> {
        let mut journal = writing.open_table(JOURNAL).map_err(other)?;
        for frame in self.frames() {
            let mut packed = lz4_flex::block::compress(frame);
            seal(&mut packed);
            let mut pieces = packed.chunks(BLOCK_BYTES - 8).peekable();
            let mut row = Vec::with_capacity(BLOCK_BYTES);
            while let Some(piece) = pieces.next() {
                // How long it is, in the last piece; 0 in those before.
                let length = if pieces.peek().is_none() { frame.len() } else { 0 };
                row.clear();
                row.extend_from_slice(&(length as u32).to_le_bytes());
                row.extend_from_slice(piece);
                number += 1;
                journal.insert(number, row.as_slice())?;
            }
        }
        Ok(number)
    }

    /// Pieces of some size that begin and end with a point.
    fn frames(&self) -> impl Iterator<Item = &[u8]> {
        let mut begin = 0;
        std::iter::from_fn(move || {
            let mut end = begin;
            while end - begin < FRAME_BYTES {
                let Some(row) = self.at(end) else { break };
                end += ROW_BYTES + row.data.len();
            }
            let frame = self.bytes.get(begin..end).filter(|frame| !frame.is_empty());
            begin = end;
            frame
        })
    }

    /// Reads the journal; also gives the number of its last row.
    pub(super) fn read(reading: &ReadTransaction, rules: &Rules) -> Result<(Self, u64), Problem> {
        let mut open = Self::default();
        let mut last = 0;
        let mut packed = Vec::new();
        let names = reading.open_table(NAMES).map_err(other)?;
        let mut rules_of: HashMap<u32, u16> = HashMap::new();
        for row in reading.open_table(JOURNAL).map_err(other)?.iter()? {
            let (number, row) = row?;
            last = number.value();
            let (length, piece) = row.value().split_first_chunk().ok_or_else(|| broken("the journal"))?;
            packed.extend_from_slice(piece);
            let length = u32::from_le_bytes(*length) as usize;
            if length == 0 {
                continue;
            }
            let frame = unpack(&packed, length).ok_or_else(|| broken("the journal"))?;
            packed.clear();
            let mut reader = Reader(&frame);
            while reader.left() > 0 {
                let mut row = read_row(&mut reader).ok_or_else(|| broken("the journal"))?;
                // The rules may be others than when it was written.
                row.rule = match rules_of.get(&row.id) {
                    Some(rule) => *rule,
                    None => {
                        let name = names.get(row.id)?;
                        let rule = rules.of(name.as_ref().map_or("", |name| name.value()));
                        rules_of.insert(row.id, rule);
                        rule
                    }
                };
                open.push(&row);
            }
        }
        Ok((open, last))
    }
}

fn unpack(packed: &[u8], length: usize) -> Option<Vec<u8>> {
    let packed = unseal(packed)?;
    // LZ4 makes no more of a byte than this.
    let is_possible = length <= packed.len().saturating_mul(255);
    if is_possible { lz4_flex::block::decompress(packed, length).ok() } else { None }
}

fn read_row<'a>(reader: &mut Reader<'a>) -> Option<OpenRow<'a>> {
    let id = reader.u32()?;
    let rule = u16::from_le_bytes(reader.array()?);
    let (received, ts, seq) = (reader.f64()?, reader.f64()?, reader.u64()?);
    let length = reader.u32()? as usize;
    Some(OpenRow { id, rule, received, ts, seq, data: reader.take(length)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_long_as_is_said() {
        let mut open = Open::default();
        let row = OpenRow { id: 1, rule: 2, received: 3.0, ts: 4.0, seq: 5, data: b"6" };
        open.push(&row);
        assert_eq!(open.bytes(), ROW_BYTES + 1);
        assert_eq!((open.of(1).count(), open.of(2).count()), (1, 0));
        open.push(&OpenRow { received: 2.0, ..row });
        assert_eq!(open.of(1).map(|row| row.received).collect::<Vec<_>>(), [3.0, 2.0]);
        assert_eq!((open.iter().count(), open.count(), open.oldest()), (2, 2, Some(2.0)));
        assert_eq!(open.frames().map(<[u8]>::len).sum::<usize>(), open.bytes());
        let mut fresh = Open::default();
        fresh.push(&OpenRow { id: 0, ..row });
        open.append(&fresh);
        assert_eq!((open.of(0).count(), open.of(1).count(), open.of(2).count()), (1, 2, 0));
        open.clear();
        assert_eq!(open.of(1).count(), 0);
    }
}
