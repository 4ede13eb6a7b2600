//! Server-Sent Events, as the HTML standard has them (section 9.2).

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Deserialize;
use thingsbus_adaptor::wire::Namespace;
use utoipa::IntoParams;

use super::stream::{Scope, Told};
use super::{Live, Stream};
use crate::door::web::answer;
use crate::door::web::app::Caller;
use crate::door::web::problem::Problem;
use crate::door::web::words::{EventId, Under};

/// How often something is said where nothing happens, so that who waits knows that there is still somebody.
const PING_EVERY: Duration = Duration::from_secs(15);

/// What is followed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Which {
    /// Only this thing and what is below it.
    #[param(value_type = Option<Under>)]
    under: Option<String>,
    /// What changed after this only: the id of an event, for who cannot send `Last-Event-ID`.
    #[param(value_type = Option<EventId>)]
    since: Option<String>,
}

impl Which {
    /// What of that the caller may read, from where the caller was cut off.
    pub(super) fn scope(self, caller: &Caller) -> Result<Scope, Problem> {
        let under = Namespace::parse(self.under.as_deref().unwrap_or_default())
            .map_err(|error| Problem::bad_request(error.to_string()))?;
        let parts = caller.access.readable(&under);
        if parts.is_empty() {
            caller.access.read(under.as_str())?;
        }
        let last = caller.headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
        // An id that is none of this broker's is as one of another life: everything is told.
        let since = last.or(self.since).and_then(|id| {
            let (epoch, seq) = id.rsplit_once('.')?;
            Some((epoch.to_owned(), seq.parse().ok()?))
        });
        Ok(Scope { parts, tree: true, since })
    }
}

/// What happens, as Server-Sent Events.
///
/// First the last values of the things that there are, then an event `mark`, also
/// where there are none, then each update as it comes. `id` is where to resume. Events without a name are updates; the
/// others are `forgotten`, `freshness`, `mark`, and `merged` where the reader was too slow for each update: how many were
/// not told because newer ones of the same things stand for them.
#[utoipa::path(
    get, path = "/events", tag = "live", operation_id = "follow_events",
    params(Which, ("Last-Event-ID" = Option<EventId>, Header, description = "Where the reader was cut off")),
    responses(
        (status = 200, description = "Events without an end", body = String, content_type = "text/event-stream"),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "There are too many streams", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn follow(live: &Arc<Live>, caller: &Caller) -> Result<Response, Problem> {
    let scope = caller.query::<Which>()?.scope(caller)?;
    let stream = live.open(caller, scope)?;
    let chunks = futures_util::stream::unfold((stream, true), |(mut stream, is_first)| async move {
        let mut chunk = if is_first { "retry: 1000\n\n".to_owned().into_bytes() } else { Vec::new() };
        // Where the broker stops, the stream ends.
        let told = if is_first { Vec::new() } else { stream.next(PING_EVERY).await.ok()? };
        if told.is_empty() && !is_first {
            chunk.extend_from_slice(b": ping\n\n");
        }
        told.iter().for_each(|told| push(&stream, told, &mut chunk));
        Some((Ok::<_, std::convert::Infallible>(chunk), (stream, false)))
    });
    Ok(answer::with_type(Body::from_stream(chunks), HeaderValue::from_static("text/event-stream"))).map(
        |mut response| {
            // A proxy is not to collect it.
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
            response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
            response
        },
    )
}

fn push(stream: &Stream, told: &Told, out: &mut Vec<u8>) {
    let id = |seq: u64, out: &mut Vec<u8>| {
        out.extend_from_slice(format!("id: {}.{seq}\n", stream.epoch()).as_bytes());
    };
    match told {
        Told::Message { bytes, through } => {
            if let Some(name) = event(bytes) {
                out.extend_from_slice(format!("event: {name}\n").as_bytes());
            }
            if let Some(seq) = through {
                id(*seq, out);
            }
            push_data(bytes, out);
        }
        Told::Mark { json, seq } => {
            out.extend_from_slice(b"event: mark\n");
            id(*seq, out);
            push_data(json.as_bytes(), out);
        }
        Told::Merged(count) => {
            out.extend_from_slice(b"event: merged\n");
            push_data(format!("{{\"type\":\"merged\",\"count\":{count}}}").as_bytes(), out);
        }
    }
}

/// Data, whose lines each take the word again: a sender may have broken its JSON into lines.
fn push_data(data: &[u8], out: &mut Vec<u8>) {
    for line in data.split(|byte| matches!(byte, b'\n' | b'\r')) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line);
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// The event's name; none for an update, so that `onmessage` gets it.
fn event(message: &[u8]) -> Option<&'static str> {
    let after_name = message.get(7..)?;
    let end = after_name.iter().position(|byte| *byte == b'"')?;
    let rest = after_name.get(end..)?;
    [
        (b"\",\"type\":\"thing_forgotten\"".as_slice(), "forgotten"),
        (b"\",\"type\":\"thing_freshness\"", "freshness"),
    ]
    .into_iter()
    .find_map(|(beginning, name)| rest.starts_with(beginning).then_some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_within_the_data() {
        let mut out = Vec::new();
        push_data(b"{\n\"a\":\r1}", &mut out);
        assert_eq!(out, b"data: {\ndata: \"a\":\ndata: 1}\n\n");
    }

    #[test]
    fn updates_have_no_name() {
        assert_eq!(event(br#"{"ns":"a","type":"thing_update","data":"thing_forgotten"}"#), None);
        assert_eq!(event(br#"{"ns":"a","type":"thing_forgotten","ts":1}"#), Some("forgotten"));
        assert_eq!(event(b"{}"), None);
    }
}
