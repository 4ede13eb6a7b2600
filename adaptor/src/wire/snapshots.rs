//! What may be asked about snapshots: the directory as it was at some time, kept by the broker under a name.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::QueryError;
use super::namespace::Namespace;

/// The longest name of a snapshot, in bytes: with the ending it is a file's name on every system.
pub const SNAPSHOT_NAME_BYTES_MAX: usize = 64;

/// The most text of one part of a snapshot, in bytes, but for a part of one line that is longer. Written as JSON it has
/// room in a message, however much of it must be escaped.
pub const SNAPSHOT_PART_BYTES_MAX: usize = 160 * 1024;

/// The running state, which is no snapshot.
pub const HEAD: &str = "head";

/// The name of a snapshot: a letter or a digit, and up to 63 more of `A-Z a-z 0-9 _ . -`. It is not `head`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SnapshotName(Box<str>);

/// Why a text is no snapshot's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotNameError {
    /// It is the running state's.
    #[error("\"head\" is the running state, which is kept by itself; a snapshot takes another name")]
    Head,
    /// It breaks the rule.
    #[error(
        "{0:?} is no snapshot's name: it takes a letter or a digit and up to 63 more of A-Z, a-z, 0-9, _, . and -"
    )]
    Rule(String),
}

impl SnapshotName {
    /// The only way from a text to a name.
    ///
    /// # Errors
    /// Where the text breaks the rule.
    pub fn parse(text: &str) -> Result<Self, SnapshotNameError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte);
        let begins = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if text == HEAD {
            Err(SnapshotNameError::Head)
        } else if begins && text.len() <= SNAPSHOT_NAME_BYTES_MAX && text.bytes().all(good) {
            Ok(Self(text.into()))
        } else {
            Err(SnapshotNameError::Rule(text.chars().take(SNAPSHOT_NAME_BYTES_MAX + 1).collect()))
        }
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for SnapshotName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// A question about snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotAsk {
    /// Keep what is at and below `ns` now.
    Save {
        /// Under this name, which no snapshot has.
        name: SnapshotName,
        /// From here on downwards.
        ns: Namespace,
    },
    /// Let the directory be as it was then, at and below `ns`.
    Load {
        /// Which snapshot.
        name: SnapshotName,
        /// From here on downwards.
        ns: Namespace,
    },
    /// Which are there?
    List,
    /// Remove one.
    Delete {
        /// Which.
        name: SnapshotName,
    },
    /// The text of one, from `offset` on.
    Part {
        /// Which.
        name: SnapshotName,
        /// Where the part begins: 0, or the last answer's `next`.
        offset: u64,
    },
    /// The text of one that is to be there.
    Put {
        /// Under this name, which no snapshot has.
        name: SnapshotName,
        /// Where the text belongs: 0, or the last answer's `next`.
        offset: u64,
        /// A part of it.
        text: String,
        /// Is this the last part?
        last: bool,
    },
}

/// The wire's shape.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Shape<'a> {
    #[serde(rename = "snapshot_save")]
    Save {
        name: Cow<'a, str>,
        #[serde(default)]
        ns: Cow<'a, str>,
    },
    #[serde(rename = "snapshot_load")]
    Load {
        name: Cow<'a, str>,
        #[serde(default)]
        ns: Cow<'a, str>,
    },
    #[serde(rename = "snapshot_list")]
    List,
    #[serde(rename = "snapshot_delete")]
    Delete { name: Cow<'a, str> },
    #[serde(rename = "snapshot_part")]
    Part {
        name: Cow<'a, str>,
        #[serde(default)]
        offset: u64,
    },
    #[serde(rename = "snapshot_put")]
    Put {
        name: Cow<'a, str>,
        #[serde(default)]
        offset: u64,
        text: Cow<'a, str>,
        #[serde(default)]
        last: bool,
    },
}

impl SnapshotAsk {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, QueryError> {
        let name = |name: Cow<'_, str>| SnapshotName::parse(&name);
        Ok(match serde_json::from_slice(bytes)? {
            Shape::Save { name: text, ns } => Self::Save { name: name(text)?, ns: Namespace::parse(&ns)? },
            Shape::Load { name: text, ns } => Self::Load { name: name(text)?, ns: Namespace::parse(&ns)? },
            Shape::List => Self::List,
            Shape::Delete { name: text } => Self::Delete { name: name(text)? },
            Shape::Part { name: text, offset } => Self::Part { name: name(text)?, offset },
            Shape::Put { name: as_text, offset, text, last } => {
                Self::Put { name: name(as_text)?, offset, text: text.into_owned(), last }
            }
        })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let shape = match self {
            Self::Save { name, ns } => Shape::Save { name: name.as_str().into(), ns: ns.as_str().into() },
            Self::Load { name, ns } => Shape::Load { name: name.as_str().into(), ns: ns.as_str().into() },
            Self::List => Shape::List,
            Self::Delete { name } => Shape::Delete { name: name.as_str().into() },
            Self::Part { name, offset } => Shape::Part { name: name.as_str().into(), offset: *offset },
            Self::Put { name, offset, text, last } => {
                let (name, text) = (name.as_str().into(), text.as_str().into());
                Shape::Put { name, offset: *offset, text, last: *last }
            }
        };
        serde_json::to_vec(&shape).unwrap_or_default()
    }
}

