//! `thingsbus rejected`: what the broker refused last, and why.

use std::collections::BTreeMap;

use serde_json::json;
use thingsbus_adaptor::wire::Namespace;
use thingsbus_client::{Error, RejectedMessage, rejected};

use crate::age::age_text;
use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::output::{ASIDE, HEAD, NAME, NOTICE, Output};
use crate::text::{columns_left, cut, shown, width};

/// Show what the broker refused last, from whom and why
///
/// The newest first; a broker remembers 256 messages. A name with a tilde (~) is not the message's: it is what its connection
/// spoke of before.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus rejected shop")]
pub(crate) struct Options {
    /// From this thing and those below it; from all, also those of which nobody knows what they are, where none is given
    #[arg(value_parser = Namespace::parse)]
    ns: Option<Namespace>,
}

/// Between two columns.
const GAP: usize = 2;

/// The widest that a column is but the last: names that are none can be long.
const COLUMN_MAX: usize = 40;

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let ns = options.ns.clone().unwrap_or_default();
    let broker = chosen(global)?;
    let messages = rejected(&broker, &ns, timeout(global)).map_err(|error| match error {
        Error::NoAnswer { .. } => Failure::failed(hinted(error, &broker)),
        error => Failure::failed(error),
    })?;
    if output.is_json() {
        return messages.iter().try_for_each(|message| output.line(json_line(message)));
    }
    if messages.is_empty() {
        return output.line("nothing was refused");
    }
    print(&messages, output)
}

fn json_line(told: &RejectedMessage) -> String {
    let RejectedMessage { ts, age, door, from, reason, message, ns, named, bytes, excerpt, .. } = told;
    json!({
        "ts": ts.seconds(), "age": age.as_secs_f64(), "door": door, "from": from, "reason": reason, "message": message,
        "ns": ns, "named": named, "bytes": bytes, "excerpt": excerpt,
    })
    .to_string()
}

/// A line for each, and below them what the reasons mean.
fn print(messages: &[RejectedMessage], output: &mut Output) -> Result<(), Failure> {
    let head = ["age", "thing", "reason", "from"].map(str::to_owned);
    let rows: Vec<[String; 4]> = messages.iter().map(row).collect();
    let mut widths = [0; 4];
    for row in std::iter::once(&head).chain(&rows) {
        for (widest, cell) in widths.iter_mut().zip(row) {
            *widest = (*widest).max(width(cell));
        }
    }
    let [age, thing, reason, from] = padded(&head, &widths);
    let head = output.paint(HEAD, format!("{age}{thing}{reason}{from}message")).to_string();
    output.line(head)?;
    let used = widths.iter().sum::<usize>() + 4 * GAP;
    for (row, message) in rows.iter().zip(messages) {
        let [age, thing, reason, from] = padded(row, &widths);
        let excerpt = shown(&message.excerpt);
        let excerpt = cut(&excerpt, columns_left(output.width(), used));
        let (age, thing) = (output.paint(ASIDE, age), output.paint(NAME, thing));
        let (reason, from) = (output.paint(NOTICE, reason), output.paint(ASIDE, from));
        output.line(format!("{age}{thing}{reason}{from}{excerpt}"))?;
    }
    let reasons: BTreeMap<&str, &str> =
        messages.iter().map(|told| (told.reason.as_str(), told.message.as_str())).collect();
    output.line("")?;
    reasons.iter().try_for_each(|(reason, message)| {
        let reason = output.paint(NOTICE, reason).to_string();
        output.line(format!("{reason}: {message}"))
    })
}

fn row(told: &RejectedMessage) -> [String; 4] {
    let ns = told.ns.as_deref().map_or("?".into(), shown);
    let thing = if told.named || told.ns.is_none() { ns.into_owned() } else { format!("~{ns}") };
    [age_text(told.age), cut(&thing, COLUMN_MAX).into_owned(), told.reason.clone(), told.from.clone()]
}

fn padded(cells: &[String; 4], widths: &[usize; 4]) -> [String; 4] {
    let mut padded = cells.clone();
    for (cell, wide) in padded.iter_mut().zip(widths) {
        let space = wide.saturating_sub(width(cell)) + GAP;
        cell.extend(std::iter::repeat_n(' ', space));
    }
    padded
}
