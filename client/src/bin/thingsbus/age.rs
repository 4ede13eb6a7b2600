//! Ages as people say them: `3 s`, `2 min`, `4 h`, `3 d`.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// In the largest unit that it is one of, rounded down.
pub(crate) fn age_text(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..MINUTE => format!("{seconds} s"),
        seconds @ MINUTE..HOUR => format!("{} min", seconds / MINUTE),
        seconds @ HOUR..DAY => format!("{} h", seconds / HOUR),
        seconds @ DAY..YEAR => format!("{} d", seconds / DAY),
        seconds => format!("{} y", seconds / YEAR),
    }
}

/// In the two largest units: `3 d 4 h`.
pub(crate) fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    let rest = match seconds {
        0..MINUTE => 0,
        MINUTE..HOUR => seconds % MINUTE,
        HOUR..DAY => seconds % HOUR / MINUTE * MINUTE,
        _ => seconds % DAY / HOUR * HOUR,
    };
    match (seconds, rest) {
        (_, 0) => age_text(span),
        (DAY.., rest) => format!("{} d {}", seconds / DAY, age_text(Duration::from_secs(rest))),
        (_, rest) => format!("{} {}", age_text(span), age_text(Duration::from_secs(rest))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages() {
        let check = |seconds: u64, wanted: &str| assert_eq!(age_text(Duration::from_secs(seconds)), wanted);
        check(0, "0 s");
        check(59, "59 s");
        check(60, "1 min");
        check(3_599, "59 min");
        check(3_600, "1 h");
        check(86_399, "23 h");
        check(86_400, "1 d");
        check(364 * 86_400, "364 d");
        check(365 * 86_400, "1 y");
        check(u64::MAX, "584942417355 y");
        assert_eq!(age_text(Duration::from_millis(999)), "0 s");
    }

    #[test]
    fn spans() {
        let check = |seconds: u64, wanted: &str| assert_eq!(span_text(Duration::from_secs(seconds)), wanted);
        check(5, "5 s");
        check(60, "1 min");
        check(61, "1 min 1 s");
        check(3_661, "1 h 1 min");
        check(3_600 * 24 * 3 + 3_600 * 4 + 1, "3 d 4 h");
        check(3_600 * 24 * 400, "400 d".replace("400 d", "1 y").as_str());
        check(3_600 * 24 * 400 + 3_600, "400 d 1 h");
    }
}
