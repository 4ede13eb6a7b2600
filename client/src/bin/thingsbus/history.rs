//! `thingsbus history`: what a thing said over time.

mod csv;
mod plot;
mod table;

use std::collections::BTreeMap;
use std::time::Duration;

use thingsbus_adaptor::wire::{HistoryLine, HistoryQuery, Namespace, Timestamp};
use thingsbus_client::{Error, Past, PastValue, history};

use crate::args::{Global, duration};
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::json::string;
use crate::output::{Output, tell};
use crate::send::{now, parse_thing};
use crate::things::named;
use crate::when::moment;

/// Print what a thing said over time
///
/// Its values, the oldest first; with --every, for each of its numbers a line for each stretch of time: how many values
/// there were, the lowest, the highest, their mean, the last. WHEN is written as 1h (ago), 14:00, "yesterday 14:00",
/// "2026-11-20 14:00", 2026-11-20T14:00:00Z, or in seconds since 1970. Ends with 2 where there is nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  thingsbus history shop.climate --since 1h --every 1m
  thingsbus history shop.climate --since yesterday --path /temperature --plot
  thingsbus history shop.climate --last 100 --csv > climate.csv")]
pub(crate) struct Options {
    /// The thing
    #[arg(value_parser = parse_thing)]
    ns: Namespace,
    /// What came then or later [default: 1h, where there is no --last]
    #[arg(short, long, value_name = "WHEN", value_parser = moment)]
    since: Option<Timestamp>,
    /// What came before [default: now]
    #[arg(short, long, value_name = "WHEN", value_parser = moment)]
    until: Option<Timestamp>,
    /// The last N values
    #[arg(short = 'n', long, value_name = "N", conflicts_with = "every", value_parser = some)]
    last: Option<usize>,
    /// A line for each stretch of this length, and not the values
    #[arg(short, long, value_name = "TIME", value_parser = stretch)]
    every: Option<Duration>,
    /// The number at this place of the value alone, such as /temperature (a JSON pointer)
    #[arg(short, long, value_name = "PATH", value_parser = pointer)]
    path: Option<String>,
    /// Print comma-separated values, with a head
    #[arg(long)]
    csv: bool,
    /// Draw the numbers
    #[arg(long, conflicts_with = "csv")]
    plot: bool,
}

/// Where nobody says since when.
const SINCE: Duration = Duration::from_secs(3_600);

/// As wide as a plot is where nobody knows how wide the terminal is.
const PLOT_COLUMNS: usize = 80;

/// The broker has lines of so many numbers of a thing, the first in the value.
const PATHS_MAX: usize = 32;

fn some(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("1 is the least".to_owned()),
        Ok(count) => Ok(count),
        Err(error) => Err(format!("it is a number of values: {error}")),
    }
}

fn stretch(text: &str) -> Result<Duration, &'static str> {
    match duration(text) {
        Ok(Duration::ZERO) => Err("a stretch of time is longer than nothing"),
        every => every,
    }
}

/// The value itself is at the path "".
fn pointer(text: &str) -> Result<String, String> {
    if text.is_empty() || text.starts_with('/') {
        Ok(text.to_owned())
    } else {
        Err(format!("a path begins with a slash: /{text}"))
    }
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let now = now();
    let Options { ns, since, until, last, every, path, .. } = options;
    let from = since.or_else(|| last.is_none().then(|| now.before(SINCE)));
    let to = until.unwrap_or(now);
    if from.is_some_and(|from| from >= to) {
        return Err(Failure::usage("--since is not before --until"));
    }
    let mut query =
        HistoryQuery { from, to: *until, every: *every, path: path.clone(), ..HistoryQuery::of(ns.clone()) };
    query.last = *last;
    if options.plot {
        return draw(options, query, to, global, output);
    }
    if every.is_none() && path.is_some() {
        // A number alone is asked for: its values are in the thing's.
        query.path = None;
    }
    match ask(&query, global)? {
        Past::Values(values) if options.csv => csv::values(&picked(values, path.as_deref(), ns)?, output),
        Past::Values(values) if output.is_json() => {
            json_values(ns, &picked(values, path.as_deref(), ns)?, output)
        }
        Past::Values(values) => table::values(&picked(values, path.as_deref(), ns)?, output),
        Past::Lines(lines) => {
            let lines = some_lines(lines, options)?;
            if options.csv {
                csv::lines(&lines, output)
            } else if output.is_json() {
                json_lines(ns, &lines, output)
            } else {
                table::lines(&lines, output)
            }
        }
        _ => Err(Failure::failed("the broker's answer is of a kind that this version does not know")),
    }
}

