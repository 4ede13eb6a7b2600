//! Which of a zone's brokers is used.

use std::collections::HashMap;

use serde_json::json;
use thingsbus_adaptor::discovery::{Options, lookup};

use super::{NameServer, ZONE, by_zone, start};
use crate::support::peers::{Push, update};
use crate::support::program::Ended;
use crate::support::wait::until;
use crate::support::{TestBroker, free_ports};

#[test]
fn the_one_there_is_by_client_and_by_adaptor() {
    let broker = TestBroker::start();
    let server = NameServer::with(&[&format!("0 0 {} localhost.", broker.clients.port())]);
    let mut client = start("print_all_events", &server);
    let adaptor = Ended::of(&mut by_zone("adaptor", &server));
    assert_eq!(adaptor.code, Some(0), "{}", adaptor.stderr);
    assert_eq!(
        broker.things("shop")["data"]["shop.shopbot.spacemon"]["data"],
        json!({"busy": 12.0, "light": 31.8})
    );
    let push = Push::connect(&broker);
    until("the client to be told", || {
        push.send(update("said", &json!("by zone")));
        client
            .stdout
            .next_within(std::time::Duration::from_millis(50))
            .filter(|line| line.contains("'by zone'"))
    });
}

#[test]
fn the_next_one_where_the_first_is_dead() {
    let (dead, also_dead) = (free_ports(), free_ports());
    let (second, last) = (TestBroker::start(), TestBroker::start());
    let server = NameServer::with(&[
        &format!("30 0 {} localhost.", last.clients.port()),
        &format!("10 5 {dead} localhost."),
        &format!("20 0 {} localhost.", second.clients.port()),
        &format!("10 0 {also_dead} localhost."),
        "5 0 7954 no.such.host.invalid.",
    ]);
    let mut client = start("print_all_events", &server);
    let mut adaptor = start("generic_adaptor", &server);
    client.find("ThingEvent<Thing<spacemon.electronics>, ts=");
    assert!(second.status()["seq"].as_u64() > Some(0));
    assert_eq!(last.status()["seq"], 0, "what comes later in the order is not used");
    assert_eq!(last.status()["doors"]["clients"]["sent"], 0);
    assert!(client.is_running() && adaptor.is_running());
}

#[test]
fn brokers_of_the_same_priority_share_by_weight() {
    let server = NameServer::with(&["7 10 1001 a.", "7 90 1002 b.", "9 1000 1003 c."]);
    let mut firsts: HashMap<u16, u32> = HashMap::new();
    for _ in 0..300 {
        let found = lookup(ZONE, &Options::with_server(server.address())).unwrap();
        assert_eq!((found.brokers.len(), found.brokers[2].port()), (3, 1003));
        *firsts.entry(found.brokers[0].port()).or_default() += 1;
    }
    // About 30 and 270: further off than this is once in more runs than there will be.
    assert!(firsts[&1001] >= 3 && firsts[&1002] >= 200, "{firsts:?}");
}
