//! 10,000 clients that are connected, and nothing happens.

use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::finding::Finding;
use crate::peer::{Programs, start_thingsbus};
use crate::rounds::Timing;
use crate::update::{THINGS, name};
use crate::wire::zmtp;

pub const ABOUT: &str = "Each has subscribed to one thing of 1,000. Nothing is published.";

const CLIENTS: usize = 10_000;
const REST: Duration = Duration::from_secs(10);

pub fn run(programs: &Programs, _timing: Timing) -> Result<Vec<Finding>> {
    let broker = start_thingsbus(programs, &[])?;
    let mut clients = Vec::new();
    for client in 0..CLIENTS {
        let prefix = format!(r#"{{"ns":"{}""#, name(0, client % THINGS));
        let stream = zmtp::subscribed(broker.subscribe, &[&prefix]);
        clients.push(stream.with_context(|| format!("client {client}; is `ulimit -n` large enough?"))?);
    }
    sleep(Duration::from_secs(1));
    let before = broker.process.usage()?.total_s;
    sleep(REST);
    let used_s = broker.process.usage()?.total_s - before;
    let mut byte = [0];
    clients.iter().try_for_each(|client| client.set_nonblocking(true))?;
    let closed = clients.iter().filter(|client| matches!(client.peek(&mut byte), Ok(0))).count();
    Ok(vec![
        Finding::new("the broker's memory", broker.process.rss_mib()? * 1.048576, "MB").at_most(200.0),
        Finding::new("the broker's CPU in 10 s", used_s, "s").at_most(0.01),
        Finding::new("connections that the broker closed", closed as f64, "").at_most(0.0),
    ])
}
