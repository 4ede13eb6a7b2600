//! Whatever comes in, at every door: the broker stays up, answers, loses no good message, and its counters add up.
//!
//! A storm blows for some seconds, or as long as `THINGSBUS_HOSTILE_S` says. Good traffic goes on in each (see
//! `support::good`), and what is sent is chosen by a seed that is printed.

mod clients;
mod everywhere;
mod input;
mod nonsense;
mod query;
mod slow;
mod streams;
mod udp;

use std::time::{Duration, Instant};

use serde_json::Value;

/// How long a storm blows.
fn storm_time() -> Duration {
    let seconds = std::env::var("THINGSBUS_HOSTILE_S").ok();
    Duration::from_secs(
        seconds.map_or(3, |seconds| seconds.parse().expect("THINGSBUS_HOSTILE_S is a number")),
    )
}

/// Does `what` again and again until the time is over; how often.
fn storm(mut what: impl FnMut()) -> u64 {
    let end = Instant::now() + storm_time();
    let mut times = 0;
    while Instant::now() < end {
        what();
        times += 1;
    }
    times
}

/// A counter of the status, by its place: `/doors/udp_in/received`.
fn count(status: &Value, pointer: &str) -> u64 {
    let count = status.pointer(pointer).and_then(Value::as_u64);
    count.unwrap_or_else(|| panic!("{pointer} is not in {status}"))
}

/// Do the counters of both inputs add up, whatever came?
#[track_caller]
fn assert_conserved(status: &Value) {
    const DOORS: [&str; 3] = ["/doors/zmq_in", "/doors/udp_in", "/doors/query/updates"];
    for door in DOORS {
        let count = |name: &str| count(status, &format!("{door}/{name}"));
        assert_eq!(count("received"), count("accepted") + count("rejected"), "{status}");
        let reasons = status.pointer(&format!("{door}/reasons")).and_then(Value::as_object).expect("reasons");
        assert_eq!(count("rejected"), reasons.values().filter_map(Value::as_u64).sum::<u64>(), "{status}");
        assert!(count("repaired") <= count("accepted"), "{status}");
    }
    let accepted: u64 = DOORS.iter().map(|door| count(status, &format!("{door}/accepted"))).sum();
    assert_eq!(accepted + count(status, "/forgotten"), count(status, "/seq"), "{status}");
}
