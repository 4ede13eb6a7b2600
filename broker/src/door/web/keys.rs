//! Access keys: what each opens, how one is made and found, and how their file says it. Pure: the file is text here.

pub(super) mod file;
mod text;

use std::time::SystemTime;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use thingsbus_adaptor::wire::Namespace;

use super::secret::secret;
use crate::error::KeysError;

/// What a key begins with, so that one is known for what it is wherever it turns up.
const BEGINNING: &str = "tb_";

/// What is random in a key, in bytes.
const RANDOM_BYTES: usize = 32;

/// That, as text.
const RANDOM_CHARACTERS: usize = 43;

/// The most keys: each request is compared with all of them.
const KEYS_MAX: usize = 1_000;

/// The longest name of a key, in bytes: it stands in tables and in the log.
const NAME_BYTES_MAX: usize = 64;

/// What is kept of a key. A password would take a slow hash with a salt, because people choose what can be guessed; of 256
/// random bits nothing can, so a plain SHA-256 tells nobody the key, and a request costs no more than that.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hash([u8; 32]);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash")
    }
}

impl Hash {
    fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }
}

/// The access keys of a web door, as their file has them: each as a hash, never itself.
///
/// ```
/// use std::time::SystemTime;
/// use thingsbus_broker::AccessKeys;
/// let mut keys = AccessKeys::default();
/// let key = keys.add("dashboard", &["shop"], &[] as &[&str], SystemTime::now())?;
/// assert!(key.starts_with("tb_"));
/// assert_eq!(keys.iter().next().map(|key| key.name()), Some("dashboard"));
/// # Ok::<(), thingsbus_broker::KeysError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccessKeys(Vec<AccessKey>);

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    name: String,
    read: Vec<Namespace>,
    write: Vec<Namespace>,
    created: String,
    hash: Hash,
}

impl AccessKey {
    /// What it is called; no two keys of a file have the same name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its holder may read: these things and what is below them. The root is everything.
    #[must_use]
    pub fn read(&self) -> &[Namespace] {
        &self.read
    }

    /// What its holder may write, in the same way.
    #[must_use]
    pub fn write(&self) -> &[Namespace] {
        &self.write
    }

    /// When it was made, by RFC 3339.
    #[must_use]
    pub fn created(&self) -> &str {
        &self.created
    }
}

impl AccessKeys {
    /// Are there none?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, in the order in which they were made.
    pub fn iter(&self) -> impl Iterator<Item = &AccessKey> {
        self.0.iter()
    }

    /// Makes a key with which its holder may read what is below each of `read` and write what is below each of `write`; an
    /// empty prefix is everything. Gives back the key itself, which is nowhere else.
    ///
    /// # Errors
    /// Where the name is taken or none, a prefix is no namespace, or there are too many keys.
    pub fn add(
        &mut self,
        name: &str,
        read: &[impl AsRef<str>],
        write: &[impl AsRef<str>],
        now: SystemTime,
    ) -> Result<String, KeysError> {
        if !is_name(name) {
            return Err(KeysError::Name(name.to_owned()));
        }
        if self.0.iter().any(|key| key.name == name) {
            return Err(KeysError::Taken(name.to_owned()));
        }
        if self.0.len() >= KEYS_MAX {
            return Err(KeysError::TooMany { keys_max: KEYS_MAX });
        }
        let (read, write) = (prefixes(read)?, prefixes(write)?);
        let secret = secret::<RANDOM_BYTES>().ok_or(KeysError::NoRandomness)?;
        let key = format!("{BEGINNING}{secret}");
        let created = humantime::format_rfc3339_seconds(now).to_string();
        self.0.push(AccessKey { name: name.to_owned(), read, write, created, hash: Hash::of(&key) });
        Ok(key)
    }

