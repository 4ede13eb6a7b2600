//! A thing: told, said and forgotten.

use axum::body::Bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use thingsbus_adaptor::wire::limits::TTL_S_MAX;
use thingsbus_adaptor::wire::{Namespace, Query, Rejected, Words};
use thingsbus_client::directory::nearest;
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Format};
use super::app::Caller;
use super::ask::{Answer, Expected as Expectation, Page, Thing};
use super::body;
use super::problem::Problem;
use super::value;
use super::words::{Ns, Star, Tag};
use crate::broker::{Expected, OnlyIf};

/// How often a place in a value is written again because the value changed meanwhile.
const WRITES_MAX: usize = 16;

/// How many names are looked at for one that is like the one that there is not.
const NAMES_LOOKED_AT: usize = 1_000;

/// All that is known of a thing.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Told<'a> {
    /// Its name.
    #[schema(example = "shop.lamp")]
    ns: &'a str,
    /// What it said last.
    #[schema(value_type = Value, example = json!({"on": true}))]
    data: &'a RawValue,
    /// When that was so, by its sender's clock: seconds since 1970 UTC.
    ts: f64,
    /// When the broker received it.
    received: f64,
    /// How long ago that was, in seconds, by the broker's clock.
    age: f64,
    /// Where it is documented.
    #[schema(value_type = Option<String>)]
    documentation_url: Option<&'a RawValue>,
    /// The number of that update.
    seq: u64,
    /// How fresh it is.
    #[serde(flatten)]
    expected: Expectation<'a>,
}

impl<'a> Told<'a> {
    pub(super) fn new(thing: &Thing<'a>, now: f64) -> Self {
        let Thing { ns, ts, data, documentation_url, received, seq, expected } = *thing;
        Self { ns, data, ts, received, age: (now - received).max(0.0), documentation_url, seq, expected }
    }

    /// As a line of a table.
    pub(super) fn line(&self) -> Vec<String> {
        let Self { ns, data, ts, received, age, seq, .. } = self;
        let url = self.documentation_url.and_then(|url| serde_json::from_str::<String>(url.get()).ok());
        let data = serde_json::from_str(data.get())
            .map_or_else(|_| data.get().to_owned(), |data| value::plain(&data));
        vec![
            (*ns).to_owned(),
            data,
            ts.to_string(),
            received.to_string(),
            age.to_string(),
            url.unwrap_or_default(),
            seq.to_string(),
            self.expected.word().to_owned(),
        ]
    }
}

/// The first line of such a table.
pub(super) const COLUMNS: [&str; 8] =
    ["ns", "data", "ts", "received", "age", "documentation_url", "seq", "freshness"];

/// How an update is to be taken.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Saying {
    /// When it was so: seconds since 1970 UTC; now where this is missing.
    ts: Option<f64>,
    /// The seconds after which the thing is forgotten where nothing newer is said.
    #[param(minimum = 1, maximum = 315_360_000)]
    ttl: Option<f64>,
    /// Where the thing is documented.
    #[param(max_length = 2_048)]
    documentation_url: Option<String>,
    /// When to answer: when it is in the `directory`, or on `disk`.
    ack: Option<Ack>,
}

impl Saying {
    fn of(caller: &Caller) -> Result<Self, Problem> {
        let saying: Self = caller.query()?;
        match saying.ttl {
            Some(ttl) if !(ttl > 0.0 && ttl <= TTL_S_MAX as f64) => {
                let why = format!("ttl={ttl}: seconds, above 0 and up to {TTL_S_MAX}");
                Err(Problem::bad_request(why).rejecting(Rejected::Ttl))
            }
            _ => Ok(saying),
        }
    }
}

/// When an update is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Ack {
    #[default]
    Directory,
    Disk,
}

/// What became of an update.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Said<'a> {
    /// The thing.
    #[schema(example = "shop.lamp")]
    ns: &'a str,
    /// The number of the update.
    seq: u64,
    /// Where it is.
    ack: Ack,
}

#[derive(Deserialize)]
struct Taken {
    seq: u64,
}

/// What is to be forgotten.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Forgetting {
    /// Also what is below it.
    #[serde(default)]
    tree: bool,
}

/// What was forgotten.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Forgotten<'a> {
    /// The thing.
    #[schema(example = "shop.lamp")]
    ns: &'a str,
    /// With what is below it.
    tree: bool,
    /// How many things.
    count: u64,
}

/// The answer to a question for one thing.
pub(super) struct One(Answer);

impl One {
    /// Asks for a thing.
    pub(super) async fn ask(caller: &Caller, ns: &Namespace) -> Result<Self, Problem> {
        caller.access.read(ns.as_str())?;
        let query = Query { ns: ns.clone(), tree: false, freshness: Some(Words::ALL), ..Query::default() };
        caller.asker.page(query).await.map(Self)
    }

