//! What the directory on disk costs: against the same broker without, in bytes written, and at a start.

use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use super::million::{self, THINGS};
use crate::clients::Shape;
use crate::finding::{Finding, median};
use crate::load::{Pace, microseconds};
use crate::peer::{Peer, Programs, Running, start_thingsbus};
use crate::rounds::{LATENCY_PER_SECOND, Timing, once};

pub const ABOUT: &str = "\
1,000 things that all change, written every five seconds (the default), by turns with a broker that keeps nothing on
disk. Written is what the system counts as sent to the disk (`write_bytes`).";

const TURNS: usize = 5;
const WINDOW: u64 = 2_000;
const SHAPE: Shape = Shape { publishers: 1, subscribers: 1 };
/// How long it is counted what is written.
const WRITING: Duration = Duration::from_secs(30);

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let folder = programs.scratch.join("thingsbus-store");
    let _ = std::fs::remove_dir_all(&folder);
    let data = folder.display().to_string();
    let (mut rates, mut p99s) = ([Vec::new(), Vec::new()], [Vec::new(), Vec::new()]);
    for _ in 0..TURNS {
        for (place, data) in ["none", &data].into_iter().enumerate() {
            let broker = start_thingsbus(programs, &["--data", data])?;
            let run = |pace| once(Peer::Thingsbus, &broker, SHAPE, pace, timing);
            rates[place].push(run(Pace::Window(WINDOW))?.rate);
            p99s[place].push(microseconds(&run(Pace::PerSecond(LATENCY_PER_SECOND))?.latency, 0.99));
        }
    }
    let [without_rate, with_rate] = rates.map(|rates| median(rates).unwrap_or(f64::NAN));
    let [without_p99, with_p99] = p99s.map(|p99s| median(p99s).unwrap_or(f64::NAN));

    let broker = start_thingsbus(programs, &["--data", &data])?;
    let before = broker.process.written_bytes()?;
    let begun = Instant::now();
    let timing = Timing { measure: WRITING, ..timing };
    let updates = once(Peer::Thingsbus, &broker, SHAPE, Pace::PerSecond(LATENCY_PER_SECOND), timing)?.rate;
    let written = (broker.process.written_bytes()? - before) / begun.elapsed().as_secs_f64();
    drop(broker);
    let _ = std::fs::remove_dir_all(&folder);

    let loading_s = million_again(programs, &data)?;
    let _ = std::fs::remove_dir_all(&folder);
    Ok(vec![
        Finding::new("rate, nothing on disk", without_rate, "/s"),
        Finding::new("rate, with the store", with_rate, "/s"),
        Finding::new("rate, with / without", with_rate / without_rate, "").at_least(0.9),
        Finding::new("p99, nothing on disk", without_p99, "us"),
        Finding::new("p99, with the store", with_p99, "us"),
        Finding::new("p99, with / without", with_p99 / without_p99, "").at_most(1.2),
        Finding::new("written at 10,000 updates/s", written / 1024.0, "KiB/s"),
        Finding::new("written for each update", written / updates, "bytes"),
        Finding::new("1,000,000 things: ready after a start", loading_s, "s").at_most(3.0),
    ])
}

/// A broker with a million things is stopped, and another one started.
fn million_again(programs: &Programs, data: &str) -> Result<f64> {
    let flags = ["--data", data, "--set", "limits.things_max=1100000"];
    let mut broker = start_thingsbus(programs, &flags)?;
    million::publish(&broker)?;
    // Everything is on disk before it is stopped, for a stop has its time.
    while stored(&broker)? < THINGS as f64 {
        sleep(Duration::from_millis(100));
    }
    broker.process.terminate()?;
    let begun = Instant::now();
    let broker = start_thingsbus(programs, &flags)?;
    million::knows_all(&broker)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Up to which update everything is on disk.
fn stored(broker: &Running) -> Result<f64> {
    let status = million::status(broker)?;
    Ok(status.pointer("/store/seq").and_then(serde_json::Value::as_f64).unwrap_or_default())
}