    /// Takes a key away.
    ///
    /// # Errors
    /// Where there is none of this name.
    pub fn revoke(&mut self, name: &str) -> Result<AccessKey, KeysError> {
        match self.0.iter().position(|key| key.name == name) {
            Some(place) => Ok(self.0.remove(place)),
            None => {
                let names = self.0.iter().map(|key| key.name.as_str()).collect::<Vec<_>>().join(", ");
                Err(KeysError::NoSuchKey { name: name.to_owned(), names })
            }
        }
    }

    /// Which of them this is. It takes the same time whichever it is, and if it is none.
    pub(super) fn find(&self, key: &str) -> Option<usize> {
        let hash = Hash::of(key);
        let mut found = None;
        for (place, known) in self.0.iter().enumerate() {
            if bool::from(known.hash.0.ct_eq(&hash.0)) {
                found = Some(place);
            }
        }
        found
    }
}

/// Does a key stand in this, as it is?
pub(super) fn has_key(text: &str) -> bool {
    text.match_indices(BEGINNING).any(|(start, _)| {
        let rest = text.get(start + BEGINNING.len()..).unwrap_or_default();
        rest.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte)).count()
            >= RANDOM_CHARACTERS
    })
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= NAME_BYTES_MAX
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}

fn prefixes(texts: &[impl AsRef<str>]) -> Result<Vec<Namespace>, KeysError> {
    let parse = |text: &str| {
        Namespace::parse(text)
            .map_err(|error| KeysError::Prefix { prefix: text.to_owned(), why: error.to_string() })
    };
    texts.iter().map(|text| parse(text.as_ref())).collect()
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    const NONE: &[&str] = &[];

    #[test]
    fn a_key_is_found_by_itself_alone() {
        let mut keys = AccessKeys::default();
        let first = keys.add("first", &[""], NONE, UNIX_EPOCH).unwrap();
        let second = keys.add("second", &["a.b"], &["a"], UNIX_EPOCH).unwrap();
        assert_ne!(first, second);
        assert_eq!((keys.find(&first), keys.find(&second)), (Some(0), Some(1)));
        for other in ["", "tb_", &first[..first.len() - 1], &format!("{first}x"), &first.to_uppercase()] {
            assert_eq!(keys.find(other), None, "{other}");
        }
        assert_eq!(keys.revoke("first").unwrap().name(), "first");
        assert_eq!((keys.find(&first), keys.find(&second)), (None, Some(0)));
    }

    #[test]
    fn a_key_is_known_for_what_it_is() {
        let key = AccessKeys::default().add("a", NONE, NONE, UNIX_EPOCH).unwrap();
        assert_eq!(key.len(), BEGINNING.len() + RANDOM_CHARACTERS);
        assert!(has_key(&key) && has_key(&format!("/things?x={key}&y")) && has_key(&format!("tb_{key}")));
        assert!(!has_key("/things/tb_x") && !has_key(&key[1..]) && !has_key(&key[..key.len() - 1]));
    }

    #[test]
    fn nothing_that_is_shown_has_the_key_or_its_hash() {
        let mut keys = AccessKeys::default();
        let key = keys.add("a", NONE, NONE, UNIX_EPOCH).unwrap();
        let shown = format!("{keys:?}");
        assert!(!shown.contains(&key[3..]) && shown.contains("hash: Hash }"), "{shown}");
    }

    #[test]
    fn what_cannot_be_made_is_told() {
        let mut keys = AccessKeys::default();
        keys.add("a", NONE, NONE, UNIX_EPOCH).unwrap();
        let mut fails = |name: &str, prefix: &str, wanted: &str| {
            let error = keys.add(name, &[prefix], NONE, UNIX_EPOCH).unwrap_err().to_string();
            assert!(error.contains(wanted), "{error}");
        };
        fails("a", "", "there is a key \"a\" already");
        fails("", "", "is no name for a key");
        fails("a b", "", "is no name for a key");
        fails(&"a".repeat(65), "", "is no name for a key");
        fails("b", "A", "\"A\"");
        let error = keys.revoke("c").unwrap_err().to_string();
        assert_eq!(error, "there is no key \"c\"; there are: a");
    }
}
