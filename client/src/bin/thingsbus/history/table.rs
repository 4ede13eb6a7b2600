//! History as a table, for people.

use thingsbus_adaptor::wire::{HistoryLine, Timestamp};
use thingsbus_client::PastValue;

use super::Lines;
use crate::clock::date_and_time;
use crate::failure::Failure;
use crate::json::compact;
use crate::output::{ASIDE, HEAD, NAME, Output};
use crate::text::{columns_left, cut, shown};

/// Between two columns.
const GAP: usize = 2;

/// When and what, one below the other.
pub(super) fn values(values: &[PastValue], output: &mut Output) -> Result<(), Failure> {
    for value in values {
        let when = date_and_time(value.received);
        let used = when.len() + GAP;
        let data = compact(&value.data);
        let data = shown(&data);
        let data = cut(&data, columns_left(output.width(), used)).into_owned();
        let when = output.paint(ASIDE, when).to_string();
        output.line(format_args!("{when}{:GAP$}{data}", ""))?;
    }
    Ok(())
}

/// A table for each number.
pub(super) fn lines(lines: &Lines, output: &mut Output) -> Result<(), Failure> {
    for (index, (path, lines)) in lines.iter().filter(|(_, lines)| !lines.is_empty()).enumerate() {
        if index > 0 {
            output.line("")?;
        }
        if !path.is_empty() {
            let path = output.paint(NAME, shown(path)).to_string();
            output.line(path)?;
        }
        table(lines, output)?;
    }
    Ok(())
}

/// When a line begins.
pub(super) fn start(line: &HistoryLine) -> Timestamp {
    Timestamp::from_seconds(line.start).unwrap_or_default()
}

fn table(lines: &[HistoryLine], output: &mut Output) -> Result<(), Failure> {
    let head = ["since", "count", "min", "mean", "max", "last"].map(str::to_owned);
    let rows: Vec<[String; 6]> = lines.iter().map(row).collect();
    let mut widths = head.each_ref().map(String::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.len());
        }
    }
    let head = output.paint(HEAD, joined(&head, &widths)).to_string();
    output.line(head.trim_end())?;
    rows.iter().try_for_each(|row| output.line(joined(row, &widths)))
}

fn row(line: &HistoryLine) -> [String; 6] {
    let HistoryLine { count, min, max, mean, last, .. } = *line;
    let [min, mean, max, last] = [min, mean, max, last].map(number);
    [date_and_time(start(line)), count.to_string(), min, mean, max, last]
}

/// The first to the left, the others to the right.
fn joined(cells: &[String; 6], widths: &[usize; 6]) -> String {
    let cells = cells.iter().zip(widths).enumerate();
    let cells = cells.map(|(index, (cell, &width))| match index {
        0 => format!("{cell:<width$}"),
        _ => format!("{cell:>width$}"),
    });
    cells.collect::<Vec<_>>().join("  ")
}

/// As many digits as a person reads: six that count.
pub(super) fn number(number: f64) -> String {
    let short = format!("{number}");
    if short.len() <= 9 {
        return short;
    }
    let magnitude = number.abs().log10().floor();
    if !(-4.0..9.0).contains(&magnitude) {
        return format!("{number:.4e}");
    }
    let decimals = (5.0 - magnitude).clamp(0.0, 9.0) as usize;
    let rounded = format!("{number:.decimals$}");
    match rounded.contains('.') {
        true => rounded.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => rounded,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_count() {
        let check = |given: f64, wanted: &str| assert_eq!(number(given), wanted);
        check(0.0, "0");
        check(21.5, "21.5");
        check(21.537_412_345, "21.5374");
        check(-1_234_567.891_23, "-1234568");
        check(1200.0, "1200");
        check(0.000_123_456_789, "0.000123457");
        check(1e-30 / 3.0, "3.3333e-31");
        check(1e300 / 3.0, "3.3333e299");
        check(99.999_999_99, "100");
    }
}
