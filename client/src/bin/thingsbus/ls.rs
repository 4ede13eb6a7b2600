//! `thingsbus ls`: one line for each thing.

use thingsbus_adaptor::wire::Namespace;

use crate::age::age_text;
use crate::args::Global;
use crate::failure::Failure;
use crate::json::compact;
use crate::output::{ASIDE, NAME, Output};
use crate::text::{columns_left, cut, shown, width};
use crate::things::{self, json_line, named};

/// List things, each with the age of its last value and the value
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus ls shop")]
pub(crate) struct Options {
    /// This thing and those below it; all where none is given
    #[arg(value_parser = Namespace::parse)]
    ns: Option<Namespace>,
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
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let ns = options.ns.clone().unwrap_or_default();
    let entries = things::listed(global, &ns)?;
    if output.is_json() {
        return entries.iter().try_for_each(|entry| output.bytes(&json_line(&entry.ns, &entry.latest)));
    }
    let rows: Vec<Row> = entries
        .iter()
        .map(|entry| Row {
            branches: String::new(),
            name: named(&entry.ns).to_owned(),
            value: Some((age_text(entry.latest.age), compact(&entry.latest.data))),
        })
        .collect();
    print(&rows, output)
}

/// Prints names, ages and values below each other, each line as wide as the terminal at most.
pub(crate) fn print(rows: &[Row], output: &mut Output) -> Result<(), Failure> {
    let line_width = output.width();
    let name_width = |row: &Row| width(&row.branches) + row.name.len();
    let age_width =
        rows.iter().filter_map(|row| row.value.as_ref()).map(|(age, _)| age.len()).max().unwrap_or(0);
    // Where one name is very long, the others do not move away from their values for it.
    let names_max = line_width.saturating_sub(age_width + GAP * 2) / 3 * 2;
    let names = rows.iter().map(name_width).filter(|width| *width <= names_max).max().unwrap_or(0);
    for row in rows {
        let (branches, name) = (output.paint(ASIDE, &row.branches), output.paint(NAME, &row.name));
        let Some((age, value)) = &row.value else {
            output.line(format!("{branches}{name}"))?;
            continue;
        };
        let space = names.saturating_sub(name_width(row)) + GAP + age_width - age.len();
        let used = name_width(row) + space + age.len() + GAP;
        let value = shown(value);
        let value = cut(&value, columns_left(line_width, used));
        let age = output.paint(ASIDE, age);
        output.line(format!("{branches}{name}{:space$}{age}{:GAP$}{value}", "", "").trim_end())?;
    }
    Ok(())
}
