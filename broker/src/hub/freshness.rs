//! Which things speak as they used to, and which are late or silent: the pace of each, the word that it was given, and
//! when that is to be looked at again. Pure: times are arguments.
//!
//! An update changes a thing's pace and nothing else. That the thing is not late yet is found out when its time to be looked
//! at comes, once in a while: it is then put to where its time is now. That works because no update makes that time an
//! earlier one, since what is remembered fades more slowly than time passes.

mod pace;
mod wheel;

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{Expected, Freshness as Word, Rhythm};
use thingsbus_client::directory::Place;

pub use pace::Learned;
use pace::Pace;
use wheel::Wheel;

/// A year, in seconds: this life of the broker begins then, so that there are times for what was heard before it.
const BEGIN: f64 = 365.0 * 86_400.0;

/// The freshness of all things, by their places.
#[derive(Debug, Default)]
pub struct Freshness {
    paces: Vec<Pace>,
    wheel: Wheel,
    begun: Option<Instant>,
    /// The moment that was told last, and as it is counted here.
    now: Option<(Instant, f64)>,
    late: usize,
    silent: usize,
}

/// What came of looking at the next thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// Nothing is to be looked at now.
    Nothing,
    /// It is as it was.
    Same,
    /// This thing has another word, and had this one.
    Changed(Place, Word),
}

impl Freshness {
    /// The thing spoke. Gives the word that it had where it has another one now.
    #[inline]
    pub fn spoke(&mut self, place: Place, now: Instant) -> Option<Word> {
        let place = place.index();
        let now = self.seconds(now);
        if place >= self.paces.len() {
            self.paces.resize(place + 1, Pace::default());
        }
        let pace = self.paces.get_mut(place)?;
        let was_known = pace.is_known();
        if pace.last > BEGIN || pace.last == 0.0 {
            pace.spoke(now);
        } else {
            pace.spoke_anew(now);
        }
        if pace.is_known() == was_known && pace.word == Word::Fresh { None } else { self.judge_anew(place) }
    }

    /// The thing is as it was kept on disk, and nobody heard it for so long before the broker ended.
    pub fn restore(&mut self, place: Place, learned: &Learned, quiet: Duration) {
        self.forget(place);
        let place = place.index();
        if place >= self.paces.len() {
            self.paces.resize(place + 1, Pace::default());
        }
        if let Some(pace) = self.paces.get_mut(place) {
            *pace = Pace::of(learned, (BEGIN - quiet.as_secs_f64()).max(1.0));
            let word = pace.word_at(BEGIN);
            self.give(place, word);
        }
    }

    /// There is no such thing any more, and whatever comes to its place has nothing of it.
    pub fn forget(&mut self, place: Place) {
        let place = place.index();
        self.give(place, Word::Fresh);
        self.wheel.remove(place);
        if let Some(pace) = self.paces.get_mut(place) {
            *pace = Pace::default();
        }
    }

    /// Looks at one of the things that may be late or silent by now.
    pub fn look(&mut self, now: Instant) -> Look {
        let now = self.seconds(now);
        let Some(place) = self.wheel.pop(micros(now)) else { return Look::Nothing };
        let Some(pace) = self.paces.get(place) else { return Look::Same };
        let (was, word) = (pace.word, pace.word_at(now).max(pace.word));
        self.give(place, word);
        if word == was { Look::Same } else { Look::Changed(Place::of_index(place), was) }
    }

    /// When [`Freshness::look`] has something to look at.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        let (begun, due) = (self.begun?, self.wheel.due()?);
        begun.checked_add(Duration::from_micros(due.saturating_sub(micros(BEGIN))))
    }

    /// The thing's word, and what was expected of it.
    #[must_use]
    pub fn expected(&self, place: Place) -> Expected {
        let Some(pace) = self.paces.get(place.index()) else { return Expected::default() };
        let rhythm = pace.told().map(|[mean, deviation, rate]| Rhythm {
            interval: duration(mean),
            deviation: duration(deviation),
            rate: rounded(rate),
            late_after: duration(pace.late_after()),
        });
        Expected { freshness: pace.word, rhythm }
    }

    /// What of its pace is to be kept; `None` where nothing was learned yet.
    #[must_use]
    pub fn learned(&self, place: Place) -> Option<Learned> {
        self.paces.get(place.index())?.learned()
    }

    /// How many things are late, and how many silent. The others are fresh.
    #[must_use]
    pub fn late_and_silent(&self) -> (usize, usize) {
        (self.late, self.silent)
    }

    /// It spoke after it was late or silent, or its pace is known from now on.
    #[cold]
    fn judge_anew(&mut self, place: usize) -> Option<Word> {
        let was = self.paces.get(place)?.word;
        self.give(place, Word::Fresh);
        (was != Word::Fresh).then_some(was)
    }

    /// The thing has this word from now on, and is looked at when it may be worse.
    fn give(&mut self, place: usize, word: Word) {
        let Some(pace) = self.paces.get_mut(place) else { return };
        let was = std::mem::replace(&mut pace.word, word);
        let due = pace.due();
        if let Some(count) = self.count(was) {
            *count -= 1;
        }
        if let Some(count) = self.count(word) {
            *count += 1;
        }
        if due.is_finite() {
            self.wheel.set(place, micros(due));
        } else {
            self.wheel.remove(place);
        }
    }

    fn count(&mut self, word: Word) -> Option<&mut usize> {
        match word {
            Word::Fresh => None,
            Word::Late => Some(&mut self.late),
            Word::Silent => Some(&mut self.silent),
        }
    }

    /// Seconds since a year before this life began. That begins with the first moment that is told of.
    #[inline]
    fn seconds(&mut self, now: Instant) -> f64 {
        // What comes in one turn comes in one moment.
        match self.now {
            Some((known, seconds)) if known == now => seconds,
            _ => self.new_seconds(now),
        }
    }

    fn new_seconds(&mut self, now: Instant) -> f64 {
        let begun = *self.begun.get_or_insert(now);
        // Later than the begin, so that what was heard in this life is told from what was heard before.
        let seconds = BEGIN + 1e-6 + now.saturating_duration_since(begun).as_secs_f64();
        self.now = Some((now, seconds));
        seconds
    }
}

/// To four digits, which is more than can be known of it.
fn rounded(number: f64) -> f64 {
    format!("{number:.3e}").parse().unwrap_or(number)
}

fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(rounded(seconds)).unwrap_or(Duration::MAX)
}

/// As the wheel counts.
fn micros(seconds: f64) -> u64 {
    (seconds * 1e6) as u64
}
