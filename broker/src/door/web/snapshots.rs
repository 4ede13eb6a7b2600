//! Snapshots: saved, listed, read, brought, loaded and deleted.

use axum::body::{Body, BodyDataStream};
use axum::http::HeaderValue;
use axum::response::Response;
use futures_util::StreamExt;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::answer::{self, Format};
use super::app::Caller;
use super::problem::Problem;
use super::words::{SnapshotName, Under};

/// How much of a snapshot's text is brought at once, in bytes: escaped, it is still a message.
const PART_BYTES: usize = 96 * 1024;

/// What of it is meant.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Part {
    /// Only this thing and what is below it.
    #[param(value_type = Option<Under>)]
    under: Option<String>,
}

/// Which snapshots there are.
#[utoipa::path(
    get, path = "/snapshots", tag = "snapshots", operation_id = "list_snapshots",
    responses(
        (status = 200, description = "By their names", body = Value),
        (status = 409, description = "The broker has no disk", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(caller: &Caller) -> Result<Response, Problem> {
    caller.access.read("")?;
    ask(caller, &json!({ "type": "snapshot_list" })).await
}

/// Saves a snapshot, or brings one: the body is its text, as `GET` gives it.
#[utoipa::path(
    put, path = "/snapshots/{name}", tag = "snapshots", operation_id = "save_snapshot",
    params(("name" = SnapshotName, Path, example = "before-the-move"), Part),
    request_body(content = Option<String>, content_type = "text/plain", description = "A snapshot's text; nothing to save what there is now"),
    responses(
        (status = 200, description = "It is on disk", body = Value),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "This is no snapshot", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is one of this name, or no disk", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(caller: &Caller, name: &str, body: Body) -> Result<Response, Problem> {
    let Part { under } = caller.query()?;
    let mut text = Text { body: body.into_data_stream(), rest: Vec::new(), has_ended: false };
    text.fill().await?;
    if text.rest.is_empty() {
        let under = under.unwrap_or_default();
        caller.access.write(&under)?;
        return ask(caller, &json!({ "type": "snapshot_save", "name": name, "ns": under })).await;
    }
    caller.access.write("")?;
    let mut offset = 0;
    loop {
        let (part, last) = text.part().await?;
        let question = json!({
            "type": "snapshot_put", "name": name, "offset": offset, "text": part, "last": last,
        });
        let answer = caller.asker.ask(&question).await?;
        if last {
            return answer::from_json(answer.into_bytes(), Format::of(&caller.headers));
        }
        offset += part.len();
    }
}

/// A snapshot's text as it comes: no more of it is kept than is brought at once.
struct Text {
    body: BodyDataStream,
    /// What came and was not brought yet.
    rest: Vec<u8>,
    has_ended: bool,
}

impl Text {
    /// Waits until there is enough for a part, or all.
    async fn fill(&mut self) -> Result<(), Problem> {
        while !self.has_ended && self.rest.len() < PART_BYTES {
            match self.body.next().await {
                Some(Ok(bytes)) => self.rest.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    return Err(Problem::bad_request(format!("the body ended before it was whole: {error}")));
                }
                None => self.has_ended = true,
            }
        }
        Ok(())
    }

    /// The next part, cut between letters; is it the last one?
    async fn part(&mut self) -> Result<(String, bool), Problem> {
        self.fill().await?;
        let bytes = self.rest.get(..PART_BYTES).unwrap_or(&self.rest);
        let is_last = self.has_ended && bytes.len() == self.rest.len();
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(cut) if cut.error_len().is_none() && !is_last => bytes
                .get(..cut.valid_up_to())
                .and_then(|bytes| std::str::from_utf8(bytes).ok())
                .unwrap_or_default(),
            Err(_) => return Err(Problem::bad_request("a snapshot's text is UTF-8")),
        };
        let text = text.to_owned();
        self.rest.drain(..text.len());
        Ok((text, is_last))
    }
}

/// A snapshot's text: JSON Lines, with a checksum in the last.
#[utoipa::path(
    get, path = "/snapshots/{name}", tag = "snapshots", operation_id = "get_snapshot",
    params(("name" = SnapshotName, Path, example = "before-the-move")),
    responses(
        (status = 200, description = "Its text", body = String, content_type = "application/jsonl"),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker has no disk", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(caller: &Caller, name: &str) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Part {
        text: String,
        next: Option<u64>,
    }
    caller.access.read("")?;
    let part = |offset: u64| {
        let (asker, question) =
            (caller.asker.clone(), json!({ "type": "snapshot_part", "name": name, "offset": offset }));
        async move { asker.ask(&question).await?.read::<Part>() }
    };
    // The first tells whether there is one; the others come as they are read.
    let first = part(0).await?;
    let name = name.to_owned();
    let asker = caller.asker.clone();
    let rest = futures_util::stream::try_unfold(first.next, move |next| {
        let (asker, name) = (asker.clone(), name.clone());
        async move {
            let Some(offset) = next else { return Ok(None) };
            let question = json!({ "type": "snapshot_part", "name": name, "offset": offset });
            let read = async { asker.ask(&question).await?.read::<Part>() };
            match read.await {
                Ok(Part { text, next }) => Ok(Some((text, next))),
                // The connection is cut: who reads sees that it is not whole.
                Err(problem) => Err(std::io::Error::other(format!("{problem:?}"))),
            }
        }
    });
    let begin = futures_util::stream::once(std::future::ready(Ok(first.text)));
    let body = Body::from_stream(begin.chain(rest));
    Ok(answer::with_type(body, HeaderValue::from_static("application/jsonl")))
}

/// Makes the directory, or a part of it, what it was then. Clients are told what changed, and what there was before is kept
/// as a snapshot of its own.
#[utoipa::path(
    post, path = "/snapshots/{name}/load", tag = "snapshots", operation_id = "load_snapshot",
    params(("name" = SnapshotName, Path, example = "before-the-move"), Part),
    responses(
        (status = 200, description = "It is as it was", body = Value),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "It is broken, or the broker has no disk", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn load(caller: &Caller, name: &str) -> Result<Response, Problem> {
    let Part { under } = caller.query()?;
    let under = under.unwrap_or_default();
    caller.access.write(&under)?;
    ask(caller, &json!({ "type": "snapshot_load", "name": name, "ns": under })).await
}

/// Deletes a snapshot.
#[utoipa::path(
    delete, path = "/snapshots/{name}", tag = "snapshots", operation_id = "delete_snapshot",
    params(("name" = SnapshotName, Path, example = "before-the-move")),
    responses(
        (status = 200, description = "It is gone", body = Value),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker has no disk", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(caller: &Caller, name: &str) -> Result<Response, Problem> {
    caller.access.write("")?;
    ask(caller, &json!({ "type": "snapshot_delete", "name": name })).await
}

async fn ask(caller: &Caller, question: &Value) -> Result<Response, Problem> {
    answer::from_json(caller.asker.ask(question).await?.into_bytes(), Format::of(&caller.headers))
}
