//! The access keys that a running door goes by: those of the file, which is looked at again while it runs.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::access::{Access, Grant};
use super::keys::file::{Stamp, is_open_to_others};
use super::keys::{AccessKey, AccessKeys};
use crate::error::ConfigError;

/// How often it is looked whether the file was changed, at the most: a request or a stream asks for it. So a broker to
/// which nobody speaks does not wake for it.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// The keys of a door.
#[derive(Debug)]
pub(super) struct Keyring {
    path: Option<PathBuf>,
    now: Mutex<Now>,
}

#[derive(Debug)]
struct Now {
    keys: AccessKeys,
    /// What each of them opens, in their order.
    grants: Vec<Arc<Grant>>,
    /// There are keys, or were since the broker began: who revokes the last of them does not open the door to everybody.
    is_locked: bool,
    stamp: Option<Stamp>,
    looked_at: Instant,
    /// Why it could not be read, as it was told.
    told: String,
}

/// Why nobody is let in with this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    NoKey,
    WrongKey,
}

impl Keyring {
    /// Reads the keys of this file; there are none without one.
    ///
    /// # Errors
    /// Where the file cannot be read or is wrong.
    pub(super) fn open(path: Option<PathBuf>) -> Result<Arc<Self>, ConfigError> {
        let now = Now {
            keys: AccessKeys::default(),
            grants: Vec::new(),
            is_locked: false,
            stamp: None,
            looked_at: Instant::now(),
            told: String::new(),
        };
        let keyring = Self { path, now: Mutex::new(now) };
        keyring.read(&mut keyring.lock())?;
        Ok(Arc::new(keyring))
    }

    /// Does a request need a key?
    pub(super) fn is_locked(&self) -> bool {
        self.look(Instant::now()).is_locked
    }

    /// What somebody may do who shows this, or nothing.
    pub(super) fn admit(self: &Arc<Self>, key: Option<&str>) -> Result<Access, Refused> {
        let now = self.look(Instant::now());
        if !now.is_locked {
            return Ok(Access::everything(self.clone()));
        }
        let place = now.keys.find(key.ok_or(Refused::NoKey)?).ok_or(Refused::WrongKey)?;
        let grant = now.grants.get(place).ok_or(Refused::WrongKey)?;
        Ok(Access::by(grant.clone(), self.clone()))
    }

    /// May who was let in with this, or before there were keys with nothing, go on?
    pub(super) fn still_admits(&self, grant: Option<&Arc<Grant>>) -> bool {
        let now = self.look(Instant::now());
        match grant {
            None => !now.is_locked,
            Some(grant) => now.grants.iter().any(|other| Arc::ptr_eq(grant, other)),
        }
    }

    /// Looks at the file now.
    pub(super) fn look_now(&self) {
        self.refresh(&mut self.lock());
    }

    fn look(&self, at: Instant) -> MutexGuard<'_, Now> {
        let mut now = self.lock();
        if at.saturating_duration_since(now.looked_at) >= LOOKED_AT_EVERY {
            now.looked_at = at;
            self.refresh(&mut now);
        }
        now
    }

    /// Reads the file where it is not the one that was read. What cannot be read changes nothing, and is told once.
    fn refresh(&self, now: &mut Now) {
        let Some(path) = &self.path else { return };
        let is_same = Stamp::of(path).is_ok_and(|stamp| stamp == now.stamp);
        if is_same {
            return;
        }
        match self.read(now) {
            Ok(()) => {
                now.told.clear();
                tracing::info!("access keys read again: {}", count(now.keys.len()));
            }
            Err(error) => {
                let why = error.to_string();
                if now.told != why {
                    tracing::error!("the access keys stay as they are: {why}");
                    now.told = why;
                }
            }
        }
    }

    fn read(&self, now: &mut Now) -> Result<(), ConfigError> {
        let Some(path) = &self.path else { return Ok(()) };
        // Before it is read: what is changed meanwhile is read again.
        now.stamp = Stamp::of(path).map_err(|source| ConfigError::Keys { path: path.clone(), source })?;
        let keys = AccessKeys::read_file(path)?;
        let grants = keys.iter().map(|key| now.grant_of(key)).collect();
        now.is_locked |= !keys.is_empty();
        (now.keys, now.grants) = (keys, grants);
        if is_open_to_others(path) {
            let path = path.display();
            tracing::warn!("{path} is not for its owner alone, as a file of access keys is to be: chmod 600");
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Now {
    /// The same as before where the key is the same: who was let in with it goes on.
    fn grant_of(&self, key: &AccessKey) -> Arc<Grant> {
        let known = self.keys.iter().position(|known| known == key);
        let same = known.and_then(|place| self.grants.get(place)).cloned();
        same.unwrap_or_else(|| {
            let (name, read, write) = (key.name().to_owned(), key.read().to_vec(), key.write().to_vec());
            Arc::new(Grant { name, read, write })
        })
    }
}

/// `3 keys`.
fn count(keys: usize) -> String {
    if keys == 1 { "1 key".to_owned() } else { format!("{keys} keys") }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    const NONE: &[&str] = &[];

    fn path(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("thingsbus-keyring-{}-{name}.toml", std::process::id()))
    }

    fn add(path: &std::path::Path, name: &str) -> String {
        AccessKeys::change_file(path, |keys| keys.add(name, &["a"], NONE, SystemTime::UNIX_EPOCH)).unwrap()
    }

    #[test]
    fn keys_come_and_go_while_it_runs_and_the_last_does_not_open_the_door() {
        let path = path("changes");
        let keyring = Keyring::open(Some(path.clone())).unwrap();
        let open = keyring.admit(None).unwrap();
        assert!(open.write("a").is_ok() && !open.is_revoked());

        let (first, second) = (add(&path, "first"), add(&path, "second"));
        keyring.look_now();
        assert!(open.is_revoked(), "who was let in without a key needs one now");
        assert_eq!(keyring.admit(None).unwrap_err(), Refused::NoKey);
        assert_eq!(keyring.admit(Some("tb_x")).unwrap_err(), Refused::WrongKey);
        let [by_first, by_second] = [&first, &second].map(|key| keyring.admit(Some(key)).unwrap());
        assert!(by_first.may_read("a.b") && by_first.write("a").is_err());

        AccessKeys::change_file(&path, |keys| keys.revoke("first")).unwrap();
        keyring.look_now();
        assert!(by_first.is_revoked() && !by_second.is_revoked());
        assert_eq!(keyring.admit(Some(&first)).unwrap_err(), Refused::WrongKey);

        // Another key of the same name is another key.
        AccessKeys::change_file(&path, |keys| keys.revoke("second")).unwrap();
        add(&path, "second");
        keyring.look_now();
        assert!(by_second.is_revoked());

        std::fs::remove_file(&path).unwrap();
        keyring.look_now();
        assert_eq!(keyring.admit(None).unwrap_err(), Refused::NoKey);
        std::fs::remove_file(format!("{}.lock", path.display())).unwrap();
    }

    #[test]
    fn a_file_that_is_broken_changes_nothing() {
        let path = path("broken");
        let key = add(&path, "first");
        let keyring = Keyring::open(Some(path.clone())).unwrap();
        std::fs::write(&path, "nothing of this kind").unwrap();
        keyring.look_now();
        assert!(keyring.admit(Some(&key)).is_ok());
        assert!(Keyring::open(Some(path.clone())).is_err(), "but nothing begins with it");
        std::fs::remove_file(&path).unwrap();
        std::fs::remove_file(format!("{}.lock", path.display())).unwrap();
    }
}
