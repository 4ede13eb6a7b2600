//! Our client and our adaptor over real sockets.

mod adaptor;
mod events;
mod parts;
mod ready;
mod reconnect;

use serde_json::{Value, json};
use thingsbus_adaptor::{Adaptor, Address, BrokerName, Target};
use thingsbus_client::{Client, Parts};

use crate::support::Doors;
use crate::support::peers::{Push, update};
use crate::support::wait::{PATIENCE, until};

/// How our libraries name a broker.
pub fn name(doors: &Doors) -> BrokerName {
    let clients = doors.clients;
    BrokerName::Address(Address::new(&clients.ip().to_string(), clients.port()).expect("an address"))
}

/// A client of a broker; it may not be ready yet.
pub fn connect(doors: &Doors, parts: &Parts) -> Client {
    Client::connect(name(doors), parts).expect("a client")
}

/// A client that has everything.
pub fn ready(doors: &Doors, parts: &Parts) -> Client {
    let client = connect(doors, parts);
    client.wait_ready(PATIENCE).expect("it is ready in time");
    client
}

/// What a client follows: these subtrees.
pub fn below(names: &[&str]) -> Parts {
    Parts::Only(names.iter().map(|ns| (ns.parse().expect("a namespace"), true)).collect())
}

/// An adaptor over ZeroMQ.
pub fn adaptor(doors: &Doors, ns: &str) -> Adaptor {
    Adaptor::new(ns, "http://doc", Target::Zmq(name(doors))).expect("an adaptor")
}

/// Brings values into a broker, and waits until it has numbered all of them.
fn fill<'n>(doors: &Doors, things: impl IntoIterator<Item = (&'n str, Value)>) {
    let before = seq(doors);
    let push = Push::connect(doors);
    let mut count = 0;
    for (ns, data) in things {
        push.send(update(ns, &data));
        count += 1;
    }
    until("all values to arrive", || (seq(doors) >= before + count).then_some(()));
}

/// The number of the broker's last update.
fn seq(doors: &Doors) -> u64 {
    doors.status()["seq"].as_u64().expect("a number")
}

/// The broker's whole directory: data by name.
fn broker_directory(doors: &Doors) -> Value {
    let req = crate::support::peers::Req::connect(doors);
    let mut all = json!({});
    let mut question = json!({"type": "thing_query", "ns": "", "tree": true});
    loop {
        let page = req.ask(&question);
        for (ns, told) in page["data"].as_object().expect("things") {
            all[ns] = told["data"].clone();
        }
        if page["next"].is_null() {
            return all;
        }
        question["after"] = page["next"].clone();
    }
}

/// A client's whole directory, in the same form.
fn client_directory(client: &Client) -> Value {
    let mut all = json!({});
    for thing in client.directory().all_things() {
        if let Some((_, data)) = thing.get_data() {
            all[thing.ns().as_str()] = data;
        }
    }
    all
}
