//! Values of one thing as they lie in a run: a column for each of its times and for each number in its texts, and what is
//! the same in all of them once. What comes back is what was put in, byte for byte.

use std::collections::HashMap;

use super::bytes::{Reader, push_text, push_varint};
use super::column;
use super::rows::{Row, Rows};
use super::shape::{self, HOLE};

/// The most points of one part: enough that what is written once for all of them is nothing, few enough that little is
/// read for one of them.
pub(super) const POINTS_MAX: usize = 512;

/// The most bytes of text of one part, but for its last point.
pub(super) const TEXT_BYTES_MAX: usize = 256 * 1024;

/// What a part may claim to have of text when it is read: a text is no longer than what came over the wire, and this is
/// far above, but a bound.
const READ_BYTES_MAX: usize = 256 * 1024 * 1024;

/// The most skeletons of one part; with more of them the texts have little in common.
const SKELETONS_MAX: usize = 64;

/// The most digits of a number that goes into a column; all of them fit into 64 bits.
const DIGITS_MAX: usize = 18;

/// Times that are whole microseconds, as a broker's are.
const MICROSECONDS: u8 = 1;
/// Times by the bits of their doubles, as some senders' are.
const BITS: u8 = 0;

const TEXTS_PLAIN: u8 = 0;
const TEXTS_SHAPED: u8 = 1;

const NUMBERS_TEXT: u8 = 0;
/// Each has the same digits after the point.
const NUMBERS_FIXED: u8 = 1;
/// No zeros at the end, as JavaScript writes it: 21.5, 21.
const NUMBERS_TRIMMED: u8 = 2;
/// No zeros at the end but one, as Python writes it: 21.5, 21.0.
const NUMBERS_TRIMMED_TO_ONE: u8 = 3;
/// How many digits each has after the point is a column of its own.
const NUMBERS_MIXED: u8 = 4;

/// How many of `rows` go into the next part.
fn length(all: &Rows, rows: &[Row]) -> usize {
    let mut bytes = 0;
    let mut length = 0;
    for row in rows.iter().take(POINTS_MAX) {
        bytes += all.data(row).len();
        length += 1;
        if bytes >= TEXT_BYTES_MAX {
            break;
        }
    }
    length
}

/// Writes the first `count` points, which are in order, as parts; each with the time at which it begins.
pub(super) fn push_all(all: &Rows, count: usize, memory: &mut Vec<u8>, mut each: impl FnMut(f64, &[u8])) {
    let mut rows = all.rows.get(..count).unwrap_or_default();
    while let Some(first) = rows.first() {
        let (these, rest) = rows.split_at_checked(length(all, rows)).unwrap_or((rows, &[]));
        memory.clear();
        push(all, these, memory);
        each(first.received, memory);
        rows = rest;
    }
}

/// Appends a part; `rows` are some of those in `all`, and no more than [`length`] says.
fn push(all: &Rows, rows: &[Row], out: &mut Vec<u8>) {
    push_varint(rows.len() as u64, out);
    push_times(rows, out);
    let seqs: Vec<i64> = rows.iter().map(|row| row.seq as i64).collect();
    column::push(&seqs, out);
    push_texts(all, rows, out);
}

fn push_times(rows: &[Row], out: &mut Vec<u8>) {
    let received: Option<Vec<i64>> = rows.iter().map(|row| microseconds(row.received)).collect();
    let ts: Option<Vec<i64>> = rows.iter().map(|row| microseconds(row.ts)).collect();
    let bits = |of: fn(&Row) -> f64| rows.iter().map(|row| of(row).to_bits() as i64).collect::<Vec<i64>>();
    out.push(if received.is_some() { MICROSECONDS } else { BITS });
    column::push(&received.clone().unwrap_or_else(|| bits(|row| row.received)), out);
    let (mode, ts, base) = match (received, ts) {
        (Some(received), Some(ts)) => (MICROSECONDS, ts, received),
        _ => (BITS, bits(|row| row.ts), bits(|row| row.received)),
    };
    out.push(mode);
    let late: Vec<i64> = ts.iter().zip(base).map(|(ts, base)| ts.wrapping_sub(base)).collect();
    column::push(&late, out);
}

