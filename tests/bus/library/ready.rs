//! A client knows when it has everything, and says so.

use std::time::{Duration, Instant};

use serde_json::json;
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Error, Flags, Parts};

use super::{below, broker_directory, client_directory, connect, fill, ready};
use crate::support::{Doors, TestBroker, free_ports};

#[test]
fn also_when_there_is_nothing() {
    let broker = TestBroker::start();
    for parts in [Parts::All, below(&["nobody", "nobody.else"]), Parts::Only(vec![])] {
        let client = ready(&broker, &parts);
        let connection = client.connection();
        assert!(connection.connected && connection.ready, "{connection:?}");
        assert_eq!(connection.kind, Kind::Answering);
        assert_eq!(connection.epoch.as_deref(), broker.status()["epoch"].as_str());
        let directory = client.directory();
        assert!(directory.is_empty());
        assert_eq!(directory.all_things().len(), 1, "the root is always there");
        assert_eq!(directory.root().get_data(), None);
        assert_eq!(directory.get_thing("nobody.knows").unwrap().get_data(), None);
    }
}

#[test]
fn who_cannot_get_ready_says_why() {
    let doors = Doors::at("127.0.0.1".parse().unwrap(), free_ports());
    let client = connect(&doors, &Parts::All);
    let error = client.wait_ready(Duration::from_millis(300)).unwrap_err();
    assert!(matches!(error, Error::NotReady { .. }), "{error:?}");
    let wanted = format!("no directory from broker {0} within 0.3 s: {0} does not accept", doors.clients);
    assert!(error.to_string().starts_with(&wanted), "{error}");
    assert!(!client.is_ready() && !client.connection().connected);
}

#[test]
fn what_is_known_is_the_brokers_value_by_value() {
    let broker = TestBroker::start();
    let values = [
        json!(null),
        json!(1.0),
        json!(u64::MAX),
        json!({"z": [1, {"ü": "\u{1F600}"}], "a": ""}),
        json!("x".repeat(300_000)),
    ];
    let names: Vec<String> = (0..values.len()).map(|number| format!("deep.a{number}.b")).collect();
    fill(&broker, names.iter().map(String::as_str).zip(values.clone()));
    let client = ready(&broker, &Parts::All);
    assert_eq!(client_directory(&client), broker_directory(&broker));
    assert_eq!(client.directory().all_things().len(), 2 + 2 * values.len(), "and what is above them");
    let thing = client.directory().get_thing("deep.a1.b").unwrap();
    assert_eq!(thing.get::<f64>().unwrap(), Some(1.0));
    assert_eq!(thing.latest().unwrap().data, "1.0");
    assert_eq!(thing.latest().unwrap().seq, Some(2));
    assert!(matches!(thing.get::<String>(), Err(Error::Shape { .. })));
    assert_eq!(thing.parent().unwrap().get_data(), None);
    assert!(client.directory().get_thing("Not.A.Name").is_err());
}

#[test]
fn a_part_that_is_wanted_later_is_there_as_well() {
    let broker = TestBroker::start();
    fill(&broker, ["a", "a.b", "c", "c.d"].map(|ns| (ns, json!(ns))));
    let client = ready(&broker, &below(&["a"]));
    assert_eq!(client_directory(&client), json!({"a": "a", "a.b": "a.b"}));
    let _events = client.directory().get_thing("c").unwrap().events(Flags::NONE);
    client.wait_ready(crate::support::wait::PATIENCE).unwrap();
    assert_eq!(client_directory(&client), json!({"a": "a", "a.b": "a.b", "c": "c"}));
}

#[test]
fn ten_thousand_things_are_there_in_one_go() {
    const THINGS: usize = 10_000;
    let broker = TestBroker::start();
    let names: Vec<String> =
        (0..THINGS).map(|number| format!("hall.row{}.sensor{number}", number % 100)).collect();
    let data = |number: usize| json!({"temperature_c": 20.0 + number as f64 / 1e4, "n": number, "ok": true});
    fill(&broker, names.iter().enumerate().map(|(number, ns)| (ns.as_str(), data(number))));
    let start = Instant::now();
    let client = ready(&broker, &Parts::All);
    let took = start.elapsed();
    assert_eq!(client.directory().len(), THINGS);
    println!("a client has {THINGS} things {took:?} after it was made");
    assert_eq!(client_directory(&client), broker_directory(&broker));
}
