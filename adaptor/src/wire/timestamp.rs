//! A moment as senders claim it: seconds since 1970 UTC, as a finite double.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Seconds since 1970-01-01 00:00 UTC. Always finite; may lie before 1970 or far ahead, since it is what a
/// sender says. Never used for timers: those take an `Instant`.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Timestamp(f64);

impl Timestamp {
    /// `None` for NaN and the infinities.
    #[must_use]
    pub fn from_seconds(seconds: f64) -> Option<Self> {
        seconds.is_finite().then_some(Self(seconds))
    }

    /// The clock's reading, to the microsecond as 0.2.1 sends it.
    #[must_use]
    pub fn from_system_time(time: SystemTime) -> Self {
        let seconds = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => after.as_secs_f64(),
            Err(before) => -before.duration().as_secs_f64(),
        };
        Self((seconds * 1e6).round() / 1e6)
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn seconds(self) -> f64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero where `earlier` is later, and the longest duration there is where
    /// it is longer than that.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let longest = if self < earlier { Duration::ZERO } else { Duration::MAX };
        Duration::try_from_secs_f64(self.0 - earlier.0).unwrap_or(longest)
    }

    /// The moment `duration` before this one.
    #[must_use]
    pub fn before(self, duration: Duration) -> Self {
        Self(self.0 - duration.as_secs_f64())
    }
}

/// As JSON writes it: always with a fraction or an exponent, because 0.2.1 refuses an integer `ts`.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.0)
    }
}
