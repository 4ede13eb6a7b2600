//! How a thing speaks: what is learned from the gaps between its updates, and for how long it may be quiet. Pure: times are
//! arguments, in microseconds.
//!
//! Mean and mean deviation are those of RFC 6298, section 2, with one difference: a gap counts by its length and not
//! once, so that ten updates in one second do not outvote the ten minutes between two such bursts. They are what people
//! are told. How long a thing may be quiet is said by the longest gaps, because no mean knows the tail of what it is the
//! mean of: a lost datagram, a night, a door that nobody opens. A gap is remembered for 64 times its length, and fades
//! evenly; the bound is the second longest of what is left, so that a single outage, however long, is no habit. The phi
//! accrual detector (Hayashibara et al., 2004) assumes a distribution, and most sensors have another one;
//! `benches/freshness.rs` compares.

use thingsbus_adaptor::wire::Freshness;

/// So many times its own length a gap is remembered.
const REMEMBERED: u64 = 64;

/// A thing is late after so many times the second longest gap, in halves: one lost update is no reason, nor is some jitter
/// besides.
const LATE_HALVES: u64 = 5;

/// And silent after so many times.
const SILENT_TIMES: u64 = 5;

/// Nothing is late sooner than this, in microseconds: systems and networks pause for some tenths of a second.
pub(super) const LATE_MIN: u64 = 1_000_000;

/// Nor silent sooner than this.
const SILENT_MIN: u64 = 3_000_000;

/// Mean and deviation are over so many gaps.
const GAPS: u8 = 16;

/// So much of a mean every gap takes away at the least, or a mean of hours would not notice gaps of some milliseconds.
const WEIGHT_MIN: f64 = 1e-6;

/// A unit of when a gap is forgotten, as a power of two of microseconds: a quarter of a second. Bounds are 64 times finer.
const UNIT: u32 = 18;

/// How a thing speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pace {
    /// When it spoke last, in microseconds; 0 where it never did.
    pub(super) last: u64,
    /// The mean of its gaps and how they differ from it, in seconds.
    mean: f32,
    deviation: f32,
    /// Updates a second.
    rate: f32,
    /// When the longest gap will be forgotten, and the second longest, in units.
    longest: u32,
    second: u32,
    /// How many gaps there were, up to [`GAPS`].
    gaps: u8,
    /// What it was called last.
    pub(super) word: Freshness,
}

/// What is kept of how a thing speaks while the broker is away: lengths in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Learned {
    /// The mean of its gaps.
    pub mean: f32,
    /// How they differ from it.
    pub deviation: f32,
    /// Updates a second.
    pub rate: f32,
    /// The longest gap, as far as it was not forgotten.
    pub longest: f32,
    /// The second longest.
    pub second: f32,
    /// How many gaps there were, or 16 where there were more.
    pub gaps: u8,
}

impl Pace {
    /// As it was kept, of a thing that spoke last at `last`.
    pub(super) fn of(learned: &Learned, last: u64) -> Self {
        let Learned { mean, deviation, rate, longest, second, gaps } = *learned;
        let is_good = [mean, deviation, rate, longest, second].iter().all(|number| *number >= 0.0);
        if !is_good || !mean.is_finite() || !deviation.is_finite() || !rate.is_finite() {
            return Self { last, ..Self::default() };
        }
        let forgotten = |gap: f32| forgotten(last, (f64::from(gap) * 1e6) as u64);
        let second = if second > 0.0 { forgotten(second) } else { 0 };
        let longest = if longest > 0.0 { forgotten(longest) } else { 0 };
        Self { last, mean, deviation, rate, longest, second, gaps: gaps.min(GAPS), word: Freshness::Fresh }
    }

    /// What is to be kept; `None` where nothing was learned.
    pub(super) fn learned(&self) -> Option<Learned> {
        let Self { mean, deviation, rate, gaps, .. } = *self;
        let length = |forgotten| (self.left(forgotten) as f64 / 1e6) as f32;
        let (longest, second) = (length(self.longest), length(self.second));
        (gaps > 0).then_some(Learned { mean, deviation, rate, longest, second, gaps })
    }

    /// It spoke at `now`. What came in the same moment as the update before is counted, and no gap.
    #[inline]
    pub(super) fn spoke(&mut self, now: u64) {
        let gap = now.saturating_sub(self.last);
        if self.last == 0 {
            self.last = now;
        } else if gap == 0 {
            self.count(0.0);
        } else {
            self.learn(gap);
            self.last = now;
        }
    }

