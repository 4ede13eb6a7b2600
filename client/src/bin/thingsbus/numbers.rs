//! Numbers as people read them: `1,234,567`, `3.1 KiB`, `1 update`, `2 updates`, `2.5 s`.

use std::time::Duration;

/// With a comma between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// In the largest unit that it is one of.
pub(crate) fn bytes_text(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    // Exact enough: one digit after the point is shown.
    #[allow(clippy::cast_precision_loss)]
    let mut amount = bytes as f64;
    let mut unit = "B";
    for larger in UNITS {
        // What would be shown as 1024.0 is one of the next unit.
        if amount < 1023.95 {
            break;
        }
        (amount, unit) = (amount / 1024.0, larger);
    }
    let text = format!("{amount:.1}");
    format!("{} {unit}", text.strip_suffix(".0").unwrap_or(&text))
}

/// `1 update`, `2 updates`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), if count == 1 { "" } else { "s" })
}

/// `5 s`, `0.3 s`.
pub(crate) fn seconds_text(time: Duration) -> String {
    format!("{} s", (time.as_secs_f64() * 10.0).round() / 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands() {
        let check = |number, wanted: &str| assert_eq!(grouped(number), wanted);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_234_567, "1,234,567");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes() {
        let check = |bytes, wanted: &str| assert_eq!(bytes_text(bytes), wanted);
        check(0, "0 B");
        check(1_023, "1023 B");
        check(1_024, "1 KiB");
        check(1_536, "1.5 KiB");
        check(1_048_575, "1 MiB");
        check(256 << 20, "256 MiB");
        check(u64::MAX, "16384 PiB");
    }

    #[test]
    fn plurals() {
        assert_eq!(counted(0, "update"), "0 updates");
        assert_eq!(counted(1, "update"), "1 update");
        assert_eq!(counted(2_000, "update"), "2,000 updates");
    }
}
