//! Snapshots: saved, listed, read, brought, loaded and deleted.

use axum::body::Bytes;
use axum::http::HeaderValue;
use axum::response::Response;
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
pub(super) async fn put(caller: &Caller, name: &str, body: Bytes) -> Result<Response, Problem> {
    let Part { under } = caller.query()?;
    if body.is_empty() {
        caller.access.write(under.as_deref().unwrap_or_default())?;
        return ask(
            caller,
            &json!({ "type": "snapshot_save", "name": name, "ns": under.unwrap_or_default() }),
        )
        .await;
    }
    caller.access.write("")?;
    let text = std::str::from_utf8(&body).map_err(|_| Problem::bad_request("a snapshot's text is UTF-8"))?;
    let mut offset = 0;
    loop {
        let rest = text.get(offset..).unwrap_or_default();
        let mut end = rest.len().min(PART_BYTES);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (part, last) = (rest.get(..end).unwrap_or_default(), end == rest.len());
        let question = json!({
            "type": "snapshot_put", "name": name, "offset": offset, "text": part, "last": last,
        });
        let answer = caller.asker.ask(&question).await?;
        if last {
            return answer::from_json(answer.into_bytes(), Format::of(&caller.headers));
        }
        offset += end;
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
    let body = axum::body::Body::from_stream(futures_util::StreamExt::chain(begin, rest));
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
