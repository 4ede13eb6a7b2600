//! The file of the directory: every thing's last value, in redb's tables. A commit is all there after a crash or not at
//! all, and every page has a checksum, which is looked at whenever the file is opened.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, StorageError, Table,
    TableDefinition, TableError,
};
use thingsbus_adaptor::wire::Namespace;
use thingsbus_client::directory::{Scope, Value};

use super::batch::Batch;
use super::row::{self, Kept};

const THINGS: TableDefinition<&str, &[u8]> = TableDefinition::new("things");
const SENDERS: TableDefinition<&str, u64> = TableDefinition::new("senders");
const ABOUT: TableDefinition<&str, &str> = TableDefinition::new("about");

/// What the file is, so that a later version knows whether it can read it.
const FORMAT: &str = "1";

/// Pages that are kept in memory besides the directory itself, in bytes: most writes go to few of them.
const CACHE_BYTES: usize = 4 * 1024 * 1024;

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// It is not as it was written.
    #[error("it is broken: {0}")]
    Broken(String),
    /// Another process has it.
    #[error("another broker uses it")]
    InUse,
    /// It is of a version that did not exist when this program was made.
    #[error("it is of format {0}, which this version does not know")]
    Format(String),
    /// The system says no.
    #[error("{0}")]
    Io(String),
}

/// A life of the broker, as it was when it stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life {
    pub(super) epoch: String,
    pub(super) seq: u64,
}

/// What was in the file.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Loaded {
    pub(super) things: usize,
    /// Rows that could not be read.
    pub(super) unreadable: usize,
    /// Where the broker before was stopped, and not killed: its life goes on.
    pub(super) life: Option<Life>,
}

/// The file of the directory. Who reads it besides has a clone; it is closed when the last one is gone.
#[derive(Clone)]
pub(super) struct Head {
    database: Arc<Database>,
}

impl Head {
    /// Opens what `backend` has, after looking at all of it, or makes it where there is nothing.
    pub(super) fn open(backend: impl StorageBackend) -> Result<Self, Problem> {
        guarded(|| {
            let database = Builder::new()
                .set_cache_size(CACHE_BYTES)
                .set_check_integrity_on_open(true)
                .create_with_backend(backend)?;
            let writing = database.begin_write().map_err(other)?;
            let format = {
                let mut about = writing.open_table(ABOUT).map_err(other)?;
                writing.open_table(THINGS).map_err(other)?;
                writing.open_table(SENDERS).map_err(other)?;
                let format = about.get("format")?.map(|found| found.value().to_owned());
                if format.is_none() {
                    about.insert("format", FORMAT)?;
                }
                format
            };
            match format {
                Some(format) if format != FORMAT => return Err(Problem::Format(format)),
                Some(_) => writing.abort()?,
                None => writing.commit().map_err(other)?,
            }
            Ok(Self { database: Arc::new(database) })
        })
    }

