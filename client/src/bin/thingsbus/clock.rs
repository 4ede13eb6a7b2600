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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_ts_can_be_told() {
        let told = |seconds| date_and_time(Timestamp::from_seconds(seconds).unwrap());
        assert!(told(1_423_351_104.945).starts_with("2015-02-0"));
        assert!(told(-1.0).starts_with("19"));
        assert_eq!(told(1e300), format!("{} s since 1970", 1e300));
    }
}
