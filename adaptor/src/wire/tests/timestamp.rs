//! Moments as they are written, and the time between them.

use std::time::{Duration, UNIX_EPOCH};

use super::*;

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

#[test]
fn written_as_what_python_reads_as_a_float() {
    let check = |seconds: f64, expected: &str| {
        let text = at(seconds).to_string();
        assert_eq!(text, expected);
        assert_eq!(text.parse::<f64>().unwrap().to_bits(), seconds.to_bits());
    };
    check(1423351104.945, "1423351104.945");
    check(1423351104.0, "1423351104.0");
    check(0.0, "0.0");
    check(-0.0, "-0.0");
    check(-1.0, "-1.0");
    check(1e15, "1000000000000000.0");
    check(1e16, "1e16");
    check(1e-5, "1e-5");
    check(f64::MAX, "1.7976931348623157e308");
    for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(Timestamp::from_seconds(seconds), None);
    }
}

#[test]
fn of_a_clock() {
    let check = |time, expected: f64| assert_eq!(Timestamp::from_system_time(time), at(expected));
    check(UNIX_EPOCH, 0.0);
    check(UNIX_EPOCH + Duration::from_millis(1_423_351_104_945), 1423351104.945);
    check(UNIX_EPOCH + Duration::from_nanos(1_423_351_104_123_456_789), 1423351104.123457);
    check(UNIX_EPOCH - Duration::from_millis(1_500), -1.5);
}

#[test]
fn time_between() {
    let check = |later: f64, earlier: f64, expected: Duration| {
        assert_eq!(at(later).since(at(earlier)), expected, "{later} since {earlier}");
    };
    check(2.5, 1.0, Duration::from_millis(1_500));
    check(1.0, 1.0, Duration::ZERO);
    check(1.0, 2.5, Duration::ZERO);
    check(1.0, 1e300, Duration::ZERO);
    check(f64::MIN, f64::MAX, Duration::ZERO);
    check(1.0, -1e300, Duration::MAX); // not zero: what is that old must not look fresh
    check(f64::MAX, f64::MIN, Duration::MAX);
    assert_eq!(at(2.5).before(Duration::from_secs(1)), at(1.5));
    assert_eq!(at(f64::MIN).before(Duration::MAX), at(f64::MIN));
}