/// What of a question says whether it is about snapshots.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
}

/// Is it a question about snapshots, and one that may be as long as a message?
pub(super) fn is_about_snapshots(bytes: &[u8]) -> Option<bool> {
    let Kind { kind } = serde_json::from_slice(bytes).ok()?;
    kind.starts_with("snapshot_").then(|| kind == "snapshot_put")
}

/// What is both at or below `one` and at or below `other`: the lower of the two, where one is below the other.
#[must_use]
pub fn narrower<'n>(one: &'n Namespace, other: &'n Namespace) -> Option<&'n Namespace> {
    if one == other || one.is_under(other) { Some(one) } else { other.is_under(one).then_some(other) }
}

#[cfg(test)]
mod tests {
    use super::super::Ask;
    use super::super::limits::QUERY_BYTES_MAX;
    use super::*;

    #[test]
    fn names_keep_the_rule() {
        for good in ["a", "9", "before-the-move", "2026-11-21T17.44", "A_b", &"x".repeat(64)] {
            assert_eq!(SnapshotName::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", ".", "..", ".a", "-a", "_a", "a/b", "a b", "größe", "a\0", "../a", &"x".repeat(65)]
        {
            assert_eq!(SnapshotName::parse(bad), Err(SnapshotNameError::Rule(bad.to_owned())), "{bad}");
        }
        assert_eq!(SnapshotName::parse("head"), Err(SnapshotNameError::Head));
        assert!(SnapshotName::parse("header").is_ok());
    }

    #[test]
    fn questions_are_read_as_they_are_written() {
        let name = SnapshotName::parse("x").unwrap();
        let ns = Namespace::parse("shop.lathe").unwrap();
        let text = format!("{{\"a\":\"größe\\n\"}}\n{}", "\"".repeat(SNAPSHOT_PART_BYTES_MAX));
        for ask in [
            SnapshotAsk::Save { name: name.clone(), ns: ns.clone() },
            SnapshotAsk::Load { name: name.clone(), ns },
            SnapshotAsk::List,
            SnapshotAsk::Delete { name: name.clone() },
            SnapshotAsk::Part { name: name.clone(), offset: 1 << 40 },
            SnapshotAsk::Put { name, offset: 7, text, last: true },
        ] {
            let ask = Ask::Snapshot(ask);
            assert_eq!(Ask::decode(&ask.encode()).unwrap(), ask);
        }
        let root = Ask::decode(br#"{"name":"x","type":"snapshot_save","newer":1}"#).unwrap();
        let name = SnapshotName::parse("x").unwrap();
        assert_eq!(root, Ask::Snapshot(SnapshotAsk::Save { name, ns: Namespace::root() }));
    }

    #[test]
    fn what_is_no_question_is_told_why() {
        let check = |text: &str, part: &str| {
            let error = Ask::decode(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(r#"{"type":"snapshot_save","name":"head"}"#, "the running state");
        check(r#"{"type":"snapshot_save","name":"../x"}"#, "no snapshot's name");
        check(r#"{"type":"snapshot_save"}"#, "name");
        check(r#"{"type":"snapshot_save","name":"x","ns":"Shop"}"#, "Shop");
        check(r#"{"type":"snapshot_copy"}"#, "snapshot_copy");
        check(r#"{"type":"snapshot_part","name":"x","offset":-1}"#, "-1");
        let long = "x".repeat(QUERY_BYTES_MAX);
        check(&format!(r#"{{"type":"snapshot_save","name":"{long}"}}"#), "at most 8192 bytes");
    }

    #[test]
    fn of_two_parts_of_the_directory_one_is_in_the_other_or_they_have_nothing_in_common() {
        let ns = |text| Namespace::parse(text).unwrap();
        let check = |one, other, wanted: Option<&str>| {
            let (one, other) = (ns(one), ns(other));
            assert_eq!(narrower(&one, &other).map(Namespace::as_str), wanted);
            assert_eq!(narrower(&other, &one).map(Namespace::as_str), wanted);
        };
        check("", "", Some(""));
        check("", "a", Some("a"));
        check("a", "a.b", Some("a.b"));
        check("a", "ab", None);
        check("a.b", "a.c", None);
    }
}
