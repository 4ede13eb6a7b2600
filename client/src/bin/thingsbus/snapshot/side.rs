//! One side of a comparison: the things of a snapshot, or those of the directory as it is now, by name.

use std::borrow::Cow;
use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::value::RawValue;
use thingsbus_adaptor::wire::{
    Ask, HEAD, Message, Namespace, Query, Scratch, SnapshotName, SnapshotNameError, Timestamp, decode_message,
};
use thingsbus_client::ask;

use super::transfer::parts;
use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;

/// Which side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// What the directory has now.
    Head,
    Snapshot(SnapshotName),
}

pub(crate) fn parse(text: &str) -> Result<Which, SnapshotNameError> {
    if text == HEAD { Ok(Which::Head) } else { SnapshotName::parse(text).map(Which::Snapshot) }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Head => f.write_str("the directory now"),
            Self::Snapshot(name) => name.fmt(f),
        }
    }
}

/// One thing of it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Told {
    pub(super) ns: Namespace,
    pub(super) ts: Option<f64>,
    pub(super) data: String,
    pub(super) documentation_url: Option<String>,
}

pub(super) type Things<'a> = Box<dyn Iterator<Item = Result<Told, Failure>> + 'a>;

/// What the directory has now, at and below `ns`.
pub(super) fn of_head<'a>(ns: &Namespace, global: &'a Global) -> Things<'a> {
    let mut query = Some(Query { ns: ns.clone(), ..Query::default() });
    flat(std::iter::from_fn(move || {
        let mut asked = query.take()?;
        let page = page(&asked, global);
        if let Ok((_, next)) = &page
            && next.is_some()
        {
            asked.after.clone_from(next);
            query = Some(asked);
        }
        Some(page.map(|(things, _)| things))
    }))
}

fn page(query: &Query, global: &Global) -> Result<(Vec<Told>, Option<Namespace>), Failure> {
    let broker = chosen(global)?;
    let text = ask(&broker, &Ask::Things(query.clone()), timeout(global));
    let text = text.map_err(|error| Failure::failed(hinted(error, &broker)))?;
    let mut scratch = Scratch::default();
    let Ok(Message::Snapshot(page)) = decode_message(text.as_bytes(), &mut scratch) else {
        return Err(Failure::failed(format_args!("{broker} answers what it was not asked: {text}")));
    };
    let things = page.things().map(|told| {
        let told =
            told.map_err(|why| Failure::failed(format_args!("{broker} tells a thing that is none: {why}")))?;
        Ok(Told {
            ns: Namespace::parse(&told.ns).map_err(Failure::failed)?,
            ts: told.ts.map(Timestamp::seconds),
            data: told.data.to_owned(),
            documentation_url: told.documentation_url.map(Cow::into_owned),
        })
    });
    let next = page.next().map(Namespace::parse).transpose().map_err(Failure::failed)?;
    Ok((things.collect::<Result<_, Failure>>()?, next))
}

/// A snapshot: what it has at the most, and its things.
pub(super) fn of_snapshot<'a>(
    name: &'a SnapshotName,
    global: &'a Global,
) -> Result<(Namespace, Things<'a>), Failure> {
    #[derive(Deserialize)]
    struct First<'l> {
        #[serde(default, borrow)]
        ns: Cow<'l, str>,
    }
    let mut parts = parts(name, global);
    let text = parts.next().unwrap_or_else(|| Ok(String::new()))?;
    let (first, rest) = text.split_once('\n').unwrap_or_default();
    let first = serde_json::from_str(first).map(|First { ns }| Namespace::parse(&ns));
    let Ok(Ok(ns)) = first else {
        return Err(Failure::failed(format_args!("the snapshot {name} does not begin as one")));
    };
    let all = std::iter::once(Ok(rest.to_owned())).chain(parts);
    let lines = flat(all.map(move |text| {
        let lines = text?;
        lines.lines().filter_map(|line| of_line(line, name).transpose()).collect()
    }));
    Ok((ns, lines))
}

/// A thing; nothing where it is the last line.
fn of_line(line: &str, name: &SnapshotName) -> Result<Option<Told>, Failure> {
    #[derive(Deserialize)]
    struct Line<'l> {
        #[serde(borrow)]
        ns: Cow<'l, str>,
        ts: Option<f64>,
        #[serde(borrow)]
        data: &'l RawValue,
        documentation_url: Option<String>,
    }
    if line.starts_with("{\"things\":") {
        return Ok(None);
    }
    let broken = || Failure::failed(format_args!("the snapshot {name} has a line that is none: {line}"));
    let Line { ns, ts, data, documentation_url } = serde_json::from_str(line).map_err(|_| broken())?;
    let ns = Namespace::parse(&ns).map_err(|_| broken())?;
    Ok(Some(Told { ns, ts, data: data.get().to_owned(), documentation_url }))
}

/// One after the other what comes in lists.
fn flat<'a>(lists: impl Iterator<Item = Result<Vec<Told>, Failure>> + 'a) -> Things<'a> {
    let mut lists = lists;
    let mut list = VecDeque::new();
    Box::new(std::iter::from_fn(move || {
        loop {
            if let Some(thing) = list.pop_front() {
                return Some(Ok(thing));
            }
            match lists.next()? {
                Ok(next) => list = next.into(),
                Err(failure) => return Some(Err(failure)),
            }
        }
    }))
}
