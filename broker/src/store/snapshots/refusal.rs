//! Why what was asked about snapshots is not done: a name for programs, and a sentence that says what to do.

use std::fmt::Display;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::SnapshotName;

/// Why it is not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) error: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    /// What the disk says no to.
    pub(crate) const DISK: &'static str = "disk_failed";

    /// There is no disk.
    pub(crate) fn no_store() -> Self {
        let message = "this broker keeps nothing on disk (--data none), so there are no snapshots; start it with \
                       --data FOLDER";
        Self { error: "no_disk", message: message.to_owned() }
    }

    /// The disk says no.
    pub(crate) fn disk(what: impl Display) -> Self {
        Self { error: Self::DISK, message: what.to_string() }
    }

    /// The broker is told to end.
    pub(crate) fn stopping() -> Self {
        Self { error: "stopping", message: "the broker is stopping: ask again when it runs".to_owned() }
    }

    /// There is no such snapshot.
    pub(crate) fn none(name: &SnapshotName) -> Self {
        let message = format!("there is no snapshot {name}: `thingsbus snapshot list` shows those there are");
        Self { error: "no_snapshot", message }
    }

    /// The snapshot is not as it was written.
    pub(crate) fn broken(name: &SnapshotName, why: impl Display) -> Self {
        let message = format!(
            "the snapshot {name} is not whole: {why}; nothing was loaded from it. What is left of it can be had with \
             `thingsbus snapshot export {name}`"
        );
        Self { error: "broken_snapshot", message }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "type": "error", "error": self.error, "message": self.message })
    }
}
