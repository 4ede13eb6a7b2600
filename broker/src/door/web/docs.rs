//! What there is to ask, described by OpenAPI from the code, and a page on which it can be tried.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use utoipa::OpenApi;

use super::answer::{self, Format};
use super::app::Caller;
use super::live::{monitor, sse, ws};
use super::problem::Problem;
use super::{list, metrics, past, rejected, snapshots, thing, words};

/// All that can be asked.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Thingsbus",
        description = "The one place where everything the sensors say comes together, by HTTP. Errors are told by RFC 9457. \
                       Answers are JSON; with `Accept: application/msgpack` they are msgpack, and tables with `Accept: text/csv` are CSV.",
    ),
    paths(
        thing::get, thing::put, thing::delete, thing::get_data, thing::put_data, thing::delete_data, thing::get_value,
        list::list, past::get,
        sse::follow, ws::follow, monitor::answer,
        snapshots::list, snapshots::get, snapshots::put, snapshots::load, snapshots::delete,
        rejected::get, metrics::status, metrics::get, metrics::health, metrics::ready,
    ),
    components(schemas(
        words::EventId, words::Freshnesses,  words::Moment, words::Ns, words::Pointer, words::SnapshotName,
        words::Star, words::Stretch, words::Tag, words::Under,
    )),
    tags(
        (name = "things", description = "What there is, and what it said last"),
        (name = "live", description = "What happens, as it happens"),
        (name = "the past", description = "What was said over time"),
        (name = "snapshots", description = "The directory as it was, kept under a name"),
        (name = "the broker", description = "How it is"),
    ),
)]
struct Api;

/// The description.
pub(super) fn openapi(caller: &Caller) -> Result<Response, Problem> {
    answer::from_value(&Api::openapi(), Format::of(&caller.headers))
}

/// The page.
pub(super) fn page() -> Response {
    let mut page = answer::with_type(
        include_str!("docs/page.html"),
        HeaderValue::from_static("text/html; charset=utf-8"),
    );
    // Nothing but what is in the page, and its own broker.
    let policy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'";
    page.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_describes_what_it_should() {
        let api = serde_json::to_value(Api::openapi()).unwrap();
        assert_eq!(api["openapi"], "3.1.0");
        assert_eq!(api["info"]["version"], env!("CARGO_PKG_VERSION"));
        for path in
            ["/things", "/things/{ns}", "/things/{ns}/data/{path}", "/events", "/snapshots/{name}/load"]
        {
            assert!(api["paths"].get(path).is_some(), "{path}");
        }
    }
}