fn push_texts(all: &Rows, rows: &[Row], out: &mut Vec<u8>) {
    let Some(shaped) = Shaped::of(all, rows) else {
        out.push(TEXTS_PLAIN);
        let lengths: Vec<i64> = rows.iter().map(|row| all.data(row).len() as i64).collect();
        column::push(&lengths, out);
        let texts: Vec<u8> = rows.iter().flat_map(|row| all.data(row)).copied().collect();
        push_varint(texts.len() as u64, out);
        push_text(&lz4_flex::block::compress(&texts), out);
        return;
    };
    out.push(TEXTS_SHAPED);
    push_varint(shaped.skeletons.len() as u64, out);
    if shaped.skeletons.len() > 1 {
        column::push(&shaped.which, out);
    }
    for (skeleton, numbers) in shaped.skeletons {
        push_text(&skeleton, out);
        for numbers in &numbers {
            push_numbers(numbers, out);
        }
    }
}

/// The texts of one number.
type Column<'a> = Vec<&'a [u8]>;

/// Texts by their skeletons.
struct Shaped<'a> {
    /// Each with its columns of numbers.
    skeletons: Vec<(Vec<u8>, Vec<Column<'a>>)>,
    which: Vec<i64>,
}

impl<'a> Shaped<'a> {
    /// `None` where the texts have too little in common.
    fn of(all: &'a Rows, rows: &[Row]) -> Option<Self> {
        let few = SKELETONS_MAX.min(rows.len() / 2 + 1);
        let mut numbers_of: HashMap<Vec<u8>, usize> = HashMap::new();
        let mut shaped = Self { skeletons: Vec::new(), which: Vec::with_capacity(rows.len()) };
        let (mut skeleton, mut holes) = (Vec::new(), Vec::new());
        let mut last = 0;
        for row in rows {
            let text = all.data(row);
            if !shape::split(text, &mut skeleton, &mut holes) {
                return None;
            }
            let known = match shaped.skeletons.get(last) {
                Some((known, _)) if *known == skeleton => Some(last),
                _ => numbers_of.get(&skeleton).copied(),
            };
            let number = match known {
                Some(number) => number,
                None if shaped.skeletons.len() >= few => return None,
                None => {
                    numbers_of.insert(skeleton.clone(), shaped.skeletons.len());
                    shaped.skeletons.push((skeleton.clone(), vec![Vec::new(); holes.len()]));
                    shaped.skeletons.len() - 1
                }
            };
            last = number;
            shaped.which.push(number as i64);
            if let Some((_, columns)) = shaped.skeletons.get_mut(number) {
                for (column, &(begin, end)) in columns.iter_mut().zip(&holes) {
                    column.push(text.get(begin..end).unwrap_or_default());
                }
            }
        }
        Some(shaped)
    }
}

fn push_numbers(texts: &[&[u8]], out: &mut Vec<u8>) {
    let decimals: Option<Vec<Decimal>> = texts.iter().map(|text| Decimal::parse(text)).collect();
    let Some(decimals) = decimals else {
        out.push(NUMBERS_TEXT);
        let lengths: Vec<i64> = texts.iter().map(|text| text.len() as i64).collect();
        column::push(&lengths, out);
        for text in texts {
            out.extend_from_slice(text);
        }
        return;
    };
    let scale = decimals.iter().map(|decimal| decimal.scale).max().unwrap_or_default();
    let mantissas: Option<Vec<i64>> = decimals.iter().map(|decimal| decimal.at_scale(scale)).collect();
    let all = |is: fn(&Decimal) -> bool| decimals.iter().all(is);
    let kind = if decimals.iter().all(|decimal| decimal.scale == scale) {
        NUMBERS_FIXED
    } else if all(|decimal| decimal.scale == 0 || decimal.mantissa % 10 != 0) {
        NUMBERS_TRIMMED
    } else if all(|decimal| decimal.scale == 1 || (decimal.scale > 1 && decimal.mantissa % 10 != 0)) {
        NUMBERS_TRIMMED_TO_ONE
    } else {
        NUMBERS_MIXED
    };
    match mantissas {
        Some(mantissas) if kind != NUMBERS_MIXED => {
            out.extend_from_slice(&[kind, scale]);
            column::push(&mantissas, out);
        }
        _ => {
            out.push(NUMBERS_MIXED);
            column::push(&decimals.iter().map(|decimal| i64::from(decimal.scale)).collect::<Vec<_>>(), out);
            column::push(&decimals.iter().map(|decimal| decimal.mantissa).collect::<Vec<_>>(), out);
        }
    }
}

/// A number as it is written, where that says no more than its digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Decimal {
    mantissa: i64,
    /// How many digits are after the point.
    scale: u8,
}

