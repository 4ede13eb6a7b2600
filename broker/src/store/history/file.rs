//! The file of the history: redb's tables, and how they are written. A file is not looked through when it is opened, for
//! it is large; so what is read from it may be anything, and says so.

use redb::{
    Builder, Database, ReadTransaction, ReadableDatabase, ReadableTable, StorageBackend, TableDefinition,
    WriteTransaction,
};

use super::super::head::{Problem, guarded, other};
use super::block::Key;

/// A thing's number by its name, and its name by its number.
pub(super) const NUMBERS: TableDefinition<&str, u32> = TableDefinition::new("numbers");
pub(super) const NAMES: TableDefinition<u32, &str> = TableDefinition::new("names");
/// What came and is in no run yet.
pub(super) const JOURNAL: TableDefinition<u64, &[u8]> = TableDefinition::new("journal");
pub(super) const SHELVES: TableDefinition<u32, &[u8]> = TableDefinition::new("shelves");
pub(super) const RUNS: TableDefinition<u32, &[u8]> = TableDefinition::new("runs");
pub(super) const BLOCKS: TableDefinition<Key, &[u8]> = TableDefinition::new("blocks");
pub(super) const ABOUT: TableDefinition<&str, u64> = TableDefinition::new("about");

/// What the file is, so that a later version knows whether it can read it.
const FORMAT: u64 = 1;

/// The number of the next thing that gets one.
pub(super) const NEXT_THING: &str = "next_thing";
/// What names take, in bytes; files of earlier versions do not tell.
pub(super) const NAMES_BYTES: &str = "names_bytes";

/// Pages that are kept in memory: a query's blocks, and those of a run that is being written.
const CACHE_BYTES: usize = 8 * 1024 * 1024;

/// Whether a commit is to be on disk when it returns, or only before the next one that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When {
    Now,
    Later,
}

pub(super) fn open(backend: impl StorageBackend) -> Result<Database, Problem> {
    guarded(|| {
        let database = Builder::new().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
        let reading = database.begin_read().map_err(other)?;
        let format = match reading.open_table(ABOUT) {
            Ok(about) => about.get("format")?.map(|format| format.value()),
            Err(redb::TableError::TableDoesNotExist(_)) => None,
            Err(error) => return Err(other(error)),
        };
        drop(reading);
        match format {
            Some(FORMAT) => {}
            Some(format) => return Err(Problem::Format(format.to_string())),
            None => {
                let writing = begin_write(&database, When::Now)?;
                writing.open_table(NUMBERS).map_err(other)?;
                writing.open_table(NAMES).map_err(other)?;
                writing.open_table(JOURNAL).map_err(other)?;
                writing.open_table(SHELVES).map_err(other)?;
                writing.open_table(RUNS).map_err(other)?;
                writing.open_table(BLOCKS).map_err(other)?;
                writing.open_table(ABOUT).map_err(other)?.insert("format", FORMAT)?;
                writing.commit().map_err(other)?;
            }
        }
        Ok(database)
    })
}

fn begin_write(database: &Database, when: When) -> Result<WriteTransaction, Problem> {
    let mut writing = database.begin_write().map_err(other)?;
    match when {
        // So that a file that was not closed is opened as quickly as one that was.
        When::Now => writing.set_quick_repair(true),
        When::Later => {
            let set = writing.set_durability(redb::Durability::None);
            set.map_err(|error| other(redb::Error::from(error)))?;
        }
    }
    Ok(writing)
}

/// Does `work` in one commit.
pub(super) fn write<T>(
    database: &Database,
    when: When,
    work: impl FnOnce(&WriteTransaction) -> Result<T, Problem>,
) -> Result<T, Problem> {
    guarded(|| {
        let writing = begin_write(database, when)?;
        let done = work(&writing)?;
        writing.commit().map_err(other)?;
        Ok(done)
    })
}

pub(super) fn read<T>(
    database: &Database,
    work: impl FnOnce(&ReadTransaction) -> Result<T, Problem>,
) -> Result<T, Problem> {
    guarded(|| work(&database.begin_read().map_err(other)?))
}

/// Removes `count` blocks of a run at most; whether that were all.
pub(super) fn remove_blocks(writing: &WriteTransaction, run: u32, count: usize) -> Result<bool, Problem> {
    let mut blocks = writing.open_table(BLOCKS).map_err(other)?;
    let mut keys = Vec::with_capacity(count);
    for block in blocks.range((run, 0, 0)..=(run, u32::MAX, u64::MAX))?.take(count) {
        keys.push(block?.0.value());
    }
    for key in &keys {
        blocks.remove(key)?;
    }
    Ok(keys.len() < count)
}

pub(super) fn broken(what: &str) -> Problem {
    Problem::Broken(format!("{what} cannot be read"))
}
