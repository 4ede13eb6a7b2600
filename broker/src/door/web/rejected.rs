//! What the broker refused last, and why: for who looks for a sensor that is not heard.

use axum::response::Response;
use serde::{Deserialize, Serialize};
use thingsbus_adaptor::wire::{Ask, Namespace};
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Format};
use super::app::Caller;
use super::problem::Problem;
use super::words::Under;

/// Of which things.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only from this thing and what is below it.
    #[param(value_type = Option<Under>)]
    under: Option<String>,
}

/// What was refused.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct Rejections {
    /// The broker's clock.
    ts: f64,
    /// The newest first. The broker remembers the last 256.
    rejected: Vec<RejectedMessage>,
}

/// A message that was refused.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub(super) struct RejectedMessage {
    /// When: seconds since 1970 UTC, by the broker's clock.
    ts: f64,
    /// Where it came: `zmq_in`, `udp_in`, `query` or `http`.
    #[schema(example = "zmq_in")]
    door: String,
    /// From which address and port.
    #[schema(example = "192.0.2.7:41234")]
    from: String,
    /// Why, in a word, as it is counted.
    #[schema(example = "bad_ns")]
    reason: String,
    /// Why, in a sentence.
    message: String,
    /// Which thing it is about: also what is no name of one. Null where that is not known.
    #[schema(example = "shop.lamp")]
    ns: Option<String>,
    /// Does the message say so itself? Else it is what its connection spoke of before.
    named: bool,
    /// How long it is.
    bytes: u64,
    /// How it begins: up to 200 bytes, in which what is no text stands as `\x0a`.
    excerpt: String,
}

impl RejectedMessage {
    fn line(&self) -> Vec<String> {
        let Self { ts, door, from, reason, message, ns, named, bytes, excerpt } = self;
        let (ts, named, bytes) = (ts.to_string(), named.to_string(), bytes.to_string());
        let ns = ns.clone().unwrap_or_default();
        [&ts, door, from, reason, message, &ns, &named, &bytes, excerpt].map(Clone::clone).into()
    }
}

/// The first line of such a table.
const COLUMNS: [&str; 9] = ["ts", "door", "from", "reason", "message", "ns", "named", "bytes", "excerpt"];

/// What the broker refused last, and why. A key that does not read everything is told of what it reads.
#[utoipa::path(
    get, path = "/rejected", tag = "the broker", operation_id = "list_rejected",
    params(Which),
    responses(
        (status = 200, description = "The newest first", content((Rejections = "application/json"), (String = "text/csv"))),
        (status = 400, description = "Something is not as it must be", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(caller: &Caller) -> Result<Response, Problem> {
    let which: Which = caller.query()?;
    let under = Namespace::parse(which.under.as_deref().unwrap_or_default())
        .map_err(|error| Problem::bad_request(error.to_string()))?;
    if caller.access.readable(&under).is_empty() {
        caller.access.read(under.as_str())?;
    }
    let answer = caller.asker.ask_if(Ask::Rejected { ns: under }.encode(), None).await?;
    let mut told: Rejections = answer.read()?;
    // What names no thing is for who may read everything.
    told.rejected.retain(|told| caller.access.may_read(told.ns.as_deref().unwrap_or_default()));
    match Format::of(&caller.headers) {
        Format::Csv => answer::table(&COLUMNS, told.rejected.iter().map(RejectedMessage::line)),
        format => answer::from_value(&told, format),
    }
}
