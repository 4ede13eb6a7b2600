//! What may be asked at the query door.

use serde::de::Error;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::freshness::Freshness;
use super::history::{self, HistoryQuery};
use super::limits::{PAGE_THINGS_MAX, QUERY_BYTES_MAX};
use super::namespace::{Namespace, NamespaceError};
use super::snapshots::{SnapshotAsk, SnapshotNameError, is_about_snapshots};

/// Where the query door is explained; told with every refused query.
pub const QUERY_DOCUMENTATION: &str = "PROTOCOL.md, section \"The query door\"";

/// A question to the query door.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Ask {
    /// Which things are there, with their values?
    Things(Query),
    /// Forget a thing, and with `tree` what is below it.
    Forget {
        /// The thing.
        ns: Namespace,
        /// And what is below it.
        tree: bool,
    },
    /// What did a thing say over time?
    History(HistoryQuery),
    /// How is the broker?
    Status,
    /// What was refused last, and why?
    Rejected {
        /// From this thing and those below it; from all where it is the root.
        ns: Namespace,
    },
    /// Snapshots: save, load, list, delete, read and bring one.
    Snapshot(SnapshotAsk),
}

/// Which things are there, with their values?
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The thing asked for.
    pub ns: Namespace,
    /// Also what is below it.
    pub tree: bool,
    /// Only what changed after this update. Without effect where `epoch` is not the broker's.
    pub since: Option<u64>,
    /// The broker's life in which `since` was counted.
    pub epoch: Option<String>,
    /// The most things in the answer; at most [`PAGE_THINGS_MAX`].
    pub limit: usize,
    /// Only things after this one: the last answer's `next`.
    pub after: Option<Namespace>,
    /// Their values as they were at this moment, by the broker's clock.
    pub at: Option<Timestamp>,
    /// Also how fresh they are, and only those of which one of these is true. Without effect with `at`.
    pub freshness: Option<Words>,
}

/// Some of the words for how fresh a thing is: a set, which may be empty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words(u8);

impl Words {
    /// All of them.
    pub const ALL: Self = Self(7);

    /// Is this one of them?
    #[must_use]
    pub fn has(self, word: Freshness) -> bool {
        self.0 & 1 << word as u8 != 0
    }

    /// Which they are, from good to bad.
    pub fn iter(self) -> impl Iterator<Item = Freshness> {
        Freshness::ALL.into_iter().filter(move |word| self.has(*word))
    }
}

impl FromIterator<Freshness> for Words {
    fn from_iter<I: IntoIterator<Item = Freshness>>(words: I) -> Self {
        Self(words.into_iter().fold(0, |all, word| all | 1 << word as u8))
    }
}

impl Default for Query {
    /// Everything there is.
    fn default() -> Self {
        Self {
            ns: Namespace::root(),
            tree: true,
            since: None,
            epoch: None,
            limit: PAGE_THINGS_MAX,
            after: None,
            at: None,
            freshness: None,
        }
    }
}

