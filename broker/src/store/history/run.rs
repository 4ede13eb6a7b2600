//! Runs and shelves, as they lie in the file: a run is what was written at once, in the order of things; a shelf is all
//! runs of what is under one rule.

use super::bytes::{Reader, push_text, seal, unseal};
use super::rules::Rule;

/// How fine what is kept is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tier {
    /// Everything that was said.
    Values,
    /// A line for each minute.
    Minutes,
    /// A line for each hour.
    Hours,
}

/// An hour in microseconds: what is gone from a tier is told by the next one up to a whole one.
pub(super) const HOUR: i64 = 3_600_000_000;

impl Tier {
    pub(crate) const ALL: [Self; 3] = [Self::Values, Self::Minutes, Self::Hours];

    pub(super) fn next(self) -> Option<Self> {
        match self {
            Self::Values => Some(Self::Minutes),
            Self::Minutes => Some(Self::Hours),
            Self::Hours => None,
        }
    }

    /// How long a line's stretch is, in microseconds.
    pub(super) fn unit(self) -> i64 {
        match self {
            Self::Values => 1,
            Self::Minutes => HOUR / 60,
            Self::Hours => HOUR,
        }
    }

    pub(crate) fn number(self) -> usize {
        self as usize
    }

    fn read(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }

    /// How many seconds of it a rule keeps.
    pub(super) fn age(self, rule: &Rule) -> u64 {
        match self {
            Self::Values => rule.values_s,
            Self::Minutes => rule.minutes_s,
            Self::Hours => rule.hours_s,
        }
    }

    /// How many of a rule's bytes it has.
    pub(super) fn share(self, rule: &Rule) -> u64 {
        match self {
            Self::Values => rule.bytes_max / 2,
            Self::Minutes | Self::Hours => rule.bytes_max / 4,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is being written and not there yet for anybody.
    Building,
    Ready,
    /// It is being removed and not there any more.
    Going,
}

/// What is known of a run without reading it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Run {
    pub(super) state: State,
    pub(super) shelf: u32,
    pub(super) tier: Tier,
    /// How often it was merged.
    pub(super) level: u8,
    /// Whether the next tier has it.
    pub(super) rolled: bool,
    /// When its first point came, or its first line begins.
    pub(super) from: f64,
    /// When its last point came.
    pub(super) to: f64,
    /// How many points or lines it has.
    pub(super) rows: u64,
    /// How much of the file it takes.
    pub(super) bytes: u64,
}

const VERSION: u8 = 1;

impl Run {
    pub(super) fn to_bytes(self) -> Vec<u8> {
        let mut out = vec![VERSION, self.state as u8, self.tier as u8, self.level, u8::from(self.rolled)];
        out.extend_from_slice(&self.shelf.to_le_bytes());
        out.extend_from_slice(&self.from.to_le_bytes());
        out.extend_from_slice(&self.to.to_le_bytes());
        out.extend_from_slice(&self.rows.to_le_bytes());
        out.extend_from_slice(&self.bytes.to_le_bytes());
        seal(&mut out);
        out
    }

    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader(unseal(bytes)?);
        let [VERSION, state, tier, level, rolled] = reader.array()? else { return None };
        let state = match state {
            0 => State::Building,
            1 => State::Ready,
            2 => State::Going,
            _ => return None,
        };
        let run = Self {
            state,
            tier: Tier::read(tier)?,
            level,
            rolled: rolled == 1,
            shelf: reader.u32()?,
            from: reader.f64()?,
            to: reader.f64()?,
            rows: reader.u64()?,
            bytes: reader.u64()?,
        };
        (reader.left() == 0).then_some(run)
    }
}

/// All runs of what is under one rule.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shelf {
    pub(super) prefix: String,
    /// For each tier, when the last came of what is gone of it; a double's least where nothing is.
    pub(super) gone_to: [f64; 3],
    /// The number of its rule, which is the one for everything where its own is no more.
    pub(super) rule: u16,
}

impl Shelf {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for gone_to in self.gone_to {
            out.extend_from_slice(&gone_to.to_le_bytes());
        }
        push_text(self.prefix.as_bytes(), &mut out);
        seal(&mut out);
        out
    }

    pub(super) fn read(bytes: &[u8], rule: impl Fn(&str) -> u16) -> Option<Self> {
        let mut reader = Reader(unseal(bytes)?);
        let VERSION = reader.byte()? else { return None };
        let gone_to = [reader.f64()?, reader.f64()?, reader.f64()?];
        let prefix = std::str::from_utf8(reader.text()?).ok()?.to_owned();
        let rule = rule(&prefix);
        (reader.left() == 0).then_some(Self { prefix, gone_to, rule })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_what_is_cut_is_not() {
        for state in [State::Building, State::Ready, State::Going] {
            for tier in Tier::ALL {
                let run = Run {
                    state,
                    shelf: 7,
                    tier,
                    level: 2,
                    rolled: true,
                    from: -1.5,
                    to: 2.5,
                    rows: 3,
                    bytes: 4,
                };
                let bytes = run.to_bytes();
                assert_eq!(Run::read(&bytes), Some(run));
                for length in 0..bytes.len() {
                    assert_eq!(Run::read(&bytes[..length]), None);
                }
            }
        }
        let shelf = Shelf { prefix: "größe.a".to_owned(), gone_to: [f64::MIN, 1.0, 2.0], rule: 3 };
        let bytes = shelf.to_bytes();
        assert_eq!(Shelf::read(&bytes, |_| 3), Some(shelf));
        for length in 0..bytes.len() {
            assert_eq!(Shelf::read(&bytes[..length], |_| 3), None);
        }
    }
}
