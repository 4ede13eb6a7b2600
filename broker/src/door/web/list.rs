//! Lists of things: pages of the directory, now or at a moment in the past.

use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use thingsbus_adaptor::wire::{Freshness, Namespace, Query, Timestamp, Words};
use utoipa::{IntoParams, ToSchema};

use super::answer::{self, Format};
use super::app::Caller;
use super::ask::{Answer, Page, Thing};
use super::pattern;
use super::problem::Problem;
use super::thing::{COLUMNS, Told};
use super::time::moment;
use super::words::{Freshnesses, Moment, Under};

/// How many things a page has where nothing is said.
const LIMIT: usize = 1_000;

/// And at the most.
const LIMIT_MAX: usize = 10_000;

/// How many pages of the query door are looked through for one of these; one that ends so says where to go on.
const PAGES_MAX: usize = 200;

/// And how many bytes of them are kept to be told.
const BYTES_MAX: usize = 4 * 1024 * 1024;

/// Which things.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Which {
    /// Only this thing and what is below it.
    #[param(value_type = Option<Under>)]
    under: Option<String>,
    /// Only those whose whole name fits: `*` is any text, `?` any letter.
    #[serde(rename = "match")]
    #[param(example = "*.temperature")]
    fits: Option<String>,
    /// The most of them, up to 10,000; 1,000 where nothing is said.
    #[param(minimum = 1, maximum = 10_000)]
    limit: Option<usize>,
    /// Those after this one: the last page's `next`.
    #[param(value_type = Option<Under>)]
    after: Option<String>,
    /// As they were then: seconds since 1970 UTC, or how long ago, like `2h`.
    #[param(value_type = Option<Moment>)]
    at: Option<String>,
    /// Only those of which one of these words is true: `fresh`, `late`, `silent`, with commas between.
    #[param(value_type = Option<Freshnesses>)]
    freshness: Option<String>,
}

/// Some things.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Things<'a> {
    /// By the order of their names.
    things: Vec<Told<'a>>,
    /// Where the next page begins; null on the last one. `Link` has its address.
    next: Option<&'a str>,
    /// The broker's clock.
    ts: f64,
    /// The broker's life, which its numbers are of.
    epoch: &'a str,
    /// The broker's last update: everything up to it is in.
    seq: u64,
}

