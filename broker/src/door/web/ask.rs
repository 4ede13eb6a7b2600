//! Questions to the broker: one message of the query door's protocol through the gate, and its answer.

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use thingsbus_adaptor::wire::{Ask, Query, Rejected};
use tokio::sync::oneshot;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::broker::{EXCERPT_BYTES_MAX, OnlyIf};
use crate::door::gate::{Asking, Call, Gate, RefusedUpdate, Reply};

/// An answer of the broker's, as it came.
pub(super) struct Answer(Vec<u8>);

/// A page of the directory.
#[derive(Debug, Deserialize)]
pub(super) struct Page<'a> {
    /// The broker's clock.
    pub(super) ts: f64,
    /// The things, in the order of their names.
    #[serde(borrow, deserialize_with = "things")]
    pub(super) data: Vec<Thing<'a>>,
    pub(super) epoch: &'a str,
    pub(super) seq: u64,
    pub(super) since: Option<u64>,
    #[serde(default, borrow)]
    pub(super) forgotten: Vec<&'a str>,
    pub(super) next: Option<&'a str>,
}

/// A thing of a page.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Thing<'a> {
    pub(super) ns: &'a str,
    pub(super) ts: f64,
    #[serde(borrow)]
    pub(super) data: &'a RawValue,
    #[serde(borrow)]
    pub(super) documentation_url: Option<&'a RawValue>,
    pub(super) received: f64,
    pub(super) seq: u64,
    #[serde(flatten)]
    pub(super) expected: Expected<'a>,
}

/// How fresh a thing is, and what is expected of it; nothing of what it was in the past.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
pub(super) struct Expected<'a> {
    /// `fresh`, `late` or `silent`.
    #[schema(example = "fresh")]
    freshness: Option<&'a str>,
    /// The seconds from one update to the next; null while that is being learned.
    #[schema(example = 30.04)]
    interval: Option<f64>,
    /// By how many that differs, give or take.
    #[schema(example = 2.0)]
    deviation: Option<f64>,
    /// Updates a second, bursts and all.
    #[schema(example = 0.0333)]
    rate: Option<f64>,
    /// So many seconds after an update it is late.
    #[schema(example = 80.0)]
    late_after: Option<f64>,
}

impl Expected<'_> {
    /// The word.
    pub(super) fn word(&self) -> &str {
        self.freshness.unwrap_or_default()
    }
}

/// The values of an object, whose names they have again.
fn things<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Thing<'de>>, D::Error> {
    struct Things;
    impl<'de> serde::de::Visitor<'de> for Things {
        type Value = Vec<Thing<'de>>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object of things")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut things = Vec::new();
            while let Some((_, thing)) = map.next_entry::<serde::de::IgnoredAny, Thing<'de>>()? {
                things.push(thing);
            }
            Ok(things)
        }
    }
    deserializer.deserialize_map(Things)
}

/// What an answer is that is none.
#[derive(Deserialize)]
struct Refusal<'a> {
    error: Option<&'a str>,
    #[serde(default)]
    message: String,
}

impl Answer {
    /// How long it is, in bytes.
    pub(super) fn length(&self) -> usize {
        self.0.len()
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// What it says.
    pub(super) fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Problem> {
        serde_json::from_slice(&self.0).map_err(|error| {
            // The broker's own words; this is not to happen.
            tracing::error!("the web door cannot read the broker's answer: {error}");
            Problem::busy("the broker's answer could not be read")
        })
    }

    /// Is it one?
    fn check(self) -> Result<Self, Problem> {
        // Nothing else begins like an error, or is as short as a refused update's acknowledgement.
        let may_be_refusal =
            self.0.starts_with(br#"{"type":"error""#) || self.0.starts_with(br#"{"type":"thing_ack""#);
        if may_be_refusal && let Ok(Refusal { error: Some(name), message }) = serde_json::from_slice(&self.0)
        {
            return Err(Problem::from_broker(name, message));
        }
        Ok(self)
    }
}

/// Asks for somebody.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) gate: Gate,
    pub(super) from: SocketAddr,
}

impl Asker {
    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, question: &Value) -> Result<Answer, Problem> {
        self.ask_if(question.to_string().into_bytes(), None).await
    }

    /// The same, where the thing is as it is to be.
    pub(super) async fn ask_if(&self, message: Vec<u8>, only_if: Option<OnlyIf>) -> Result<Answer, Problem> {
        Answer(self.send(message, only_if).await?).check()
    }

    /// A page of the directory: of one thing at once, where the broker has nothing else to do.
    pub(super) async fn page(&self, query: Query) -> Result<Answer, Problem> {
        // The past is not the hub's; and for more than a thing the broker's thread would have to wait.
        let is_short = query.at.is_none() && !query.tree;
        let now = if is_short { self.gate.answer_now(&query) } else { None };
        match now {
            Some(answer) => Ok(Answer(answer)),
            None => self.ask_if(Ask::Things(query).encode(), None).await,
        }
    }

    /// Tells the broker of an update that was refused here, so that it is counted and remembered with those that it refuses
    /// itself. Where it has no time for that, it is not.
    pub(super) fn tell_refused(&self, why: Rejected, ns: String, said: Option<Bytes>, headers: &HeaderMap) {
        let said = said.unwrap_or_default();
        // Of a body that was not read it is known how long it says it is.
        let claimed =
            headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let bytes = (said.len() as u64).max(claimed.unwrap_or_default());
        // Not the body itself: who waits may wait behind many.
        let excerpt = Bytes::copy_from_slice(said.get(..EXCERPT_BYTES_MAX).unwrap_or(&said));
        let refused = RefusedUpdate { from: self.from, why, ns, excerpt, bytes };
        let _ = self.gate.call(Call::Refused(refused));
    }

    /// What the broker says to a message, whatever that is, word for word.
    pub(super) async fn send(&self, message: Vec<u8>, only_if: Option<OnlyIf>) -> Result<Vec<u8>, Problem> {
        let (sender, answer) = oneshot::channel();
        // Who asked may be gone when the answer comes.
        let reply = Reply::new(move |answer| drop(sender.send(answer)));
        let asking = Asking { from: self.from, message, only_if, reply };
        self.gate
            .call(Call::Ask(asking))
            .map_err(|_| Problem::busy("too many requests wait for the broker already; ask again"))?;
        answer.await.map_err(|_| Problem::stopping())
    }
}
