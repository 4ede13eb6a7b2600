//! The parts of one thing in one run, one after the other, forwards or backwards.

use redb::ReadOnlyTable;

use super::super::head::Problem;
use super::block::{Entry, Key, entries, time_key};
use super::file::broken;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// From the first one on.
    First,
    /// From the last one back.
    Last,
}

/// The table of blocks, as it was when a query began.
pub(super) type Blocks = ReadOnlyTable<Key, &'static [u8]>;

/// The parts of one thing in one run. A block's bytes are copied, for what they lie in is the file's.
pub(super) struct Parts<'a> {
    blocks: &'a Blocks,
    run: u32,
    id: u32,
    end: End,
    /// Blocks that begin later are of no use.
    until: u64,
    /// Where to go on; nowhere once all were there.
    next: Option<Next>,
    block: Vec<u8>,
    /// The thing's in the block, in reverse where the next one is the first.
    entries: Vec<Entry>,
}

enum Next {
    /// The block in which this time is.
    At(f64),
    /// The one behind this, or before it.
    Beside(Key),
}

impl<'a> Parts<'a> {
    /// Those that can have something at `time` or on the way from there.
    pub(super) fn new(blocks: &'a Blocks, run: u32, id: u32, time: f64, end: End) -> Self {
        let next = Some(Next::At(time));
        Self { blocks, run, id, end, until: u64::MAX, next, block: Vec::new(), entries: Vec::new() }
    }

    /// Nothing behind this time is wanted, on the way there.
    pub(super) fn until(&mut self, time: f64) {
        self.until = time_key(time);
    }

    pub(super) fn next(&mut self) -> Result<Option<&[u8]>, Problem> {
        loop {
            if let Some(entry) = self.entries.pop() {
                return Ok(Some(self.block.get(entry.at).unwrap_or_default()));
            }
            if !self.load()? {
                return Ok(None);
            }
        }
    }

    /// Loads the next block; `false` where there is none.
    fn load(&mut self) -> Result<bool, Problem> {
        let Some(next) = self.next.take() else { return Ok(false) };
        let (run, id) = (self.run, self.id);
        let found = match (next, self.end) {
            (Next::At(time), _) => {
                let before = self.blocks.range((run, 0, 0)..=(run, id, time_key(time)))?.next_back();
                match (before, self.end) {
                    (None, End::First) => self.blocks.range((run, id, 0)..=(run, id, u64::MAX))?.next(),
                    (before, _) => before,
                }
            }
            (Next::Beside(key), End::First) => {
                self.blocks.range((run, key.1, key.2.saturating_add(1))..=(run, id, u64::MAX))?.next()
            }
            (Next::Beside(key), End::Last) => self.blocks.range((run, 0, 0)..key)?.next_back(),
        };
        let Some(found) = found else { return Ok(false) };
        let (key, block) = found?;
        let key = key.value();
        if key.1 == id && key.2 > self.until {
            return Ok(false);
        }
        self.block.clear();
        self.block.extend_from_slice(block.value());
        self.entries = entries(&self.block, key.1).ok_or_else(|| broken("a block"))?;
        let goes_on = match self.end {
            // In the next block it can be only where nothing behind it is in this one.
            End::First => self.entries.last().is_none_or(|last| last.id <= id),
            End::Last => key.1 == id,
        };
        self.entries.retain(|entry| entry.id == id);
        if self.end == End::First {
            self.entries.reverse();
        }
        if goes_on {
            self.next = Some(Next::Beside(key));
        }
        Ok(true)
    }
}
