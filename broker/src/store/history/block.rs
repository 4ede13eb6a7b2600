//! Blocks: what lies in the file is many parts of many things at once, because a page of the file is worth some hundred
//! points, and a thing that speaks once a minute has few.

use std::ops::Range;

use super::bytes::{Reader, push_varint, seal, unseal};

/// A block's place: its run, the thing of its first part, and when that part begins, so that keys are in the order of
/// time.
pub(super) type Key = (u32, u32, u64);

/// What a page of the file needs of its own.
const PAGE_OVERHEAD: usize = 128;

const PAGE: usize = 4_096;

/// How large a block becomes, but for one with a single large part: with what its page needs it just fills eight small
/// ones, since pages come in powers of two.
pub(super) const BLOCK_BYTES: usize = 8 * PAGE - PAGE_OVERHEAD;

/// How much of the file a row of so many bytes takes.
pub(super) fn cost(length: usize) -> u64 {
    (length.saturating_add(PAGE_OVERHEAD).div_ceil(PAGE).next_power_of_two() * PAGE) as u64
}

/// For each time a number in the same order.
pub(super) fn time_key(seconds: f64) -> u64 {
    let bits = (seconds + 0.0).to_bits(); // -0 is 0.
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

/// Packs parts into blocks. They come by thing, and by time within a thing.
#[derive(Debug)]
pub(super) struct Packer {
    run: u32,
    /// What identifies the block that is being filled.
    first: Option<(u32, u64)>,
    /// And the one before it.
    before: (u32, u64),
    last_id: u32,
    count: u64,
    directory: Vec<u8>,
    bodies: Vec<u8>,
    /// How much of the file all blocks take.
    bytes: u64,
    /// What is full and not taken yet.
    full: Vec<(Key, Vec<u8>)>,
}

impl Packer {
    pub(super) fn new(run: u32) -> Self {
        Self {
            run,
            first: None,
            before: (0, 0),
            last_id: 0,
            count: 0,
            directory: Vec::new(),
            bodies: Vec::new(),
            bytes: 0,
            full: Vec::new(),
        }
    }

    pub(super) fn run(&self) -> u32 {
        self.run
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(super) fn push(&mut self, id: u32, from: f64, part: &[u8]) {
        const ENTRY: usize = 24; // What a part's entry, the count and the seal take at most.
        if self.directory.len() + self.bodies.len() + part.len() + ENTRY > BLOCK_BYTES {
            self.end();
        }
        if self.first.is_none() {
            let mut time = time_key(from);
            if self.before.0 == id {
                time = time.max(self.before.1.saturating_add(1));
            }
            self.first = Some((id, time));
            self.last_id = id;
        }
        push_varint(u64::from(id.wrapping_sub(self.last_id)), &mut self.directory);
        push_varint(part.len() as u64, &mut self.directory);
        self.bodies.extend_from_slice(part);
        self.last_id = id;
        self.count += 1;
    }

    /// Ends the block that is being filled.
    pub(super) fn end(&mut self) {
        let Some((id, time)) = self.first.take() else { return };
        let mut block = Vec::with_capacity(self.directory.len() + self.bodies.len() + 16);
        push_varint(self.count, &mut block);
        block.append(&mut self.directory);
        block.append(&mut self.bodies);
        seal(&mut block);
        self.count = 0;
        self.before = (id, time);
        self.bytes += cost(block.len());
        self.full.push(((self.run, id, time), block));
    }

    /// Blocks that are full, by key.
    pub(super) fn take(&mut self) -> Vec<(Key, Vec<u8>)> {
        std::mem::take(&mut self.full)
    }
}

/// A part in a block: whose it is, and where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: u32,
    pub(super) at: Range<usize>,
}

/// The parts of a block that begins with one of thing `id`. `None` where it cannot be read.
pub(super) fn entries(block: &[u8], mut id: u32) -> Option<Vec<Entry>> {
    let block = unseal(block)?;
    let mut reader = Reader(block);
    let count = reader.length()?;
    if count > reader.left() {
        return None;
    }
    let mut lengths = Vec::with_capacity(count);
    for _ in 0..count {
        let more = u32::try_from(reader.varint()?).ok()?;
        id = id.checked_add(more)?;
        lengths.push((id, reader.length()?));
    }
    let mut begin = block.len() - reader.left();
    let mut entries = Vec::with_capacity(count);
    for (id, length) in lengths {
        let end = begin.checked_add(length).filter(|end| *end <= block.len())?;
        entries.push(Entry { id, at: begin..end });
        begin = end;
    }
    Some(entries)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_come_back_in_order_and_keys_rise(
            parts in prop::collection::vec((0..9_u32, 0..4_i32, 0..40_000_usize), 1..60),
        ) {
            let mut parts = parts;
            parts.sort();
            let mut packer = Packer::new(7);
            for (id, from, length) in &parts {
                packer.push(*id, f64::from(*from - 2), &vec![*id as u8; *length]);
            }
            packer.end();
            let blocks = packer.take();
            prop_assert!(blocks.is_sorted_by(|one, other| one.0 < other.0));
            let mut found = Vec::new();
            for ((run, id, _), block) in &blocks {
                prop_assert_eq!(*run, 7);
                let entries = entries(block, *id).unwrap();
                prop_assert!(block.len() <= BLOCK_BYTES || entries.len() == 1);
                found.extend(entries.into_iter().map(|entry| (entry.id, block[entry.at].to_vec())));
            }
            let parts: Vec<_> = parts.iter().map(|&(id, _, length)| (id, vec![id as u8; length])).collect();
            prop_assert!(found == parts);
        }

        #[test]
        fn any_bytes_are_read_or_refused(block in prop::collection::vec(any::<u8>(), 0..200), id in any::<u32>()) {
            let mut block = block;
            seal(&mut block);
            for entry in entries(&block, id).unwrap_or_default() {
                prop_assert!(block.get(entry.at).is_some());
            }
        }
    }
}
