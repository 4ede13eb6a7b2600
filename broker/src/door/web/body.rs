//! What a request brings: JSON, or msgpack where its type says so.

use axum::body::Bytes;
use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::problem::Problem;

/// A value as JSON text, which is not looked into further: the broker does that.
pub(super) fn json(headers: &HeaderMap, body: Bytes) -> Result<Vec<u8>, Problem> {
    if is_msgpack(headers) {
        let value: Value = rmp_serde::from_slice(&body)
            .map_err(|error| Problem::bad_request(format!("the body is not msgpack: {error}")))?;
        return Ok(value.to_string().into_bytes());
    }
    // curl says that what -d sends is a form.
    let text: &serde_json::value::RawValue = serde_json::from_slice(&body).map_err(|error| {
        let near = String::from_utf8_lossy(body.get(..40).unwrap_or(&body)).into_owned();
        Problem::bad_request(format!(
            "the body is not JSON: {error}, in {near:?}; a text takes quotes of its own: -d '\"on\"'"
        ))
    })?;
    Ok(text.get().as_bytes().to_vec())
}

/// The same, to be looked into.
pub(super) fn value(headers: &HeaderMap, body: Bytes) -> Result<Value, Problem> {
    let json = json(headers, body)?;
    serde_json::from_slice(&json)
        .map_err(|error| Problem::bad_request(format!("the body is not JSON: {error}")))
}

fn is_msgpack(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    matches!(content_type, "application/msgpack" | "application/vnd.msgpack" | "application/x-msgpack")
}
