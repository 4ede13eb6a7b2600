//! What was expected of a thing, as people read it: `every 30 s ± 2 s`.

use std::time::Duration;

use thingsbus_adaptor::wire::{Expected, Freshness, Rhythm};

use crate::age::span_text;

/// How a thing speaks; `None` where that is not known yet. Of what comes at no even pace, how often it comes is told.
pub(crate) fn rhythm_text(expected: &Expected) -> Option<String> {
    let Rhythm { interval, deviation, rate, .. } = expected.rhythm?;
    if deviation * 2 <= interval {
        let is_even = deviation * 50 < interval;
        let deviation = if is_even { String::new() } else { format!(" ± {}", time_text(deviation)) };
        return Some(format!("every {}{deviation}", time_text(interval)));
    }
    let between = Duration::try_from_secs_f64(rate.recip()).ok()?;
    Some(format!("about every {}", time_text(between)))
}

/// The word, and what was expected: `late, every 30 s`.
pub(crate) fn expected_text(expected: &Expected) -> String {
    let word = expected.freshness.to_string();
    rhythm_text(expected).map_or_else(|| word.clone(), |rhythm| format!("{word}, {rhythm}"))
}

/// Should the thing have spoken by now?
pub(crate) fn is_to_be_seen(expected: &Expected) -> bool {
    expected.freshness != Freshness::Fresh
}

/// `10 ms`, `1.5 s`, `30 s`, `2 min 30 s`, `1 d`.
fn time_text(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.0995 {
        return format!("{} ms", shortened(seconds * 1e3));
    }
    if seconds < 9.95 {
        return format!("{} s", shortened(seconds));
    }
    // In its second largest unit rounded: nobody reads `23 h 59 min` for a day.
    let unit = match seconds {
        ..600.0 => 1.0,
        ..3_600.0 => 60.0,
        ..36_000.0 => 600.0,
        _ => 3_600.0,
    };
    let rounded = Duration::try_from_secs_f64((seconds / unit).round() * unit);
    span_text(rounded.unwrap_or(Duration::MAX))
}

/// To two digits.
fn shortened(number: f64) -> f64 {
    format!("{number:.1e}").parse().unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(interval: f64, deviation: f64, rate: f64) -> Expected {
        let seconds = Duration::from_secs_f64;
        let late_after = seconds(interval * 2.5);
        let rhythm = Rhythm { interval: seconds(interval), deviation: seconds(deviation), rate, late_after };
        Expected { freshness: Freshness::Late, rhythm: Some(rhythm) }
    }

    #[test]
    fn rhythms() {
        let check = |interval, deviation, rate, wanted: &str| {
            assert_eq!(rhythm_text(&expected(interval, deviation, rate)).as_deref(), Some(wanted));
        };
        check(30.04, 2.1, 0.033, "every 30 s ± 2.1 s");
        check(30.04, 0.3, 0.033, "every 30 s");
        check(0.01, 0.001, 100.0, "every 10 ms ± 1 ms");
        check(1.0, 0.0, 1.0, "every 1 s");
        check(598.3, 5.2, 0.0166, "every 9 min 58 s");
        check(86_395.0, 300.0, 1.16e-5, "every 1 d");
        check(9_343.0, 13_446.0, 1.0 / 90.0, "about every 1 min 30 s");
        assert_eq!(rhythm_text(&Expected::default()), None);
        assert_eq!(expected_text(&expected(30.0, 0.0, 0.033)), "late, every 30 s");
        assert_eq!(expected_text(&Expected::default()), "fresh");
    }
}