    /// It spoke at `now`, and how long before that it last did is not known: nobody listened.
    pub(super) fn spoke_anew(&mut self, now: u64) {
        self.wait(now.saturating_sub(self.last));
        self.last = now;
    }

    /// For how long it may be quiet before it is late, in microseconds; `None` while that is not known.
    pub(super) fn late_after(&self) -> Option<u64> {
        let bound = self.left(self.second);
        (self.gaps > 0 && bound > 0).then(|| (bound.saturating_mul(LATE_HALVES) / 2).max(LATE_MIN))
    }

    /// And before it is silent.
    pub(super) fn silent_after(&self) -> Option<u64> {
        self.late_after().map(|_| self.left(self.second).saturating_mul(SILENT_TIMES).max(SILENT_MIN))
    }

    /// What it is to be called at `now`, where it has not spoken since.
    pub(super) fn word_at(&self, now: u64) -> Freshness {
        let quiet = now.saturating_sub(self.last);
        match (self.late_after(), self.silent_after()) {
            (_, Some(silent)) if quiet >= silent => Freshness::Silent,
            (Some(late), _) if quiet >= late => Freshness::Late,
            _ => Freshness::Fresh,
        }
    }

    /// When it will be called worse than it is called now; `None` where it never will.
    pub(super) fn due(&self) -> Option<u64> {
        let quiet = match self.word {
            Freshness::Fresh => self.late_after(),
            Freshness::Late => self.silent_after(),
            Freshness::Silent => None,
        };
        quiet.map(|quiet| self.last.saturating_add(quiet))
    }

    /// Mean and deviation in seconds, and updates a second; `None` while that is not known.
    pub(super) fn told(&self) -> Option<[f32; 3]> {
        self.late_after().map(|_| [self.mean, self.deviation, self.rate])
    }

    fn learn(&mut self, gap: u64) {
        let late_after = self.late_after();
        // A gap of a length that was never there before counts for the mean when it comes again.
        let usual = late_after.map_or(u64::MAX, |late| late.max(self.left(self.longest)));
        self.average(gap.min(usual) as f64 / 1e6);
        self.count(gap as f64 / 1e6);
        if late_after.is_some_and(|late| gap > late) {
            self.wait(gap); // While it says nothing, nothing is learned about what is usual.
        }
        let forgotten = forgotten(self.last.saturating_add(gap), gap);
        if forgotten >= self.longest {
            (self.second, self.longest) = (self.longest, forgotten);
        } else if forgotten > self.second {
            self.second = forgotten;
        }
        self.gaps = (self.gaps + 1).min(GAPS);
    }

    /// Takes a gap into mean and deviation.
    fn average(&mut self, gap_s: f64) {
        let (mean, deviation) = (f64::from(self.mean), f64::from(self.deviation));
        let weight = (gap_s / (gap_s + f64::from(self.gaps) * mean)).max(WEIGHT_MIN);
        let error = gap_s - mean;
        self.mean = (mean + weight * error) as f32;
        if self.gaps > 0 {
            self.deviation = (deviation + weight * (error.abs() - deviation)) as f32;
        }
    }

    /// Takes an update into the rate, which is over the same time.
    fn count(&mut self, gap_s: f64) {
        let time_s = f64::from(self.gaps) * f64::from(self.mean);
        let time_left_s = time_s * time_s / (time_s + gap_s).max(f64::MIN_POSITIVE);
        let rate = (f64::from(self.rate) * time_left_s + 1.0) / (time_left_s + gap_s);
        if rate.is_finite() {
            self.rate = rate as f32;
        }
    }

    /// So long nothing fades.
    fn wait(&mut self, time: u64) {
        let units = u32::try_from(time >> UNIT).unwrap_or(u32::MAX);
        (self.longest, self.second) = (self.longest.saturating_add(units), self.second.saturating_add(units));
    }

    /// How long a gap is that will be forgotten then, as far as it did not fade: in microseconds, as it was when the thing
    /// spoke last.
    fn left(&self, forgotten: u32) -> u64 {
        (u64::from(forgotten) << UNIT).saturating_sub(self.last) / REMEMBERED
    }
}

/// When a gap that ended at `end` will be forgotten.
fn forgotten(end: u64, gap: u64) -> u32 {
    let at = end.saturating_add(gap.saturating_mul(REMEMBERED));
    u32::try_from((at >> UNIT) + 1).unwrap_or(u32::MAX)
}
