//! Says something that must not be lost, and goes on when it is on the broker's disk.
//!
//! `cargo run --example acknowledged`; the broker is that of `THINGSBUS_BROKER` or `THINGSBUS_ZONE`, or on this machine

use std::error::Error;
use std::time::Duration;

use serde_json::json;
use thingsbus_adaptor::wire::AckLevel;
use thingsbus_adaptor::{Adaptor, NotAcked, Target};

fn main() -> Result<(), Box<dyn Error>> {
    let adaptor = Adaptor::new("shop.press", "http://example.org/press", Target::from_env()?)?;
    // Sending never waits: each goes again and again, in order, until the broker has it.
    let receipts = (1..=3)
        .map(|part| adaptor.send_acked(&json!({"parts": part}), AckLevel::Disk))
        .collect::<Result<Vec<_>, _>>()?;
    // Whoever wants to know waits for the receipt. Whoever does not may drop it.
    for (part, receipt) in (1..).zip(receipts) {
        match receipt.wait(Duration::from_secs(10)) {
            Ok(_) => println!("part {part} is on disk"),
            Err(NotAcked::Waiting) => println!("part {part} is still on its way"),
            Err(lost) => println!("part {part} is lost: {lost}"),
        }
    }
    // What is still on its way has some more time; then it is told how many were lost.
    let counters = adaptor.close(Duration::from_secs(5)).acknowledged;
    println!("{} acknowledged, {} refused, {} dropped", counters.acked, counters.refused, counters.dropped);
    Ok(())
}
