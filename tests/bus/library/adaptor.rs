//! The adaptor: what is sent arrives or is counted, over ZeroMQ and in datagrams.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_adaptor::{Adaptor, Counters, Error, Target};

use super::{adaptor, name};
use crate::support::peers::Sub;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, free_ports};

/// What waits for a broker at the most.
const QUEUE: u64 = 10_000;

/// Four ports at which nobody is yet.
fn nobody() -> (u16, Doors) {
    let port = free_ports();
    (port, Doors::at("127.0.0.1".parse().unwrap(), port))
}

/// Nothing is lost without being counted.
#[track_caller]
fn check(counters: &Counters, accepted: u64) {
    assert_eq!(counters.accepted, accepted, "{counters:?}");
    assert_eq!(counters.sent + counters.dropped + counters.queued, accepted, "{counters:?}");
}

#[test]
fn what_is_sent_before_there_is_a_broker_waits_for_it() {
    let (port, doors) = nobody();
    let early = adaptor(&doors, "early");
    for number in 0..1_000 {
        early.send(&number).unwrap();
    }
    assert!(!early.flush(Duration::from_millis(1)));
    check(&early.counters(), 1_000);
    assert_eq!(early.counters().queued, 1_000);
    assert!(!early.counters().connected);
    let broker = TestBroker::with(|config| config.port = port);
    assert!(early.flush(PATIENCE));
    let counters = early.close(PATIENCE);
    check(&counters, 1_000);
    assert_eq!(counters.sent, 1_000);
    until("all of them", || (broker.status()["seq"] == 1_000).then_some(()));
    let told = &broker.things("early")["data"]["early"];
    assert_eq!((&told["data"], &told["documentation_url"]), (&json!(999), &json!("http://doc")));
}

#[test]
fn with_nobody_there_the_oldest_is_dropped_and_counted() {
    const MORE: u64 = 321;
    let (port, doors) = nobody();
    let full = adaptor(&doors, "full");
    for number in 0..QUEUE + MORE {
        full.send(&number).unwrap();
    }
    let counters = full.counters();
    check(&counters, QUEUE + MORE);
    assert_eq!((counters.sent, counters.dropped, counters.queued), (0, MORE, QUEUE));
    let broker = TestBroker::with(|config| config.port = port);
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"full""#]);
    let counters = full.close(PATIENCE);
    check(&counters, QUEUE + MORE);
    assert_eq!((counters.sent, counters.dropped), (QUEUE, MORE));
    until("all of them", || (broker.status()["seq"] == QUEUE).then_some(()));
    // One may have come before the subscription; the rest is in order, to the last.
    let numbers: Vec<u64> = sub
        .so_far()
        .iter()
        .map(|bytes| crate::support::peers::parse(bytes)["data"].as_u64().unwrap())
        .collect();
    assert!(numbers.iter().all(|number| *number >= MORE), "the oldest were dropped");
    assert!(numbers.is_sorted());
    assert_eq!(broker.things("full")["data"]["full"]["data"], QUEUE + MORE - 1);
}

#[test]
fn what_cannot_be_sent_is_counted_when_it_is_closed() {
    let (_, doors) = nobody();
    let closed = adaptor(&doors, "closed");
    (0..50).for_each(|number| closed.send(&number).unwrap());
    let counters = closed.close(Duration::from_millis(20));
    check(&counters, 50);
    assert_eq!((counters.sent, counters.dropped, counters.queued), (0, 50, 0));
}

#[test]
fn a_broker_that_comes_back_is_sent_to_again() {
    let (port, doors) = nobody();
    let start = || TestBroker::with(|config| config.port = port);
    let broker = start();
    let lathe = adaptor(&doors, "lathe");
    lathe.send(&1).unwrap();
    until("the first", || (broker.status()["seq"] == 1).then_some(()));
    drop(broker);
    until("the adaptor to notice", || (!lathe.counters().connected).then_some(()));
    lathe.send(&2).unwrap();
    let broker = start();
    until("the second", || (broker.status()["seq"] == 1).then_some(()));
    assert_eq!(broker.things("lathe")["data"]["lathe"]["data"], 2);
    check(&lathe.close(PATIENCE), 2);
}

