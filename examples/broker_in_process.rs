//! A broker, an adaptor and a client in one program, as a test or a device that is all three has them.
//!
//! `cargo run --example broker_in_process`

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;

use thingsbus_adaptor::{Adaptor, Address, BrokerName, Target};
use thingsbus_broker::{Broker, Config, Data};
use thingsbus_client::{Client, Flags, Parts};

fn main() -> Result<(), Box<dyn Error>> {
    // Port 0: any that are free. For this machine alone, where the default is for all, and with nothing on disk.
    let mut config = Config { bind: Ipv4Addr::LOCALHOST.into(), port: 0, ..Config::default() };
    config.store.data = Data::None;
    let broker = Broker::bind(config)?;
    let clients = broker.addresses().clients;
    let name = BrokerName::Address(Address::new(&clients.ip().to_string(), clients.port())?);
    let handle = broker.handle();
    let running = std::thread::spawn(move || broker.run());

    let client = Client::connect(name.clone(), &Parts::All)?;
    client.wait_ready(Duration::from_secs(5))?;
    let kettle = client.directory().get_thing("kitchen.kettle")?;
    let mut events = kettle.events(Flags::NONE);

    let adaptor = Adaptor::new("kitchen", "http://example.org/kitchen", Target::Zmq(name))?;
    adaptor.send_to("kettle", &96.5)?;

    let event = events.next_within(Duration::from_secs(5)).ok_or("nothing came")?;
    println!("{event}");
    let (age, degrees) = kettle.get_data().ok_or("it is in the directory by now")?;
    println!("{} was {degrees} °C {} ms ago", kettle.ns(), age.as_millis());

    handle.stop();
    let counted = running.join().map_err(|_| "the broker panicked")??;
    println!("the broker took {}", counted["doors"]["zmq_in"]["accepted"]);
    Ok(())
}
