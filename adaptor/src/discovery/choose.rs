//! From the answer of a name server to the brokers to try.

use std::time::Duration;

use super::order::{Record, order};
use super::{DiscoveryError, Found};
use crate::address::Address;

/// How many brokers of a zone are kept, the first ones of the order: a zone that names more gains nothing by
/// it, and nobody waits for the thirty-third.
pub const RECORDS_MAX: usize = 32;
/// The least that [`Found::valid_for`] says: a TTL of 0 must not make a program ask without a pause.
pub const VALID_FOR_MIN: Duration = Duration::from_secs(10);
/// The most that [`Found::valid_for`] says: a broker that moved is found again within a day.
pub const VALID_FOR_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The target that means: decidedly not available here.
const NOT_AVAILABLE: &str = ".";

/// What a name server answered.
#[derive(Debug)]
pub(super) struct Answer {
    /// In no particular order.
    pub(super) records: Vec<Record>,
    /// The shortest time to live of all that led here.
    pub(super) ttl: Duration,
}

/// The brokers in `answer` to the question `name`; for `random` see [`order`].
pub(super) fn choose(
    name: &str,
    answer: Answer,
    random: impl FnMut(u32) -> u32,
) -> Result<Found, DiscoveryError> {
    if answer.records.is_empty() {
        return Err(DiscoveryError::NoRecord { name: name.to_owned() });
    }
    let offered = answer.records.into_iter().filter(|record| record.target != NOT_AVAILABLE).collect();
    let mut brokers = Vec::new();
    let mut first_bad = None;
    for record in order(offered, random) {
        match Address::new(record.target.trim_end_matches('.'), record.port) {
            Ok(broker) if brokers.contains(&broker) => {}
            Ok(broker) => brokers.push(broker),
            Err(source) => {
                tracing::warn!(%name, %record, %source, "an SRV record names no broker");
                first_bad.get_or_insert((record, source));
            }
        }
    }
    brokers.truncate(RECORDS_MAX);
    match (brokers.is_empty(), first_bad) {
        (false, _) => Ok(Found { brokers, valid_for: answer.ttl.clamp(VALID_FOR_MIN, VALID_FOR_MAX) }),
        (true, None) => Err(DiscoveryError::NotAvailable { name: name.to_owned() }),
        (true, Some((record, source))) => {
            Err(DiscoveryError::BadRecord { name: name.to_owned(), record: record.to_string(), source })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::order::tests::record;
    use super::*;

    /// `expected` is the brokers with spaces between, or what the error message has to contain after a `!`.
    #[track_caller]
    fn check(records: &[&str], expected: &str) {
        let answer =
            Answer { records: records.iter().map(|text| record(text)).collect(), ttl: VALID_FOR_MIN };
        match (choose("_thingsbus._tcp.z.", answer, |_| 0), expected.strip_prefix('!')) {
            (Ok(found), None) => {
                let brokers: Vec<String> = found.brokers.iter().map(ToString::to_string).collect();
                assert_eq!(brokers.join(" "), expected);
            }
            (Err(error), Some(part)) if error.to_string().contains(part) => {}
            (result, _) => panic!("{records:?} gave {result:?}"),
        }
    }

    #[test]
    fn brokers_are_ordered_and_named_once() {
        check(&["0 0 7954 a.example."], "a.example:7954");
        check(&["9 0 7954 a.", "1 0 7954 b.", "5 0 7954 A.", "5 0 7960 a."], "b:7954 a:7954 a:7960");
        check(&["0 0 7954 192.0.2.1."], "192.0.2.1:7954");
    }

    #[test]
    fn a_dot_is_decidedly_not_available() {
        check(&["0 0 0 ."], "!this zone says that it has no broker");
        check(&["0 0 0 .", "1 0 0 ."], "!this zone says that it has no broker");
        check(&["0 0 0 .", "1 0 7954 a."], "a:7954");
    }

    #[test]
    fn what_cannot_be_connected_to_is_left_out() {
        check(&["0 0 0 a.", "1 0 7954 b.", "2 0 65533 c.", "3 0 7954 *."], "b:7954");
        check(
            &["1 0 7954 a\\000b.", "0 3 0 a."],
            "!_thingsbus._tcp.z. 0 3 0 a. cannot be used: \"a:0\" has client port 0",
        );
        check(&["0 0 0 .", "0 0 7954 *."], "!0 0 7954 *. cannot be used");
    }

    #[test]
    fn none_is_an_error() {
        check(&[], "!add \"_thingsbus._tcp.z. 3600 IN SRV 0 0 7954 HOST.\" to the zone");
    }

    #[test]
    fn many_are_cut_after_ordering() {
        let records = (0..1_000).rev().map(|n| record(&format!("{n} 0 7954 b{n}."))).collect();
        let found = choose("n", Answer { records, ttl: Duration::ZERO }, |_| 0).unwrap();
        assert_eq!(found.brokers.len(), RECORDS_MAX);
        assert_eq!(found.brokers[0].host(), "b0");
        assert_eq!(found.brokers[31].host(), "b31");
    }

    #[test]
    fn the_time_to_live_has_bounds() {
        for (ttl_s, valid_for_s) in [(0, 10), (300, 300), (u64::from(u32::MAX), 86_400)] {
            let answer = Answer { records: vec![record("0 0 7954 a.")], ttl: Duration::from_secs(ttl_s) };
            let found = choose("n", answer, |_| 0).unwrap();
            assert_eq!(found.valid_for, Duration::from_secs(valid_for_s), "{ttl_s} s");
        }
    }
}
