//! A part of the directory that is followed, and up to where it is known.

use thingsbus_adaptor::wire::Namespace;

use crate::directory::Scope;

/// A part of the directory that is followed.
pub(super) struct Part {
    ns: Namespace,
    tree: bool,
    /// Every update up to this one is known, by its effect.
    known: Option<u64>,
    /// Updates up to this one may have been missed.
    needed: Option<u64>,
    /// It is to be asked for whatever is known.
    ask: bool,
}

impl Part {
    pub(super) fn new(ns: Namespace, tree: bool) -> Self {
        Self { ns, tree, known: None, needed: None, ask: true }
    }

    pub(super) fn ns(&self) -> &Namespace {
        &self.ns
    }

    pub(super) fn scope(&self) -> Scope<'_> {
        Scope { ns: self.ns.as_str(), tree: self.tree }
    }

    pub(super) fn is_everything(&self) -> bool {
        self.tree && self.ns.is_root()
    }

    /// Is everything of `ns` (and below it) a part of this?
    pub(super) fn covers(&self, ns: &Namespace, tree: bool) -> bool {
        if self.tree { self.scope().holds(ns.as_str()) } else { !tree && self.ns == *ns }
    }

    /// What to subscribe to: the canonical update begins with its namespace, so these are its first bytes.
    pub(super) fn subscriptions(&self) -> impl Iterator<Item = Vec<u8>> {
        let own = format!("{{\"ns\":\"{}\"", self.ns);
        let (first, second) = match (self.tree, self.ns.is_root()) {
            (true, true) => ("{\"ns\":\"".to_owned(), None),
            (true, false) => (own, Some(format!("{{\"ns\":\"{}.", self.ns))),
            (false, _) => (own, None),
        };
        std::iter::once(first).chain(second).map(String::into_bytes)
    }

    pub(super) fn known(&self) -> Option<u64> {
        self.known
    }

    pub(super) fn is_to_be_asked(&self) -> bool {
        self.ask || self.needed.is_some_and(|needed| self.known.is_none_or(|known| known < needed))
    }

    /// Updates up to `seq` may have been missed.
    pub(super) fn must_know(&mut self, seq: u64) {
        self.needed = Some(self.needed.map_or(seq, |needed| needed.max(seq)));
    }

    /// The connection ended, and the last update on it was `seq`. Who hears everything missed none before.
    pub(super) fn heard(&mut self, seq: u64) {
        if self.is_everything() && !self.is_to_be_asked() {
            self.told(seq);
        }
    }

    /// It is to be asked for again.
    pub(super) fn ask(&mut self) {
        self.ask = true;
    }

    /// It was told in full, as it was at `seq` or later.
    pub(super) fn told(&mut self, seq: u64) {
        self.known = Some(self.known.map_or(seq, |known| known.max(seq)));
        self.ask = false;
    }

    /// What is known was of another life of the broker.
    pub(super) fn forget(&mut self) {
        (self.known, self.needed, self.ask) = (None, None, true);
    }
}
