//! One thing's last value.

use std::sync::Arc;

use thingsbus_adaptor::wire::{Timestamp, Update};

/// One thing's last value, as the directory keeps it.
#[derive(Clone, Debug)]
pub struct Record {
    ns: Arc<str>,
    pub(super) data: String,
    documentation_url: Option<Arc<str>>,
    ts: Timestamp,
    received: Timestamp,
    seq: u64,
}

/// A value to be put.
#[derive(Clone, Copy, Debug)]
pub struct Value<'a> {
    /// JSON text.
    pub data: &'a str,
    /// When it was, as the sender says.
    pub ts: Timestamp,
    /// When it came, by the clock of who keeps the directory.
    pub received: Timestamp,
    /// The broker's number of the update; 0 where there is none.
    pub seq: u64,
    /// Where `data` is explained.
    pub documentation_url: Option<&'a str>,
}

impl Record {
    pub(super) fn new(ns: Arc<str>) -> Self {
        let never = Timestamp::default();
        Self { ns, data: String::new(), documentation_url: None, ts: never, received: never, seq: 0 }
    }

    pub(super) fn set(&mut self, value: &Value<'_>, documentation_url: Option<Arc<str>>) {
        // The old value's memory is used again, unless it is far too much for the new one.
        self.data.clear();
        if self.data.capacity() > 2 * value.data.len() + 64 {
            self.data = String::new();
        }
        self.data.reserve_exact(value.data.len());
        self.data.push_str(value.data);
        if documentation_url.is_some() {
            self.documentation_url = documentation_url;
        }
        (self.ts, self.received, self.seq) = (value.ts, value.received, value.seq);
    }

    pub(super) fn set_documentation_url(&mut self, url: Option<Arc<str>>) {
        self.documentation_url = url;
    }

    /// From now on only its name and that number are known.
    pub(super) fn forget(&mut self, seq: u64, now: Timestamp) {
        (self.data, self.documentation_url) = (String::new(), None);
        (self.ts, self.received, self.seq) = (now, now, seq);
    }

    /// Was it forgotten? Then it has no value, and its number and times are those of the forgetting.
    #[must_use]
    pub fn is_forgotten(&self) -> bool {
        self.data.is_empty() // No value is.
    }

    /// The thing's namespace.
    #[must_use]
    pub fn ns(&self) -> &str {
        &self.ns
    }

    /// Its value, as JSON text.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// Where the value is explained: the last URL that came.
    #[must_use]
    pub fn documentation_url(&self) -> Option<&str> {
        self.documentation_url.as_deref()
    }

    /// When the value was, as its sender says.
    #[must_use]
    pub fn ts(&self) -> Timestamp {
        self.ts
    }

    /// When it came, by the clock of who keeps this directory.
    #[must_use]
    pub fn received(&self) -> Timestamp {
        self.received
    }

    /// The number of its last update; 0 where the broker gives none.
    #[must_use]
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// The update that says this value.
    #[must_use]
    pub fn update(&self) -> Update<'_> {
        Update::from_checked(&self.ns, Some(self.ts), &self.data, self.documentation_url(), Some(self.seq))
    }
}
