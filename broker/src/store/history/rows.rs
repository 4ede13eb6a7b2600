//! Points of one thing in memory, ready to be ordered, written or told.

/// When a point came and which it is: what orders the points of one thing. Numbers begin again with another life of the
/// broker, so the time comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    received: i64,
    seq: u64,
}

impl Place {
    pub(super) const FIRST: Self = Self { received: i64::MIN, seq: 0 };

    pub(super) fn new(received: f64, seq: u64) -> Self {
        Self { received: order(received), seq }
    }

    /// Its time, in seconds since 1970; of the first one, a double's least.
    pub(super) fn time(self) -> f64 {
        let bits = self.received ^ (((self.received >> 63) as u64) >> 1) as i64;
        let time = f64::from_bits(bits as u64);
        if time.is_nan() { f64::MIN } else { time.clamp(f64::MIN, f64::MAX) }
    }

    /// The one behind it.
    pub(super) fn next(self) -> Self {
        match self.seq.checked_add(1) {
            Some(seq) => Self { seq, ..self },
            None => Self { received: self.received.saturating_add(1), seq: 0 },
        }
    }

    /// As numbers that go over the wire.
    pub(crate) fn to_parts(self) -> (i64, u64) {
        (self.received, self.seq)
    }

    /// Back from those; any are a place.
    pub(crate) fn from_parts((received, seq): (i64, u64)) -> Self {
        Self { received, seq }
    }

    /// The first that can be at this time.
    pub(super) fn first_at(received: f64) -> Self {
        Self::new(received, 0)
    }

    /// The first that can be after this time.
    pub(super) fn first_after(received: f64) -> Self {
        Self { received: order(received).saturating_add(1), seq: 0 }
    }
}

/// A whole number for each double, in the same order.
fn order(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits() as i64; // -0 is 0.
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// One point; its text is in its [`Rows`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) received: f64,
    pub(super) ts: f64,
    pub(super) seq: u64,
    begin: usize,
    end: usize,
}

impl Row {
    pub(super) fn place(&self) -> Place {
        Place::new(self.received, self.seq)
    }
}

/// Points of one thing. Its memory serves one list after the other.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: Vec<u8>,
    pub(super) rows: Vec<Row>,
}

impl Rows {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.rows.clear();
    }

    pub(super) fn push(&mut self, received: f64, ts: f64, seq: u64, data: &[u8]) {
        let begin = self.text.len();
        self.text.extend_from_slice(data);
        self.rows.push(Row { received, ts, seq, begin, end: self.text.len() });
    }

    pub(super) fn data(&self, row: &Row) -> &[u8] {
        self.text.get(row.begin..row.end).unwrap_or_default()
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How much memory their texts take.
    pub(super) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    pub(super) fn sort(&mut self) {
        if !self.rows.is_sorted_by_key(Row::place) {
            self.rows.sort_by_key(Row::place);
        }
    }

    /// Takes the first `count` away.
    pub(super) fn remove_first(&mut self, count: usize) {
        let mut rest = Self::default();
        for row in self.rows.iter().skip(count) {
            rest.push(row.received, row.ts, row.seq, self.data(row));
        }
        *self = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_in_the_order_of_time_and_number() {
        let times =
            [f64::MIN, -1.5, -f64::MIN_POSITIVE, 0.0, f64::MIN_POSITIVE, 1.0, 1.0000000000000002, f64::MAX];
        let places: Vec<Place> =
            times.iter().flat_map(|&time| [Place::new(time, 1), Place::new(time, u64::MAX)]).collect();
        assert!(places.is_sorted_by(|one, other| one < other));
        assert_eq!(Place::new(-0.0, 1), Place::new(0.0, 1));
        assert_eq!(Place::first_after(1.0), Place::first_at(1.0000000000000002));
        assert!(Place::FIRST < Place::first_at(f64::MIN));
    }
}
