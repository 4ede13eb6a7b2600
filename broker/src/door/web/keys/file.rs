//! The file of access keys on disk: found, read, and written so that it is whole or as it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::AccessKeys;
use crate::config::{Config, KeysFile};
use crate::error::{ConfigError, KeysError};
use crate::store;

/// The file in the data folder.
const NAME: &str = "keys.toml";

/// The longest file that is read, in bytes: the most keys, with many long prefixes each.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// By what a file that was changed is known from what it was. A file that is put in another's place is another one to the
/// system, however soon that is and whatever its length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    written: Option<SystemTime>,
    bytes: u64,
    /// Its number, and when it or who may read it was changed.
    #[cfg(unix)]
    node: (u64, i64, i64),
}

impl AccessKeys {
    /// The file that a broker with this configuration looks into. `None` where there is no data folder, and no file is named.
    #[must_use]
    pub fn place(config: &Config) -> Option<PathBuf> {
        match &config.web.keys {
            KeysFile::File(path) => Some(path.clone()),
            KeysFile::Auto => Some(store::place(&config.store)?.join(NAME)),
        }
    }

    /// Reads the file. Where there is none, there are no keys.
    ///
    /// # Errors
    /// Where it cannot be read or is wrong, with file and line.
    pub fn read_file(path: &Path) -> Result<Self, ConfigError> {
        let io = |source| ConfigError::Keys { path: path.to_owned(), source };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if is_absent(&error) => return Ok(Self::default()),
            Err(error) => return Err(io(error)),
        };
        let mut text = String::new();
        file.take(BYTES_MAX + 1).read_to_string(&mut text).map_err(io)?;
        if text.len() as u64 > BYTES_MAX {
            return Err(io(io::Error::new(io::ErrorKind::FileTooLarge, "it is too long for a file of keys")));
        }
        Self::parse(&text).map_err(|wrong| ConfigError::in_file(path, &text, wrong.at, wrong.message))
    }

    /// Changes the file: what it has, `change` made of it. It is written whole beside and put in its place, for nobody but
    /// its owner to read; two that change it at the same time do so one after the other. A broker that runs with it
    /// knows within a second, or with its next request.
    ///
    /// # Errors
    /// Where it cannot be read or written, and what `change` gives back; nothing is changed then.
    pub fn change_file<T>(
        path: &Path,
        change: impl FnOnce(&mut Self) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let io = |source| KeysError::Write { path: path.to_owned(), source };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(io)?;
        let _lock = lock(path, folder).map_err(io)?;
        let mut keys = Self::read_file(path)?;
        let changed = change(&mut keys)?;
        replace(path, folder, &keys.to_toml()).map_err(io)?;
        Ok(changed)
    }
}

impl Stamp {
    /// `None` where there is no file.
    pub(in super::super) fn of(path: &Path) -> io::Result<Option<Self>> {
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self {
                written: metadata.modified().ok(),
                bytes: metadata.len(),
                #[cfg(unix)]
                node: {
                    use std::os::unix::fs::MetadataExt;
                    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
                },
            })),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// May others than its owner read the file, or write it?
pub(in super::super) fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Keeps others who want to change the file waiting as long as it lives.
fn lock(path: &Path, folder: &Path) -> io::Result<File> {
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(beside(path, "lock"))?;
    own_as(&lock, path, folder);
    match lock.lock() {
        // There are file systems without locks.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
        locked => locked?,
    }
    Ok(lock)
}

fn replace(path: &Path, folder: &Path, text: &str) -> io::Result<()> {
    let new = beside(path, &format!("new-{}", std::process::id()));
    // What a program that was killed left under this name may have been open to others.
    let _ = fs::remove_file(&new);
    let written = create_private(&new).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        own_as(&file, path, folder);
        file.sync_all()
    });
    if let Err(error) = written.and_then(|()| fs::rename(&new, path)) {
        let _ = fs::remove_file(&new);
        return Err(error);
    }
    sync_folder(folder)
}

fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options.open(path)
}

/// Gives the new file to whom the old one belongs, or the folder: the administrator makes keys for a broker that is
/// another user, and which could not read them.
fn own_as(file: &File, old: &Path, folder: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, fchown};
        if let Ok(owner) = fs::metadata(old).or_else(|_| fs::metadata(folder)) {
            // Who is not the administrator may not, and need not.
            let _ = fchown(file, Some(owner.uid()), Some(owner.gid()));
        }
    }
    #[cfg(not(unix))]
    let _ = (file, old, folder);
}

/// The new name is to survive a power cut: what was revoked is not to come back.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("thingsbus-keys-{}-{name}", std::process::id())).join(NAME)
    }

    fn add(path: &Path, name: &str) -> Result<String, KeysError> {
        AccessKeys::change_file(path, |keys| keys.add(name, &["a"], &[""], SystemTime::UNIX_EPOCH))
    }

    #[test]
    fn what_is_added_is_there_and_for_its_owner_alone() {
        let path = path("added");
        assert!(AccessKeys::read_file(&path).unwrap().is_empty());
        let key = add(&path, "first").unwrap();
        let before = Stamp::of(&path).unwrap();
        assert!(add(&path, "first").unwrap_err().to_string().contains("already"));
        assert_eq!(Stamp::of(&path).unwrap(), before, "what fails changes nothing");
        add(&path, "second").unwrap();
        assert_ne!(Stamp::of(&path).unwrap(), before);
        let keys = AccessKeys::read_file(&path).unwrap();
        assert_eq!((keys.len(), keys.find(&key)), (2, Some(0)));
        assert!(!is_open_to_others(&path));
        let mut names: Vec<_> =
            fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["keys.toml", "keys.toml.lock"]);
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn those_who_change_it_at_once_do_so_one_after_the_other() {
        let path = path("at-once");
        std::thread::scope(|scope| {
            for number in 0..8 {
                let path = &path;
                scope.spawn(move || add(path, &number.to_string()).unwrap());
            }
        });
        assert_eq!(AccessKeys::read_file(&path).unwrap().len(), 8);
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }

    #[test]
    fn a_broken_file_is_named_with_its_line_and_not_written_to() {
        let path = path("broken");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, "[[key]]\nname = 1\n").unwrap();
        let error = add(&path, "a").unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}:2: ", path.display())), "{error}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "[[key]]\nname = 1\n");
        fs::remove_dir_all(path.parent().unwrap()).unwrap();
    }
}
