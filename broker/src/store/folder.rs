//! Where the directory and the history lie on disk.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use redb::backends::FileBackend;

use super::head::{Head, Problem};
use super::keeper::Opener;

/// The folder of one broker, and the files in it.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked as long as this broker lives: before any other file is looked at, for a second broker that began at the same
    /// moment would set aside what this one has only just made.
    _lock: Arc<File>,
}

/// The file that says that a broker is here.
const LOCK: &str = "lock";

/// The file of the directory, in the folder, without its ending.
const HEAD: &str = "head";

/// The file of the history.
const HISTORY: &str = "history";

/// The folder's folder for snapshots.
const SNAPSHOTS: &str = "snapshots";

/// An empty file that is there from when a broken file is set aside until a snapshot's things are in the new one.
const RESTORING: &str = "head-restoring";

impl Folder {
    /// Makes the folder where it is not there, and keeps other brokers out of it.
    pub(super) fn create(path: &Path) -> Result<Self, Problem> {
        let io = |error: io::Error| Problem::Io(error.to_string());
        fs::create_dir_all(path).map_err(io)?;
        let lock =
            OpenOptions::new().create(true).truncate(false).write(true).open(path.join(LOCK)).map_err(io)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Problem::InUse),
            // There are file systems without locks; redb says so too, of the files that matter.
            Err(TryLockError::Error(error)) => {
                tracing::debug!("{} cannot be locked: {error}", path.display());
            }
        }
        Ok(Self { path: path.to_owned(), _lock: Arc::new(lock) })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn head(&self) -> PathBuf {
        self.file(HEAD)
    }

    pub(super) fn snapshots(&self) -> PathBuf {
        self.path.join(SNAPSHOTS)
    }

    /// Was a start cut short that put a snapshot in a broken file's place?
    pub(super) fn is_restoring(&self) -> bool {
        self.path.join(RESTORING).exists()
    }

    /// A snapshot takes a broken file's place from here on, and it is not all written yet.
    pub(super) fn note_restoring(&self) -> io::Result<()> {
        File::create(self.path.join(RESTORING))?;
        File::open(&self.path)?.sync_all()
    }

    /// It is all written.
    pub(super) fn forget_restoring(&self) {
        if let Err(error) = fs::remove_file(self.path.join(RESTORING)) {
            tracing::warn!("store: {RESTORING} cannot be removed: {error}");
        }
    }

    pub(super) fn history(&self) -> PathBuf {
        self.file(HISTORY)
    }

    /// The history's file, which is made where there is none.
    pub(super) fn open_history(&self) -> Result<FileBackend, Problem> {
        let (backend, _) = self.open_file(HISTORY)?;
        Ok(backend)
    }

    /// Puts the history's file out of the way; says where it is now.
    pub(super) fn set_history_aside(&self) -> io::Result<String> {
        self.set_file_aside(HISTORY)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(format!("{name}.redb"))
    }

    /// A file, and whether it is a new one.
    fn open_file(&self, name: &str) -> Result<(FileBackend, bool), Problem> {
        let io = |error: io::Error| Problem::Io(error.to_string());
        let path = self.file(name);
        let (file, is_new) = match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
            Ok(file) => (file, true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                (OpenOptions::new().read(true).write(true).open(&path).map_err(io)?, false)
            }
            Err(error) => return Err(io(error)),
        };
        let backend = FileBackend::new(file.try_clone().map_err(io)?)?;
        if !is_new && file.metadata().map_err(io)?.len() == 0 {
            // redb would take it for a new one, and nobody would learn that what was in it is gone.
            return Err(Problem::Broken("it is empty".to_owned()));
        }
        if is_new {
            // The file's name is to survive a power cut too.
            File::open(&self.path).and_then(|folder| folder.sync_all()).map_err(io)?;
        }
        Ok((backend, is_new))
    }

    fn set_file_aside(&self, name: &str) -> io::Result<String> {
        let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut aside = self.file(&format!("{name}-broken-{seconds}"));
        let mut number = 1;
        while aside.exists() {
            number += 1;
            aside = self.file(&format!("{name}-broken-{seconds}-{number}"));
        }
        fs::rename(self.file(name), &aside)?;
        Ok(aside.display().to_string())
    }
}

impl Opener for Folder {
    fn open(&self) -> Result<Head, Problem> {
        Head::open(self.open_file(HEAD)?.0)
    }

    fn set_aside(&self) -> io::Result<String> {
        self.set_file_aside(HEAD)
    }
}

/// This system's place for it: what systemd gives a service, or the user's own data folder. `None` where there is
/// neither.
pub(super) fn usual() -> Option<PathBuf> {
    let by_systemd = std::env::var_os("STATE_DIRECTORY")
        .and_then(|folders| std::env::split_paths(&folders).next())
        .filter(|folder| !folder.as_os_str().is_empty());
    by_systemd.or_else(|| Some(dirs::data_dir()?.join("thingsbus")))
}
