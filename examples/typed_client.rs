//! Hears one thing as a type of its own: the value now, then each new one; what does not fit is told and passed over.
//!
//! `cargo run --example typed_client -- [NAMESPACE]`, `shop.climate` of the example `workshop` if not given

use std::error::Error;
use std::time::Duration;

use serde::Deserialize;
use thingsbus_adaptor::BrokerName;
use thingsbus_client::{Client, Flags, Parts};

#[derive(Deserialize)]
struct Climate {
    temperature_c: f64,
    humidity: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let ns = std::env::args().nth(1).unwrap_or("shop.climate".to_owned());
    let only_this = Parts::Only(vec![(ns.parse()?, false)]);
    let client = Client::connect(BrokerName::from_env()?.name, &only_this)?;
    let climate = client.directory().get_thing(&ns)?;
    // From here on nothing is missed between the value now and the first new one.
    let events = climate.events(Flags::NONE);
    client.wait_ready(Duration::from_secs(20))?;

    match climate.get::<Climate>() {
        Ok(Some(now)) => println!("{ns} was last {now}"),
        Ok(None) => println!("{ns} has not spoken yet"),
        Err(error) => println!("{error}"),
    }
    for event in events {
        match event.get::<Climate>() {
            Ok(now) => println!("{ns} is {now}"),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}

impl std::fmt::Display for Climate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} °C with {:.0} % humidity", self.temperature_c, self.humidity)
    }
}
