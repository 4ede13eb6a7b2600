//! Which address means what, and who calls.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::PathRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use axum::routing::any;
use serde::de::DeserializeOwned;
use thingsbus_adaptor::wire::Namespace;
use tokio::sync::Semaphore;
use tokio::sync::mpsc::UnboundedReceiver;

use super::access::Access;
use super::ask::Asker;
use super::body::Bodies;
use super::counters::Counters;
use super::live::{Live, monitor, sse, ws};
use super::place::{self, Part, Place};
use super::problem::Problem;
use super::{docs, list, metrics, page, past, rejected, snapshots, thing};
use crate::config::Config;
use crate::door::complaints::Complaints;
use crate::door::gate::{Batch, Gate};

/// How many lists are put together at a time: each takes the broker's thread again and again, and memory until it is whole.
const LISTS_MAX: usize = 16;

/// How many may wait for that or be put together. Who comes then is told to ask again.
const LISTS_WAITING_MAX: usize = 128;

/// What all requests share.
pub(super) struct App {
    gate: Gate,
    pub(super) live: Arc<Live>,
    sessions: monitor::Sessions,
    complaints: Mutex<Complaints>,
    pub(super) counters: Counters,
    bodies: Bodies,
    /// Places for who asks for lists.
    lists: Semaphore,
    /// Places for who waits for one of those, or has one.
    lists_waiting: Semaphore,
    /// Of which things the numbers are metrics too.
    pub(super) metrics_of: Vec<Namespace>,
}

/// Who calls, and what with.
pub(super) struct Caller {
    pub(super) asker: Asker,
    pub(super) access: Access,
    pub(super) headers: HeaderMap,
    uri: Uri,
}

impl Caller {
    /// What comes after the question mark.
    pub(super) fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let query = Query::try_from_uri(&self.uri);
        query.map(|Query(query)| query).map_err(|error| Problem::bad_request(error.body_text()))
    }
}

impl App {
    pub(super) fn new(config: &Config, gate: Gate) -> Arc<Self> {
        let live = Live::new(gate.clone(), config.web.streams_max);
        let (sessions, complaints, counters, bodies) = Default::default();
        let metrics_of = config.web.metrics_of();
        Arc::new(Self {
            gate,
            live,
            sessions,
            complaints,
            counters,
            bodies,
            lists: Semaphore::new(LISTS_MAX),
            lists_waiting: Semaphore::new(LISTS_WAITING_MAX),
            metrics_of,
        })
    }

    /// Gives the live streams what the gate gives, until that ends.
    pub(super) async fn give_out(self: Arc<Self>, batches: UnboundedReceiver<Batch>) {
        self.live.clone().give_out(batches).await;
    }

    /// Tells in the log what goes wrong, not more often than is useful.
    pub(super) fn complain(&self, about: &'static str, why: impl FnOnce() -> String) {
        if let Ok(mut complaints) = self.complaints.lock() {
            complaints.tell(about, std::time::Instant::now(), why);
        }
    }

    pub(super) fn router(self: Arc<Self>) -> Router {
        Router::new()
            .route("/things", any(things))
            .route("/things/", any(things))
            .route("/things/{*place}", any(at))
            .route("/snapshots", any(all_snapshots))
            .route("/snapshots/{name}", any(snapshot))
            .route("/snapshots/{name}/load", any(load_snapshot))
            .route("/events", any(events))
            .route("/ws", any(web_socket))
            .route("/status", any(status))
            .route("/rejected", any(rejected))
            .route("/metrics", any(metrics))
            .route("/healthz", any(|method| async { only_get(method).map(|()| metrics::health()) }))
            .route("/readyz", any(ready))
            .route("/openapi.json", any(openapi))
            .route("/docs", any(|method| async { only_get(method).map(|()| docs::page()) }))
            .route("/", any(page))
            .route("/page/{*file}", any(page_file))
            .fallback(no_page)
            .with_state(self)
    }

    fn caller(&self, from: SocketAddr, headers: HeaderMap, uri: Uri, access: Access) -> Caller {
        Caller { asker: Asker { gate: self.gate.clone(), from }, access, headers, uri }
    }
}

impl axum::extract::FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        app: &Arc<App>,
    ) -> Result<Self, Problem> {
        let ConnectInfo(from) =
            *parts.extensions.get::<ConnectInfo<SocketAddr>>().ok_or_else(Problem::stopping)?;
        let access = parts.extensions.get::<Access>().cloned().unwrap_or_default();
        Ok(app.caller(from, parts.headers.clone(), parts.uri.clone(), access))
    }
}

async fn things(
    State(app): State<Arc<App>>,
    caller: Caller,
    method: Method,
    body: Body,
) -> Result<Response, Problem> {
    match method {
        Method::GET | Method::HEAD => {
            let _waits = app.lists_waiting.try_acquire().map_err(|_| {
                Problem::busy("too many lists are asked for at once; ask again, or follow /events")
            })?;
            // In the order in which they came. It is closed by nobody.
            let _place = app.lists.acquire().await;
            list::list(&caller).await
        }
        Method::POST => match caller.headers.get("monitor") {
            Some(every) => monitor::answer(&app.live, &app.sessions, &caller, every, &body.0?).await,
            None => Err(Problem::bad_request("POST /things is Brain4it's watch, and takes a header Monitor")),
        },
        other => Err(Problem::bad_method(&other, "GET, POST")),
    }
}