/// Why a query is not one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QueryError {
    /// Longer than [`QUERY_BYTES_MAX`].
    #[error("a query has at most {QUERY_BYTES_MAX} bytes, this one has {bytes}")]
    TooLong {
        /// How many there were.
        bytes: usize,
    },
    /// Not JSON, or a field of the wrong kind, or one that no query has.
    #[error("not a query: {0}")]
    NotAQuery(#[from] serde_json::Error),
    /// A namespace breaks the rule.
    #[error("{0}")]
    Namespace(#[from] NamespaceError),
    /// A snapshot's name breaks the rule.
    #[error("{0}")]
    SnapshotName(#[from] SnapshotNameError),
    /// No word for how fresh a thing is.
    #[error("a thing is \"fresh\", \"late\" or \"silent\", not {0:?}")]
    Freshness(String),
}

/// The wire's shape. Unknown keys are ignored, so that a newer client can ask an older broker.
#[derive(Serialize, Deserialize)]
#[serde(tag = "type")]
enum Shape<'a> {
    #[serde(rename = "thing_query")]
    Things {
        #[serde(default)]
        ns: std::borrow::Cow<'a, str>,
        #[serde(default)]
        tree: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        epoch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<usize>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<f64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        freshness: Option<WordsShape>,
    },
    #[serde(rename = "history_query")]
    History(history::Shape<'a>),
    #[serde(rename = "thing_forget")]
    Forget {
        ns: std::borrow::Cow<'a, str>,
        #[serde(default)]
        tree: bool,
    },
    #[serde(rename = "status_query")]
    Status,
    #[serde(rename = "rejected_query")]
    Rejected {
        #[serde(default)]
        ns: std::borrow::Cow<'a, str>,
    },
}

/// All of them and none by a word of JSON, some by a list of theirs.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum WordsShape {
    All(bool),
    Some(Vec<String>),
}

impl WordsShape {
    fn read(self) -> Result<Option<Words>, QueryError> {
        match self {
            Self::All(all) => Ok(all.then_some(Words::ALL)),
            Self::Some(names) => {
                let word = |name: String| Freshness::named(&name).ok_or(QueryError::Freshness(name));
                names.into_iter().map(word).collect::<Result<_, _>>().map(Some)
            }
        }
    }
}

impl From<Words> for WordsShape {
    fn from(words: Words) -> Self {
        if words == Words::ALL {
            return Self::All(true);
        }
        Self::Some(words.iter().map(|word| word.name().to_owned()).collect())
    }
}

impl Ask {
    /// Decodes a query.
    ///
    /// # Errors
    /// Where it is not one; the error's text is told to who asked.
    pub fn decode(bytes: &[u8]) -> Result<Self, QueryError> {
        let about_snapshots = is_about_snapshots(bytes);
        // A part of a snapshot has the room of a message; what is longer does not come here.
        if bytes.len() > QUERY_BYTES_MAX && about_snapshots != Some(true) {
            return Err(QueryError::TooLong { bytes: bytes.len() });
        }
        if bytes.trim_ascii_start().starts_with(b"[") {
            // Serde would take a list for the object with its keys left out.
            return Err(serde_json::Error::custom("a list where an object is expected").into());
        }
        if about_snapshots.is_some() {
            return SnapshotAsk::decode(bytes).map(Self::Snapshot);
        }
        Ok(match serde_json::from_slice(bytes)? {
            Shape::Status => Self::Status,
            Shape::Rejected { ns } => Self::Rejected { ns: Namespace::parse(&ns)? },
            Shape::Forget { ns, tree } => Self::Forget { ns: Namespace::parse(&ns)?, tree },
            Shape::History(shape) => Self::History(shape.read()?),
            Shape::Things { ns, tree, since, epoch, limit, after, at, freshness } => Self::Things(Query {
                ns: Namespace::parse(&ns)?,
                tree,
                since,
                epoch,
                limit: limit.unwrap_or(PAGE_THINGS_MAX).clamp(1, PAGE_THINGS_MAX),
                after: after.as_deref().map(Namespace::parse).transpose()?,
                at: at.and_then(Timestamp::from_seconds),
                freshness: freshness.map(WordsShape::read).transpose()?.flatten(),
            }),
        })
    }

    /// As it is sent.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let shape = match self {
            Self::Snapshot(ask) => return ask.encode(),
            Self::Status => Shape::Status,
            Self::Rejected { ns } => Shape::Rejected { ns: ns.as_str().into() },
            Self::History(query) => Shape::History(query.into()),
            Self::Forget { ns, tree } => Shape::Forget { ns: ns.as_str().into(), tree: *tree },
            Self::Things(query) => Shape::Things {
                ns: query.ns.as_str().into(),
                tree: query.tree,
                since: query.since,
                epoch: query.epoch.clone(),
                limit: Some(query.limit),
                after: query.after.as_ref().map(ToString::to_string),
                at: query.at.map(Timestamp::seconds),
                freshness: query.freshness.map(Into::into),
            },
        };
        serde_json::to_vec(&shape).unwrap_or_default()
    }
}
