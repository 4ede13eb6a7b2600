//! A small plot in the terminal, of dots (Unicode's braille patterns: two beside and four above each other in one
//! character): from the lowest to the highest value of each stretch.

use std::time::Duration;

use thingsbus_adaptor::wire::{HistoryLine, Timestamp};

use super::table::number;
use crate::clock::{date_and_time, time_only};
use crate::failure::Failure;
use crate::output::{ASIDE, HEAD, Output};

/// How high it is, in lines.
const ROWS: usize = 10;

/// Dots of a character.
const ACROSS: usize = 2;
const DOWN: usize = 4;

/// Between the two times of the axis, at the least.
const GAP: usize = 2;

/// What is drawn of time.
pub(super) struct Span {
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
}

impl Span {
    /// How long the stretches are with which each column of dots has one.
    pub(super) fn every(&self, columns: usize) -> Duration {
        let dots = columns.saturating_sub(12).max(10) * ACROSS;
        (self.to.since(self.from) / u32::try_from(dots).unwrap_or(u32::MAX)).max(Duration::from_millis(1))
    }
}

/// Where dots are.
struct Canvas {
    columns: usize,
    cells: Vec<u8>,
}

impl Canvas {
    fn new(columns: usize) -> Self {
        Self { columns, cells: vec![0; columns * ROWS] }
    }

    /// `x` from the left, `y` from the top, in dots.
    fn set(&mut self, x: usize, y: usize) {
        // The order in which Unicode counts them.
        let bit = match (x % ACROSS, y % DOWN) {
            (0, 3) => 6,
            (_, 3) => 7,
            (0, y) => y,
            (_, y) => y + 3,
        };
        if let Some(cell) = self.cells.get_mut(y / DOWN * self.columns + x / ACROSS) {
            *cell |= 1 << bit;
        }
    }

    fn rows(&self) -> impl Iterator<Item = String> {
        self.cells.chunks(self.columns).map(|row| {
            row.iter().map(|cell| char::from_u32(0x2800 + u32::from(*cell)).unwrap_or(' ')).collect()
        })
    }
}

/// Draws the lines of one number.
pub(super) fn draw(
    title: &str,
    lines: &[HistoryLine],
    span: &Span,
    columns: usize,
    output: &mut Output,
) -> Result<(), Failure> {
    let (low, high) = bounds(lines);
    let labels = [number(high), number(low + (high - low) / 2.0), number(low)];
    let gutter = labels.iter().map(String::len).max().unwrap_or(0);
    let canvas = dots(lines, span, columns.saturating_sub(gutter + 2).max(10), (low, high));
    let last = lines.last().map_or_else(String::new, |line| format!("  last {}", number(line.last)));
    let title = output.paint(HEAD, title).to_string();
    let last = output.paint(ASIDE, last).to_string();
    output.line(format_args!("{title}{last}"))?;
    let [top, middle, bottom] = &labels;
    for (index, row) in canvas.rows().enumerate() {
        let label = match index {
            0 => top.as_str(),
            _ if index == ROWS - 1 => bottom,
            _ if index == ROWS / 2 => middle,
            _ => "",
        };
        let label = output.paint(ASIDE, format_args!("{label:>gutter$} ┤")).to_string();
        output.line(format!("{label}{row}").trim_end_matches('\u{2800}'))?;
    }
    let axis = axis(span, canvas.columns);
    let axis = output.paint(ASIDE, format_args!("{:gutter$}  {axis}", "")).to_string();
    output.line(axis)
}

/// The beginning and the end, below the canvas. Where there is no room for both, without the day, then without the end.
fn axis(span: &Span, columns: usize) -> String {
    let whole = (date_and_time(span.from), end_of(span));
    let times = (time_only(span.from), time_only(span.to));
    for (from, to) in [whole, times] {
        if from.len() + GAP + to.len() <= columns {
            let room = columns - from.len() - to.len();
            return format!("{from}{:room$}{to}", "");
        }
    }
    time_only(span.from)
}

/// The end of a span, without the day where that is the beginning's.
fn end_of(span: &Span) -> String {
    let (from, to) = (date_and_time(span.from), date_and_time(span.to));
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((one, _)), Some((other, _))) if one == other => time_only(span.to),
        _ => to,
    }
}

/// The lowest and the highest; a little apart where they are the same.
fn bounds(lines: &[HistoryLine]) -> (f64, f64) {
    let low = lines.iter().map(|line| line.min).fold(f64::INFINITY, f64::min);
    let high = lines.iter().map(|line| line.max).fold(f64::NEG_INFINITY, f64::max);
    if high > low { (low, high) } else { (low - 1.0, high + 1.0) }
}

fn dots(lines: &[HistoryLine], span: &Span, columns: usize, (low, high): (f64, f64)) -> Canvas {
    let mut canvas = Canvas::new(columns);
    let (across, down) = ((columns * ACROSS) as f64, (ROWS * DOWN - 1) as f64);
    let (from, length) = (span.from.seconds(), span.to.since(span.from).as_secs_f64().max(1e-9));
    for line in lines {
        let x = ((line.start - from) / length * across).clamp(0.0, across - 1.0) as usize;
        // Halves first, for the difference of two numbers may be larger than any.
        let y = |value: f64| {
            let part = (high / 2.0 - value / 2.0) / (high / 2.0 - low / 2.0);
            (part * down).round().clamp(0.0, down) as usize
        };
        for y in y(line.max)..=y(line.min) {
            canvas.set(x, y);
        }
    }
    canvas
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    #[test]
    fn the_axis_has_what_there_is_room_for() {
        let day = Span { from: at(1_795_283_043.0), to: at(1_795_283_043.0 + 86_400.0) };
        let fields = |columns| axis(&day, columns).split_whitespace().count();
        assert_eq!([60, 40, 39, 18, 17, 10].map(fields), [4, 4, 2, 2, 1, 1]);
        assert!([60, 40, 39, 18].iter().all(|columns| axis(&day, *columns).len() == *columns));
    }

    #[test]
    fn dots_are_where_the_values_are() {
        let line =
            |start: f64, min: f64, max: f64| HistoryLine { start, count: 1, min, max, mean: min, last: max };
        let span = Span { from: at(0.0), to: at(20.0) };
        // From the bottom to the top within ten columns of two dots.
        let lines: Vec<_> = (0..20).map(|x| line(f64::from(x), f64::from(x), f64::from(x))).collect();
        let rows: Vec<String> = dots(&lines, &span, 10, bounds(&lines)).rows().collect();
        assert_eq!(rows.first().unwrap().trim_start_matches('\u{2800}'), "⠌");
        assert_eq!(rows.last().unwrap().trim_end_matches('\u{2800}'), "⡐");
        // One value, and a stretch from the lowest to the highest.
        let one = dots(&[line(0.0, 5.0, 5.0)], &span, 10, bounds(&[line(0.0, 5.0, 5.0)]));
        assert_eq!(one.cells.iter().filter(|cell| **cell > 0).count(), 1);
        let all = dots(&[line(0.0, -1e308, 1e308)], &span, 10, (-1e308, 1e308));
        assert_eq!(all.cells.iter().filter(|cell| **cell == 0b0100_0111).count(), ROWS);
    }
}
