//! Answers about the past of one thing, from the history.

use thingsbus_adaptor::wire::limits::HISTORY_BYTES_MAX;
use thingsbus_adaptor::wire::{HistoryLine, HistoryQuery, HistoryWriter, Timestamp};

use super::head::Problem;
use super::history::{Buckets, End, Found, History, Line, Place, Span};

/// Writes the answer to a question.
pub(super) fn answer(
    history: &History,
    query: &HistoryQuery,
    now: Timestamp,
    out: &mut Vec<u8>,
) -> Result<(), Problem> {
    match query.every {
        None => values(history, query, now, out),
        Some(every) => {
            let path = query.path.as_deref();
            let from = query.after.as_deref().and_then(lines_cursor).or(query.from);
            let to = query.to.unwrap_or(now);
            let from = match from {
                Some(from) => from,
                // From where there is anything.
                None => history.oldest().unwrap_or(to),
            };
            let Buckets { paths, rest } = history.buckets(query.ns.as_str(), path, from, to, every)?;
            let mut writer = HistoryWriter::lines(out, now, query.ns.as_str(), every);
            for (path, lines) in &paths {
                writer.path(path, lines.iter().map(line));
            }
            writer.end_lines(rest.map(|rest| rest.to_string()).as_deref());
            Ok(())
        }
    }
}

fn values(history: &History, query: &HistoryQuery, now: Timestamp, out: &mut Vec<u8>) -> Result<(), Problem> {
    let asked = Span::of(query.from, query.to);
    let end = if query.last.is_some() { End::Last } else { End::First };
    let span = match query.after.as_deref().and_then(values_cursor) {
        Some(place) if end == End::First => Span { from: place, ..asked },
        Some(place) => Span { to: place, ..asked },
        None => asked,
    };
    let count = query.last.unwrap_or(usize::MAX).min(query.limit);
    let Found { points, rest } = history.values(query.ns.as_str(), span, end, count, HISTORY_BYTES_MAX)?;
    let mut writer = HistoryWriter::values(out, now, query.ns.as_str());
    for point in &points {
        writer.value(point.received, point.ts, &point.data);
    }
    let next = rest.map(|rest| if end == End::First { rest.from } else { rest.to });
    writer.end_values(next.map(cursor).as_deref());
    Ok(())
}

/// Where to go on, as it is told.
fn cursor(place: Place) -> String {
    let (received, seq) = place.to_parts();
    format!("{received}.{seq}")
}

fn values_cursor(text: &str) -> Option<Place> {
    let (received, seq) = text.split_once('.')?;
    Some(Place::from_parts((received.parse().ok()?, seq.parse().ok()?)))
}

fn lines_cursor(text: &str) -> Option<Timestamp> {
    let microseconds: i64 = text.parse().ok()?;
    Timestamp::from_seconds(microseconds as f64 / 1e6)
}

fn line(line: &Line) -> HistoryLine {
    let Line { start, count, min, max, last, .. } = *line;
    HistoryLine { start: start as f64 / 1e6, count, min, max, mean: line.mean(), last }
}
