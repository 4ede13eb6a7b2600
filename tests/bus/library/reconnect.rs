//! What becomes of a client whose connection is cut, or whose broker begins another life.

use serde_json::json;
use thingsbus_client::{Flags, Parts};

use super::{below, broker_directory, client_directory, fill, ready};
use crate::support::proxy::Proxy;
use crate::support::wait::until;
use crate::support::{TestBroker, free_ports};

#[test]
fn after_a_cut_only_what_was_missed_is_told() {
    let broker = TestBroker::start();
    let names: Vec<String> = (0..2_000).map(|number| format!("hall.a{number}")).collect();
    fill(&broker, names.iter().map(|ns| (ns.as_str(), json!({"text": "y".repeat(100)}))));
    let proxy = Proxy::to(&broker);
    let client = ready(&proxy, &Parts::All);
    let whole = proxy.bytes().query;
    let epoch = client.connection().epoch;
    let mut events = client.directory().root().events(Flags::SNAPSHOT | Flags::TREE);

    for round in 0..3 {
        proxy.cut();
        until("the client to notice", || (!client.connection().connected).then_some(()));
        assert!(client.is_ready(), "what it knows is still what it knew last");
        let missed = [("hall.a7", json!(round)), ("hall.new", json!(round)), ("hall.a7", json!(round + 10))];
        fill(&broker, missed);
        let before = proxy.bytes();
        proxy.mend();
        let mut told: Vec<String> = [(); 2]
            .map(|()| events.next_within(crate::support::wait::PATIENCE).expect("an event"))
            .iter()
            .map(|event| {
                assert!(event.is_snapshot() && event.missed() == 0, "{event}");
                format!("{} {}", event.ns(), event.data())
            })
            .collect();
        told.sort_unstable();
        assert_eq!(told, [format!("hall.a7 {}", round + 10), format!("hall.new {round}")]);
        let healed = proxy.bytes().total() - before.total();
        println!("{healed} bytes to heal, where the whole directory took {whole}");
        assert!(healed < 2_000 && whole > 2_000 * 100, "{healed} of {whole}");
        assert_eq!(client_directory(&client), broker_directory(&broker));
    }
    assert_eq!(client.connection().epoch, epoch);
    fill(&broker, [("hall.a1", json!("live again"))]);
    let event = events.next_within(crate::support::wait::PATIENCE).expect("an event");
    assert_eq!((event.data(), event.is_snapshot()), ("\"live again\"", false));
    assert_eq!(events.try_next(), None);
}

#[test]
fn a_client_of_a_part_is_healed_as_well() {
    let broker = TestBroker::start();
    fill(&broker, ["a", "a.b", "b"].map(|ns| (ns, json!(1))));
    let proxy = Proxy::to(&broker);
    let client = ready(&proxy, &below(&["a"]));
    proxy.cut();
    until("the client to notice", || (!client.connection().connected).then_some(()));
    fill(&broker, ["a.b", "a.c", "b"].map(|ns| (ns, json!(2))));
    proxy.mend();
    let healed = json!({"a": 1, "a.b": 2, "a.c": 2});
    until("what was missed", || (client_directory(&client) == healed).then_some(()));
}

#[test]
fn a_broker_that_begins_another_life_leaves_no_ghosts() {
    let port = free_ports();
    let start = || TestBroker::with(|config| config.port = port);
    let broker = start();
    fill(&broker, ["a", "a.b", "ghost", "ghost.of.ghost"].map(|ns| (ns, json!("first life"))));
    let all = ready(&broker, &Parts::All);
    let part = ready(&broker, &below(&["ghost"]));
    let mut events = all.directory().root().events(Flags::SNAPSHOT | Flags::TREE);
    let first = all.connection().epoch.expect("an epoch");
    drop(broker);
    until("the clients to notice", || {
        (!all.connection().connected && !part.connection().connected).then_some(())
    });
    assert_eq!(all.directory().len(), 4, "what is known stays until something else is");

    let broker = start();
    fill(&broker, ["a.b", "c"].map(|ns| (ns, json!("second life"))));
    let second = broker.status()["epoch"].as_str().expect("an epoch").to_owned();
    assert_ne!(first, second);
    let wanted = json!({"a.b": "second life", "c": "second life"});
    until("the second life's directory", || (client_directory(&all) == wanted).then_some(()));
    until("the part's end", || part.directory().is_empty().then_some(()));
    for client in [&all, &part] {
        let connection = client.connection();
        assert!(connection.connected && connection.ready, "{connection:?}");
        assert_eq!(connection.epoch.as_deref(), Some(second.as_str()));
        let names: Vec<String> =
            client.directory().all_things().iter().map(|thing| thing.ns().to_string()).collect();
        assert!(!names.iter().any(|ns| ns.starts_with("ghost")), "{names:?}");
    }
    let told: Vec<String> = std::iter::from_fn(|| events.try_next()).map(|event| event.to_string()).collect();
    assert_eq!(told.len(), 2, "{told:?}");
}