#[test]
fn many_threads_may_share_one() {
    let broker = TestBroker::start();
    let shared = adaptor(&broker, "shared");
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let shared = &shared;
            scope.spawn(move || {
                (0..500).for_each(|number| shared.send_to(&format!("thread{thread}"), &number).unwrap());
            });
        }
    });
    check(&shared.close(PATIENCE), 4_000);
    until("all of them", || (broker.status()["seq"] == 4_000).then_some(()));
    let things = &broker.things("shared")["data"];
    assert!((0..8).all(|thread| things[format!("shared.thread{thread}")]["data"] == 499), "{things}");
}

#[test]
fn what_no_broker_would_take_is_an_error_at_once() {
    let broker = TestBroker::start();
    let lathe = adaptor(&broker, "lathe");
    assert!(matches!(lathe.send_to("Spindle", &1), Err(Error::Namespace(_))));
    assert!(matches!(lathe.send(&"x".repeat(2_000_000)), Err(Error::Refused(_))));
    let deep = (0..70).fold(json!(1), |inner, _| json!([inner]));
    assert!(matches!(lathe.send(&deep), Err(Error::Refused(_))));
    check(&lathe.counters(), 0);
    let target = || Target::Zmq(name(&broker));
    assert!(matches!(Adaptor::new("", "", target()), Err(Error::NoNamespace)));
    assert!(matches!(Adaptor::new("a..b", "", target()), Err(Error::Namespace(_))));
}

#[test]
fn times_are_passed_on_or_left_to_the_broker() {
    let broker = TestBroker::start();
    let lathe = adaptor(&broker, "lathe");
    let long_ago = Timestamp::from_seconds(1_423_351_104.0).unwrap();
    lathe.send_at("", &1, long_ago).unwrap();
    lathe.send_at("no.clock", &2, None).unwrap();
    lathe.send_to("now", &3).unwrap();
    until("all of them", || (broker.status()["seq"] == 3).then_some(()));
    let told = broker.things("lathe");
    let ts = |ns: &str| told["data"][ns]["ts"].as_f64().unwrap_or_else(|| panic!("{told}"));
    assert_eq!(ts("lathe"), 1_423_351_104.0);
    let now = told["ts"].as_f64().unwrap();
    for ns in ["lathe.no.clock", "lathe.now"] {
        assert!((now - 60.0..=now + 0.1).contains(&ts(ns)), "{ns}: {} at {now}", ts(ns));
    }
}

/// A reading that may have failed.
#[derive(Serialize)]
struct Climate {
    temperature_c: f64,
    humidity: f32,
    dust: Option<f64>,
}

#[test]
fn datagrams_say_what_json_cannot() {
    let broker = TestBroker::start();
    let udp = Adaptor::new("climate", "http://doc", Target::Udp(name(&broker))).unwrap();
    udp.send(&Climate { temperature_c: f64::NAN, humidity: 40.5, dust: None }).unwrap();
    udp.send_to("list", &[f64::INFINITY, 1.0]).unwrap();
    udp.send_to("text", "Grüße").unwrap();
    until("all of them", || (broker.status()["seq"] == 3).then_some(()));
    let things = &broker.things("climate")["data"];
    let data = |ns: &str| &things[ns]["data"];
    assert_eq!(*data("climate"), json!({"temperature_c": null, "humidity": 40.5, "dust": null}));
    assert_eq!(*data("climate.list"), json!([null, 1.0]));
    assert_eq!(*data("climate.text"), "Grüße");
    assert_eq!(things["climate"]["documentation_url"], "http://doc");
    let udp_in = &broker.status()["doors"]["udp_in"];
    assert_eq!((&udp_in["accepted"], &udp_in["repaired"]), (&json!(3), &json!(2)), "{udp_in}");
    assert!(matches!(udp.send(&"x".repeat(70_000)), Err(Error::Refused(_))));
    assert!(udp.flush(Duration::ZERO));
    let counters = udp.close(Duration::ZERO);
    check(&counters, 3);
    assert_eq!((counters.sent, counters.refused), (3, 0));
}

#[test]
fn a_datagram_to_nobody_is_noticed_where_the_system_tells() {
    let (port, doors) = nobody();
    let udp = Adaptor::new("climate", "", Target::Udp(name(&doors))).unwrap();
    let counters = until("the refusal", || {
        udp.send(&1).unwrap();
        Some(udp.counters()).filter(|counters| counters.refused > 0)
    });
    check(&counters, counters.accepted);
    let broker = TestBroker::with(|config| config.port = port);
    until("one that arrives", || {
        udp.send(&Value::Null).unwrap();
        (broker.status()["things"] == 1).then_some(())
    });
}
