//! What a thing measured, in lines: for each number that it says and each stretch of time, how many there were, the
//! least, the greatest, their sum and the last one.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::bytes::{Reader, push_text, push_varint};
use super::column;
use super::shape;

/// The most numbers of one thing that are followed, those that it says first. A thing that says more of them is a table,
/// and its values are there all the same.
pub(crate) const PATHS_MAX: usize = 32;

/// The most stretches of time in one part.
const STARTS_MAX: usize = 1_024;

/// The most digits after the point with which numbers go into columns.
const SCALE_MAX: u8 = 6;

/// Whole numbers up to this are exact in a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A second in microseconds.
const SECOND: i64 = 1_000_000;

/// Stands for a scale where numbers lie as their bits.
const BITS: u8 = 255;

/// What one number of a thing was in one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Line {
    /// When the stretch begins, in microseconds since 1970.
    pub(crate) start: i64,
    pub(crate) count: u64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) sum: f64,
    pub(crate) last: f64,
    /// When the last one came; of what was on disk, to the second.
    last_at: i64,
}

impl Line {
    pub(crate) fn mean(&self) -> f64 {
        self.sum / self.count as f64
    }

    fn of(start: i64, number: f64, at: i64) -> Self {
        Self { start, count: 1, min: number, max: number, sum: number, last: number, last_at: at }
    }

    fn add(&mut self, other: &Self) {
        self.count = self.count.saturating_add(other.count);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum = (self.sum + other.sum).clamp(f64::MIN, f64::MAX);
        if other.last_at >= self.last_at {
            self.last = other.last;
            self.last_at = other.last_at;
        }
    }
}

