//! The wall clock, as it is here.

use jiff::tz::TimeZone;
use thingsbus_adaptor::wire::Timestamp;

/// `13:02:11`, now.
pub(crate) fn time_of_day() -> String {
    jiff::Zoned::now().strftime("%H:%M:%S").to_string()
}

/// `2026-11-21 13:02:11`; what no calendar has is told in seconds since 1970.
pub(crate) fn date_and_time(ts: Timestamp) -> String {
    let seconds = ts.seconds();
    let span = jiff::SignedDuration::try_from_secs_f64(seconds.floor()).ok();
    let moment = span.and_then(|span| jiff::Timestamp::from_duration(span).ok());
    match moment {
        Some(moment) => moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        None => format!("{seconds} s since 1970"),
    }
}

/// `13:02:11`; what no calendar has is told in seconds since 1970.
pub(crate) fn time_only(ts: Timestamp) -> String {
    let text = date_and_time(ts);
    text.split_once(' ').map_or_else(|| text.clone(), |(_, time)| time.to_owned())
}

/// `2026-11-21T12:02:11.5Z`, as programs read it.
pub(crate) fn universal(ts: Timestamp) -> String {
    let microseconds = (ts.seconds() * 1e6).round();
    // What is beyond is told as it is.
    let in_range = microseconds.abs() < 9e18;
    let moment = in_range.then(|| jiff::Timestamp::from_microsecond(microseconds as i64).ok()).flatten();
    moment.map_or_else(|| format!("{}", ts.seconds()), |moment| moment.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_ts_can_be_told() {
        let told = |seconds| date_and_time(Timestamp::from_seconds(seconds).unwrap());
        assert!(told(1_423_351_104.945).starts_with("2015-02-0"));
        assert!(told(-1.0).starts_with("19"));
        let universal = |seconds| universal(Timestamp::from_seconds(seconds).unwrap());
        assert_eq!(universal(1_423_351_104.945), "2015-02-07T23:18:24.945Z");
        assert_eq!(universal(1e300), format!("{}", 1e300));
        assert_eq!(told(1e300), format!("{} s since 1970", 1e300));
    }
}
