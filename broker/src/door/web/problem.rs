//! What is told where a request is not answered: RFC 9457, with a sentence that helps.

use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use thingsbus_adaptor::wire::Rejected;
use utoipa::ToSchema;

/// Why a request is not answered.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "type": "urn:thingsbus:no_thing",
    "title": "there is no such thing",
    "status": 404,
    "detail": "there is no thing \"shop.lamb\"; there is \"shop.lamp\"",
}))]
pub(super) struct Problem {
    /// Which, for programs: `urn:thingsbus:` and a name.
    #[serde(rename = "type", serialize_with = "urn")]
    #[schema(value_type = String)]
    name: &'static str,
    /// Which, for people.
    title: &'static str,
    /// The HTTP status again.
    #[serde(serialize_with = "number")]
    #[schema(value_type = u16)]
    status: StatusCode,
    /// What was wrong this time, and what to do.
    detail: String,
    /// The methods that would do.
    #[serde(skip)]
    allow: Option<&'static str>,
    /// Why what was said is no update, where the broker has not said so itself.
    #[serde(skip)]
    rejected: Option<Rejected>,
}

fn urn<S: serde::Serializer>(name: &&'static str, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("urn:thingsbus:{name}"))
}

fn number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        name: &'static str,
        title: &'static str,
        detail: impl Into<String>,
    ) -> Self {
        Self { name, title, status, detail: detail.into(), allow: None, rejected: None }
    }

    pub(super) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", "the request is not as it must be", detail)
    }

    pub(super) fn no_page(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "no_page", "there is nothing at this address", detail)
    }

    pub(super) fn busy(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "the broker has too much to do", detail)
    }

    pub(super) fn stopping() -> Self {
        let detail = "the broker is stopping, or was stopped while it had this; ask again when it runs";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the broker is stopping", detail)
    }

    pub(super) fn changed(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, "changed", "the thing is not as you think", detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "this is not allowed", detail)
    }

    pub(super) fn bad_method(method: &Method, allow: &'static str) -> Self {
        let detail = format!("{method} is nothing that can be done here; {allow} is");
        let status = StatusCode::METHOD_NOT_ALLOWED;
        Self { allow: Some(allow), ..Self::new(status, "bad_method", "this cannot be done here", detail) }
    }

    /// What the broker answers in place of an answer: a name and a sentence.
    pub(super) fn from_broker(name: &str, detail: String) -> Self {
        let (status, name, title) = match name {
            "busy" => return Self::busy(detail),
            "stopping" => return Self::stopping(),
            "not_so" => return Self::changed(detail),
            "directory_full" => {
                (StatusCode::INSUFFICIENT_STORAGE, "directory_full", "there is no room for more things")
            }
            "too_long" => (StatusCode::PAYLOAD_TOO_LARGE, "too_long", "this is too long"),
            "snapshots_too_large" | "too_many_snapshots" => (
                StatusCode::INSUFFICIENT_STORAGE,
                "too_many_snapshots",
                "there is no room for more snapshots",
            ),
            "no_disk" => (StatusCode::CONFLICT, "no_disk", "the broker keeps nothing on disk"),
            "no_history" => (StatusCode::CONFLICT, "no_history", "the broker keeps no history"),
            "history_failing" => {
                (StatusCode::SERVICE_UNAVAILABLE, "history_failing", "the history cannot be read now")
            }
            "disk_failed" => (StatusCode::SERVICE_UNAVAILABLE, "disk_failed", "the disk says no"),
            "no_snapshot" => (StatusCode::NOT_FOUND, "no_snapshot", "there is no such snapshot"),
            "snapshot_exists" => {
                (StatusCode::CONFLICT, "snapshot_exists", "there is such a snapshot already")
            }
            "not_in_snapshot" => {
                (StatusCode::CONFLICT, "not_in_snapshot", "the snapshot has nothing of this")
            }
            "broken_snapshot" => (StatusCode::CONFLICT, "broken_snapshot", "the snapshot is broken"),
            "bad_snapshot" => (StatusCode::UNPROCESSABLE_ENTITY, "bad_snapshot", "this is no snapshot"),
            _ => return Self::bad_request(detail),
        };
        Self::new(status, name, title, detail)
    }

    /// The same, where it is why an update is none.
    pub(super) fn rejecting(self, why: Rejected) -> Self {
        Self { rejected: Some(why), ..self }
    }

    /// Why what was said is no update, where the broker does not know of that yet.
    pub(super) fn rejected(&self) -> Option<Rejected> {
        self.rejected
    }

    /// As a message on a WebSocket.
    pub(super) fn to_message(&self) -> String {
        let Self { name, detail, .. } = self;
        serde_json::json!({ "type": "error", "error": name, "message": detail }).to_string()
    }

    /// Is it to be asked again?
    pub(super) fn is_busy(&self) -> bool {
        self.name == "busy"
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(allow) = self.allow {
            headers.insert(header::ALLOW, HeaderValue::from_static(allow));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
