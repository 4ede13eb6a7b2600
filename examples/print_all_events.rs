//! Prints every event, as 0.2.1's example of that name does: `thingsbus watch` in thirty lines.
//!
//! `cargo run --example print_all_events -- [-u URL | -z ZONE] [-n NAMESPACE]`

use std::error::Error;
use std::time::Duration;

use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::{Client, Flags, Parts};

fn main() -> Result<(), Box<dyn Error>> {
    let mut broker = BrokerName::from_env()?.name;
    let mut ns = String::new();
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().ok_or("usage: print_all_events [-u URL | -z ZONE] [-n NAMESPACE]")?;
        match flag.as_str() {
            "-u" | "--url" => broker = BrokerName::Address(Address::parse(&value)?),
            "-z" | "--zone" => broker = BrokerName::Zone(value),
            "-n" | "--namespace" => ns = value,
            _ => return Err(format!("{flag}: no such option").into()),
        }
    }
    // The broker sends only what is printed; a client of everything would say `Parts::All`.
    let client = Client::connect(broker, &Parts::Only(vec![(ns.parse()?, true)]))?;
    // With `Flags::SNAPSHOT` besides, what was said before would be printed too.
    let events = client.directory().get_thing(&ns)?.events(Flags::TREE);
    if let Err(error) = client.wait_ready(Duration::from_secs(6)) {
        eprintln!("{error}; still trying");
    }
    for event in events {
        println!("{event}");
    }
    Ok(())
}
