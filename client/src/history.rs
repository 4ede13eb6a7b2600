//! The past of things, asked of a broker page by page.

mod pages;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{
    Ask, HistoryLine, HistoryQuery, Message, Namespace, Query, Scratch, Timestamp, decode_message,
};

use crate::ask::ask;
use crate::error::Error;
use crate::thing::Latest;
pub(crate) use pages::Pages;

/// What a thing said once.
#[derive(Clone, Debug, PartialEq)]
pub struct PastValue {
    /// When the broker received it, by its clock.
    pub received: Timestamp,
    /// When it was, as its sender says.
    pub ts: Timestamp,
    /// The value, as JSON text.
    pub data: String,
}

/// What a thing said over time.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Past {
    /// Its values, the oldest first.
    Values(Vec<PastValue>),
    /// For each of its numbers, by the path where it stands in the value, a line for each stretch of time.
    Lines(BTreeMap<String, Vec<HistoryLine>>),
}

/// A thing as it was at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct PastThing {
    /// The thing.
    pub ns: Namespace,
    /// What it had said last, with its age then. The documentation URL is that of now.
    pub latest: Latest,
}

/// Asks a broker what a thing said over time, and gives all of the answer, however many pages it has. Blocks. `limit` is
/// for each page.
///
/// # Errors
/// Where there is no answer, or no history, or where its pages come to no end: a thousand in a row have nothing.
pub fn history(broker: &BrokerName, query: &HistoryQuery, limit: Duration) -> Result<Past, Error> {
    let mut query = query.clone();
    let mut pages = Pages::default();
    let mut values = Vec::new();
    let mut lines: BTreeMap<String, Vec<HistoryLine>> = BTreeMap::new();
    loop {
        let answer = ask(broker, &Ask::History(query.clone()), limit)?;
        let page: Shape<'_> = read(broker, &answer)?;
        let is_empty = page.values.is_empty() && page.lines.values().all(Vec::is_empty);
        for (path, more) in page.lines {
            lines.entry(path).or_default().extend(more.into_iter().map(line));
        }
        let more: Vec<PastValue> = page.values.into_iter().filter_map(value).collect();
        if let Some(last) = &mut query.last {
            // They come from the end.
            *last = last.saturating_sub(more.len());
            values.splice(0..0, more);
        } else {
            values.extend(more);
        }
        let is_all = query.last == Some(0);
        query.after =
            pages.next(page.next.filter(|_| !is_all), is_empty).map_err(|why| stopped(broker, why))?;
        if query.after.is_none() {
            return Ok(if query.every.is_some() { Past::Lines(lines) } else { Past::Values(values) });
        }
    }
}

/// Asks a broker for the thing `ns`, and with `tree` for all below it, as they were at a moment. Blocks. `limit` is for
/// each page.
///
/// # Errors
/// Where there is no answer, or no history.
pub fn as_of(
    broker: &BrokerName,
    ns: &Namespace,
    tree: bool,
    at: Timestamp,
    limit: Duration,
) -> Result<Vec<PastThing>, Error> {
    let mut query = Query { ns: ns.clone(), tree, at: Some(at), ..Query::default() };
    let mut things = Vec::new();
    let mut pages = Pages::default();
    loop {
        let answer = ask(broker, &Ask::Things(query.clone()), limit)?;
        let mut scratch = Scratch::default();
        let Ok(Message::Snapshot(page)) = decode_message(answer.as_bytes(), &mut scratch) else {
            return Err(refused(broker, &answer));
        };
        for told in page.things().flatten() {
            let Ok(ns) = Namespace::parse(&told.ns) else { continue };
            let (Some(received), Some(ts)) = (told.received, told.ts) else { continue };
            let documentation_url = told.documentation_url.map(std::borrow::Cow::into_owned);
            let (data, age) = (told.data.to_owned(), at.since(received));
            things.push(PastThing { ns, latest: Latest { data, ts, age, seq: told.seq, documentation_url } });
        }
        // Pages with nothing come to an end here, for there are so many things and no more.
        let next = pages.next(page.next().map(ToOwned::to_owned), false);
        let next = next.map_err(|why| stopped(broker, why))?;
        query.after = next.and_then(|next| Namespace::parse(&next).ok());
        if query.after.is_none() {
            return Ok(things);
        }
    }
}

/// The wire's shape of a page.
#[derive(Deserialize)]
struct Shape<'a> {
    #[serde(default, borrow)]
    values: Vec<(f64, f64, &'a RawValue)>,
    #[serde(default)]
    lines: BTreeMap<String, Vec<LineShape>>,
    next: Option<String>,
}

/// Start, count, least, most, mean, last.
type LineShape = (f64, u64, f64, f64, Option<f64>, f64);

fn read<'a>(broker: &BrokerName, answer: &'a str) -> Result<Shape<'a>, Error> {
    #[derive(Deserialize)]
    struct Kind {
        r#type: String,
    }
    match serde_json::from_str::<Kind>(answer) {
        Ok(kind) if kind.r#type == "history" => {
            serde_json::from_str(answer).map_err(|_| refused(broker, answer))
        }
        _ => Err(refused(broker, answer)),
    }
}

/// What the broker says instead of an answer.
pub(crate) fn refused(broker: &BrokerName, answer: &str) -> Error {
    #[derive(Deserialize)]
    struct Said {
        message: String,
    }
    let why = serde_json::from_str(answer).map_or_else(|_| answer.to_owned(), |said: Said| said.message);
    Error::Refused { broker: broker.clone(), why }
}

/// Why it is not asked further.
pub(crate) fn stopped(broker: &BrokerName, why: String) -> Error {
    Error::Refused { broker: broker.clone(), why }
}

fn value((received, ts, data): (f64, f64, &RawValue)) -> Option<PastValue> {
    let (received, ts) = (Timestamp::from_seconds(received)?, Timestamp::from_seconds(ts)?);
    Some(PastValue { received, ts, data: data.get().to_owned() })
}

fn line((start, count, min, max, mean, last): LineShape) -> HistoryLine {
    HistoryLine { start, count, min, max, mean: mean.unwrap_or(last), last }
}
