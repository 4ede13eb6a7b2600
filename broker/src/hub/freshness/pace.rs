//! How a thing speaks: what is learned from the gaps between its updates, and for how long it may be quiet. Pure: times are
//! arguments, in seconds.
//!
//! Mean and mean deviation are those of RFC 6298, section 2, with one difference: a gap counts by its length and not
//! once, so that ten updates in one second do not outvote the ten minutes between two such bursts. They are what people
//! are told. How long a thing may be quiet is said by the longest gaps, because no mean knows the tail of what it is the
//! mean of: a lost datagram, a night, a door that nobody opens. A gap is remembered for 64 times its length, or for 16
//! times where it is far longer than the others, and fades evenly meanwhile; the bound is the second longest of what is left,
//! so that a single outage, however long, is no habit. Nor is a single burst: nothing is known before the gaps come to half a
//! minute without the longest, which may be the one to the next burst. The phi accrual detector (Hayashibara et al., 2004)
//! assumes a distribution, and most sensors have another one; `benches/freshness.rs` compares.

use thingsbus_adaptor::wire::Freshness;

/// So many times its own length a gap is remembered.
const REMEMBERED: f64 = 64.0;

/// And so many times one that is out of the ordinary: the night after a day, and not the outage of a month ago.
const LONG_REMEMBERED: f64 = 16.0;

/// That is one as long as so many gaps on average.
const LONG: f64 = 32.0;

/// A thing is late after so many times the second longest gap: one lost update is no reason, nor is some jitter besides.
const LATE: f64 = 2.5;

/// And silent after so many times.
const SILENT: f64 = 5.0;

/// Nothing is late sooner than this, in seconds: systems and networks pause for some tenths of one.
const LATE_MIN: f64 = 1.0;

/// Nor silent sooner than this.
const SILENT_MIN: f64 = 3.0;

/// It is known how a thing speaks when its gaps, the longest aside, come to so many milliseconds: a slider is not dragged
/// for so long, and a sensor that speaks ten times a second is known within a minute.
const KNOWN_AFTER_MS: u16 = 30_000;

/// Mean and deviation are over so many gaps.
const GAPS: u8 = 16;

/// So much of a mean every gap takes away at the least, or a mean of hours would not notice gaps of some milliseconds.
const WEIGHT_MIN: f64 = 1e-6;

/// How a thing speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pace {
    /// When it spoke last; 0 where it never did.
    pub(super) last: f64,
    /// The longest gap and the second longest, as far as they did not fade.
    longest: f64,
    second: f64,
    /// The mean of its gaps and how they differ from it.
    mean: f32,
    deviation: f32,
    /// Updates a second.
    rate: f32,
    /// What its gaps come to, the longest aside, up to [`KNOWN_AFTER_MS`].
    heard_ms: u16,
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
    /// The longest gap, as far as it did not fade.
    pub longest: f32,
    /// The second longest; 0 where it is not known yet how it speaks.
    pub second: f32,
    /// How many gaps there were, or 16 where there were more.
    pub gaps: u8,
}

impl Pace {
    /// As it was kept, of a thing that spoke last at `last`. Numbers that can be none of these are as if nothing had been
    /// learned.
    pub(super) fn of(learned: &Learned, last: f64) -> Self {
        let Learned { mean, deviation, rate, longest, second, gaps } = *learned;
        if ![mean, deviation, rate, longest, second]
            .iter()
            .all(|number| (0.0..f32::INFINITY).contains(number))
        {
            return Self { last, ..Self::default() };
        }
        let heard_ms = if second > 0.0 { KNOWN_AFTER_MS } else { 0 };
        let (longest, second, gaps) = (longest.into(), second.into(), gaps.min(GAPS));
        Self { last, longest, second, mean, deviation, rate, heard_ms, gaps, word: Freshness::Fresh }
    }

    /// What is to be kept; `None` where nothing was learned.
    pub(super) fn learned(&self) -> Option<Learned> {
        let Self { mean, deviation, rate, gaps, .. } = *self;
        let second = if self.is_known() { self.second } else { 0.0 };
        let (longest, second) = (self.longest as f32, second as f32);
        (gaps > 0).then_some(Learned { mean, deviation, rate, longest, second, gaps })
    }

