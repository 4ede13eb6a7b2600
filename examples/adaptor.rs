//! Says one thing: 0.2.1's own example of an adaptor, which speaks for `shop.shopbot` and what is below it.
//!
//! `cargo run --example adaptor`; the broker is that of `THINGSBUS_BROKER` or `THINGSBUS_ZONE`, or on this machine

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use thingsbus_adaptor::{Adaptor, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let documentation_url = "http://example.com/Shopbot_Thingsbus_Documentation";
    let adaptor = Adaptor::new("shop.shopbot", documentation_url, Target::from_env()?)?;
    adaptor.send_to("spacemon", &json!({"busy": 12.0, "light": 31.8}))?;

    // Sending never waits. A program that ends right after it lets the adaptor finish.
    let counters = adaptor.close(Duration::from_secs(5));
    if counters.sent == 0 {
        return Err(format!("no broker took it: {counters:?}").into());
    }
    println!("shop.shopbot.spacemon is said to {}", counters.endpoint.unwrap_or_default());
    Ok(())
}
