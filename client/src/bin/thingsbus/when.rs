//! Moments as people write them: `1h`, `14:00`, `yesterday 14:00`, `2026-11-20 14:00`, `2026-11-20T14:00:00Z`.

use jiff::civil::{Date, DateTime, Time};
use jiff::{ToSpan, Zoned};
use thingsbus_adaptor::wire::Timestamp;

use crate::args::duration;

/// How a moment may be written; for an error.
const HOW: &str = "write it as 1h (ago), 14:00, \"yesterday 14:00\", \"2026-11-20 14:00\", 2026-11-20T14:00:00Z, or in \
                   seconds since 1970";

/// The least number that is taken for seconds since 1970, and not for seconds ago: some day of 1971.
const SINCE_1970_LEAST: f64 = 5e7;

/// The moment that `text` means, here and now.
pub(crate) fn moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    if text.parse().is_ok_and(|seconds: f64| seconds <= 0.0) {
        return Err(format!("neither so many seconds ago nor a time of this clock: {HOW}"));
    }
    moment_at(text, &Zoned::now()).ok_or_else(|| HOW.to_owned())
}

fn moment_at(text: &str, now: &Zoned) -> Option<Timestamp> {
    if text == "now" {
        return of(now);
    }
    if let Some(seconds) = text.parse().ok().filter(|seconds: &f64| *seconds >= SINCE_1970_LEAST) {
        return Timestamp::from_seconds(seconds);
    }
    if let Ok(ago) = duration(text.strip_suffix("ago").unwrap_or(text).trim_end()) {
        return Some(of(now)?.before(ago));
    }
    if let Ok(exact) = text.parse::<jiff::Timestamp>() {
        return Timestamp::from_seconds(exact.as_duration().as_secs_f64());
    }
    let (day, time) = match text.split_once([' ', 'T']) {
        Some((day, time)) => (day, time.trim()),
        None if text.contains(':') => ("today", text),
        None => (text, "00:00"),
    };
    let date: Date = match day {
        "today" => now.date(),
        "yesterday" => now.date().yesterday().ok()?,
        _ => match weekday(day) {
            Some(weekday) => now.date().checked_sub(days_since(now, weekday).days()).ok()?,
            None => day.parse().ok()?,
        },
    };
    let time: Time = time.parse().ok()?;
    of(&DateTime::from_parts(date, time).to_zoned(now.time_zone().clone()).ok()?)
}

fn of(zoned: &Zoned) -> Option<Timestamp> {
    Timestamp::from_seconds(zoned.timestamp().as_duration().as_secs_f64())
}

/// The day of the week by its English name or the first three letters of it.
fn weekday(text: &str) -> Option<i8> {
    const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let text = text.to_lowercase();
    let found = DAYS.iter().position(|day| *day == text || (text.len() == 3 && day.starts_with(&text)))?;
    i8::try_from(found).ok()
}

/// How many days ago that day of the week was, today not counted.
fn days_since(now: &Zoned, weekday: i8) -> i64 {
    let today = now.weekday().to_monday_zero_offset();
    i64::from((today - weekday - 1).rem_euclid(7) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_seconds_ago_is_no_moment() {
        for text in ["0", "-5", " 0.0 ", "-0"] {
            assert!(moment(text).is_err_and(|why| why.contains(HOW)), "{text}");
        }
        assert!(moment("0.5").is_ok() && moment("now").is_ok());
    }

    #[test]
    fn a_moment_is_written_in_many_ways() {
        let now: Zoned = "2026-11-21T13:00:00[Europe/Berlin]".parse().unwrap(); // A Saturday.
        let check = |text: &str, wanted: Option<&str>| {
            let found = moment_at(text, &now).map(Timestamp::seconds);
            let wanted =
                wanted.map(|wanted| wanted.parse::<jiff::Timestamp>().unwrap().as_duration().as_secs_f64());
            assert_eq!(found, wanted, "{text}");
        };
        check("now", Some("2026-11-21T12:00:00Z"));
        check("1h", Some("2026-11-21T11:00:00Z"));
        check("90", Some("2026-11-21T11:58:30Z"));
        check("2h 30m ago", Some("2026-11-21T09:30:00Z"));
        check("09:15", Some("2026-11-21T08:15:00Z"));
        check("today 09:15:30", Some("2026-11-21T08:15:30Z"));
        check("yesterday 14:00", Some("2026-11-20T13:00:00Z"));
        check("yesterday", Some("2026-11-19T23:00:00Z"));
        check("friday 10:00", Some("2026-11-20T09:00:00Z"));
        check("Sat 10:00", Some("2026-11-14T09:00:00Z"));
        check("2026-07-01 14:00", Some("2026-07-01T12:00:00Z"));
        check("2026-07-01", Some("2026-06-30T22:00:00Z"));
        check("2026-07-01T14:00:00Z", Some("2026-07-01T14:00:00Z"));
        check("2026-07-01T14:00:00+05:00", Some("2026-07-01T09:00:00Z"));
        check("1423351104.945", Some("2015-02-07T23:18:24.945Z"));
        check("someday", None);
        check("", None);
        check("25:00", None);
        check("2026-13-01", None);
    }
}