/// What is said and is no update is told to the broker too: a page that looks for its sender finds it there.
async fn at(caller: Caller, method: Method, body: Body) -> Result<Response, Problem> {
    let said = body.0.as_ref().ok().filter(|_| method == Method::PUT).cloned();
    let answer = at_place(&caller, method.clone(), body).await;
    if let Err(problem) = &answer
        && let Some(why) = problem.rejected().filter(|_| method == Method::PUT)
    {
        let name = place::name(below_things(&caller.uri));
        // Who may not write there is not listened to.
        if caller.access.write(&name).is_ok() {
            caller.asker.tell_refused(why, name, said, &caller.headers);
        }
    }
    answer
}

fn below_things(uri: &Uri) -> &str {
    uri.path().strip_prefix("/things/").unwrap_or(uri.path())
}

async fn at_place(caller: &Caller, method: Method, body: Body) -> Result<Response, Problem> {
    let Place { ns, part } = Place::parse(below_things(&caller.uri))?;
    match (method, part) {
        (Method::GET | Method::HEAD, Part::Thing) => thing::get(caller, &ns).await,
        (Method::GET | Method::HEAD, Part::Data(path)) => thing::get_data(caller, &ns, &path).await,
        (Method::GET | Method::HEAD, Part::Value(path)) => thing::get_value(caller, &ns, &path).await,
        (Method::GET | Method::HEAD, Part::History) => past::get(caller, &ns).await,
        (Method::PUT, Part::Thing) => thing::put(caller, &ns, body.0?).await,
        (Method::PUT, Part::Data(path)) => thing::put_data(caller, &ns, &path, body.0?).await,
        (Method::DELETE, Part::Thing) => thing::delete(caller, &ns).await,
        (Method::DELETE, Part::Data(path)) if !path.is_empty() => {
            thing::delete_data(caller, &ns, &path).await
        }
        (other, Part::History | Part::Value(_)) => Err(Problem::bad_method(&other, "GET")),
        (other @ Method::DELETE, _) => Err(Problem::bad_method(&other, "GET, PUT")),
        (other, _) => Err(Problem::bad_method(&other, "GET, PUT, DELETE")),
    }
}

/// A body, or why there is none: only who needs it asks.
struct Body(Result<Bytes, Problem>);

impl axum::extract::FromRequest<Arc<App>> for Body {
    type Rejection = std::convert::Infallible;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Self(app.bodies.take(request.into_body()).await))
    }
}

async fn events(State(app): State<Arc<App>>, caller: Caller, method: Method) -> Result<Response, Problem> {
    match method {
        Method::GET => sse::follow(&app.live, &caller).await,
        other => Err(Problem::bad_method(&other, "GET")),
    }
}

async fn web_socket(
    State(app): State<Arc<App>>,
    caller: Caller,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let upgrade = upgrade.map_err(|rejection| Problem::bad_request(rejection.body_text()))?;
    ws::follow(&app.live, &caller, upgrade).await
}

/// A snapshot's name in the address.
struct Name(String);

impl<S: Send + Sync> axum::extract::FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut axum::http::request::Parts, state: &S) -> Result<Self, Problem> {
        let name = Path::from_request_parts(parts, state).await;
        name.map(|Path(name)| Self(name)).map_err(|rejection| Problem::bad_request(rejection.body_text()))
    }
}

async fn all_snapshots(caller: Caller, method: Method) -> Result<Response, Problem> {
    match method {
        Method::GET | Method::HEAD => snapshots::list(&caller).await,
        other => Err(Problem::bad_method(&other, "GET")),
    }
}

async fn snapshot(
    caller: Caller,
    method: Method,
    Name(name): Name,
    body: axum::body::Body,
) -> Result<Response, Problem> {
    match method {
        Method::GET | Method::HEAD => snapshots::get(&caller, &name).await,
        Method::PUT => snapshots::put(&caller, &name, body).await,
        Method::DELETE => snapshots::delete(&caller, &name).await,
        other => Err(Problem::bad_method(&other, "GET, PUT, DELETE")),
    }
}

async fn load_snapshot(caller: Caller, method: Method, Name(name): Name) -> Result<Response, Problem> {
    match method {
        Method::POST => snapshots::load(&caller, &name).await,
        other => Err(Problem::bad_method(&other, "POST")),
    }
}

async fn status(caller: Caller, method: Method) -> Result<Response, Problem> {
    only_get(method)?;
    metrics::status(&caller).await
}

async fn rejected(caller: Caller, method: Method) -> Result<Response, Problem> {
    only_get(method)?;
    rejected::get(&caller).await
}

async fn metrics(State(app): State<Arc<App>>, caller: Caller, method: Method) -> Result<Response, Problem> {
    only_get(method)?;
    metrics::get(&app, &caller).await
}

async fn ready(caller: Caller, method: Method) -> Result<Response, Problem> {
    only_get(method)?;
    Ok(metrics::ready(&caller).await)
}

async fn openapi(caller: Caller, method: Method) -> Result<Response, Problem> {
    only_get(method)?;
    docs::openapi(&caller)
}

async fn page(method: Method, uri: Uri, headers: HeaderMap) -> Result<Response, Problem> {
    only_get(method)?;
    page::index(&headers).ok_or_else(|| nothing_at(&uri))
}

async fn page_file(
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    file: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    only_get(method)?;
    // What is no UTF-8 names no file.
    let file = file.ok().and_then(|Path(name)| page::file(&name, &headers));
    file.ok_or_else(|| nothing_at(&uri))
}

fn only_get(method: Method) -> Result<(), Problem> {
    if matches!(method, Method::GET | Method::HEAD) {
        Ok(())
    } else {
        Err(Problem::bad_method(&method, "GET"))
    }
}

async fn no_page(uri: Uri) -> Problem {
    nothing_at(&uri)
}

fn nothing_at(uri: &Uri) -> Problem {
    let detail =
        format!("there is nothing at {}; /things lists what there is, /docs tells what else", uri.path());
    Problem::no_page(detail)
}
