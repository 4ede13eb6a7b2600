//! Who wants a part gets that part's bytes and no others: counted at the socket.

use serde_json::json;
use thingsbus_client::{Client, Flags, Parts};

use super::{below, client_directory, fill, ready};
use crate::support::TestBroker;
use crate::support::proxy::{Bytes, Proxy};
use crate::support::wait::PATIENCE;

/// A greeting, a handshake and the answer to one mark; none of them grows with what the broker has.
const CONNECTION_BYTES_MAX: u64 = 400;

/// A client through a proxy, and what went through after some thousand updates, ten of them wanted by it.
fn bytes_of(broker: &TestBroker, parts: &Parts) -> (Client, Bytes, Bytes) {
    let proxy = Proxy::to(broker);
    let client = ready(&proxy, parts);
    let at_start = proxy.bytes();
    let mut wanted = client.directory().get_thing("shop.lathe").unwrap().events(Flags::TREE);
    let reading = json!({"text": "x".repeat(400)});
    let updates = (0..3_000).map(|number| match number % 300 {
        7 => ("shop.lathe.spindle", json!(number)),
        _ => (["shop", "shop.latherby", "shop.saw", "hall"][number % 4], reading.clone()),
    });
    fill(broker, updates.chain([("shop.lathe", json!("the end"))]));
    let mut count = 0;
    while wanted.next_within(PATIENCE).expect("an event comes").data() != "\"the end\"" {
        count += 1;
    }
    assert_eq!(count, 10);
    (client, at_start, proxy.bytes())
}

#[test]
fn a_client_of_a_subtree_receives_only_that() {
    let broker = TestBroker::start();
    let names: Vec<String> = (0..1_000).map(|number| format!("hall.a{number}")).collect();
    fill(&broker, names.iter().map(|ns| (ns.as_str(), json!({"text": "y".repeat(100)}))));
    fill(&broker, ["shop.lathe.spindle", "shop.lathe.spindle.speed"].map(|ns| (ns, json!(0))));

    let (client, at_start, at_end) = bytes_of(&broker, &below(&["shop.lathe"]));
    assert_eq!(
        client_directory(&client),
        json!({"shop.lathe": "the end", "shop.lathe.spindle": 2707, "shop.lathe.spindle.speed": 0})
    );
    let (_, all_at_start, all_at_end) = bytes_of(&broker, &Parts::All);
    println!("bytes of a subtree's client: {at_start:?} when ready, {at_end:?} at the end");
    println!("bytes of a client of all:    {all_at_start:?} when ready, {all_at_end:?} at the end");

    assert!(at_start.clients <= CONNECTION_BYTES_MAX, "{at_start:?}");
    assert!(at_start.query <= CONNECTION_BYTES_MAX + 2 * 250, "two things were told: {at_start:?}");
    assert_eq!(at_end.query, at_start.query, "nothing had to be asked for");
    let live = at_end.clients - at_start.clients;
    assert!(live <= 11 * 150, "eleven updates of at most 150 bytes were wanted, and {live} bytes came");
    assert!(
        all_at_end.clients - all_at_start.clients > 2_990 * 400,
        "a client of all gets all: {all_at_end:?}"
    );
    assert!(all_at_start.query > 1_000 * 100, "{all_at_start:?}");
}
