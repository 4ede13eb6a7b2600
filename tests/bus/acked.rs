//! Acknowledged updates from our adaptor to our broker: each taken once and in order, whatever happens in between.

mod cuts;
mod datagrams;
mod kills;
mod outcomes;

use serde_json::Value;
use thingsbus_adaptor::{AckCounters, Adaptor, Receipt, Target};

use crate::library::name;
use crate::support::Doors;
use crate::support::peers::{Sub, parse};
use crate::support::wait::PATIENCE;

/// An adaptor over ZeroMQ.
fn zmq(doors: &Doors) -> Adaptor {
    Adaptor::new("acked", "", Target::Zmq(name(doors))).expect("an adaptor")
}

/// An adaptor in datagrams.
fn udp(doors: &Doors) -> Adaptor {
    Adaptor::new("acked", "", Target::Udp(name(doors))).expect("an adaptor")
}

/// Who hears what the broker takes of it.
fn listener(broker: &Doors) -> Sub {
    Sub::connect(broker, &[r#"{"ns":"acked"#])
}

/// Everything is acknowledged, and who listened heard 1, 2, 3, … as it was sent, each once.
#[track_caller]
fn check_each_once(adaptor: Adaptor, receipts: &[Receipt], heard: &mut Sub) {
    assert!(adaptor.flush(PATIENCE), "{:?}", adaptor.counters().acknowledged);
    for receipt in receipts {
        assert!(receipt.wait(PATIENCE).is_ok(), "{receipt:?}");
    }
    let counters = adaptor.close(PATIENCE).acknowledged;
    let count = receipts.len() as u64;
    check_counts(&counters, count);
    assert_eq!(counters.acked, count, "{counters:?}");
    let numbers: Vec<Value> = heard.so_far().iter().map(|message| parse(message)["data"].clone()).collect();
    let wrong = (1..).zip(&numbers).find(|(wanted, number)| **number != *wanted);
    assert_eq!(wrong, None, "what was heard, and what was to be heard there");
    assert_eq!(numbers.len(), receipts.len());
}

/// Nothing is lost without being counted.
#[track_caller]
fn check_counts(counters: &AckCounters, accepted: u64) {
    let AckCounters { acked, refused, dropped, waiting, .. } = counters;
    assert_eq!(
        (counters.accepted, acked + refused + dropped + waiting),
        (accepted, accepted),
        "{counters:?}"
    );
}