impl Decimal {
    /// `None` where it would not be written so again.
    fn parse(text: &[u8]) -> Option<Self> {
        let (is_negative, digits) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let mut mantissa = 0;
        let mut scale = None;
        for byte in digits {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa * 10 + i64::from(byte - b'0');
                    scale = scale.map(|scale: u8| scale + 1);
                }
                b'.' if scale.is_none() => scale = Some(0),
                _ => return None,
            }
            if digits.len() > DIGITS_MAX {
                return None;
            }
        }
        let decimal =
            Self { mantissa: if is_negative { -mantissa } else { mantissa }, scale: scale.unwrap_or(0) };
        let before_point = digits.iter().take_while(|byte| **byte != b'.').count();
        let is_plain = before_point == 1 || digits.first().is_some_and(|first| *first != b'0');
        let has_point_for_nothing = scale == Some(0);
        let is_minus_zero = is_negative && mantissa == 0;
        (before_point > 0 && is_plain && !has_point_for_nothing && !is_minus_zero).then_some(decimal)
    }

    /// The mantissa with more digits after the point.
    fn at_scale(self, scale: u8) -> Option<i64> {
        let more = u32::from(scale.checked_sub(self.scale)?);
        self.mantissa.checked_mul(10_i64.checked_pow(more)?)
    }

    /// Without zeros at its end, but `least` digits after the point.
    fn trimmed(mut self, least: u8) -> Self {
        while self.scale > least && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    fn write(self, out: &mut Vec<u8>) {
        let scale = usize::from(self.scale).min(DIGITS_MAX);
        let mut rest = self.mantissa.unsigned_abs();
        let mut digits = [0; 20 + DIGITS_MAX];
        let mut length = 0;
        for digit in &mut digits {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
            length += 1;
            if rest == 0 && length > scale {
                break;
            }
        }
        if self.mantissa < 0 {
            out.push(b'-');
        }
        for (after, digit) in digits.iter().enumerate().take(length).rev() {
            out.push(*digit);
            if after == scale && scale > 0 {
                out.push(b'.');
            }
        }
    }
}

/// Whole microseconds, where they say all of it.
fn microseconds(seconds: f64) -> Option<i64> {
    let rounded = (seconds * 1e6).round();
    let whole = rounded as i64; // Of -0 it is another double, which is not exact then.
    let exact = rounded.abs() < 9e15 && (whole as f64 / 1e6).to_bits() == seconds.to_bits();
    exact.then_some(whole)
}

fn seconds(mode: u8, number: i64) -> Option<f64> {
    let seconds = match mode {
        MICROSECONDS => number as f64 / 1e6,
        _ => f64::from_bits(number as u64),
    };
    seconds.is_finite().then_some(seconds)
}

/// When the first point of a part came.
pub(super) fn first_received(part: &[u8]) -> Option<f64> {
    let mut reader = Reader(part);
    // A column begins with its first number, so the rest of it is read for nothing; that is little.
    let count = count(&mut reader)?;
    let mode = reader.byte()?;
    seconds(mode, *column::read(&mut reader, count)?.first()?)
}

fn count(reader: &mut Reader<'_>) -> Option<usize> {
    reader.length().filter(|count| (1..=POINTS_MAX).contains(count))
}

/// Appends what is in a part to `rows`; `None` where it cannot be read.
pub(super) fn read(part: &[u8], rows: &mut Rows) -> Option<()> {
    let mut reader = Reader(part);
    let count = count(&mut reader)?;
    let received_mode = reader.byte()?;
    let received = column::read(&mut reader, count)?;
    let ts_mode = reader.byte()?;
    let late = column::read(&mut reader, count)?;
    let seqs = column::read(&mut reader, count)?;
    let mut texts = Texts::read(&mut reader, count)?;
    let mut text = Vec::new();
    for (number, ((received, late), seq)) in received.into_iter().zip(late).zip(seqs).enumerate() {
        let came = seconds(received_mode, received)?;
        let base = if ts_mode == MICROSECONDS { received } else { came.to_bits() as i64 };
        let ts = seconds(ts_mode, base.wrapping_add(late))?;
        text.clear();
        texts.write(number, &mut text)?;
        if rows.text_bytes() + text.len() > READ_BYTES_MAX {
            return None;
        }
        rows.push(came, ts, seq as u64, &text);
    }
    Some(())
}

/// The texts of a part, one by one.
enum Texts<'a> {
    Plain { lengths: std::vec::IntoIter<i64>, bytes: Vec<u8>, at: usize },
    Shaped { which: Option<Vec<i64>>, shapes: Vec<(&'a [u8], Vec<Numbers<'a>>)> },
}

