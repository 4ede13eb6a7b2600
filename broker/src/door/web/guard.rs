//! What stands before every page: whose page asks, and with which key.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use super::app::App;
use super::keyring::{Keyring, Refused};
use super::keys::has_key;
use super::origin::{Foreign, Origins};
use super::problem::Problem;

/// The header of Brain4it's for a key. `Authorization: Bearer` does as well.
const ACCESS_KEY: HeaderName = HeaderName::from_static("access-key");

/// What needs no key: whether the broker is well, and what there is to ask, which is the same for every broker.
const OPEN: [&str; 5] = ["/healthz", "/readyz", "/docs", "/openapi.json", "/"];

/// Nor do the files of the page: it asks for a key by itself, and knows nothing before it has one.
const PAGE: &str = "/page/";

/// Names under which people try to give a key in an address.
const NAMES_OF_KEYS: [&str; 6] =
    ["access-key", "access_key", "accesskey", "access_token", "api_key", "apikey"];

/// How long a browser goes by what it was told of who may ask from elsewhere, in seconds.
const TOLD_FOR: std::time::Duration = std::time::Duration::from_secs(600);

/// Who lets in.
pub(super) struct Guard {
    pub(super) app: Arc<App>,
    pub(super) keyring: Arc<Keyring>,
    pub(super) origins: Origins,
    /// By which the door is reached: `http` or `https`.
    pub(super) scheme: &'static str,
}

impl Guard {
    /// Stands before these pages.
    pub(super) fn before(self, pages: Router) -> Router {
        let guard = Arc::new(self);
        let mut pages = pages.layer(from_fn_with_state(guard.clone(), admit));
        if !guard.origins.is_empty() {
            pages = pages.layer(cors(guard.origins.clone()));
        }
        pages.layer(from_fn_with_state(guard, keep_out))
    }

    fn refuse(&self, problem: Problem, about: &'static str, request: &Request, why: &str) -> Response {
        let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
        let from = from.map_or_else(|| "somebody".to_owned(), |ConnectInfo(from)| from.to_string());
        self.app.complain(about, || format!("the web door refused a request from {from}: {why}"));
        problem.into_response()
    }
}

/// What browsers are told of the pages of other origins.
fn cors(origins: Origins) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| {
            origin.to_str().is_ok_and(|origin| origins.has(origin))
        }))
        .allow_methods(AllowMethods::mirror_request())
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::ETAG, header::LOCATION, HeaderName::from_static("server-time")])
        .max_age(TOLD_FOR)
}

/// Refuses what a page of another origin asks.
async fn keep_out(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let needs_key = guard.keyring.is_locked();
    match guard.origins.check(request.headers(), guard.scheme, needs_key) {
        Ok(()) => next.run(request).await,
        Err(Foreign::Origin) => {
            let why = "a page of another origin asks; the setting web.origins names those that may";
            let problem =
                Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "this page may not ask here", why);
            guard.refuse(problem, "web_origin", &request, why)
        }
        Err(Foreign::Host) => {
            let why = "without access keys the broker answers to an address, or a name of this network; the setting \
                       web.origins names others: http://host:port";
            let status = StatusCode::MISDIRECTED_REQUEST;
            let problem = Problem::new(status, "wrong_host", "the broker does not go by this name", why);
            guard.refuse(problem, "web_host", &request, why)
        }
    }
}

/// Lets in who has a key, with what that opens.
async fn admit(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    if is_key_in(request.uri()) {
        let why = "a key in an address stands in logs and histories; it goes into the header Access-Key, and this one \
                   is to be revoked";
        let problem =
            Problem::new(StatusCode::BAD_REQUEST, "key_in_url", "a key is no part of an address", why);
        return guard.refuse(problem, "web_key_in_url", &request, "there is an access key in its address");
    }
    let path = request.uri().path();
    if OPEN.contains(&path) || path.starts_with(PAGE) {
        return next.run(request).await;
    }
    let (about, name, why, challenge) = match guard.keyring.admit(shown_key(request.headers())) {
        Ok(access) => {
            request.extensions_mut().insert(access);
            return next.run(request).await;
        }
        Err(Refused::NoKey) => (
            "web_no_key",
            "no_key",
            "this takes an access key: -H \"Access-Key: tb_…\"; `thingsbus-broker key add NAME` makes one",
            "Bearer",
        ),
        Err(Refused::WrongKey) => (
            "web_wrong_key",
            "wrong_key",
            "this access key is none, or was revoked; `thingsbus-broker key list` tells which there are",
            "Bearer error=\"invalid_token\"",
        ),
    };
    let title = if name == "no_key" { "there is no access key" } else { "the access key is not known" };
    let problem = Problem::new(StatusCode::UNAUTHORIZED, name, title, why);
    let mut response = guard.refuse(problem, about, &request, title);
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}

/// The key that a request shows, by the one header or the other.
fn shown_key(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get(ACCESS_KEY) {
        // What is no text is no key.
        return Some(key.to_str().unwrap_or_default().trim());
    }
    let authorization = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = authorization.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// Is there a key in the address, or what is to be one?
fn is_key_in(uri: &Uri) -> bool {
    let named = |query: &str| {
        form_urlencoded::parse(query.as_bytes()).any(|(name, value)| {
            has_key(&value) || NAMES_OF_KEYS.iter().any(|known| known.eq_ignore_ascii_case(&name))
        })
    };
    uri.query().is_some_and(named) || has_key(uri.path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_by_either_header() {
        let shown = |name: &'static str, value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(name, HeaderValue::from_static(value));
            shown_key(&headers).map(str::to_owned)
        };
        assert_eq!(shown("access-key", "tb_a").as_deref(), Some("tb_a"));
        assert_eq!(shown("authorization", "Bearer tb_a").as_deref(), Some("tb_a"));
        assert_eq!(shown("authorization", "bearer  tb_a ").as_deref(), Some("tb_a"));
        assert_eq!(shown("authorization", "Basic dGI="), None);
        assert_eq!(shown("authorization", "tb_a"), None);
        assert_eq!(shown("accept", "*/*"), None);
    }

    #[test]
    fn a_key_in_an_address_is_seen() {
        let key = "0123456789_abcdefghijklmnopqrstuvwxyz-ABCDE";
        let is_in = |uri: &str| is_key_in(&uri.parse().unwrap());
        assert!(is_in(&format!("/things?x=tb_{key}")) && is_in(&format!("/things?x=tb%5F{key}")));
        assert!(is_in(&format!("/things/tb_{key}")) && is_in("/things?a=1&Access-Key=x"));
        assert!(!is_in("/things/tb_lamp?under=tb_lamp&key=a"));
    }
}
