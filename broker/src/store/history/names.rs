//! The numbers of things: short, so that a point in memory and a part on disk need not have a name.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use redb::{ReadTransaction, ReadableTable, WriteTransaction};

use super::super::head::{Problem, other};
use super::file::{ABOUT, NAMES, NAMES_BYTES, NEXT_THING, NUMBERS};

/// How many things' numbers are in memory, in twelve bytes each and what the table's gaps take. A broker with more of
/// them asks the file for some.
const REMEMBERED_MAX: usize = 1_000_000;

/// The numbers of the things that spoke lately, by a hash of their names that nobody outside can foresee. Names
/// themselves would take several times as much; that two of a million things have the same 64 bits is less likely than
/// that the disk forgets them all.
pub(super) struct Names {
    numbers: HashTable<Known>,
    hasher: RandomState,
    /// What all names take in the file.
    bytes: u64,
}

/// In four-byte parts, so that it takes twelve.
#[derive(Clone, Copy)]
struct Known {
    low: u32,
    high: u32,
    number: u32,
}

impl Known {
    fn hash(&self) -> u64 {
        u64::from(self.high) << 32 | u64::from(self.low)
    }
}

impl Names {
    /// None of them in memory yet.
    pub(super) fn read(reading: &ReadTransaction) -> Result<Self, Problem> {
        let known = reading.open_table(ABOUT).map_err(other)?.get(NAMES_BYTES)?.map(|bytes| bytes.value());
        let bytes = match known {
            Some(bytes) => bytes,
            None => {
                let mut bytes = 0;
                for name in reading.open_table(NAMES).map_err(other)?.iter()? {
                    bytes += cost(name?.1.value());
                }
                bytes
            }
        };
        Ok(Self { numbers: HashTable::new(), hasher: RandomState::new(), bytes })
    }

    /// What all names take in the file.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What is not known here may be known to the file.
    pub(super) fn clear(&mut self) {
        self.numbers = HashTable::new();
    }

    pub(super) fn get(&self, ns: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(ns);
        self.numbers.find(hash, |known| known.hash() == hash).map(|known| known.number)
    }

    /// Asks the file, or gives it a number there.
    pub(super) fn get_or_make(&mut self, writing: &WriteTransaction, ns: &str) -> Result<u32, Problem> {
        if let Some(number) = self.get(ns) {
            return Ok(number);
        }
        let mut numbers = writing.open_table(NUMBERS).map_err(other)?;
        let known = numbers.get(ns)?.map(|number| number.value());
        let number = match known {
            Some(number) => number,
            None => {
                let mut about = writing.open_table(ABOUT).map_err(other)?;
                let next = about.get(NEXT_THING)?.map_or(0, |next| next.value());
                let number = u32::try_from(next)
                    .map_err(|_| Problem::Io("there were too many things in its time".to_owned()))?;
                about.insert(NEXT_THING, next + 1)?;
                self.bytes = self.bytes.saturating_add(cost(ns));
                about.insert(NAMES_BYTES, self.bytes)?;
                numbers.insert(ns, number)?;
                writing.open_table(NAMES).map_err(other)?.insert(number, ns)?;
                number
            }
        };
        self.remember(ns, number);
        Ok(number)
    }

    fn remember(&mut self, ns: &str, number: u32) {
        if self.numbers.len() >= REMEMBERED_MAX {
            self.clear();
        }
        let hash = self.hasher.hash_one(ns);
        let known = Known { low: hash as u32, high: (hash >> 32) as u32, number };
        self.numbers.insert_unique(hash, known, Known::hash);
    }

    /// From here on it has no past: if it speaks again, it gets another number.
    pub(super) fn forget(&mut self, writing: &WriteTransaction, ns: &str) -> Result<(), Problem> {
        let hash = self.hasher.hash_one(ns);
        if let Ok(known) = self.numbers.find_entry(hash, |known| known.hash() == hash) {
            known.remove();
        }
        let number = writing.open_table(NUMBERS).map_err(other)?.remove(ns)?.map(|number| number.value());
        if let Some(number) = number {
            writing.open_table(NAMES).map_err(other)?.remove(number)?;
            self.bytes = self.bytes.saturating_sub(cost(ns));
            writing.open_table(ABOUT).map_err(other)?.insert(NAMES_BYTES, self.bytes)?;
        }
        Ok(())
    }

    /// Forgets the thing that has this number, if there is one.
    pub(super) fn forget_number(&mut self, writing: &WriteTransaction, number: u32) -> Result<(), Problem> {
        let ns = writing.open_table(NAMES).map_err(other)?.remove(number)?.map(|ns| ns.value().to_owned());
        let Some(ns) = ns else { return Ok(()) };
        let now = writing.open_table(NUMBERS).map_err(other)?.get(ns.as_str())?.map(|now| now.value());
        // In a file that is in order it is.
        if now == Some(number) { self.forget(writing, &ns) } else { Ok(()) }
    }
}

/// What a name takes in the file: it is there twice, each time with its number.
fn cost(ns: &str) -> u64 {
    2 * (ns.len() as u64 + 8)
}