/// A column of numbers, one by one.
enum Numbers<'a> {
    Text { lengths: std::vec::IntoIter<i64>, bytes: Reader<'a> },
    Decimal { kind: u8, scale: u8, scales: std::vec::IntoIter<i64>, mantissas: std::vec::IntoIter<i64> },
}

impl<'a> Texts<'a> {
    fn read(reader: &mut Reader<'a>, count: usize) -> Option<Self> {
        if reader.byte()? == TEXTS_PLAIN {
            let lengths = column::read(reader, count)?;
            let length = reader.length()?;
            let packed = reader.text()?;
            // LZ4 makes no more of a byte than this.
            if length > packed.len().saturating_mul(255) || length > READ_BYTES_MAX {
                return None;
            }
            let bytes = lz4_flex::block::decompress(packed, length).ok()?;
            return Some(Self::Plain { lengths: lengths.into_iter(), bytes, at: 0 });
        }
        let shapes = reader.length().filter(|shapes| (1..=SKELETONS_MAX).contains(shapes))?;
        let which = if shapes > 1 { Some(column::read(reader, count)?) } else { None };
        let mut counts = vec![0; shapes];
        match &which {
            None => counts = vec![count],
            Some(which) => {
                for which in which {
                    *counts.get_mut(usize::try_from(*which).ok()?)? += 1;
                }
            }
        }
        let mut read = Vec::with_capacity(shapes);
        for count in counts {
            let skeleton = reader.text()?;
            let holes = skeleton.iter().filter(|byte| **byte == HOLE).count();
            let mut columns = Vec::new();
            for _ in 0..holes {
                columns.push(Numbers::read(reader, count)?);
            }
            read.push((skeleton, columns));
        }
        Some(Self::Shaped { which, shapes: read })
    }

    /// Appends the next one, which is the one of this number.
    fn write(&mut self, number: usize, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Plain { lengths, bytes, at } => {
                let end = at.checked_add(usize::try_from(lengths.next()?).ok()?)?;
                out.extend_from_slice(bytes.get(*at..end)?);
                *at = end;
            }
            Self::Shaped { which, shapes } => {
                let shape = match which {
                    Some(which) => usize::try_from(*which.get(number)?).ok()?,
                    None => 0,
                };
                let (skeleton, columns) = shapes.get_mut(shape)?;
                let mut pieces = skeleton.split(|byte| *byte == HOLE);
                out.extend_from_slice(pieces.next()?);
                for (piece, column) in pieces.zip(columns) {
                    column.write(out)?;
                    out.extend_from_slice(piece);
                }
            }
        }
        Some(())
    }
}

impl<'a> Numbers<'a> {
    fn read(reader: &mut Reader<'a>, count: usize) -> Option<Self> {
        let kind = reader.byte()?;
        if kind == NUMBERS_TEXT {
            let lengths = column::read(reader, count)?;
            let mut length: usize = 0;
            for each in &lengths {
                length = length.checked_add(usize::try_from(*each).ok()?)?;
            }
            return Some(Self::Text { lengths: lengths.into_iter(), bytes: Reader(reader.take(length)?) });
        }
        let (scale, scales) = match kind {
            NUMBERS_MIXED => (0, column::read(reader, count)?),
            _ => (reader.byte()?, Vec::new()),
        };
        let mantissas = column::read(reader, count)?.into_iter();
        Some(Self::Decimal { kind, scale, scales: scales.into_iter(), mantissas })
    }

