//! The wire: what a message is, in JSON and in msgpack. Pure: no socket, no runtime, no clock.
//!
//! `PROTOCOL.md` at the top of the repository is the normative text; this module is its one implementation,
//! used by adaptor, client and broker alike.

mod ack;
mod canonical;
mod freshness;
mod history;
mod json;
pub mod limits;
mod msgpack;
mod named;
mod namespace;
mod query;
mod rejected;
mod scan;
mod snapshot;
mod snapshots;
mod text;
mod timestamp;
mod update;

pub use ack::{
    AckLevel, AckWanted, Acknowledged, Numbered, Outcome, SENDER_BYTES_MAX, push_refused, push_taken,
};
pub use freshness::{Expected, Freshness, FreshnessChange, Rhythm};
pub use history::{HistoryLine, HistoryQuery, HistoryWriter};
pub use json::{
    Question, RefusedUpdate, Scratch, decode_datagram, decode_message, decode_question, decode_update,
    refused_datagram,
};
pub use msgpack::{Asks, encode_asking, encode_list, encode_map};
pub use named::name_in_refused;
pub use namespace::{Namespace, NamespaceError};
pub use query::{Ask, QUERY_DOCUMENTATION, Query, QueryError, Words};
pub use rejected::Rejected;
pub use snapshot::{Forgotten, Mark, Page, Snapshot, SnapshotWriter, Told};
pub use snapshots::{
    HEAD, SNAPSHOT_NAME_BYTES_MAX, SNAPSHOT_PART_BYTES_MAX, SnapshotAsk, SnapshotName, SnapshotNameError,
    narrower,
};
pub use text::push_json_string;
pub use timestamp::Timestamp;
pub use update::{Message, Update};

#[cfg(test)]
mod tests;