/// Microseconds since 1970, as near as they can be told.
pub(super) fn microseconds(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// The lines of one thing.
#[derive(Debug)]
pub(super) struct Lines {
    /// How long a stretch is, in microseconds.
    every: i64,
    /// The only path that is wanted.
    only: Option<String>,
    series: Vec<Series>,
    /// Which series each number of a skeleton belongs to.
    shapes: HashMap<Vec<u8>, Vec<Option<usize>>>,
    skeleton: Vec<u8>,
    numbers: Vec<(usize, usize)>,
}

#[derive(Debug)]
struct Series {
    path: String,
    /// By their starts.
    lines: Vec<Line>,
}

/// The most skeletons that are remembered for one thing.
const SHAPES_MAX: usize = 64;

impl Lines {
    pub(super) fn new(every: i64, only: Option<&str>) -> Self {
        Self {
            every: every.max(1),
            only: only.map(str::to_owned),
            series: Vec::new(),
            shapes: HashMap::new(),
            skeleton: Vec::new(),
            numbers: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.series.clear();
        self.shapes.clear();
    }

    /// Each path with its lines, by path.
    pub(super) fn into_paths(self) -> BTreeMap<String, Vec<Line>> {
        self.series.into_iter().map(|series| (series.path, series.lines)).collect()
    }

    /// How many lines there are.
    pub(super) fn len(&self) -> usize {
        self.series.iter().map(|series| series.lines.len()).sum()
    }

    fn series(&mut self, path: &str) -> Option<usize> {
        if let Some(found) = self.series.iter().position(|series| series.path == path) {
            return Some(found);
        }
        if self.series.len() >= PATHS_MAX || self.only.as_ref().is_some_and(|only| only != path) {
            return None;
        }
        self.series.push(Series { path: path.to_owned(), lines: Vec::new() });
        Some(self.series.len() - 1)
    }

    /// Takes what a thing said.
    pub(super) fn add_text(&mut self, text: &[u8], received: f64) {
        let (mut skeleton, mut numbers) =
            (std::mem::take(&mut self.skeleton), std::mem::take(&mut self.numbers));
        if shape::split(text, &mut skeleton, &mut numbers) && !numbers.is_empty() {
            self.add_numbers(text, &skeleton, &numbers, microseconds(received));
        }
        self.skeleton = skeleton;
        self.numbers = numbers;
    }

    fn add_numbers(&mut self, text: &[u8], skeleton: &[u8], numbers: &[(usize, usize)], at: i64) {
        if !self.shapes.contains_key(skeleton) {
            if self.shapes.len() >= SHAPES_MAX {
                self.shapes.clear();
            }
            let paths = shape::paths(skeleton);
            let series = paths.iter().map(|path| self.series(path.as_deref()?)).collect();
            self.shapes.insert(skeleton.to_owned(), series);
        }
        let Self { series, shapes, every, .. } = self;
        let Some(places) = shapes.get(skeleton) else { return };
        let start = at.div_euclid(*every).saturating_mul(*every);
        for (place, &(begin, end)) in places.iter().zip(numbers) {
            let number =
                text.get(begin..end).and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
            let Some(number) = number.filter(|number: &f64| number.is_finite()) else { continue };
            if let Some(series) = place.and_then(|place| series.get_mut(place)) {
                series.add(&Line::of(start, number + 0.0, at)); // -0 is 0.
            }
        }
    }

    /// Takes all lines of others, whose stretches are shorter.
    pub(super) fn add_all(&mut self, others: &Self) {
        for other in &others.series {
            for line in &other.lines {
                self.add_line(&other.path, line);
            }
        }
    }

    fn add_line(&mut self, path: &str, line: &Line) {
        let Some(number) = self.series(path) else { return };
        let start = line.start.div_euclid(self.every).saturating_mul(self.every);
        if let Some(series) = self.series.get_mut(number) {
            series.add(&Line { start, ..*line });
        }
    }

    /// Writes parts, each with the time at which it begins: lines of stretches of `self.every`.
    pub(super) fn pack(&self, mut each: impl FnMut(f64, &[u8])) {
        let starts: BTreeSet<i64> =
            self.series.iter().flat_map(|series| &series.lines).map(|line| line.start).collect();
        let starts: Vec<i64> = starts.into_iter().collect();
        let mut out = Vec::new();
        for starts in starts.chunks(STARTS_MAX) {
            let (Some(first), Some(last)) = (starts.first(), starts.last()) else { continue };
            out.clear();
            for series in &self.series {
                let begin = series.lines.partition_point(|line| line.start < *first);
                let end = series.lines.partition_point(|line| line.start <= *last);
                match series.lines.get(begin..end) {
                    Some(lines) if !lines.is_empty() => series.pack(lines, self.every, &mut out),
                    _ => {}
                }
            }
            each(*first as f64 / 1e6, &out);
        }
    }

    /// Takes the lines of a part that begin in `starts`. Their stretches are of `unit`. `None` where it cannot be read.
    pub(super) fn add_part(&mut self, part: &[u8], unit: i64, starts: &std::ops::Range<i64>) -> Option<()> {
        let mut reader = Reader(part);
        while reader.left() > 0 {
            let path = std::str::from_utf8(reader.text()?).ok()?;
            let mut body = Reader(reader.text()?);
            if self.only.as_ref().is_some_and(|only| only != path) {
                continue;
            }
            for line in unpack(&mut body, unit)? {
                if starts.contains(&line.start) {
                    self.add_line(path, &line);
                }
            }
        }
        Some(())
    }
}

impl Series {
    fn add(&mut self, line: &Line) {
        match self.lines.last_mut() {
            Some(last) if last.start == line.start => last.add(line),
            Some(last) if last.start > line.start => {
                match self.lines.binary_search_by_key(&line.start, |line| line.start) {
                    Ok(at) => {
                        if let Some(known) = self.lines.get_mut(at) {
                            known.add(line);
                        }
                    }
                    Err(at) => self.lines.insert(at, *line),
                }
            }
            _ => self.lines.push(*line),
        }
    }

    fn pack(&self, lines: &[Line], unit: i64, out: &mut Vec<u8>) {
        let mut body = Vec::new();
        push_varint(lines.len() as u64, &mut body);
        let column = |number: &dyn Fn(&Line) -> i64| lines.iter().map(number).collect::<Vec<i64>>();
        column::push(&column(&|line| line.start.div_euclid(unit)), &mut body);
        column::push(&column(&|line| line.count as i64), &mut body);
        column::push(&column(&|line| line.last_at.saturating_sub(line.start).div_euclid(SECOND)), &mut body);
        let scaled = (0..=SCALE_MAX).find_map(|scale| {
            let lines: Option<Vec<Scaled>> = lines.iter().map(|line| Scaled::of(line, scale)).collect();
            Some((scale, lines?))
        });
        let columns = match scaled {
            Some((scale, lines)) => {
                body.push(scale);
                let column = |number: fn(&Scaled) -> i64| lines.iter().map(number).collect();
                [column(|it| it.min), column(|it| it.max), column(|it| it.last), column(|it| it.sum)]
            }
            None => {
                body.push(BITS);
                let bits = |number: fn(&Line) -> f64| column(&|line| number(line).to_bits() as i64);
                [bits(|it| it.min), bits(|it| it.max), bits(|it| it.last), bits(|it| it.sum)]
            }
        };
        for column in columns {
            column::push(&column, &mut body);
        }
        push_text(self.path.as_bytes(), out);
        push_text(&body, out);
    }
}

/// A line in whole numbers; but for the least, as what they are more than it.
struct Scaled {
    min: i64,
    max: i64,
    last: i64,
    sum: i64,
}

impl Scaled {
    /// `None` where that would not be the same numbers.
    fn of(line: &Line, scale: u8) -> Option<Self> {
        let power = power(scale);
        let min = exactly(line.min, power)?;
        Some(Self {
            min,
            max: exactly(line.max, power)?.wrapping_sub(min),
            last: exactly(line.last, power)?.wrapping_sub(min),
            sum: sum(line, power)?.wrapping_sub(min.wrapping_mul(line.count as i64)),
        })
    }
}

fn power(scale: u8) -> f64 {
    10_f64.powi(i32::from(scale))
}

fn exactly(number: f64, power: f64) -> Option<i64> {
    let scaled = (number * power).round();
    (scaled.abs() < EXACT && (scaled / power).to_bits() == number.to_bits()).then_some(scaled as i64)
}

/// The sum of numbers with so many digits has as many; what it has more is what adding doubles made of it.
fn sum(line: &Line, power: f64) -> Option<i64> {
    let scaled = (line.sum * power).round();
    let largest = line.min.abs().max(line.max.abs());
    let inexact = largest * line.count as f64 * 1e-13;
    let is_it = (scaled / power - line.sum).abs() <= inexact && inexact * power < 0.01;
    (scaled.abs() < EXACT && is_it).then_some(scaled as i64)
}

fn unpack(body: &mut Reader<'_>, unit: i64) -> Option<Vec<Line>> {
    let count = body.length().filter(|count| *count <= STARTS_MAX)?;
    let starts = column::read(body, count)?;
    let counts = column::read(body, count)?;
    let lasts_at = column::read(body, count)?;
    let scale = body.byte().filter(|scale| *scale <= SCALE_MAX || *scale == BITS)?;
    let [mins, maxs, lasts, sums] = [
        column::read(body, count)?,
        column::read(body, count)?,
        column::read(body, count)?,
        column::read(body, count)?,
    ];
    let mut lines = Vec::with_capacity(count);
    let columns = starts.iter().zip(&counts).zip(&lasts_at).zip(&mins).zip(&maxs).zip(&lasts).zip(&sums);
    for ((((((&start, &count), &last_at), &min), &max), &last), &sum) in columns {
        let double = |more: i64, by: i64| {
            let number = match scale {
                BITS => f64::from_bits(more as u64),
                scale => min.wrapping_mul(by).wrapping_add(more) as f64 / power(scale),
            };
            number.is_finite().then_some(number)
        };
        let start = start.saturating_mul(unit);
        lines.push(Line {
            start,
            count: u64::try_from(count).ok().filter(|count| *count > 0)?,
            min: if scale == BITS { double(min, 0)? } else { double(0, 1)? },
            max: double(max, 1)?,
            last: double(last, 1)?,
            sum: double(sum, count)?,
            last_at: start.saturating_add(last_at.saturating_mul(SECOND)),
        });
    }
    Some(lines)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: i64 = 60_000_000;

    fn parts(lines: &Lines) -> Vec<(f64, Vec<u8>)> {
        let mut parts = Vec::new();
        lines.pack(|from, part| parts.push((from, part.to_vec())));
        parts
    }

    fn read(parts: &[(f64, Vec<u8>)], only: Option<&str>) -> BTreeMap<String, Vec<Line>> {
        let mut lines = Lines::new(MINUTE, only);
        for (_, part) in parts {
            lines.add_part(part, MINUTE, &(i64::MIN..i64::MAX)).unwrap();
        }
        lines.into_paths()
    }

    #[test]
    fn lines_of_a_walk_take_few_bytes_and_come_back() {
        let mut lines = Lines::new(MINUTE, None);
        let mut temp = 2_137;
        for second in 0..60_000 {
            temp += (second * 7_919 % 11) - 5;
            let text = format!(r#"{{"temp":{},"is":true}}"#, f64::from(temp) / 100.0);
            lines.add_text(text.as_bytes(), f64::from(second) + 0.25);
        }
        let parts = parts(&lines);
        assert!(parts.iter().map(|part| part.1.len()).sum::<usize>() < 6 * 1_000);
        let found = read(&parts, None);
        let lines = lines.into_paths();
        assert_eq!(lines["/temp"].len(), 1_000);
        for (found, line) in found["/temp"].iter().zip(&lines["/temp"]) {
            let same = |line: &Line| (line.start, line.count, line.min, line.max, line.last);
            assert_eq!(same(found), same(line));
            assert!((found.sum - line.sum).abs() < 1e-9);
        }
        assert!(read(&parts, Some("/rpm")).is_empty());
    }

    proptest! {
        #[test]
        fn lines_come_back_in_any_number_of_parts(
            points in prop::collection::vec((0..200_000_i32, prop_oneof![
                any::<f64>().prop_filter("finite", |number| number.is_finite()),
                (-1_000..1_000_i32).prop_map(|number| f64::from(number) / 4.0),
            ]), 1..200),
            as_bits in any::<bool>(),
        ) {
            let mut lines = Lines::new(MINUTE, None);
            for (minute, number) in points {
                let number = if as_bits { number } else { number.clamp(-1e9, 1e9).round() };
                lines.add_text(format!("[{number:?},3]").as_bytes(), f64::from(minute) * 60.0);
            }
            let found = read(&parts(&lines), None);
            let lines = lines.into_paths();
            prop_assert_eq!(found.len(), lines.len());
            for (found, lines) in found.values().zip(lines.values()) {
                for (found, line) in found.iter().zip(lines) {
                    prop_assert_eq!((found.start, found.count, found.last), (line.start, line.count, line.last));
                    prop_assert_eq!((found.min, found.max), (line.min, line.max));
                    prop_assert!((found.sum - line.sum).abs() <= line.min.abs().max(line.max.abs()) * 1e-11);
                }
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            numbers in prop::collection::vec(any::<i32>(), 1..20),
            turned in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut lines = Lines::new(MINUTE, None);
            for number in numbers {
                lines.add_text(number.to_string().as_bytes(), f64::from(number));
            }
            for (_, mut part) in parts(&lines) {
                for (at, byte) in &turned {
                    let at = at.index(part.len());
                    part[at] = *byte;
                }
                lines.add_part(&part, MINUTE, &(i64::MIN..i64::MAX));
            }
            lines.add_part(&bytes, MINUTE, &(0..i64::MAX));
        }
    }
}