    /// Are both the same, opened once?
    pub(super) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.database, &other.database)
    }

    /// Gives the last values of the thing `ns` and those below it, and their ttls, to `each`, by name, as long as it
    /// says `true`; all as of one commit, whatever is written meanwhile.
    pub(super) fn each_below(
        &self,
        ns: &Namespace,
        mut each: impl FnMut(&str, &Value<'_>, Option<Duration>) -> bool,
    ) -> Result<(), Problem> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(other)?;
            let things = reading.open_table(THINGS).map_err(other)?;
            let scope = Scope { ns: ns.as_str(), tree: true };
            for row in things.range(ns.as_str()..)? {
                let (name, row) = row?;
                if !name.value().starts_with(ns.as_str()) {
                    break;
                }
                if !scope.holds(name.value()) || Namespace::parse(name.value()).is_err() {
                    continue;
                }
                let Some((value, kept)) = row::read(row.value()) else { continue };
                if !each(name.value(), &value, kept.ttl) {
                    break;
                }
            }
            Ok(())
        })
    }

    /// Gives every thing's last value, and what is kept besides, to `each`, by name.
    pub(super) fn load(&self, mut each: impl FnMut(&str, &Value<'_>, &Kept)) -> Result<Loaded, Problem> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(other)?;
            let mut loaded = Loaded::default();
            for row in reading.open_table(THINGS).map_err(other)?.iter()? {
                let (ns, row) = row?;
                match row::read(row.value()) {
                    Some((value, kept)) if Namespace::parse(ns.value()).is_ok() => {
                        each(ns.value(), &value, &kept);
                        loaded.things += 1;
                    }
                    _ => loaded.unreadable += 1,
                }
            }
            let about = reading.open_table(ABOUT).map_err(other)?;
            let text = |key: &str| about.get(key).map(|found| found.map(|found| found.value().to_owned()));
            if let (Some(epoch), Some(seq)) = (text("epoch")?, text("seq")?) {
                loaded.life = seq.parse().ok().map(|seq| Life { epoch, seq });
            }
            Ok(loaded)
        })
    }

    /// Gives each sender's highest number to `each`.
    pub(super) fn load_senders(&self, mut each: impl FnMut(&str, u64)) -> Result<(), Problem> {
        guarded(|| {
            let reading = self.database.begin_read().map_err(other)?;
            // A file from before there were any has no such table.
            let senders = match reading.open_table(SENDERS) {
                Err(TableError::TableDoesNotExist(_)) => return Ok(()),
                senders => senders.map_err(other)?,
            };
            for row in senders.iter()? {
                let (sender, number) = row?;
                each(sender.value(), number.value());
            }
            Ok(())
        })
    }

    /// The broker begins to live: if it is killed from here on, its life does not go on.
    pub(super) fn begin(&self) -> Result<(), Problem> {
        self.set_life(None)
    }

    /// The broker was stopped, and everything is here.
    pub(super) fn finish(&self, life: &Life) -> Result<(), Problem> {
        self.set_life(Some(life))
    }

    /// Writes last values: all of them are on disk when this returns, or none of them after a crash. A life that was
    /// noted is over by that.
    pub(super) fn write(&self, batch: &mut Batch) -> Result<(), Problem> {
        guarded(|| {
            let writing = self.database.begin_write().map_err(other)?;
            {
                let mut things = writing.open_table(THINGS).map_err(other)?;
                for (ns, row) in batch.by_name() {
                    match row {
                        [] => drop(things.remove(ns)?),
                        row => drop(things.insert(ns, row)?),
                    }
                }
                if !batch.senders.is_empty() {
                    let mut senders = writing.open_table(SENDERS).map_err(other)?;
                    for (sender, number) in &batch.senders {
                        match number {
                            Some(number) => drop(senders.insert(&**sender, number)?),
                            None => drop(senders.remove(&**sender)?),
                        }
                    }
                }
                forget_life(&mut writing.open_table(ABOUT).map_err(other)?)?;
            }
            writing.commit().map_err(other)
        })
    }

    fn set_life(&self, life: Option<&Life>) -> Result<(), Problem> {
        guarded(|| {
            let writing = self.database.begin_write().map_err(other)?;
            {
                let mut about = writing.open_table(ABOUT).map_err(other)?;
                match life {
                    Some(Life { epoch, seq }) => {
                        about.insert("epoch", epoch.as_str())?;
                        about.insert("seq", seq.to_string().as_str())?;
                    }
                    None => forget_life(&mut about)?,
                }
            }
            writing.commit().map_err(other)
        })
    }
}

fn forget_life(about: &mut Table<'_, &'static str, &'static str>) -> Result<(), Problem> {
    about.remove("epoch")?;
    about.remove("seq")?;
    Ok(())
}

/// A file that was changed behind redb's back can make it panic, which must not end the broker.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T, Problem>) -> Result<T, Problem> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<String>().map(String::as_str);
        let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it cannot be read");
        Err(Problem::Broken(said.to_owned()))
    })
}

impl From<StorageError> for Problem {
    fn from(error: StorageError) -> Self {
        use std::io::ErrorKind::{InvalidData, UnexpectedEof};
        match error {
            StorageError::Corrupted(what) => Self::Broken(what),
            StorageError::Io(error) if matches!(error.kind(), InvalidData | UnexpectedEof) => {
                Self::Broken(error.to_string())
            }
            error => Self::Io(error.to_string()),
        }
    }
}

impl From<DatabaseError> for Problem {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse,
            DatabaseError::Storage(error) => error.into(),
            // We never wrote one of redb's older formats.
            DatabaseError::UpgradeRequired(_) => Self::Broken(error.to_string()),
            error => Self::Broken(error.to_string()),
        }
    }
}

/// What redb says about transactions, tables and commits is the storage's, most often.
pub(super) fn other(error: impl Into<redb::Error>) -> Problem {
    match error.into() {
        redb::Error::Corrupted(what) => Problem::Broken(what),
        redb::Error::TableTypeMismatch { .. } | redb::Error::TypeDefinitionChanged { .. } => {
            Problem::Broken("its tables are of another kind".to_owned())
        }
        redb::Error::Io(error) => StorageError::Io(error).into(),
        error => Problem::Io(error.to_string()),
    }
}
