//! What a thing said over time.

use axum::response::Response;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use thingsbus_adaptor::wire::Namespace;
use thingsbus_adaptor::wire::limits::HISTORY_VALUES_MAX;
use utoipa::IntoParams;

use super::answer::{self, Format};
use super::app::Caller;
use super::problem::Problem;
use super::time::{moment, stretch};
use super::value::plain;
use super::words::{Moment, Ns, Pointer, Stretch};

/// Which part of the past, and how it is told.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// What came then or later: seconds since 1970 UTC, or how long ago, like `1h`.
    #[param(value_type = Option<Moment>)]
    from: Option<String>,
    /// And before then.
    #[param(value_type = Option<Moment>)]
    to: Option<String>,
    /// The last so many values of that.
    #[param(minimum = 1, maximum = 100_000)]
    last: Option<u64>,
    /// Not the values, but a line for each stretch of so many seconds, or `1m`, `1h`: lowest, highest, mean, last.
    #[param(value_type = Option<Stretch>)]
    every: Option<String>,
    /// Lines of the number at this place of the value only: a JSON pointer (RFC 6901).
    #[param(value_type = Option<Pointer>)]
    path: Option<String>,
    /// The most values.
    #[param(minimum = 1, maximum = 100_000)]
    limit: Option<u64>,
    /// Go on from here: the last answer's `next`.
    after: Option<String>,
}

/// An answer, as far as a table needs it.
#[derive(Deserialize)]
struct History<'a> {
    #[serde(borrow)]
    values: Option<Vec<(f64, f64, &'a RawValue)>>,
    lines: Option<BTreeMap<String, Vec<[Option<f64>; 6]>>>,
}

/// What a thing said over time, as the query door's `history_query` has it.
#[utoipa::path(
    get, path = "/things/{ns}/history", tag = "the past", operation_id = "get_history",
    params(("ns" = Ns, Path, example = "shop.lamp"), Which),
    responses(
        (status = 200, description = "Values, or lines for stretches of time", content((Value = "application/json"), (String = "text/csv"))),
        (status = 400, description = "Something is not as it must be", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker keeps no history", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get(caller: &Caller, ns: &Namespace) -> Result<Response, Problem> {
    caller.access.read(ns.as_str())?;
    let which: Which = caller.query()?;
    let every = match &which.every {
        None => None,
        Some(text) => Some(stretch(text)?),
    };
    let most = HISTORY_VALUES_MAX as u64;
    for (name, value) in [("limit", which.limit), ("last", which.last)] {
        if let Some(wrong) = value.filter(|value| !(1..=most).contains(value)) {
            return Err(Problem::bad_request(format!("{name}={wrong}: 1 to {most}")));
        }
    }
    if let Some(path) = which.path.as_ref().filter(|path| !is_pointer(path)) {
        let why = "a JSON pointer (RFC 6901), like /rpm";
        return Err(Problem::bad_request(format!("path={path}: {why}")));
    }
    let mut question = json!({
        "type": "history_query", "ns": ns.as_str(),
        "from": which.from.as_deref().map(moment).transpose()?, "to": which.to.as_deref().map(moment).transpose()?,
        "last": which.last, "every": every, "path": which.path, "limit": which.limit, "after": which.after,
    });
    if let Some(question) = question.as_object_mut() {
        question.retain(|_, value| !value.is_null());
    }
    let answer = caller.asker.ask(&question).await?;
    let format = Format::of(&caller.headers);
    if format != Format::Csv {
        return answer::from_json(answer.into_bytes(), format);
    }
    let History { values, lines } = answer.read()?;
    if let Some(lines) = lines {
        let cell = |number: Option<f64>| number.map_or_else(String::new, |number| number.to_string());
        let lines = lines.into_iter().flat_map(|(path, lines)| {
            let line = move |line: [Option<f64>; 6]| {
                std::iter::once(path.clone()).chain(line.into_iter().map(cell)).collect::<Vec<_>>()
            };
            lines.into_iter().map(line).collect::<Vec<_>>()
        });
        return answer::table(&["path", "begin", "count", "min", "max", "mean", "last"], lines);
    }
    let line = |(received, ts, data): (f64, f64, &RawValue)| {
        let data =
            serde_json::from_str(data.get()).map_or_else(|_| data.get().to_owned(), |data| plain(&data));
        vec![received.to_string(), ts.to_string(), data]
    };
    answer::table(&["received", "ts", "data"], values.unwrap_or_default().into_iter().map(line))
}

/// Empty, or names after slashes, in which `~` is written `~0` and `/` is `~1`.
fn is_pointer(path: &str) -> bool {
    let is_escape = |rest: &str| rest.starts_with(['0', '1']);
    (path.is_empty() || path.starts_with('/')) && path.split('~').skip(1).all(is_escape)
}
