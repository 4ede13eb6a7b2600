//! Our client at a broker of 0.2.1: updates, snapshots, and when it has everything.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use thingsbus_adaptor::Adaptor;
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Flags, Parts};

use crate::library::{adaptor, below, connect};
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, python};

/// Has values in a broker that has no query door to ask whether they came: until a client says so.
fn fill(doors: &Doors) -> Adaptor {
    let shop = adaptor(doors, "shop");
    let client = connect(doors, &Parts::All);
    let mut events = client.directory().root().events(Flags::TREE);
    until("the adaptor and a client to be connected", || {
        shop.send(&json!({"open": true})).unwrap();
        events.next_within(Duration::from_millis(50))
    });
    shop.send_to("lathe", &json!({"rpm": 1200.0})).unwrap();
    shop.send_to("lathe.spindle", &1).unwrap();
    while events.next_within(PATIENCE).expect("an event comes").ns().as_str() != "shop.lathe.spindle" {}
    shop
}

fn names(client: &Client) -> Vec<String> {
    let things = client.directory().all_things();
    things.iter().filter(|thing| thing.get_data().is_some()).map(|thing| thing.ns().to_string()).collect()
}

#[test]
fn it_is_ready_with_the_first_snapshot() {
    let (_process, doors) = python::old_broker(1);
    let shop = fill(&doors);
    let client = connect(&doors, &Parts::All);
    let mut events = client.directory().root().events(Flags::SNAPSHOT | Flags::TREE);
    client.wait_ready(PATIENCE).unwrap();
    assert_eq!(names(&client), ["shop", "shop.lathe", "shop.lathe.spindle"]);
    let connection = client.connection();
    assert_eq!((connection.kind, connection.epoch, connection.gaps), (Kind::Old, None, 0));
    let latest = client.directory().get_thing("shop.lathe").unwrap().latest().unwrap();
    assert_eq!((latest.data.as_str(), latest.seq), ("{\"rpm\": 1200.0}", None));
    assert_eq!(latest.documentation_url.as_deref(), Some("http://doc"));
    assert!(latest.age < Duration::from_secs(60), "{latest:?}");

    let told: BTreeSet<String> =
        [(); 3].map(|()| events.next_within(PATIENCE).expect("an event").ns().to_string()).into();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), names(&client), "each was told");
    shop.send_to("lathe", &2).unwrap();
    let live = until("the live event", || events.next_within(PATIENCE).filter(|event| !event.is_snapshot()));
    assert_eq!((live.ns().as_str(), live.data()), ("shop.lathe", "2"));
}

#[test]
fn a_part_of_it_is_a_part_for_the_user() {
    let (_process, doors) = python::old_broker(1);
    let shop = fill(&doors);
    let client = connect(&doors, &below(&["shop.lathe"]));
    let mut events = client.directory().root().events(Flags::NONE);
    let mut lathe = client.directory().get_thing("shop.lathe").unwrap().events(Flags::TREE);
    client.wait_ready(PATIENCE).unwrap();
    until("the adaptor to be heard", || {
        shop.send(&json!("not wanted")).unwrap();
        shop.send_to("lathe", &json!("wanted")).unwrap();
        lathe.next_within(Duration::from_millis(50))
    });
    assert_eq!(names(&client), ["shop.lathe", "shop.lathe.spindle"]);
    assert_eq!(events.try_next(), None);
}

#[test]
fn who_waits_for_its_snapshot_is_told_that() {
    // Its first snapshot is over the moment it starts, and the next one an hour away.
    let (_process, doors) = python::old_broker(3_600);
    let client = connect(&doors, &Parts::All);
    let words = until("it to be known as an old one", || {
        let error = client.wait_ready(Duration::from_millis(100)).unwrap_err().to_string();
        Some(error).filter(|error| error.contains("0.2.1"))
    });
    assert!(words.contains("connected to 127.0.0.1") && words.contains("every 15 s"), "{words}");
}
