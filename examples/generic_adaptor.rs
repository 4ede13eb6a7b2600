//! Brings what another program publishes onto the bus: lidless, the space monitor of Pumping Station: One, which
//! publishes what its cameras see as JSON over ZeroMQ. `thingsbus adapt zmq` does this for any such program.
//!
//! `cargo run --example generic_adaptor -- [SOURCE_URL…]`; without a source it simulates one

use std::error::Error;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use serde_json::json;
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_adaptor::{Adaptor, Target};

/// What of a message is wanted: other keys are left where they are, and what has not all of these is passed over.
#[derive(Deserialize)]
struct Percept {
    mtype: String,
    camname: String,
    frame_time: f64,
    #[serde(flatten)]
    data: Seen,
}

/// What goes onto the bus.
#[derive(Serialize, Deserialize)]
struct Seen {
    luminance: f64,
    ratio_busy: f64,
}

fn main() -> Result<(), Box<dyn Error>> {
    let documentation_url = "https://wiki.pumpingstationone.org/Spacemon#Things_Bus";
    let adaptor = Adaptor::new("spacemon", documentation_url, Target::from_env()?)?;

    let context = zmq::Context::new();
    let source = context.socket(zmq::SUB)?;
    source.set_subscribe(b"")?;
    let mut source_urls: Vec<String> = std::env::args().skip(1).collect();
    if source_urls.is_empty() {
        source_urls.push(simulate_lidless(&context)?);
    }
    for url in &source_urls {
        source.connect(url)?;
        println!("from {url} to spacemon");
    }
    loop {
        let message = source.recv_bytes(0)?;
        let Ok(percept) = serde_json::from_slice::<Percept>(&message) else { continue };
        if percept.mtype == "percept_update" {
            let ts = Timestamp::from_seconds(percept.frame_time);
            if let Err(error) = adaptor.send_at(&percept.camname, &percept.data, ts) {
                eprintln!("{}: {error}", percept.camname);
            }
        }
    }
}

/// Two cameras that see something twice a second; the URL at which they publish it.
fn simulate_lidless(context: &zmq::Context) -> Result<String, Box<dyn Error>> {
    let publisher = context.socket(zmq::PUB)?;
    publisher.bind("tcp://127.0.0.1:*")?;
    let url = publisher.get_last_endpoint()?.map_err(|_| "no endpoint")?;
    std::thread::spawn(move || {
        for frame in 0_u32.. {
            let now = Timestamp::from_system_time(SystemTime::now()).seconds();
            for (camera, phase) in [("electronics", 0.0), ("hackerspace", 2.0)] {
                let light = (f64::from(frame) / 20.0 + phase).sin();
                let percept = json!({
                    "mtype": "percept_update", "camname": camera, "frame_time": now, "frame": frame,
                    "luminance": 110.0 + 40.0 * light, "ratio_busy": 0.14 - 0.1 * light,
                });
                // With nobody connected it goes nowhere, as it should.
                let _ = publisher.send(percept.to_string().as_bytes(), zmq::DONTWAIT);
            }
            std::thread::sleep(Duration::from_millis(500));
        }
    });
    Ok(url)
}
