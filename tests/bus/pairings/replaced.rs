//! A broker of 0.2.1 is replaced by ours on the same ports, and back: neither adaptor nor client is touched.

use std::time::Duration;

use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Event, Events, Flags, Parts};

use crate::library::{adaptor, connect};
use crate::support::process::Process;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, python};

/// Sends until it arrives.
fn arrives(shop: &thingsbus_adaptor::Adaptor, events: &mut Events, value: &str) -> Event {
    until(value, || {
        shop.send_to("door", value).unwrap();
        let event = events.next_within(Duration::from_millis(50))?;
        (event.get::<String>().ok().as_deref() == Some(value) && !event.is_snapshot()).then_some(event)
    })
}

fn kind(client: &Client, wanted: Kind) {
    until("the client to know whom it talks to", || (client.connection().kind == wanted).then_some(()));
}

#[test]
fn an_old_broker_may_be_replaced_and_come_back() {
    let (process, doors) = python::old_broker(3_600);
    let shop = adaptor(&doors, "shop");
    let client = connect(&doors, &Parts::All);
    let mut events = client.directory().root().events(Flags::SNAPSHOT | Flags::TREE);
    arrives(&shop, &mut events, "old");
    kind(&client, Kind::Old);
    shop.send_to("ghost", &1).unwrap();
    until("the ghost", || events.try_next().filter(|event| event.ns().as_str() == "shop.ghost"));
    drop(process);

    let broker = TestBroker::with(|config| config.port = doors.clients.port());
    arrives(&shop, &mut events, "new");
    kind(&client, Kind::Answering);
    client.wait_ready(PATIENCE).unwrap();
    let ghost = client.directory().get_thing("shop.ghost").unwrap();
    until("the ghost to be gone", || ghost.get_data().is_none().then_some(()));
    drop(broker);

    let _process = old_broker_at(&doors);
    arrives(&shop, &mut events, "old again");
    kind(&client, Kind::Old);
    assert!(client.is_ready(), "what is known is still there");
}

/// 0.2.1's broker at ports that were in use before.
fn old_broker_at(doors: &Doors) -> Process {
    let udp_port = doors.input.port().to_string();
    let arguments = [doors.clients_url(), doors.input_url(), udp_port, "3600".to_owned()];
    let mut process = python::script("old_broker.py", &arguments.each_ref().map(String::as_str));
    process.find("running");
    process
}
