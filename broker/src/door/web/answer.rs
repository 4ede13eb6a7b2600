//! How answers go out: as JSON, as msgpack where that is asked for, as CSV where they are tables.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::problem::Problem;

/// The broker's clock in every answer, in ms since 1970, as Brain4it tells it.
const SERVER_TIME: HeaderName = HeaderName::from_static("server-time");

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    Msgpack,
    Csv,
}

impl Format {
    /// The first that is known of what `Accept` names; JSON where it names nothing that is. What a list of weights would
    /// choose is not looked at: programs name one.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let known =
            accept.split(',').find_map(|range| match range.split(';').next().unwrap_or_default().trim() {
                "application/json" => Some(Self::Json),
                "application/msgpack" | "application/vnd.msgpack" | "application/x-msgpack" => {
                    Some(Self::Msgpack)
                }
                "text/csv" => Some(Self::Csv),
                _ => None,
            });
        known.unwrap_or(Self::Json)
    }

    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Msgpack => "application/msgpack",
            Self::Csv => "text/csv; charset=utf-8",
        })
    }
}

/// JSON that is written already, as JSON or msgpack.
pub(super) fn from_json(json: Vec<u8>, format: Format) -> Result<Response, Problem> {
    let (body, format) = match format {
        Format::Msgpack => {
            let value: serde_json::Value = serde_json::from_slice(&json).map_err(unwritable)?;
            (rmp_serde::to_vec_named(&value).map_err(unwritable)?, Format::Msgpack)
        }
        // What is no table is told as JSON.
        Format::Json | Format::Csv => (json, Format::Json),
    };
    Ok(with_type(body, format.content_type()))
}

/// Anything, as JSON or msgpack.
pub(super) fn from_value(value: &impl Serialize, format: Format) -> Result<Response, Problem> {
    from_json(serde_json::to_vec(value).map_err(unwritable)?, format)
}

/// A table: its first line, and the others.
pub(super) fn table(head: &[&str], lines: impl Iterator<Item = Vec<String>>) -> Result<Response, Problem> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).map_err(unwritable)?;
    for line in lines {
        writer.write_record(line).map_err(unwritable)?;
    }
    let body = writer.into_inner().map_err(unwritable)?;
    Ok(with_type(body, Format::Csv.content_type()))
}

/// Plain text.
pub(super) fn text(text: String) -> Response {
    with_type(text.into_bytes(), HeaderValue::from_static("text/plain; charset=utf-8"))
}

pub(super) fn with_type(body: impl IntoResponse, content_type: HeaderValue) -> Response {
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

/// Has who asks what has this tag already? `If-None-Match` says so.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|known| known.to_str().ok());
    let mut known = known.flat_map(|known| known.split(',')).map(str::trim);
    // A proxy that packed the answer has made the tag a weak one (RFC 9110, 13.1.2).
    known.any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// What every answer has.
pub(super) fn stamp(headers: &mut HeaderMap) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut text = itoa::Buffer::new();
    if let Ok(value) = HeaderValue::from_str(text.format(now.as_millis())) {
        headers.insert(SERVER_TIME, value);
    }
    // What a thing says is never to be taken for a page.
    headers.entry(header::X_CONTENT_TYPE_OPTIONS).or_insert(HeaderValue::from_static("nosniff"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
}

fn unwritable(error: impl std::fmt::Display) -> Problem {
    let status = StatusCode::NOT_ACCEPTABLE;
    Problem::new(status, "unwritable", "the answer cannot be written so", error.to_string())
}
