//! How the file of access keys says them, in TOML.

use std::fmt::Write as _;

use serde::Deserialize;
use thingsbus_adaptor::wire::Namespace;
use toml::Spanned;
use toml::value::Datetime;

use super::{AccessKey, AccessKeys, Hash, KEYS_MAX, is_name};

/// What is wrong with a file, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: Spanned<String>,
    #[serde(default)]
    read: Vec<Prefix>,
    #[serde(default)]
    write: Vec<Prefix>,
    created: Datetime,
    sha256: Hash,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Prefix(Namespace);

impl TryFrom<String> for Prefix {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Namespace::parse(&text).map(Self).map_err(|error| format!("{text:?}: {error}"))
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_hex(&text).map(Self).ok_or_else(|| serde::de::Error::custom("a hash has 64 hexadecimal digits"))
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

impl AccessKeys {
    pub(super) fn parse(text: &str) -> Result<Self, Wrong> {
        let file: File = toml::from_str(text).map_err(|error| Wrong {
            at: error.span().map_or(0, |span| span.start),
            message: error.message().to_owned(),
        })?;
        let mut keys = Vec::<AccessKey>::new();
        for Entry { name, read, write, created, sha256: hash } in file.key {
            let at = name.span().start;
            let name = name.into_inner();
            let why = if !is_name(&name) {
                format!("{name:?} is no name for a key")
            } else if keys.len() >= KEYS_MAX {
                format!("there are at most {KEYS_MAX} keys")
            } else if keys.iter().any(|key| key.name == name) {
                format!("{name:?} is the name of another key")
            } else if let Some(same) = keys.iter().find(|key| key.hash == hash) {
                format!("{name:?} is the same key as {:?}", same.name)
            } else {
                let inner = |prefixes: Vec<Prefix>| prefixes.into_iter().map(|Prefix(ns)| ns).collect();
                let (read, write) = (inner(read), inner(write));
                keys.push(AccessKey { name, read, write, created: created.to_string(), hash });
                continue;
            };
            return Err(Wrong { at, message: why });
        }
        Ok(Self(keys))
    }

    pub(super) fn to_toml(&self) -> String {
        let mut text = "# The access keys of thingsbus-broker's web door, each as a hash: `thingsbus-broker key` makes, \
                        lists and revokes them.\n"
            .to_owned();
        for AccessKey { name, read, write, created, hash: Hash(hash) } in &self.0 {
            let names =
                |prefixes: &[Namespace]| prefixes.iter().map(ToString::to_string).collect::<Vec<String>>();
            let (read, write) = (names(read), names(write));
            // Names, prefixes and times have no character that TOML writes in another way than Rust.
            let _ = write!(
                text,
                "\n[[key]]\nname = {name:?}\nread = {read:?}\nwrite = {write:?}\ncreated = {created}\nsha256 = \""
            );
            for byte in hash {
                let _ = write!(text, "{byte:02x}");
            }
            text.push_str("\"\n");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut keys = AccessKeys::default();
        assert_eq!(AccessKeys::parse(&keys.to_toml()), Ok(keys.clone()));
        let key = keys.add("first", &[""], &["a.b", "c"], UNIX_EPOCH).unwrap();
        keys.add("second.2_-", &[] as &[&str], &["a"], UNIX_EPOCH).unwrap();
        let text = keys.to_toml();
        assert!(text.contains("\ncreated = 1970-01-01T00:00:00Z\n"), "{text}");
        assert!(!text.contains(&key[3..]), "{text}");
        assert_eq!(AccessKeys::parse(&text), Ok(keys));
    }

    #[test]
    fn what_is_wrong_is_named_with_its_place() {
        let hash = "0".repeat(64);
        let entry = |name: &str, more: &str, hash: &str| {
            format!("[[key]]\nname = {name:?}\ncreated = 1970-01-01T00:00:00Z\nsha256 = {hash:?}\n{more}\n")
        };
        let check = |text: &str, line: usize, part: &str| {
            let Wrong { at, message } = AccessKeys::parse(text).unwrap_err();
            assert!(message.contains(part), "{message}");
            assert_eq!(text[..at].matches('\n').count() + 1, line, "{message}\n{text}");
        };
        let good = entry("a", "", &hash);
        assert_eq!(AccessKeys::parse(&good).unwrap().len(), 1);
        check(&entry("a b", "", &hash), 2, "no name");
        check(&entry("a", "read = [\"A\"]", &hash), 5, "\"A\"");
        check(&entry("a", "rad = []", &hash), 5, "unknown field `rad`");
        check(&entry("a", "", &hash[1..]), 4, "64 hexadecimal digits");
        check(&entry("a", "", &"é".repeat(32)), 4, "64 hexadecimal digits");
        check(&format!("{good}{}", entry("a", "", &"1".repeat(64))), 7, "the name of another key");
        check(&format!("{good}{}", entry("b", "", &hash)), 7, "the same key as \"a\"");
        check("[[key]]\nname = \"a\"\n", 1, "missing field");
        check("\nkey\n", 2, "");
    }
}
