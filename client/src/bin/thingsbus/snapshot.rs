//! `thingsbus snapshot`: the directory as it was, kept by the broker under a name.

mod diff;
mod list;
mod side;
mod transfer;

use std::path::PathBuf;
use std::time::Duration;

use clap::Subcommand;
use serde_json::Value;
use thingsbus_adaptor::wire::{Ask, Namespace, SnapshotAsk, SnapshotName};
use thingsbus_client::ask;

use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::numbers::{bytes_text, counted, grouped};
use crate::output::Output;

/// How long saving, loading and bringing a snapshot may take, where nobody says: a million things take some seconds, and
/// a busy disk longer.
const LONG: Duration = Duration::from_secs(600);

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Keep what the directory has now under a name
    #[command(after_help = "Example: thingsbus snapshot save before-the-move --under shop")]
    Save {
        /// A name that no snapshot has: A-Z, a-z, 0-9, _, . and -
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
        /// Only this thing and what is below it
        #[arg(short, long, value_name = "NS", value_parser = Namespace::parse)]
        under: Option<Namespace>,
    },
    /// Let the directory be as it was then; what it has now is saved first
    ///
    /// What differs becomes an update that clients hear, and what was not there then is forgotten.
    #[command(after_help = "Example: thingsbus snapshot load before-the-move --under shop.lathe")]
    Load {
        /// The snapshot
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
        /// Only this thing and what is below it, also of a snapshot that has more
        #[arg(short, long, value_name = "NS", value_parser = Namespace::parse)]
        under: Option<Namespace>,
    },
    /// List the snapshots
    List,
    /// Delete a snapshot
    Delete {
        /// The snapshot
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
    },
    /// Show what changed since a snapshot, or from one to another
    ///
    /// What is there now and was not has a +, what was there and is not a -, what has another value a ~. Ends with 0 where nothing differs, with 2
    /// where something does, and with 1 where it cannot be told.
    #[command(after_help = "Example: thingsbus snapshot diff before-the-move")]
    Diff {
        /// The snapshot
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
        /// Another one [default: head, which is what the directory has now]
        #[arg(value_parser = side::parse)]
        other: Option<side::Which>,
        /// Only this thing and what is below it
        #[arg(short, long, value_name = "NS", value_parser = Namespace::parse)]
        under: Option<Namespace>,
    },
    /// Print a snapshot, as JSON lines that `import` takes again
    #[command(after_help = "Example: thingsbus snapshot export before-the-move > before.jsonl")]
    Export {
        /// The snapshot
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
    },
    /// Bring a snapshot to the broker, as `export` prints it
    ///
    /// It may have been changed by hand: then its last line, with the checksum, must be removed.
    #[command(after_help = "Example: thingsbus snapshot import before-the-move before.jsonl --broker other")]
    Import {
        /// A name that no snapshot has there
        #[arg(value_parser = SnapshotName::parse)]
        name: SnapshotName,
        /// The file [default: -, standard input]
        file: Option<PathBuf>,
    },
}

pub(crate) fn run(command: Command, global: &Global, output: &mut Output) -> Result<(), Failure> {
    match command {
        Command::Save { name, under } => {
            let question = SnapshotAsk::Save { name, ns: under.unwrap_or_default() };
            done(asked_long(global, question)?, "saved", output)
        }
        Command::Load { name, under } => load(name, under.unwrap_or_default(), global, output),
        Command::List => list::run(global, output),
        Command::Delete { name } => {
            let (text, _) = asked(global, SnapshotAsk::Delete { name: name.clone() }, timeout(global))?;
            if output.is_json() { output.line(text) } else { output.line(format_args!("deleted {name}")) }
        }
        Command::Diff { name, other, under } => {
            diff::run(name, other.unwrap_or(side::Which::Head), under, global, output)
        }
        Command::Export { name } => transfer::export(&name, global, output),
        Command::Import { name, file } => transfer::import(&name, file.as_deref(), global, output),
    }
}

fn load(name: SnapshotName, ns: Namespace, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let (text, answer) = asked_long(global, SnapshotAsk::Load { name: name.clone(), ns })?;
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    if output.is_json() {
        output.line(text)?;
    } else {
        let kept = answer.get("head_kept_as").and_then(Value::as_str).unwrap_or("not known");
        output.line(format_args!(
            "loaded {name}: {} set, {} forgotten, {} the same",
            counted(number("set"), "thing"),
            grouped(number("forgotten")),
            grouped(number("same")),
        ))?;
        output.line(format_args!("what was there before is {kept}"))?;
    }
    match number("refused") {
        0 => Ok(()),
        refused => Err(Failure::failed(format_args!(
            "{} not taken back, because the broker's directory is full: `thingsbus status` shows its limits",
            if refused == 1 { "1 thing was".to_owned() } else { format!("{} things were", grouped(refused)) }
        ))),
    }
}

/// Says that there is a snapshot now.
fn done((text, answer): (String, Value), what: &str, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.line(text);
    }
    let word = |key: &str| answer.get(key).and_then(Value::as_str).unwrap_or_default();
    let number = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    let under = if word("ns").is_empty() { String::new() } else { format!(" under {}", word("ns")) };
    let (things, bytes) = (counted(number("things"), "thing"), bytes_text(number("bytes")));
    output.line(format_args!("{what} {}: {things}{under}, {bytes}", word("name")))
}

/// Asks what may take its time, of a broker that is there.
fn asked_long(global: &Global, question: SnapshotAsk) -> Result<(String, Value), Failure> {
    let broker = chosen(global)?;
    // Who is not there is not waited for so long.
    ask(&broker, &Ask::Status, timeout(global)).map_err(|error| Failure::failed(hinted(error, &broker)))?;
    asked(global, question, global.timeout.unwrap_or(LONG))
}

/// The answer, as text and read; what the broker says against it is a failure.
fn asked(global: &Global, question: SnapshotAsk, limit: Duration) -> Result<(String, Value), Failure> {
    let broker = chosen(global)?;
    let text = ask(&broker, &Ask::Snapshot(question), limit);
    let text = text.map_err(|error| Failure::failed(hinted(error, &broker)))?;
    let answer: Value = serde_json::from_str(&text).unwrap_or_default();
    let word = |key: &str| answer.get(key).and_then(Value::as_str);
    match (word("type"), word("error"), word("message")) {
        (Some("error"), Some("no_snapshot"), Some(message)) => Err(Failure::nothing(message)),
        (Some("error"), Some("bad_query"), _) => Err(Failure::failed(format_args!(
            "{broker} does not understand the question: it may be of a version that knows no snapshots"
        ))),
        (Some("error"), _, Some(message)) => Err(Failure::failed(message)),
        (Some(kind), _, _) if kind.starts_with("snapshot_") => Ok((text, answer)),
        _ => Err(Failure::failed(format_args!("{broker} answers what it was not asked: {text}"))),
    }
}
