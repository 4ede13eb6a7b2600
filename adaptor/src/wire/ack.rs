//! Acknowledgement: a sender asks to be told when its update is taken, and is told so, or why it was not.

use serde::Deserialize;

use super::Rejected;
use super::text::{push, push_json_string};

/// Where an update is when it is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AckLevel {
    /// In the directory, and on its way to whoever listens.
    Directory,
    /// On disk: it is there after a power cut.
    Disk,
}

impl AckLevel {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Directory, Self::Disk];

    /// As the wire has it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Disk => "disk",
        }
    }

    /// The level of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.name() == name)
    }
}

impl std::fmt::Display for AckLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// The longest name of a sender, in bytes: the broker keeps one for each that numbers its updates.
pub const SENDER_BYTES_MAX: usize = 64;

/// Which update of which sender. The numbers of a sender rise; one that is not above all before it was sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered<'a> {
    sender: &'a str,
    number: u64,
}

impl<'a> Numbered<'a> {
    /// `None` where `sender` is no name of one: 1 to 64 of `A-Z a-z 0-9 _ . : -`.
    #[must_use]
    pub fn new(sender: &'a str, number: u64) -> Option<Self> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:-".contains(&byte);
        let fits = (1..=SENDER_BYTES_MAX).contains(&sender.len());
        (fits && sender.bytes().all(good)).then_some(Self { sender, number })
    }

    /// The sender's name for itself, which no other has.
    #[must_use]
    pub fn sender(&self) -> &'a str {
        self.sender
    }

    /// The sender's number of the update.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }
}

/// What a sender asks for with an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AckWanted<'a> {
    /// When it wants to be told.
    pub level: AckLevel,
    /// So that the broker takes the update once, however often it comes.
    pub numbered: Option<Numbered<'a>>,
}

impl AckWanted<'_> {
    /// Appends `"ack":…,"sender":…,"number":…`.
    pub(super) fn push_fields(&self, out: &mut Vec<u8>) {
        push(out, format_args!("\"ack\":\"{}\"", self.level));
        if let Some(Numbered { sender, number }) = self.numbered {
            push(out, format_args!(",\"sender\":\"{sender}\",\"number\":{number}"));
        }
    }
}

/// The broker's answer to an update that asked for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The sender that it was from; `None` where it did not say.
    pub sender: Option<String>,
    /// The sender's number of the update.
    pub number: Option<u64>,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of an update.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// It is where the sender wants it.
    Taken {
        /// Where that is.
        level: AckLevel,
        /// The broker's number of the update; `None` where it had come before, and was not taken again.
        seq: Option<u64>,
    },
    /// It was not taken.
    Refused {
        /// Why, by the name that counters have.
        reason: String,
        /// Why, in a sentence.
        message: String,
    },
}

impl Acknowledged {
    /// Reads a broker's answer; `None` where it is another message.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Shape {
            r#type: String,
            ack: Option<String>,
            sender: Option<String>,
            number: Option<u64>,
            seq: Option<u64>,
            error: Option<String>,
            message: Option<String>,
        }
        let shape: Shape = serde_json::from_slice(bytes).ok()?;
        let outcome = match (shape.r#type.as_str(), shape.error) {
            ("thing_ack", None) => {
                Outcome::Taken { level: AckLevel::named(shape.ack.as_deref()?)?, seq: shape.seq }
            }
            ("thing_ack" | "error", Some(reason)) => {
                Outcome::Refused { reason, message: shape.message.unwrap_or_default() }
            }
            _ => return None,
        };
        Some(Self { sender: shape.sender, number: shape.number, outcome })
    }
}

/// Appends the answer to an update that is where its sender wants it. `seq` is the broker's number of it; `None` where
/// it had come before.
pub fn push_taken(wanted: &AckWanted<'_>, seq: Option<u64>, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"thing_ack","#);
    wanted.push_fields(out);
    match seq {
        Some(seq) => push(out, format_args!(",\"seq\":{seq}}}")),
        None => out.extend_from_slice(br#","seq":null}"#),
    }
}

/// Appends the answer to an update that was not taken.
pub fn push_refused(numbered: Option<Numbered<'_>>, why: Rejected, out: &mut Vec<u8>) {
    out.extend_from_slice(br#"{"type":"thing_ack""#);
    if let Some(Numbered { sender, number }) = numbered {
        push(out, format_args!(",\"sender\":\"{sender}\",\"number\":{number}"));
    }
    push(out, format_args!(",\"error\":\"{}\",\"message\":", why.name()));
    push_json_string(out, &why.to_string());
    out.push(b'}');
}
