//! `thingsbus ls`: one line for each thing.

use thingsbus_adaptor::wire::{Expected, Freshness, Namespace};

use crate::age::age_text;
use crate::args::Global;
use crate::expected::{expected_text, is_to_be_seen, rhythm_text};
use crate::failure::Failure;
use crate::json::compact;
use crate::output::{ASIDE, NAME, NOTICE, Output};
use crate::text::{columns_left, cut, shown, width};
use crate::things::{self, json_line_with_freshness, named};

/// List things, each with the age of its last value, how it speaks, and the value
///
/// What is late or silent is said so: the broker learns from each thing how it speaks. JSON lines have "freshness",
/// "interval", "deviation" and "late_after" (in seconds) and "rate" (updates a second) besides.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus ls shop --freshness late,silent")]
pub(crate) struct Options {
    /// This thing and those below it; all where none is given
    #[arg(value_parser = Namespace::parse)]
    ns: Option<Namespace>,
    /// Only what is so: fresh, late or silent, or several of them
    #[arg(short, long, value_name = "WORD", value_delimiter = ',', value_parser = word)]
    freshness: Vec<Freshness>,
}

fn word(text: &str) -> Result<Freshness, String> {
    Freshness::named(text).ok_or_else(|| "a thing is fresh, late or silent".to_owned())
}

/// Between two columns.
const GAP: usize = 2;

/// What stands in one line of a table.
pub(crate) struct Row {
    /// Printed before the name: a tree's branches.
    pub(crate) branches: String,
    pub(crate) name: String,
    /// Age and value of what spoke.
    pub(crate) value: Option<(String, String)>,
    /// How it speaks.
    pub(crate) expected: Option<Expected>,
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let ns = options.ns.clone().unwrap_or_default();
    let words = (!options.freshness.is_empty()).then(|| options.freshness.iter().copied().collect());
    let entries = things::listed_with_freshness(global, &ns, words)?;
    if output.is_json() {
        return entries.iter().try_for_each(|entry| output.bytes(&json_line_with_freshness(entry)));
    }
    let rows: Vec<Row> = entries
        .iter()
        .map(|entry| Row {
            branches: String::new(),
            name: named(&entry.ns).to_owned(),
            value: Some((age_text(entry.latest.age), compact(&entry.latest.data))),
            expected: entry.expected,
        })
        .collect();
    print(&rows, output)
}

/// What stands beside the age: of a fresh thing only how it speaks.
fn note(row: &Row) -> String {
    let Some(expected) = &row.expected else { return String::new() };
    if is_to_be_seen(expected) { expected_text(expected) } else { rhythm_text(expected).unwrap_or_default() }
}

/// Prints names, ages, how they speak and values below each other, each line as wide as the terminal at most.
pub(crate) fn print(rows: &[Row], output: &mut Output) -> Result<(), Failure> {
    let line_width = output.width();
    let name_width = |row: &Row| width(&row.branches) + row.name.len();
    let age_width =
        rows.iter().filter_map(|row| row.value.as_ref()).map(|(age, _)| age.len()).max().unwrap_or(0);
    // Where one name is very long, the others do not move away from their values for it.
    let names_max = line_width.saturating_sub(age_width + GAP * 2) / 3 * 2;
    let names = rows.iter().map(name_width).filter(|width| *width <= names_max).max().unwrap_or(0);
    let notes: Vec<String> = rows.iter().map(note).collect();
    let notes_width = notes.iter().map(|note| width(note)).max().filter(|width| *width > 0);
    let notes_width = notes_width.map_or(0, |width| width + GAP);
    for (row, note) in rows.iter().zip(&notes) {
        let (branches, name) = (output.paint(ASIDE, &row.branches), output.paint(NAME, &row.name));
        let Some((age, value)) = &row.value else {
            output.line(format!("{branches}{name}"))?;
            continue;
        };
        let space = names.saturating_sub(name_width(row)) + GAP + age_width - age.len();
        let rest = notes_width.saturating_sub(width(note) + if notes_width > 0 { GAP } else { 0 });
        let used = name_width(row) + space + age.len() + GAP + notes_width;
        let value = shown(value);
        let value = cut(&value, columns_left(line_width, used));
        let age = output.paint(ASIDE, age);
        let is_to_be_seen = row.expected.as_ref().is_some_and(is_to_be_seen);
        let between = if notes_width > 0 { GAP } else { 0 };
        let note = output.paint(if is_to_be_seen { NOTICE } else { ASIDE }, note);
        let note = format!("{:between$}{note}{:rest$}", "", "");
        output.line(format!("{branches}{name}{:space$}{age}{note}{:GAP$}{value}", "", "").trim_end())?;
    }
    Ok(())
}