    /// It spoke at `now`. What came in the same moment as the update before is counted, and no gap.
    #[inline]
    pub(super) fn spoke(&mut self, now: f64) {
        let gap = now - self.last;
        if self.last == 0.0 {
            self.last = now;
        } else if gap > 0.0 {
            self.learn(gap);
            self.last = now;
        } else {
            self.count(0.0);
        }
    }

    /// It spoke at `now`, and how long before that it last did is not known: nobody listened.
    pub(super) fn spoke_anew(&mut self, now: f64) {
        self.last = now;
    }

    /// Is known how it speaks?
    #[inline]
    pub(super) fn is_known(&self) -> bool {
        self.heard_ms >= KNOWN_AFTER_MS
    }

    /// For how long it may be quiet before it is late; for ever while it is not known how it speaks.
    #[inline]
    pub(super) fn late_after(&self) -> f64 {
        if self.is_known() { (LATE * self.second).max(LATE_MIN) } else { f64::INFINITY }
    }

    /// And before it is silent.
    pub(super) fn silent_after(&self) -> f64 {
        if self.is_known() { (SILENT * self.second).max(SILENT_MIN) } else { f64::INFINITY }
    }

    /// What it is to be called at `now`, where it has not spoken since.
    pub(super) fn word_at(&self, now: f64) -> Freshness {
        match now - self.last {
            quiet if quiet >= self.silent_after() => Freshness::Silent,
            quiet if quiet >= self.late_after() => Freshness::Late,
            _ => Freshness::Fresh,
        }
    }

    /// When it will be called worse than it is called now; never is infinite.
    pub(super) fn due(&self) -> f64 {
        let quiet = match self.word {
            Freshness::Fresh => self.late_after(),
            Freshness::Late => self.silent_after(),
            Freshness::Silent => f64::INFINITY,
        };
        self.last + quiet
    }

    /// Mean, deviation, and updates a second; `None` while that is not known.
    pub(super) fn told(&self) -> Option<[f64; 3]> {
        self.is_known().then(|| [self.mean.into(), self.deviation.into(), self.rate.into()])
    }

    #[inline]
    fn learn(&mut self, gap: f64) {
        let late_after = self.late_after();
        // A gap of a length that was not there before counts for the mean when it comes again.
        self.average(gap.min(late_after.max(self.longest)));
        self.count(gap);
        if !self.is_known() {
            // A millisecond at the least, so that whatever speaks on is known one day.
            let heard_ms = (gap.min(self.longest) * 1e3).ceil() as u16;
            self.heard_ms = self.heard_ms.saturating_add(heard_ms).min(KNOWN_AFTER_MS);
        } else if gap <= late_after {
            // While it is late, nothing is learned about what is usual.
            self.fade(gap);
        }
        if gap >= self.longest {
            (self.second, self.longest) = (self.longest, gap);
        } else if gap > self.second {
            self.second = gap;
        }
        self.gaps = (self.gaps + 1).min(GAPS);
    }

    /// Takes a gap into mean and deviation.
    fn average(&mut self, gap: f64) {
        let (mean, deviation) = (f64::from(self.mean), f64::from(self.deviation));
        let weight = (gap / (gap + f64::from(self.gaps) * mean)).max(WEIGHT_MIN);
        let error = gap - mean;
        self.mean = (mean + weight * error) as f32;
        if self.gaps > 0 {
            self.deviation = (deviation + weight * (error.abs() - deviation)) as f32;
        }
    }

    /// Takes an update into the rate: one more in so much more time, where of the time before, and of what came in it, the
    /// same share is left as of a mean (time / (time + gap), by which both sides of the fraction are multiplied here).
    fn count(&mut self, gap: f64) {
        let time = f64::from(self.gaps) * f64::from(self.mean);
        let both = time + gap;
        let rate = (f64::from(self.rate) * time * time + both) / (time * time + gap * both);
        if rate.is_finite() {
            self.rate = rate as f32;
        }
    }

    /// What is remembered fades, more slowly than time passes.
    fn fade(&mut self, time: f64) {
        let rate = f64::from(self.rate);
        for gap in [&mut self.longest, &mut self.second] {
            let remembered = if *gap * rate > LONG { LONG_REMEMBERED } else { REMEMBERED };
            *gap = (*gap - time / remembered).max(0.0);
        }
    }
}
