//! One live stream: first what there is, then a mark, then what happens; and again what there is where it fell behind.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde_json::json;
use thingsbus_adaptor::wire::{Ask, Namespace, Query, Words};

use super::Follower;
use super::merged::Merged;
use super::queue::Waiting;
use crate::door::web::access::Access;
use crate::door::web::app::Caller;
use crate::door::web::ask::{Answer, Asker, Expected, Page, Thing};
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
    /// The page that was asked for.
    asked: Option<Asked>,
    /// The broker's life.
    epoch: String,
    /// The broker's last update when the first page was asked for: what is newer is followed.
    base: Option<u64>,
    /// Everything up to this was told.
    through: u64,
    /// What was told that is newer than that, by things.
    newer: HashMap<Box<str>, u64>,
    merged: Merged,
}

/// An answer that is waited for. It is kept where who waits does something else meanwhile.
type Asked = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;

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
        let (asked, epoch, base, through, newer, merged) = Default::default();
        Self { follower, asker, access, scope, telling, asked, epoch, base, through, newer, merged }
    }

    /// The broker's life, which the numbers are of.
    pub(crate) fn epoch(&self) -> &str {
        &self.epoch
    }

    /// Waits for something to tell, for so long at the most. Nothing where nothing came. Who stops waiting loses nothing.
    ///
    /// # Errors
    /// Where the broker stops, and where the key was revoked by which it was opened.
    pub(crate) async fn next(&mut self, patience: Duration) -> Result<Vec<Told>, Problem> {
        loop {
            // Again after each wait: what came in the meantime may be told no more.
            self.check_access()?;
            if self.telling.is_some() {
                return self.tell_page().await;
            }
            let waiting = self.follower.queue.take();
            let has_ended = waiting.has_ended;
            if waiting.has_gap && !has_ended {
                // What waited is in the directory too.
                self.came(&waiting);
                self.telling = Some(Telling::since(Some((self.epoch.clone(), self.through))));
                continue;
            }
            let told = self.tell(waiting);
            if !told.is_empty() {
                // What is told is written next. Where many streams are written to, one after the other, other threads get
                // their turn in between: who hears by ZeroMQ waits for one writing then, not for all of them.
                std::thread::yield_now();
                return Ok(told);
            }
            if has_ended {
                return Err(Problem::stopping());
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

    /// Counts what waited, and what did not get so far.
    fn came(&mut self, waiting: &Waiting) {
        let base = self.base.unwrap_or_default();
        let waited =
            waiting.messages.iter().filter(|(seq, _)| seq.is_some_and(|seq| seq > base)).count() as u64;
        self.merged.came(waiting.missed + waited);
    }

    /// What waited, without what is known from the directory already.
    fn tell(&mut self, waiting: Waiting) -> Vec<Told> {
        self.came(&waiting);
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
            self.merged.told(1);
            told.push(Told::Message { bytes, through: Some(seq) });
        }
        if self.newer.values().all(|seq| *seq <= self.through) {
            self.newer.clear();
        }
        told.extend(self.say_merged());
        told
    }

    /// Tells the next page of what there is, or of what changed.
    async fn tell_page(&mut self) -> Result<Vec<Told>, Problem> {
        let Some(telling) = &self.telling else { return Ok(Vec::new()) };
        let Some(part) = self.scope.parts.get(telling.part) else { return Ok(self.end()) };
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => self.ask_page(part, telling),
        };
        let answer = self.asked.insert(asked).await;
        self.asked = None;
        let answer = match answer {
            // It waits until there is room: it is behind already.
            Err(problem) if problem.is_busy() => {
                tokio::time::sleep(Duration::from_millis(50)).await;
                return Ok(Vec::new());
            }
            answer => answer?,
        };
        self.take_page(&answer.read()?)
    }

    /// Asks for it.
    fn ask_page(&self, part: &Namespace, telling: &Telling) -> Asked {
        let (epoch, since) = telling.since.clone().unzip();
        let query = Query {
            ns: part.clone(),
            tree: self.scope.tree,
            since,
            epoch,
            limit: PAGE_THINGS,
            after: telling.after.clone(),
            freshness: Some(Words::ALL),
            ..Query::default()
        };
        let (asker, is_first) = (self.asker.clone(), self.base.is_none());
        Box::pin(async move {
            // The first goes the way of the call to follow, and so after it: what is not on the page is followed.
            if is_first {
                asker.ask_if(Ask::Things(query).encode(), None).await
            } else {
                asker.page(query).await
            }
        })
    }

    fn take_page(&mut self, page: &Page<'_>) -> Result<Vec<Told>, Problem> {
        let Some(mut telling) = self.telling.take() else { return Ok(Vec::new()) };
        let (begun, is_since) = *telling.begun.get_or_insert((page.seq, page.since.is_some()));
        if is_since && page.since.is_none() {
            // What was forgotten since is not known any more: all there is is told from the beginning.
            self.telling = Some(Telling::since(None));
            return Ok(Vec::new());
        }
        let (is_first, base) = (self.through == 0, *self.base.get_or_insert(begun));
        page.epoch.clone_into(&mut self.epoch);
        let mut told = Vec::new();
        for thing in &page.data {
            let Thing { ns, ts, data, documentation_url, received, seq, expected } = *thing;
            let is_known =
                seq <= self.through.max(base) || self.newer.get(ns).is_some_and(|known| *known >= seq);
            if seq > begun {
                self.newer.insert(ns.into(), seq);
            }
            if is_known && is_since && !is_first {
                continue;
            }
            self.merged.told(u64::from(!is_known));
            let update =
                Update { ns, r#type: "thing_update", ts, data, documentation_url, seq, received, expected };
            let bytes = serde_json::to_vec(&update).unwrap_or_default().into();
            told.push(Told::Message { bytes, through: None });
        }
        for ns in &page.forgotten {
            if page.seq > begun {
                self.newer.insert((*ns).into(), page.seq);
            }
            self.merged.told(u64::from(!is_first));
            let json = json!({ "ns": ns, "type": "thing_forgotten", "ts": page.ts, "seq": page.seq });
            told.push(Told::Message { bytes: json.to_string().into(), through: None });
        }
        telling.things += told.len() as u64;
        match page.next {
            Some(next) => telling.after = Namespace::parse(next).ok(),
            None => (telling.part, telling.after) = (telling.part + 1, None),
        }
        let is_whole = telling.part >= self.scope.parts.len();
        self.telling = Some(telling);
        if is_whole {
            told.extend(self.end());
        }
        Ok(told)
    }

    /// All was told that there was when this began.
    fn end(&mut self) -> Vec<Told> {
        let Some(telling) = self.telling.take() else { return Vec::new() };
        let (seq, is_since) = telling.begun.unwrap_or_default();
        self.through = seq;
        let since = telling.since.filter(|_| is_since).map(|(_, since)| since);
        let mark = json!({
            "type": "thing_mark", "epoch": self.epoch, "seq": seq, "since": since, "things": telling.things,
        });
        self.say_merged().into_iter().chain([Told::Mark { json: mark.to_string(), seq }]).collect()
    }

    fn say_merged(&mut self) -> Option<Told> {
        let merged = self.merged.say()?;
        self.follower.live.merged.fetch_add(merged, Ordering::Relaxed);
        Some(Told::Merged(merged))
    }
}

/// The name of the thing that a message is of: names need no escapes.
fn name(message: &[u8]) -> &str {
    let rest = message.strip_prefix(b"{\"ns\":\"").unwrap_or_default();
    let end = rest.iter().position(|byte| *byte == b'"').unwrap_or_default();
    rest.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}
