//! One live stream: first what there is, then a mark, then what happens; and again what there is where it fell behind.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use thingsbus_adaptor::wire::{Namespace, Query, Words};

use super::Follower;
use super::queue::Waiting;
use crate::door::web::access::Access;
use crate::door::web::app::Caller;
use crate::door::web::ask::{Asker, Expected, Page, Thing};
use crate::door::web::problem::Problem;

/// How many things are asked for at once.
const PAGE_THINGS: usize = 200;

/// What a stream is of.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// These things.
    pub(crate) parts: Vec<Namespace>,
    /// And what is below them.
    pub(crate) tree: bool,
    /// Only what changed after this: the broker's life, and the number of its last update that is known.
    pub(crate) since: Option<(String, u64)>,
}

/// What a stream tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// A message as clients get it, or a thing told as one. With a number, everything up to that was told.
    Message { bytes: Bytes, through: Option<u64> },
    /// Everything up to this number was told: the mark, as JSON.
    Mark { json: String, seq: u64 },
    /// So many updates were not told, because newer ones of the same things stand for them.
    Merged(u64),
}

/// A stream.
pub(crate) struct Stream {
    follower: Follower,
    asker: Asker,
    access: Access,
    scope: Scope,
    telling: Option<Telling>,
    /// The broker's life.
    epoch: String,
    /// Everything up to this was told.
    through: u64,
    /// What was told that is newer than that, by things.
    newer: HashMap<Box<str>, u64>,
    missed: u64,
}

/// Where it is in telling what there is.
struct Telling {
    part: usize,
    after: Option<Namespace>,
    since: Option<(String, u64)>,
    /// The broker's last update when this began; all that was told of it was told since `since`.
    begun: Option<(u64, bool)>,
    things: u64,
}

impl Telling {
    fn since(since: Option<(String, u64)>) -> Self {
        Self { part: 0, after: None, since, begun: None, things: 0 }
    }
}

/// A thing, told as its last update.
#[derive(Serialize)]
struct Update<'a> {
    ns: &'a str,
    r#type: &'static str,
    ts: f64,
    data: &'a serde_json::value::RawValue,
    documentation_url: Option<&'a serde_json::value::RawValue>,
    seq: u64,
    received: f64,
    #[serde(flatten)]
    expected: Expected<'a>,
}

impl Stream {
    pub(super) fn new(follower: Follower, caller: &Caller, scope: Scope) -> Self {
        let (asker, access) = (caller.asker.clone(), caller.access.clone());
        let telling = Some(Telling::since(scope.since.clone()));
        let (epoch, through, newer, missed) = Default::default();
        Self { follower, asker, access, scope, telling, epoch, through, newer, missed }
    }

    /// The broker's life, which the numbers are of.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Waits for something to tell, for so long at the most. Nothing where nothing came.
    ///
    /// # Errors
    /// Where the broker stops, and where the key was revoked by which it was opened.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Vec<Told>, Problem> {
        self.check_access()?;
        if let Some(telling) = self.telling.take() {
            return self.tell_page(telling).await;
        }
        loop {
            // Again after each wait: what came in the meantime may be told no more.
            self.check_access()?;
            let waiting = self.follower.queue.take();
            if waiting.has_gap {
                // What waited is in the directory too.
                self.missed += waiting.missed + waiting.messages.len() as u64;
                self.newer.clear();
                let since = Some((self.epoch.clone(), self.through));
                return self.tell_page(Telling::since(since)).await;
            }
            let told = self.tell(waiting);
            if !told.is_empty() {
                return Ok(told);
            }
            if tokio::time::timeout(patience, self.follower.queue.woken()).await.is_err() {
                return Ok(Vec::new());
            }
        }
    }

    fn check_access(&self) -> Result<(), Problem> {
        if self.access.is_revoked() {
            return Err(Problem::forbidden("the access key of this stream was revoked"));
        }
        Ok(())
    }

    /// What waited, without what is known from the directory already.
    fn tell(&mut self, waiting: Waiting) -> Vec<Told> {
        let mut told = Vec::with_capacity(waiting.messages.len());
        for (seq, bytes) in waiting.messages {
            let Some(seq) = seq else {
                told.push(Told::Message { bytes, through: None });
                continue;
            };
            if seq <= self.through {
                continue;
            }
            self.through = seq;
            if !self.newer.is_empty() && self.newer.get(name(&bytes)).is_some_and(|known| *known >= seq) {
                continue;
            }
            told.push(Told::Message { bytes, through: Some(seq) });
        }
        if self.newer.values().all(|seq| *seq <= self.through) {
            self.newer.clear();
        }
        told
    }

    /// Asks for the next page of what there is, or of what changed.
    async fn tell_page(&mut self, mut telling: Telling) -> Result<Vec<Told>, Problem> {
        let Some(part) = self.scope.parts.get(telling.part).cloned() else { return Ok(self.end(telling)) };
        let (epoch, since) = telling.since.clone().unzip();
        let query = Query {
            ns: part,
            tree: self.scope.tree,
            since,
            epoch,
            limit: PAGE_THINGS,
            after: telling.after.take(),
            freshness: Some(Words::ALL),
            ..Query::default()
        };
        let answer = match self.asker.page(query).await {
            // It waits until there is room: it is behind already.
            Err(problem) if problem.is_busy() => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                self.telling = Some(telling);
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        let page: Page<'_> = answer.read()?;
        let (begun, _) = *telling.begun.get_or_insert((page.seq, page.since.is_some()));
        page.epoch.clone_into(&mut self.epoch);
        let mut told = Vec::new();
        for thing in &page.data {
            let Thing { ns, ts, data, documentation_url, received, seq, expected } = *thing;
            let update =
                Update { ns, r#type: "thing_update", ts, data, documentation_url, seq, received, expected };
            let bytes = serde_json::to_vec(&update).unwrap_or_default().into();
            told.push(Told::Message { bytes, through: None });
            if seq > begun {
                self.newer.insert(ns.into(), seq);
            }
        }
        for ns in &page.forgotten {
            let json = json!({ "ns": ns, "type": "thing_forgotten", "ts": page.ts, "seq": page.seq });
            told.push(Told::Message { bytes: json.to_string().into(), through: None });
        }
        telling.things += told.len() as u64;
        match page.next {
            Some(next) => telling.after = Namespace::parse(next).ok(),
            None => telling.part += 1,
        }
        if telling.part == self.scope.parts.len() {
            told.extend(self.end(telling));
        } else {
            self.telling = Some(telling);
        }
        Ok(told)
    }

    /// All was told that there was when this began.
    fn end(&mut self, telling: Telling) -> Vec<Told> {
        let (seq, is_since) = telling.begun.unwrap_or_default();
        self.through = seq;
        let merged = std::mem::take(&mut self.missed).saturating_sub(telling.things);
        self.follower.live.merged.fetch_add(merged, Ordering::Relaxed);
        let since = telling.since.filter(|_| is_since).map(|(_, since)| since);
        let mark = json!({
            "type": "thing_mark", "epoch": self.epoch, "seq": seq, "since": since, "things": telling.things,
        });
        let merged = (merged > 0).then_some(Told::Merged(merged));
        merged.into_iter().chain([Told::Mark { json: mark.to_string(), seq }]).collect()
    }
}

/// The name of the thing that a message is of: names need no escapes.
fn name(message: &[u8]) -> &str {
    let rest = message.strip_prefix(b"{\"ns\":\"").unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or_default();
    rest.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}
