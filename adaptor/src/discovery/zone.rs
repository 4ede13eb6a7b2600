//! From a zone to the name that is asked for.

use super::DiscoveryError;
use crate::address::host::{NAME_CHARS_MAX, is_name};

/// Before the zone (RFC 2782: `_Service._Proto.Name`).
const SERVICE: &str = "_thingsbus._tcp.";

/// The longest zone, in characters without the last dot: with the service before it, DNS can still carry it.
pub(super) const ZONE_CHARS_MAX: usize = NAME_CHARS_MAX - SERVICE.len();

/// How much of a bad zone an error repeats, in characters.
const SHOWN_CHARS_MAX: usize = 100;

/// `_thingsbus._tcp.example.org.` for `example.org` or `example.org.`; the last dot keeps search domains
/// away.
pub(super) fn query_name(zone: &str) -> Result<String, DiscoveryError> {
    let bare = zone.strip_suffix('.').unwrap_or(zone);
    if bare.len() <= ZONE_CHARS_MAX && !bare.ends_with('.') && is_name(bare) {
        Ok(format!("{SERVICE}{bare}."))
    } else {
        Err(DiscoveryError::BadZone { zone: zone.chars().take(SHOWN_CHARS_MAX).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(zone: &str, expected: Option<&str>) {
        assert_eq!(query_name(zone).ok().as_deref(), expected, "{zone:?}");
    }

    #[test]
    fn a_zone_becomes_a_name_to_ask_for() {
        check("example.org", Some("_thingsbus._tcp.example.org."));
        check("example.org.", Some("_thingsbus._tcp.example.org."));
        check("lab", Some("_thingsbus._tcp.lab."));
        check("a_b.xn--bcher-kva.example", Some("_thingsbus._tcp.a_b.xn--bcher-kva.example."));
        for bad in
            ["", ".", "example.org..", "a..b", ".org", "a b", "a\0b", "bücher.example", "a\\.b", "tcp://a"]
        {
            check(bad, None);
        }
    }

    #[test]
    fn the_longest_zone_is_one_that_dns_can_carry() {
        let label = "a".repeat(63);
        let zone = [label.as_str(), &label, &label, &"b".repeat(45)].join(".");
        assert_eq!(zone.len(), ZONE_CHARS_MAX);
        let name = query_name(&zone).unwrap();
        assert!(hickory_resolver::proto::rr::Name::from_ascii(&name).is_ok());
        check(&format!("{zone}b"), None);
        check(&format!("{label}a"), None);
    }
}
