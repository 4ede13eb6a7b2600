//! A zone's broker goes away, or moves: client and adaptor turn to another one by themselves.

use super::{NameServer, start};
use crate::support::TestBroker;
use crate::support::wait::until;

#[test]
fn when_the_first_broker_stops_the_second_is_used() {
    let (first, second) = (TestBroker::start(), TestBroker::start());
    let server = NameServer::with(&[
        &format!("1 0 {} localhost.", first.clients.port()),
        &format!("2 0 {} localhost.", second.clients.port()),
    ]);
    let mut client = start("print_all_events", &server);
    let _adaptor = start("generic_adaptor", &server);
    client.find("Thing<spacemon.");
    assert_eq!(second.status()["seq"], 0);
    drop(first);
    until("the adaptor at the second broker", || (second.status()["seq"].as_u64() > Some(0)).then_some(()));
    let before = client.stdout.so_far().len();
    until("the client at the second broker", || (client.stdout.so_far().len() > before + 2).then_some(()));
}

#[test]
fn a_broker_that_moves_is_looked_up_again() {
    let first = TestBroker::start();
    let record = |broker: &TestBroker| format!("0 0 {} localhost.", broker.clients.port());
    let server = NameServer::with(&[&record(&first)]);
    let mut client = start("print_all_events", &server);
    let _adaptor = start("generic_adaptor", &server);
    client.find("Thing<spacemon.");
    let second = TestBroker::start();
    server.set(&[&record(&second)]);
    drop(first);
    until("the adaptor at the new place", || (second.status()["seq"].as_u64() > Some(0)).then_some(()));
    let before = client.stdout.so_far().len();
    until("the client at the new place", || (client.stdout.so_far().len() > before + 2).then_some(()));
}

#[test]
fn a_record_that_comes_later_is_found() {
    let broker = TestBroker::start();
    let server = NameServer::with(&[]);
    let mut client = start("print_all_events", &server);
    let _adaptor = start("generic_adaptor", &server);
    client.find_error("no SRV record _thingsbus._tcp.example.org.");
    server.set(&[&format!("0 0 {} localhost.", broker.clients.port())]);
    client.find("Thing<spacemon.");
}
