//! Brain4it's watch, as another face of the same stream: a `POST` with a header `Monitor` and a list of names is answered
//! by lines without an end, first the session's id, then `(name value time)` for each value that differs.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::body::Body;
use axum::http::HeaderValue;
use axum::response::Response;
use serde_json::Value;
use thingsbus_adaptor::wire::Namespace;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::stream::{Scope, Told};
use super::{Live, Stream};
use crate::door::web::answer;
use crate::door::web::app::Caller;
use crate::door::web::problem::Problem;
use crate::door::web::secret::secret;

/// How often a line without anything is sent where nothing changes.
const PING_EVERY: Duration = Duration::from_secs(30);

/// How many random bytes an id is made of.
const ID_BYTES: usize = 16;

/// The most names of one watch.
const NAMES_MAX: usize = 1_000;

/// The watches that there are, by the ids that end them.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<String, Weak<Notify>>>);

impl Sessions {
    fn begin(&self) -> Result<(String, Arc<Notify>), Problem> {
        let id = secret::<ID_BYTES>()
            .ok_or_else(|| Problem::busy("the system gives no random numbers now; ask again"))?;
        let end = Arc::new(Notify::new());
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.retain(|_, end| end.strong_count() > 0);
        sessions.insert(id.clone(), Arc::downgrade(&end));
        Ok((id, end))
    }

    fn end(&self, id: &str) {
        let end = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        if let Some(end) = end.and_then(|end| end.upgrade()) {
            end.notify_one();
        }
    }
}

/// What is asked for.
#[derive(Debug, PartialEq)]
enum Wanted {
    Watch(Vec<String>),
    Unwatch(String),
}

/// A watch.
struct Watch {
    stream: Stream,
    end: Arc<Notify>,
    /// In the order in which they were asked for.
    things: Vec<Watched>,
    places: HashMap<Namespace, usize>,
    /// No thing is told more often.
    every: Duration,
    /// What there is has been told.
    has_begun: bool,
}

/// A thing that is watched.
#[derive(Default)]
struct Watched {
    /// As it was asked for.
    names: Vec<String>,
    told: Option<Value>,
    at: Option<Instant>,
    /// Newer than what was told.
    next: Option<Value>,
}