    fn page(&self) -> Result<Page<'_>, Problem> {
        self.0.read()
    }
}

/// The tag of a thing's last update.
fn tag(epoch: &str, seq: u64) -> String {
    format!("\"{epoch}.{seq}\"")
}

/// The updates that a list of tags names.
fn tags(list: &str) -> Vec<(String, u64)> {
    let tag = |tag: &str| {
        let tag = tag.trim().trim_start_matches("W/").trim_matches('"');
        let (epoch, seq) = tag.rsplit_once('.')?;
        Some((epoch.to_owned(), seq.parse().ok()?))
    };
    list.split(',').filter_map(tag).collect()
}

/// What `If-Match` and `If-None-Match` expect of a thing that is to be written.
fn expected(headers: &HeaderMap) -> Result<Option<Expected>, Problem> {
    let get = |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or_default().trim());
    match (get(header::IF_MATCH), get(header::IF_NONE_MATCH)) {
        (None, None) => Ok(None),
        (Some("*"), None) => Ok(Some(Expected::Present)),
        (Some(list), None) => Ok(Some(Expected::Update(tags(list)))),
        (None, Some("*")) => Ok(Some(Expected::Absent)),
        (None, Some(list)) => Ok(Some(Expected::NotUpdate(tags(list)))),
        (Some(_), Some(_)) => Err(Problem::changed(
            "If-Match and If-None-Match together are never so: there is one, and there is none",
        )),
    }
}