    fn write(&mut self, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Text { lengths, bytes } => {
                out.extend_from_slice(bytes.take(usize::try_from(lengths.next()?).ok()?)?);
            }
            Self::Decimal { kind, scale, scales, mantissas } => {
                let mantissa = mantissas.next()?;
                let scale = if *kind == NUMBERS_MIXED { u8::try_from(scales.next()?).ok()? } else { *scale };
                let decimal = Decimal { mantissa, scale };
                match *kind {
                    NUMBERS_TRIMMED => decimal.trimmed(0).write(out),
                    NUMBERS_TRIMMED_TO_ONE => decimal.trimmed(1).write(out),
                    _ => decimal.write(out),
                }
            }
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Plain = (f64, f64, u64, Vec<u8>);

    fn packed(points: &[Plain]) -> Vec<u8> {
        let mut rows = Rows::default();
        for (received, ts, seq, data) in points {
            rows.push(*received, *ts, *seq, data);
        }
        let mut out = Vec::new();
        push(&rows, &rows.rows, &mut out);
        out
    }

    fn unpacked(part: &[u8]) -> Option<Vec<Plain>> {
        let mut rows = Rows::default();
        read(part, &mut rows)?;
        let row = |row: &Row| (row.received, row.ts, row.seq, rows.data(row).to_vec());
        Some(rows.rows.iter().map(row).collect())
    }

    #[test]
    fn numbers_are_written_as_they_were() {
        let texts = [
            "0",
            "-1",
            "0.5",
            "-0.05",
            "10",
            "123456789012345678",
            "0.00",
            "-12.340",
            "999.9",
            "0.0000000001",
        ];
        for text in texts {
            let decimal = Decimal::parse(text.as_bytes()).unwrap();
            let mut out = Vec::new();
            decimal.write(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
        for text in
            ["-0", "-0.0", "00", "01.5", ".5", "1.", "1e5", "1.5E3", "", "-", "1.2.3", "1234567890123456789"]
        {
            assert_eq!(Decimal::parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn a_walk_takes_few_bytes_a_point() {
        let mut seed: u64 = 1;
        let mut random = move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as i64
        };
        let (mut temp, mut rpm) = (2_137, 1_200);
        let points: Vec<Plain> = (0..500)
            .map(|number| {
                temp += random() % 11 - 5;
                rpm += random() % 21 - 10;
                let data = format!(r#"{{"temp":{},"rpm":{rpm}}}"#, temp as f64 / 100.0);
                (1e9 + f64::from(number), 1e9 + f64::from(number), number as u64 * 10_000, data.into_bytes())
            })
            .collect();
        let packed = packed(&points);
        assert!(packed.len() < 900, "{}", packed.len());
        assert_eq!(unpacked(&packed), Some(points));
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<i64>().prop_map(|number| number.to_string()),
            any::<f64>()
                .prop_filter("finite", |number| number.is_finite())
                .prop_map(|number| format!("{number:?}")),
            (-1_000..1_000_i32).prop_map(|number| (f64::from(number) / 100.0).to_string()),
            (-1_000..1_000_i32).prop_map(|number| format!("{:?}", f64::from(number) / 100.0)),
            (-1_000..1_000_i32).prop_map(|number| format!("{:.3}", f64::from(number) / 100.0)),
            Just("1E400".to_owned()),
        ]
    }

    fn text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => number().prop_map(String::into_bytes),
            4 => (number(), number()).prop_map(|(a, b)| format!(r#"{{"a":{a},"b":[{b},"1\""]}}"#).into_bytes()),
            1 => ".*".prop_map(|text| serde_json::to_string(&text).unwrap().into_bytes()),
            1 => prop::collection::vec(any::<u8>(), 0..30),
        ]
    }

    fn time() -> impl Strategy<Value = f64> {
        prop_oneof![
            (0..2_000_000_000_000_000_i64).prop_map(|number| number as f64 / 1e6),
            (1.7e9..1.8e9_f64),
            any::<f64>().prop_filter("finite", |time| time.is_finite()),
        ]
    }

    proptest! {
        #[test]
        fn every_list_of_points_comes_back(
            points in prop::collection::vec((time(), time(), any::<u64>(), text()), 1..60),
            as_one in any::<bool>(),
        ) {
            let mut points = points;
            if as_one {
                // Most things say the same with other numbers.
                let count = points.len();
                points.retain(|point| point.3.starts_with(b"{"));
                prop_assume!(!points.is_empty() && count > 0);
            }
            let packed = packed(&points);
            let found = unpacked(&packed).unwrap();
            let bits = |points: &[Plain]| -> Vec<(u64, u64, u64, Vec<u8>)> {
                points.iter().map(|(a, b, c, d)| (a.to_bits(), b.to_bits(), *c, d.clone())).collect()
            };
            prop_assert_eq!(bits(&found), bits(&points));
            prop_assert_eq!(first_received(&packed).unwrap().to_bits(), points[0].0.to_bits());
            for length in 0..packed.len() {
                unpacked(&packed[..length]);
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(
            points in prop::collection::vec((time(), time(), any::<u64>(), text()), 1..20),
            turned in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            bytes in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut packed = packed(&points);
            for (at, byte) in turned {
                let at = at.index(packed.len());
                packed[at] = byte;
            }
            unpacked(&packed);
            first_received(&packed);
            unpacked(&bytes);
            first_received(&bytes);
        }
    }
}