/// Watches things as Brain4it does.
///
/// The body is a list of names, `("shop.lamp" "shop.lathe")`, and the answer lines without
/// an end: the session's id, then `(name value time)` for each value that differs. A session's id in quotes ends it.
#[utoipa::path(
    post, path = "/things", tag = "live", operation_id = "watch_things",
    params((
        "Monitor" = u32, Header,
        description = "The least time between two lines of a thing, in ms; 0 for each change",
    )),
    request_body(content = String, content_type = "text/plain", description = "Names, or a session's id", example = json!("(\"shop.lamp\")")),
    responses(
        (status = 200, description = "Lines without an end, or \"unwatched\"", body = String, content_type = "text/plain"),
        (status = 400, description = "This is no list of names, or there is no header Monitor", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "There are too many streams", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn answer(
    live: &Arc<Live>,
    sessions: &Sessions,
    caller: &Caller,
    every: &HeaderValue,
    body: &[u8],
) -> Result<Response, Problem> {
    let every = every.to_str().ok().and_then(|every| every.trim().parse().ok()).ok_or_else(|| {
        Problem::bad_request(
            "the header Monitor takes the least time between two lines of a thing, in ms; 0 for each change",
        )
    })?;
    let names = match parse(body)? {
        Wanted::Unwatch(id) => {
            sessions.end(&id);
            return Ok(answer::text("\"unwatched\"".to_owned()));
        }
        Wanted::Watch(names) => names,
    };
    let mut things: Vec<Watched> = Vec::new();
    let mut places: HashMap<Namespace, usize> = HashMap::new();
    for name in names {
        let thing = name.trim_start_matches('@').replace('/', ".");
        let ns = Namespace::parse(&thing).map_err(|error| Problem::bad_request(error.to_string()))?;
        caller.access.read(ns.as_str())?;
        let place = *places.entry(ns).or_insert(things.len());
        match things.get_mut(place) {
            Some(known) => known.names.push(name),
            None => things.push(Watched { names: vec![name], ..Watched::default() }),
        }
    }
    let mut parts: Vec<Namespace> = places.keys().cloned().collect();
    parts.sort_unstable();
    let (id, end) = sessions.begin()?;
    let stream = live.open(caller, Scope { parts, tree: false, since: None })?;
    let every = Duration::from_millis(every);
    let watch = Watch { stream, end, things, places, every, has_begun: false };
    let first = futures_util::stream::once(std::future::ready(format!("\"{id}\"\n")));
    let lines = futures_util::stream::unfold(watch, |mut watch| async move {
        let lines = watch.next().await?;
        Some((lines, watch))
    });
    let lines = futures_util::StreamExt::chain(first, lines);
    let lines = futures_util::StreamExt::map(lines, Ok::<_, std::convert::Infallible>);
    Ok(answer::with_type(Body::from_stream(lines), HeaderValue::from_static("text/plain; charset=utf-8")))
}

impl Watch {
    /// The next lines; none where it is over.
    async fn next(&mut self) -> Option<String> {
        let ping = Instant::now() + PING_EVERY;
        loop {
            let lines = self.lines();
            if !lines.is_empty() {
                return Some(lines);
            }
            if Instant::now() >= ping {
                return Some("\n".to_owned());
            }
            let due = self.due().unwrap_or(ping).min(ping);
            let told = tokio::select! {
                told = self.stream.next(due.saturating_duration_since(Instant::now())) => told.ok()?,
                () = self.end.notified() => return None,
            };
            told.into_iter().for_each(|told| self.take(told));
        }
    }

    fn take(&mut self, told: Told) {
        match told {
            Told::Message { bytes, .. } => {
                let Ok(message) = serde_json::from_slice::<Value>(&bytes) else { return };
                let get = |key: &str| message.get(key).and_then(Value::as_str).unwrap_or_default();
                let value = match get("type") {
                    "thing_update" => message.get("data").cloned().unwrap_or_default(),
                    "thing_forgotten" => Value::Null,
                    _ => return,
                };
                let place = Namespace::parse(get("ns")).ok().and_then(|ns| self.places.get(&ns));
                if let Some(thing) = place.and_then(|place| self.things.get_mut(*place)) {
                    thing.next = Some(value);
                }
            }
            // What there is none of is told, too.
            Told::Mark { .. } if !std::mem::replace(&mut self.has_begun, true) => {
                for thing in &mut self.things {
                    thing.next.get_or_insert(Value::Null);
                }
            }
            Told::Mark { .. } | Told::Merged(_) => {}
        }
    }

    /// Lines of what differs from what was told, and is not told too often.
    fn lines(&mut self) -> String {
        let mut lines = String::new();
        if !self.has_begun {
            return lines;
        }
        let (instant, now) =
            (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default());
        for thing in &mut self.things {
            if thing.at.is_some_and(|at| at + self.every > instant) {
                continue;
            }
            let Some(next) = thing.next.take() else { continue };
            if thing.told.as_ref() == Some(&next) {
                continue;
            }
            for name in &thing.names {
                let _ = writeln!(lines, "({} {} {})", quoted(name), Bpl(&next), now.as_millis());
            }
            (thing.told, thing.at) = (Some(next), Some(instant));
        }
        lines
    }

    /// When something may be told that waits for that.
    fn due(&self) -> Option<Instant> {
        let waiting = self.things.iter().filter(|thing| thing.next.is_some());
        waiting.filter_map(|thing| Some(thing.at? + self.every)).min()
    }
}

/// A value in Brain4it's notation.
struct Bpl<'v>(&'v Value);

impl std::fmt::Display for Bpl<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Value::Null => f.write_str("null"),
            Value::Bool(is_so) => write!(f, "{is_so}"),
            Value::Number(number) => write!(f, "{number}"),
            Value::String(text) => f.write_str(&quoted(text)),
            Value::Array(list) => {
                f.write_str("(")?;
                for (index, value) in list.iter().enumerate() {
                    write!(f, "{}{}", if index == 0 { "" } else { " " }, Bpl(value))?;
                }
                f.write_str(")")
            }
            Value::Object(map) => {
                f.write_str("(")?;
                for (index, (name, value)) in map.iter().enumerate() {
                    write!(f, "{}{} => {}", if index == 0 { "" } else { " " }, quoted(name), Bpl(value))?;
                }
                f.write_str(")")
            }
        }
    }
}

/// Brain4it's texts are escaped as JSON's are.
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// A list of names, `("@temp" "@x")`, or an id, `"7c2f…"`.
fn parse(body: &[u8]) -> Result<Wanted, Problem> {
    let wrong = || {
        let example = "the body is a list of names, (\"shop.lamp\" \"shop.lathe\"), or a session's id in quotes to end it";
        Problem::bad_request(example)
    };
    let text = std::str::from_utf8(body).map_err(|_| wrong())?.trim();
    let (inside, is_list) = match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        Some(inside) => (inside, true),
        None => (text, false),
    };
    let mut texts = serde_json::Deserializer::from_str(inside).into_iter::<String>();
    let mut names = Vec::new();
    for name in &mut texts {
        names.push(name.map_err(|_| wrong())?);
        if names.len() > NAMES_MAX {
            return Err(Problem::bad_request(format!("a watch has at most {NAMES_MAX} names")));
        }
    }
    match (is_list, names.pop()) {
        (false, Some(id)) if names.is_empty() => Ok(Wanted::Unwatch(id)),
        (true, Some(last)) => {
            names.push(last);
            Ok(Wanted::Watch(names))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_asked_for() {
        let names = |names: &[&str]| Wanted::Watch(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(parse(br#"("@temp" "@nosuch")"#).unwrap(), names(&["@temp", "@nosuch"]));
        assert_eq!(parse(br#" ("a"  "b") "#).unwrap(), names(&["a", "b"]));
        assert_eq!(parse(br#""7c2f""#).unwrap(), Wanted::Unwatch("7c2f".to_owned()));
        for wrong in ["", "()", "(a)", "\"a\" \"b\"", "(\"a\"", "{}"] {
            assert!(parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_as_brain4it_writes_them() {
        let value = json!({"t": 21.5, "xs": [1, true, null], "text": "a \"b\""});
        assert_eq!(Bpl(&value).to_string(), r#"("t" => 21.5 "xs" => (1 true null) "text" => "a \"b\"")"#);
    }
}