fn ask(query: &HistoryQuery, global: &Global) -> Result<Past, Failure> {
    let broker = chosen(global)?;
    history(&broker, query, timeout(global)).map_err(|error| match error {
        Error::NoAnswer { .. } => Failure::failed(hinted(error, &broker)),
        error => Failure::failed(error),
    })
}

/// The values, or with a path what stands there in those that have it.
fn picked(values: Vec<PastValue>, path: Option<&str>, ns: &Namespace) -> Result<Vec<PastValue>, Failure> {
    let values: Vec<PastValue> = match path {
        None => values,
        Some(path) => values
            .into_iter()
            .filter_map(|value| {
                let data: serde_json::Value = serde_json::from_str(&value.data).ok()?;
                Some(PastValue { data: data.pointer(path)?.to_string(), ..value })
            })
            .collect(),
    };
    if values.is_empty() {
        let at = path.map_or_else(String::new, |path| format!(" at {path}"));
        return Err(Failure::nothing(format_args!("{} said nothing{at} in that time", named(ns))));
    }
    Ok(values)
}

type Lines = BTreeMap<String, Vec<HistoryLine>>;

fn some_lines(lines: Lines, options: &Options) -> Result<Lines, Failure> {
    if lines.values().all(Vec::is_empty) {
        let at = options.path.as_ref().map_or_else(String::new, |path| format!(" at {path}"));
        return Err(Failure::nothing(format_args!("{} said no number{at} in that time", named(&options.ns))));
    }
    if options.path.is_none() && lines.len() >= PATHS_MAX {
        tell(format_args!(
            "there are lines of {PATHS_MAX} numbers of a thing only, the first in its value: what it has beyond is seen \
             without --every and --plot"
        ));
    }
    Ok(lines)
}

/// Draws each of its numbers.
fn draw(
    options: &Options,
    mut query: HistoryQuery,
    to: Timestamp,
    global: &Global,
    output: &mut Output,
) -> Result<(), Failure> {
    let columns = if output.width() == usize::MAX { PLOT_COLUMNS } else { output.width() };
    let mut from = query.from;
    if let Some(last) = query.last.take() {
        let values = HistoryQuery { last: Some(last), ..query.clone() };
        if let Past::Values(values) = ask(&values, global)? {
            from = values.first().map(|value| value.received);
        }
    }
    let Some(from) = from else {
        return Err(Failure::nothing(format_args!("{} said nothing in that time", named(&options.ns))));
    };
    let span = plot::Span { from, to };
    query.from = Some(from);
    query.every = Some(options.every.unwrap_or_else(|| span.every(columns)));
    let Past::Lines(lines) = ask(&query, global)? else {
        return Err(Failure::failed("the broker's answer is of a kind that this version does not know"));
    };
    let lines = some_lines(lines, options)?;
    for (index, (path, lines)) in lines.iter().filter(|(_, lines)| !lines.is_empty()).enumerate() {
        if index > 0 {
            output.line("")?;
        }
        let title = if path.is_empty() { named(&options.ns) } else { path };
        plot::draw(title, lines, &span, columns, output)?;
    }
    Ok(())
}

fn json_values(ns: &Namespace, values: &[PastValue], output: &mut Output) -> Result<(), Failure> {
    for PastValue { received, ts, data } in values {
        output.line(format_args!(r#"{{"ns":"{ns}","received":{received},"ts":{ts},"data":{data}}}"#))?;
    }
    Ok(())
}

fn json_lines(ns: &Namespace, lines: &Lines, output: &mut Output) -> Result<(), Failure> {
    for (path, lines) in lines {
        let path = string(path);
        for HistoryLine { start, count, min, max, mean, last } in lines {
            output.line(format_args!(
                r#"{{"ns":"{ns}","path":{path},"start":{start:?},"count":{count},"min":{min:?},"max":{max:?},"mean":{mean:?},"last":{last:?}}}"#
            ))?;
        }
    }
    Ok(())
}
