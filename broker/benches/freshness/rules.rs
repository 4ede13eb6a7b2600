//! The broker's own rule, and others that were tried.

use std::time::{Duration, Instant};

use thingsbus_broker::hub::Freshness;
use thingsbus_client::directory::Place;

/// When a thing is to be called late and silent. Times are seconds.
pub(crate) trait Rule {
    fn spoke(&mut self, now: f64);
    /// After its last update; infinite while nothing is known.
    fn late_after(&self) -> f64;
    fn silent_after(&self) -> f64;
    /// The broker is there again at `now`, and had not heard the thing for so long when it stopped.
    fn restart(&mut self, now: f64, quiet: f64);
    /// What counts as its silence at `now`.
    fn quiet(&self, now: f64) -> f64;
}

pub(crate) fn all() -> Vec<(&'static str, Box<dyn Rule>)> {
    let other =
        |kind, late, silent| -> Box<dyn Rule> { Box::new(Other { late, silent, ..Other::new(kind) }) };
    vec![
        ("**the second longest gap**", Box::new(Learned::default())),
        ("the longest gap", other(Kind::Longest, 2.5, 5.0)),
        ("mean and four deviations (RFC 6298)", other(Kind::Mean, 1.0, 2.0)),
        ("the same, later", other(Kind::Mean, 2.0, 4.0)),
        ("phi accrual, 3 and 8", other(Kind::Phi, 3.0, 8.0)),
    ]
}

/// The rule that the broker has.
pub(crate) struct Learned {
    freshness: Freshness,
    begun: Instant,
    /// When it was last heard, as the broker counts that.
    last: f64,
}

impl Default for Learned {
    fn default() -> Self {
        Self { freshness: Freshness::default(), begun: Instant::now(), last: 0.0 }
    }
}

fn place() -> Place {
    Place::of_index(0)
}

impl Rule for Learned {
    fn spoke(&mut self, now: f64) {
        let _ = self.freshness.spoke(place(), self.begun + Duration::from_secs_f64(now));
        self.last = now;
    }

    fn late_after(&self) -> f64 {
        let rhythm = self.freshness.expected(place()).rhythm;
        rhythm.map_or(f64::INFINITY, |rhythm| rhythm.late_after.as_secs_f64())
    }

    fn silent_after(&self) -> f64 {
        (2.0 * self.late_after()).max(3.0)
    }

    fn restart(&mut self, now: f64, quiet: f64) {
        let learned = self.freshness.learned(place());
        self.freshness = Freshness::default();
        // The first moment that it is told of is when it begins.
        self.freshness.look(self.begun + Duration::from_secs_f64(now));
        if let Some(learned) = learned {
            self.freshness.restore(place(), &learned, Duration::from_secs_f64(quiet));
        }
        self.last = now - quiet;
    }

    fn quiet(&self, now: f64) -> f64 {
        now - self.last
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Longest,
    Mean,
    Phi,
}

/// One that was tried: bounds are `late` and `silent` times what it says, or probabilities.
struct Other {
    kind: Kind,
    late: f64,
    silent: f64,
    last: f64,
    gaps: u32,
    mean: f64,
    deviation: f64,
    longest: f64,
    /// Of Hayashibara's: the last 200 gaps.
    window: std::collections::VecDeque<f64>,
    sums: (f64, f64),
}

impl Other {
    fn new(kind: Kind) -> Self {
        let window = std::collections::VecDeque::new();
        let (last, gaps, mean, deviation, longest, sums) = (0.0, 0, 0.0, 0.0, 0.0, (0.0, 0.0));
        Self { kind, late: 0.0, silent: 0.0, last, gaps, mean, deviation, longest, window, sums }
    }

    fn bound(&self, factor: f64, least: f64) -> f64 {
        if self.gaps < 2 {
            return f64::INFINITY;
        }
        let bound = match self.kind {
            Kind::Longest => factor * self.longest,
            Kind::Mean => factor * (self.mean + 4.0 * self.deviation),
            Kind::Phi => {
                let count = self.window.len() as f64;
                let mean = self.sums.0 / count;
                let variance = (self.sums.1 / count - mean * mean).max(0.0);
                mean + quantile(factor) * variance.sqrt().max(mean * 0.01)
            }
        };
        bound.max(least)
    }
}

impl Rule for Other {
    fn spoke(&mut self, now: f64) {
        let gap = now - self.last;
        self.last = now;
        if gap <= 0.0 {
            return;
        }
        self.longest = (self.longest - gap / 64.0).max(gap);
        let weight = gap / (gap + 16.0 * self.mean);
        let error = gap - self.mean;
        self.mean += weight * error;
        self.deviation += weight * (error.abs() - self.deviation);
        if self.gaps == 0 {
            self.deviation = gap / 2.0;
        }
        self.window.push_back(gap);
        self.sums = (self.sums.0 + gap, self.sums.1 + gap * gap);
        if self.window.len() > 200
            && let Some(gone) = self.window.pop_front()
        {
            self.sums = (self.sums.0 - gone, self.sums.1 - gone * gone);
        }
        self.gaps += 1;
    }

    fn late_after(&self) -> f64 {
        self.bound(self.late, 1.0)
    }

    fn silent_after(&self) -> f64 {
        self.bound(self.silent, 3.0)
    }

    fn restart(&mut self, now: f64, _: f64) {
        self.last = now;
    }

    fn quiet(&self, now: f64) -> f64 {
        now - self.last
    }
}

/// How many standard deviations above the mean a normal variable lies once in 10^phi times; by bisection of an upper bound
/// of the tail (Abramowitz and Stegun 7.1.13).
fn quantile(phi: f64) -> f64 {
    let tail = |x: f64| {
        (-x * x / 2.0).exp() / (x + (x * x + 8.0 / std::f64::consts::PI).sqrt())
            * (2.0 / std::f64::consts::PI).sqrt()
    };
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if tail(middle) > 10f64.powf(-phi) { low = middle } else { high = middle }
    }
    low
}
