//! `thingsbus tree`: things below each other, as they belong together.

use std::collections::BTreeMap;

use thingsbus_adaptor::wire::{Namespace, Timestamp};
use thingsbus_client::Latest;

use crate::age::age_text;
use crate::args::Global;
use crate::failure::Failure;
use crate::json::compact;
use crate::ls::{self, Row};
use crate::output::Output;
use crate::things::{self, Entry, json_line, named};
use crate::when::moment;

/// Show things as a tree, each with the age of its last value and the value
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  thingsbus tree shop
  thingsbus tree --at \"yesterday 14:00\"")]
pub(crate) struct Options {
    /// This thing and those below it; all where none is given
    #[arg(value_parser = Namespace::parse)]
    ns: Option<Namespace>,
    /// As it was then: 14:00, "yesterday 14:00", "2026-11-20 14:00", 2h (ago). Ages are those of then
    #[arg(long, value_name = "WHEN", value_parser = moment)]
    at: Option<Timestamp>,
}

/// A thing, and what is below it.
#[derive(Default)]
struct Node<'e> {
    latest: Option<&'e Latest>,
    below: BTreeMap<&'e str, Node<'e>>,
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let ns = options.ns.clone().unwrap_or_default();
    let entries = match options.at {
        None => things::listed(global, &ns)?,
        Some(at) => things::listed_as_of(global, &ns, at)?,
    };
    if output.is_json() {
        return entries.iter().try_for_each(|entry| output.bytes(&json_line(&entry.ns, &entry.latest)));
    }
    ls::print(&rows(&entries, &ns), output)
}

/// The lines of the tree of `top`.
fn rows(entries: &[Entry], top: &Namespace) -> Vec<Row> {
    let mut root = Node::default();
    for entry in entries {
        let mut node = &mut root;
        for part in entry.ns.parts().skip(top.parts().count()) {
            node = node.below.entry(part).or_default();
        }
        node.latest = Some(&entry.latest);
    }
    let mut rows = Vec::new();
    // The root is shown where it is a thing itself, or was not what was asked for.
    let has_trunk = root.latest.is_some() || !top.is_root();
    if has_trunk && !entries.is_empty() {
        rows.push(root.row(String::new(), named(top)));
    }
    grow(&root, "", has_trunk, &mut rows);
    rows
}

/// What is below `node`. As deep as a namespace has parts, which are few.
fn grow(node: &Node<'_>, before: &str, branches: bool, rows: &mut Vec<Row>) {
    let last = node.below.len().saturating_sub(1);
    for (at, (name, below)) in node.below.iter().enumerate() {
        let (branch, after) = match (branches, at == last) {
            (false, _) => ("", ""),
            (true, false) => ("├─ ", "│  "),
            (true, true) => ("└─ ", "   "),
        };
        rows.push(below.row(format!("{before}{branch}"), name));
        grow(below, &format!("{before}{after}"), true, rows);
    }
}

impl Node<'_> {
    fn row(&self, branches: String, name: &str) -> Row {
        let value = self.latest.map(|latest| (age_text(latest.age), compact(&latest.data)));
        Row { branches, name: name.to_owned(), value, expected: None }
    }
}