/// Which things there are.
#[utoipa::path(
    get, path = "/things", tag = "things", operation_id = "list_things",
    params(Which),
    responses(
        (status = 200, description = "A page of them", content((Things = "application/json"), (String = "text/csv"))),
        (status = 400, description = "Something is not as it must be", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "The broker keeps no history", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn list(caller: &Caller) -> Result<Response, Problem> {
    let which: Which = caller.query()?;
    let namespace = |text: &Option<String>| {
        Namespace::parse(text.as_deref().unwrap_or_default())
            .map_err(|error| Problem::bad_request(error.to_string()))
    };
    let (under, mut after) = (namespace(&which.under)?, namespace(&which.after)?);
    let limit = match which.limit.unwrap_or(LIMIT) {
        limit @ 1..=LIMIT_MAX => limit,
        other => return Err(Problem::bad_request(format!("limit={other}: 1 to {LIMIT_MAX}"))),
    };
    let at = which.at.as_deref().map(moment).transpose()?.and_then(Timestamp::from_seconds);
    let words = which.freshness.as_deref().map_or(Ok(Words::ALL), words)?;
    let parts = caller.access.readable(&under);
    if parts.is_empty() {
        caller.access.read(under.as_str())?;
    }
    let mut found = Found::default();
    // Parts are in the order of their names, and so is what is in each.
    for part in &parts {
        loop {
            // Of many that do not fit a page may have few that do.
            let most = if which.fits.is_some() { LIMIT_MAX } else { limit - found.count };
            let query = Query {
                ns: part.clone(),
                limit: most,
                after: Some(after.clone()).filter(|after| !after.as_str().is_empty()),
                at,
                freshness: Some(words),
                ..Query::default()
            };
            let rest = found.add(&which, caller.asker.page(query).await?)?;
            let is_last = rest.is_none() && parts.last() == Some(part);
            if found.count > limit || (found.count == limit && !is_last) {
                return found.write(caller, &which, limit, found.name(&which, limit)?.as_deref());
            }
            let Some(rest) = rest else { break };
            if found.pages >= PAGES_MAX || found.bytes >= BYTES_MAX {
                return found.write(caller, &which, limit, Some(&rest));
            }
            after = Namespace::parse(&rest).map_err(|error| Problem::bad_request(error.to_string()))?;
            // Others are answered in between.
            tokio::task::yield_now().await;
        }
    }
    found.write(caller, &which, limit, None)
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// The pages that have something wanted.
    answers: Vec<Answer>,
    /// What is wanted on them.
    count: usize,
    bytes: usize,
    /// The pages that were looked through.
    pages: usize,
    ts: f64,
    epoch: String,
    /// The broker's last update at the first of them.
    seq: u64,
}

impl Found {
    /// Adds a page; where the next one begins.
    fn add(&mut self, which: &Which, answer: Answer) -> Result<Option<String>, Problem> {
        let page: Page<'_> = answer.read()?;
        if self.pages == 0 {
            self.seq = page.seq;
        }
        self.pages += 1;
        self.ts = page.ts;
        page.epoch.clone_into(&mut self.epoch);
        let rest = page.next.map(str::to_owned);
        let wanted = page.data.iter().filter(|thing| is_wanted(which, thing)).count();
        if wanted > 0 {
            self.count += wanted;
            self.bytes += answer.length();
            self.answers.push(answer);
        }
        Ok(rest)
    }

    /// What the last of so many is called.
    fn name(&self, which: &Which, limit: usize) -> Result<Option<String>, Problem> {
        let pages = self.pages()?;
        let mut wanted = pages.iter().flat_map(|page| &page.data).filter(|thing| is_wanted(which, thing));
        Ok(wanted.nth(limit.saturating_sub(1)).map(|thing| thing.ns.to_owned()))
    }

    fn pages(&self) -> Result<Vec<Page<'_>>, Problem> {
        self.answers.iter().map(Answer::read).collect()
    }

    fn write(
        &self,
        caller: &Caller,
        which: &Which,
        limit: usize,
        next: Option<&str>,
    ) -> Result<Response, Problem> {
        let Self { ts, seq, .. } = *self;
        let pages = self.pages()?;
        let wanted = pages.iter().flat_map(|page| &page.data).filter(|thing| is_wanted(which, thing));
        let things = wanted.take(limit).map(|thing| Told::new(thing, ts));
        let format = Format::of(&caller.headers);
        let mut response = if format == Format::Csv {
            answer::table(&COLUMNS, things.map(|told| told.line()))?
        } else {
            let things = Things { things: things.collect(), next, ts, epoch: &self.epoch, seq };
            answer::from_value(&things, format)?
        };
        if let Some(next) = next {
            let link = format!("<{}>; rel=\"next\"", address_of(which, next));
            if let Ok(link) = HeaderValue::from_str(&link) {
                response.headers_mut().insert(header::LINK, link);
            }
        }
        Ok(response)
    }
}

fn is_wanted(which: &Which, thing: &Thing<'_>) -> bool {
    which.fits.as_ref().is_none_or(|fits| pattern::fits(fits, thing.ns))
}

/// The same list, from there on.
fn address_of(which: &Which, next: &str) -> String {
    let Which { under, fits, limit, at, freshness, .. } = which;
    let path = "/things?";
    let mut query = form_urlencoded::Serializer::for_suffix(path.to_owned(), path.len());
    for (name, value) in [("under", under), ("match", fits), ("at", at), ("freshness", freshness)] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    if let Some(limit) = limit {
        query.append_pair("limit", &limit.to_string());
    }
    query.append_pair("after", next);
    query.finish()
}

/// Some of the words for how fresh things are.
fn words(text: &str) -> Result<Words, Problem> {
    let word = |name: &str| {
        let why = "it is fresh, late or silent, or some of these with commas between";
        Freshness::named(name.trim()).ok_or_else(|| Problem::bad_request(format!("freshness={text}: {why}")))
    };
    text.split(',').map(word).collect()
}
