//! What a question is answered with, whichever door it came by.

use std::net::SocketAddr;
use std::time::Instant;

use thingsbus_adaptor::wire::{Ask, Query, QueryError, Question, Scratch, decode_question};
use thingsbus_client::directory::{Record, Scope};

use super::as_of;
use super::forgetting::Forgetting;
use super::middle::Middle;
use super::status::{Openings, Status};
use crate::config::Config;
use crate::counters::Queries;
use crate::door::gate::Asking;
use crate::door::input::Sender;
use crate::door::late::{Late, To};
use crate::door::peers::Peers;
use crate::door::query;
use crate::door::udp::Udp;
use crate::hub::Hub;
use crate::store::historian::Asked;
use crate::store::snapshots::Refusal;

/// The error of a question that was only to be answered on a condition.
pub(crate) const NOT_SO: &str = "not_so";

/// Everything that an answer may need.
pub(super) struct Questions<'t> {
    pub(super) middle: &'t mut Middle,
    pub(super) forgetting: &'t mut Forgetting,
    pub(super) queries: &'t mut Queries,
    pub(super) scratch: &'t mut Scratch,
    pub(super) senders: &'t Peers<Sender>,
    pub(super) askers: Openings,
    pub(super) udp: &'t Udp,
    pub(super) config: &'t Config,
    pub(super) started: Instant,
}

impl Questions<'_> {
    /// Answers a question, or what came in place of one. `None` where the answer is given later.
    pub(super) fn answer(
        &mut self,
        from: SocketAddr,
        question: Result<&[u8], QueryError>,
        to: To,
    ) -> Option<Late> {
        let Self { middle, forgetting, queries, scratch, .. } = self;
        let bytes = *question.as_ref().unwrap_or(&[].as_slice());
        let ask = match question.and_then(|_| decode_question(bytes, scratch)) {
            Ok(Question::Update(update)) => return middle.question(from, bytes, Ok(update), to),
            Ok(Question::Refused(refused)) => return middle.question(from, bytes, Err(refused), to),
            Ok(Question::Ask(ask)) => ask,
            Err(error) => {
                queries.refused += 1;
                let mut answer = Vec::new();
                query::push_error(&error, &mut answer);
                return Some(Late { to, answer });
            }
        };
        if ask == Ask::Status {
            // It does not count itself.
            let answer = self.status().to_string().into_bytes();
            self.queries.answered += 1;
            return Some(Late { to, answer });
        }
        queries.answered += 1;
        let now = middle.now;
        let mut answer = Vec::new();
        match ask {
            Ask::History(query) => return middle.ask_history(Asked::Of(query, now), to),
            Ask::Things(Query { at: Some(at), ns, tree, after, limit, .. }) => {
                let page = as_of::page(&middle.hub, Scope { ns: ns.as_str(), tree }, after, limit, at, now);
                return middle.ask_history(Asked::At(page), to);
            }
            Ask::Things(query) => middle.hub.answer(&query, now, &mut answer),
            Ask::Forget { .. } if forgetting.is_busy() => {
                let why = "too much is being forgotten already; ask again";
                query::push_named_error("busy", why, &mut answer);
            }
            Ask::Forget { ns, tree } => {
                forgetting.add(ns, tree, middle.hub.seq(), to);
                return None;
            }
            Ask::Rejected { ns } => middle.rejections.push_answer(ns.as_str(), now, &mut answer),
            Ask::Snapshot(ask) => {
                let Middle { hub, store, .. } = &mut **middle;
                if let Some(store) = store {
                    store.ask_snapshots(ask, hub, now, to);
                    return None;
                }
                answer.extend_from_slice(Refusal::no_store().to_json().to_string().as_bytes());
            }
            _ => query::push_named_error("bad_query", "this broker does not know this question", &mut answer),
        }
        Some(Late { to, answer })
    }

    /// The same for another thread of this program, where the thing is as it expects.
    pub(super) fn ask(&mut self, asking: Asking) -> Option<Late> {
        let Asking { from, message, only_if, reply } = asking;
        let to = To::Gate(reply);
        if only_if.is_some_and(|only_if| !only_if.holds(&self.middle.hub)) {
            let mut answer = Vec::new();
            query::push_named_error(NOT_SO, "the thing is not as the condition says", &mut answer);
            return Some(Late { to, answer });
        }
        self.answer(from, Ok(&message), to)
    }

    fn status(&self) -> serde_json::Value {
        let Self { middle, senders, askers, queries, udp, config, started, .. } = self;
        let askers = askers.clone();
        Status { middle, senders, askers, queries, udp, config, started: *started }
            .to_json(middle.instant, middle.now)
    }
}

/// What a question is only to be answered on: two who write must not write over each other unseen.
#[derive(Clone, Debug)]
pub(crate) struct OnlyIf {
    /// The thing that this is of.
    pub(crate) ns: String,
    /// How it must be.
    pub(crate) is: Expected,
}

/// How a thing must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// There is none.
    Absent,
    /// There is one, whatever it says.
    Present,
    /// Its last update is one of these, by the life of the broker and the number.
    Update(Vec<(String, u64)>),
    /// Its last update is none of these, or there is none.
    NotUpdate(Vec<(String, u64)>),
}

impl OnlyIf {
    /// Is it so?
    pub(super) fn holds(&self, hub: &Hub) -> bool {
        let seq = hub.directory().get(&self.ns).filter(|record| !record.is_forgotten()).map(Record::seq);
        match (&self.is, seq) {
            (Expected::Absent, seq) => seq.is_none(),
            (Expected::Present, seq) => seq.is_some(),
            (Expected::Update(updates), seq) => is_one_of(hub, updates, seq),
            (Expected::NotUpdate(updates), seq) => !is_one_of(hub, updates, seq),
        }
    }
}

fn is_one_of(hub: &Hub, updates: &[(String, u64)], seq: Option<u64>) -> bool {
    seq.is_some_and(|seq| updates.iter().any(|(epoch, number)| epoch == hub.epoch() && *number == seq))
}