/// Everything that is known of a thing.
#[utoipa::path(
    get, path = "/things/{ns}", tag = "things", operation_id = "get_thing",
    params(
        ("ns" = Ns, Path, description = "Its name, by dots; slashes work too", example = "shop.lamp"),
        ("If-None-Match" = Option<String>, Header, description = "A tag that an ETag said: 304 where the thing has it still"),
    ),
    responses(
        (status = 200, description = "The thing; its ETag names its last update", body = Told),
        (status = 304, description = "It is as it was"),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such thing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(caller: &Caller, ns: &Namespace) -> Result<Response, Problem> {
    let answer = One::ask(caller, ns).await?;
    let page = answer.page()?;
    let Some(thing) = page.data.first() else { return Err(no_thing(caller, ns).await) };
    let tag = tag(page.epoch, thing.seq);
    tagged(caller, &tag, || answer::from_value(&Told::new(thing, page.ts), Format::of(&caller.headers)))
}

/// What a thing said last, or a place in that.
#[utoipa::path(
    get, path = "/things/{ns}/data/{path}", tag = "things", operation_id = "get_data",
    params(
        ("ns" = Ns, Path, example = "shop.lamp"),
        ("path" = String, Path, description = "Names and indexes, with slashes between", example = "on"),
    ),
    responses(
        (status = 200, description = "What is there", body = Value),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such thing, or nothing there", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get_data(caller: &Caller, ns: &Namespace, path: &[String]) -> Result<Response, Problem> {
    let (found, tag) = find(caller, ns, path).await?;
    tagged(caller, &tag, || answer::from_value(&found, Format::of(&caller.headers)))
}

/// The same, plain for a shell: a text without quotes, and a line's end.
#[utoipa::path(
    get, path = "/things/{ns}/value", tag = "things", operation_id = "get_value",
    params(("ns" = Ns, Path, example = "shop.lamp")),
    responses(
        (status = 200, description = "What it said last", body = String, content_type = "text/plain"),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such thing", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get_value(caller: &Caller, ns: &Namespace, path: &[String]) -> Result<Response, Problem> {
    let (found, tag) = find(caller, ns, path).await?;
    tagged(caller, &tag, || Ok(answer::text(value::plain(&found) + "\n")))
}

async fn find(caller: &Caller, ns: &Namespace, path: &[String]) -> Result<(Value, String), Problem> {
    let answer = One::ask(caller, ns).await?;
    let page = answer.page()?;
    let Some(thing) = page.data.first() else { return Err(no_thing(caller, ns).await) };
    let all: Value =
        serde_json::from_str(thing.data.get()).map_err(|error| Problem::busy(error.to_string()))?;
    let found = value::get(&all, path).map_err(no_place)?.clone();
    Ok((found, tag(page.epoch, thing.seq)))
}

/// Says something: the body is what the thing says now, all of it.
#[utoipa::path(
    put, path = "/things/{ns}", tag = "things", operation_id = "put_thing",
    params(
        ("ns" = Ns, Path, example = "shop.lamp"),
        Saying,
        ("If-Match" = Option<Tag>, Header, description = "Only where the thing has this tag; * where there is one"),
        ("If-None-Match" = Option<Star>, Header, description = "* only where there is no such thing"),
    ),
    request_body(content = Value, description = "Any JSON"),
    responses(
        (status = 200, description = "It is in the directory, and on its way to all who listen", body = Said),
        (status = 400, description = "This is no name, or no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker has no disk", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The thing is not as you think", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too long", body = Problem, content_type = "application/problem+json"),
        (status = 507, description = "The directory is full", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put(caller: &Caller, ns: &Namespace, body: Bytes) -> Result<Response, Problem> {
    caller.access.write(ns.as_str())?;
    let saying = Saying::of(caller)?;
    let expected = expected(&caller.headers)?;
    let data = body::json(&caller.headers, body)?;
    say(caller, ns, &saying, &data, expected).await
}

/// Says something about a place in a value. Objects on the way there are made.
#[utoipa::path(
    put, path = "/things/{ns}/data/{path}", tag = "things", operation_id = "put_data",
    params(
        ("ns" = Ns, Path, example = "shop.lamp"),
        ("path" = String, Path, example = "on"),
        Saying,
        ("If-Match" = Option<Tag>, Header, description = "Only where the thing has this tag; * where there is one"),
    ),
    request_body(content = Value, description = "Any JSON"),
    responses(
        (status = 200, description = "It is in the directory, and on its way to all who listen", body = Said),
        (status = 400, description = "This is no name, or no JSON", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "There is something else in the way there", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The thing is not as you think", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "It is too long", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put_data(
    caller: &Caller,
    ns: &Namespace,
    path: &[String],
    body: Bytes,
) -> Result<Response, Problem> {
    let saying = Saying::of(caller)?;
    let new = body::value(&caller.headers, body)?;
    change(caller, ns, &saying, |value| {
        let change = value::set(value, path, new.clone());
        change.map_err(|why| {
            Problem::new(StatusCode::CONFLICT, "no_place", "there is no such place", why.to_string())
        })
    })
    .await
}

/// Takes a place out of a value, and says the rest.
#[utoipa::path(
    delete, path = "/things/{ns}/data/{path}", tag = "things", operation_id = "delete_data",
    params(("ns" = Ns, Path, example = "shop.lamp"), ("path" = String, Path, example = "on"), Saying),
    responses(
        (status = 200, description = "The rest is in the directory, and on its way to all who listen", body = Said),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such thing, or nothing there", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker has no disk", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The thing is not as you think", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete_data(
    caller: &Caller,
    ns: &Namespace,
    path: &[String],
) -> Result<Response, Problem> {
    let saying = Saying::of(caller)?;
    change(caller, ns, &saying, |value| value::remove(value, path).map(drop).map_err(no_place)).await
}

/// Forgets a thing, and its past. Clients are told.
#[utoipa::path(
    delete, path = "/things/{ns}", tag = "things", operation_id = "delete_thing",
    params(
        ("ns" = Ns, Path, example = "shop.lamp"),
        Forgetting,
        ("If-Match" = Option<Tag>, Header, description = "Only where the thing has this tag; * where there is one"),
    ),
    responses(
        (status = 200, description = "It is forgotten, on disk too", body = Forgotten),
        (status = 400, description = "This is no name", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such thing", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "The thing is not as you think", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete(caller: &Caller, ns: &Namespace) -> Result<Response, Problem> {
    #[derive(Deserialize)]
    struct Count {
        count: u64,
    }
    caller.access.write(ns.as_str())?;
    let Forgetting { tree } = caller.query()?;
    let only_if = expected(&caller.headers)?.map(|is| OnlyIf { ns: ns.to_string(), is });
    let question = json!({ "type": "thing_forget", "ns": ns.as_str(), "tree": tree });
    let answer = caller.asker.ask_if(question.to_string().into_bytes(), only_if).await?;
    let Count { count } = answer.read()?;
    if count == 0 {
        return Err(no_thing(caller, ns).await);
    }
    answer::from_value(&Forgotten { ns: ns.as_str(), tree, count }, Format::of(&caller.headers))
}

/// Reads, changes and writes a value, so that nobody's writing in between is lost.
async fn change(
    caller: &Caller,
    ns: &Namespace,
    saying: &Saying,
    change: impl Fn(&mut Value) -> Result<(), Problem>,
) -> Result<Response, Problem> {
    caller.access.write(ns.as_str())?;
    let wanted = expected(&caller.headers)?;
    for _ in 0..WRITES_MAX {
        let query = Query { ns: ns.clone(), tree: false, ..Query::default() };
        let answer = caller.asker.page(query).await?;
        let page: Page<'_> = answer.read()?;
        let (mut value, is) = match page.data.first() {
            None => (Value::Null, Expected::Absent),
            Some(thing) => {
                let value = serde_json::from_str(thing.data.get())
                    .map_err(|error| Problem::busy(error.to_string()))?;
                (value, Expected::Update(vec![(page.epoch.to_owned(), thing.seq)]))
            }
        };
        let is_wanted = match (&wanted, &is) {
            (None, _) | (Some(Expected::Present), Expected::Update(_)) => true,
            (Some(Expected::Update(wanted)), Expected::Update(is)) => is.iter().any(|is| wanted.contains(is)),
            (Some(Expected::NotUpdate(unwanted)), Expected::Update(is)) => {
                !is.iter().any(|is| unwanted.contains(is))
            }
            (Some(Expected::NotUpdate(_)), Expected::Absent) => true,
            (Some(wanted), is) => wanted == is,
        };
        if !is_wanted {
            return Err(Problem::changed(not_as_expected(ns)));
        }
        change(&mut value)?;
        match say(caller, ns, saying, value.to_string().as_bytes(), Some(is)).await {
            Err(problem) if problem.status() == StatusCode::PRECONDITION_FAILED => {}
            answer => return answer,
        }
    }
    let detail = format!("others write \"{ns}\" so fast that this never came between; ask again");
    Err(Problem::busy(detail))
}

async fn say(
    caller: &Caller,
    ns: &Namespace,
    saying: &Saying,
    data: &[u8],
    expected: Option<Expected>,
) -> Result<Response, Problem> {
    let Saying { ts, ttl, documentation_url, ack } = saying;
    if let Some(ts) = ts.filter(|ts| !ts.is_finite()) {
        return Err(Problem::bad_request(format!("ts={ts}: seconds since 1970 UTC")));
    }
    let ack = ack.unwrap_or_default();
    let mut message = json!({ "ns": ns.as_str(), "type": "thing_update", "ts": ts, "ack": ack });
    if let Some(map) = message.as_object_mut() {
        map.extend(ttl.map(|ttl| ("ttl".to_owned(), json!(ttl))));
        map.extend(documentation_url.iter().map(|url| ("documentation_url".to_owned(), json!(url))));
    }
    let mut message = message.to_string().into_bytes();
    message.pop();
    message.extend_from_slice(b",\"data\":");
    message.extend_from_slice(data);
    message.push(b'}');
    let only_if = expected.map(|is| OnlyIf { ns: ns.to_string(), is });
    let answer = caller.asker.ask_if(message, only_if).await.map_err(|problem| match problem.status() {
        StatusCode::PRECONDITION_FAILED => Problem::changed(not_as_expected(ns)),
        _ => problem,
    })?;
    let Taken { seq } = answer.read()?;
    answer::from_value(&Said { ns: ns.as_str(), seq, ack }, Format::of(&caller.headers))
}

fn not_as_expected(ns: &Namespace) -> String {
    format!(
        "\"{ns}\" was said something else meanwhile, or is not there, or is there already; read it and write again"
    )
}

fn no_place(why: value::NoPlace) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, "no_place", "there is no such place", why.to_string())
}

/// There is none; what there is that is called nearly so.
async fn no_thing(caller: &Caller, ns: &Namespace) -> Problem {
    let mut names = Vec::new();
    let above = ns.as_str().split('.').next().unwrap_or_default();
    for under in [above, ""] {
        let ns = Namespace::parse(under).unwrap_or_default();
        let query = Query { ns, limit: NAMES_LOOKED_AT, ..Query::default() };
        let Ok(answer) = caller.asker.page(query).await else { break };
        if let Ok(page) = answer.read::<Page<'_>>() {
            let readable = page.data.iter().map(|thing| thing.ns).filter(|ns| caller.access.may_read(ns));
            names.extend(readable.map(str::to_owned));
        }
    }
    names.sort_unstable();
    names.dedup();
    let near = nearest(ns.as_str(), names.iter().map(String::as_str));
    let detail = match near.as_slice() {
        [] => format!("there is no thing \"{ns}\"; GET /things lists those there are"),
        near => {
            let near: Vec<String> = near.iter().map(|ns| format!("\"{ns}\"")).collect();
            format!("there is no thing \"{ns}\"; there is {}", near.join(", "))
        }
    };
    Problem::new(StatusCode::NOT_FOUND, "no_thing", "there is no such thing", detail)
}

/// An answer with its tag; without a body where who asks has it already.
fn tagged(
    caller: &Caller,
    tag: &str,
    answer: impl FnOnce() -> Result<Response, Problem>,
) -> Result<Response, Problem> {
    let is_known = answer::is_known(&caller.headers, tag);
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { answer()? };
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("accept"));
    Ok(response)
}
