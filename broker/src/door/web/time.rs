//! Times as addresses have them: a number of seconds, or a number with its unit.

use super::problem::Problem;

/// The most digits before the point of a number of seconds, and after it: what a double tells apart.
const DIGITS_MAX: (usize, usize) = (10, 6);

/// A moment: seconds since 1970 UTC, or how long ago.
pub(super) fn moment(text: &str) -> Result<f64, Problem> {
    if let Some(seconds) = number(text) {
        return Ok(seconds);
    }
    let ago = humantime::parse_duration(text).map_err(|_| {
        let why = "seconds since 1970 UTC, like 1423351104.5, or how long ago, like 2h or 3days";
        Problem::bad_request(format!("{text:?} is no moment: {why}"))
    })?;
    let now = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    Ok(now.as_secs_f64() - ago.as_secs_f64())
}

/// A stretch of time, in seconds.
pub(super) fn stretch(text: &str) -> Result<f64, Problem> {
    let with_unit = || humantime::parse_duration(text).ok().map(|every| every.as_secs_f64());
    let seconds = number(text).or_else(with_unit).filter(|seconds| *seconds > 0.0);
    seconds.ok_or_else(|| {
        Problem::bad_request(format!("{text:?} is no stretch of time: 90, 0.5, 10s, 5m, 1h, 1day"))
    })
}

/// A number without a sign and without an exponent.
fn number(text: &str) -> Option<f64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let are_digits = |text: &str, most: usize| {
        !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_number = are_digits(whole, DIGITS_MAX.0) && are_digits(part, DIGITS_MAX.1);
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_units() {
        for (text, wanted) in
            [("90", 90.0), ("0.5", 0.5), ("5m", 300.0), ("1day", 86_400.0), ("1h 1s", 3_601.0)]
        {
            assert_eq!(stretch(text).ok(), Some(wanted), "{text}");
        }
        for text in ["", "0", "0.0", ".5", "5.", "1e3", "+5", "-1", "inf", "99999999999", "0s", "1x"] {
            assert!(stretch(text).is_err(), "{text}");
        }
        assert_eq!(moment("0").ok(), Some(0.0));
        let (now, before) = (moment("0s").unwrap(), moment("2h").unwrap());
        assert!((now - before - 7_200.0).abs() < 60.0);
    }
}
