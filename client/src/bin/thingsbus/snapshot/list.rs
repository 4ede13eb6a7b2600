//! `thingsbus snapshot list`: one line for each snapshot.

use std::time::Duration;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::SnapshotAsk;

use super::asked;
use crate::age::age_text;
use crate::args::Global;
use crate::broker::timeout;
use crate::failure::Failure;
use crate::numbers::{bytes_text, grouped};
use crate::output::{ASIDE, NAME, NOTICE, Output, tell};
use crate::text::{shown, width};

const HEADS: [&str; 5] = ["name", "age", "things", "size", "under"];

pub(super) fn run(global: &Global, output: &mut Output) -> Result<(), Failure> {
    let (_, answer) = asked(global, SnapshotAsk::List, timeout(global))?;
    let snapshots = answer.get("snapshots").and_then(Value::as_array).cloned().unwrap_or_default();
    let now = answer.get("ts").and_then(Value::as_f64).unwrap_or_default();
    let age =
        |snapshot: &Value| snapshot.get("saved").and_then(Value::as_f64).map(|saved| (now - saved).max(0.0));
    if output.is_json() {
        for mut snapshot in snapshots {
            if let (Some(age), Some(snapshot)) = (age(&snapshot), snapshot.as_object_mut()) {
                snapshot.insert("age".to_owned(), json!((age * 1e3).round() / 1e3));
            }
            output.line(snapshot)?;
        }
        return Ok(());
    }
    if snapshots.is_empty() {
        tell("there is no snapshot yet: `thingsbus snapshot save NAME` makes one");
        return Ok(());
    }
    let rows: Vec<[String; 5]> = snapshots
        .iter()
        .map(|snapshot| {
            let word =
                |key: &str| shown(snapshot.get(key).and_then(Value::as_str).unwrap_or_default()).into_owned();
            let number = |key: &str| snapshot.get(key).and_then(Value::as_u64);
            let age = age(snapshot).map(|age| Duration::try_from_secs_f64(age).unwrap_or_default());
            let things = number("things").map_or_else(|| "?".to_owned(), grouped);
            let bytes = bytes_text(number("bytes").unwrap_or_default());
            [word("name"), age.map_or_else(|| "?".to_owned(), age_text), things, bytes, word("ns")]
        })
        .collect();
    let wide = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell));
        cells.chain(HEADS.get(column).map(|head| head.len())).max().unwrap_or_default()
    };
    let widths = [wide(0), wide(1), wide(2), wide(3)];
    let line = |output: &Output, [name, age, things, bytes, under]: [&str; 5], is_head: bool| {
        let [one, two, three, four] = widths;
        let (name_style, style) = if is_head { (ASIDE, ASIDE) } else { (NAME, anstyle::Style::new()) };
        let name = format!("{}{:2$}", output.paint(name_style, name), "", one - width(name));
        let rest = format!("{age:>two$}  {things:>three$}  {bytes:>four$}  {under}");
        format!("{name}  {}", output.paint(style, rest.trim_end()))
    };
    let head = line(output, HEADS, true);
    output.line(head)?;
    for (row, snapshot) in rows.iter().zip(&snapshots) {
        let text = line(output, row.each_ref().map(String::as_str), false);
        output.line(text)?;
        if let Some(why) = snapshot.get("error").and_then(Value::as_str) {
            let why = output.paint(NOTICE, format_args!("  {}", shown(why))).to_string();
            output.line(why)?;
        }
    }
    Ok(())
}
