//! A broker that has nothing to do.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::finding::{Finding, median};
use crate::peer::{Programs, start_thingsbus};
use crate::process::Process;
use crate::rounds::Timing;
use crate::wire::zmtp;

pub const ABOUT: &str = "\
Ready: from before the process is started until a client's handshake is done, the median of nine starts.";

const STARTS: usize = 9;
const REST: Duration = Duration::from_secs(10);

pub fn run(programs: &Programs, _timing: Timing) -> Result<Vec<Finding>> {
    // Ports that are free now will be free again in a moment.
    let port = start_thingsbus(programs, &[])?.subscribe.to_string();
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let mut command = Command::new(&programs.broker);
        let mut process = Process::start(command.args(["--bind", "127.0.0.1", "--port", &port]))?;
        process.comes_to(|| zmtp::open(port.parse().ok()?, "SUB").ok())?;
        starts.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    let broker = start_thingsbus(programs, &[])?;
    sleep(Duration::from_secs(1));
    let before = broker.process.usage()?.total_s;
    sleep(REST);
    let used_s = broker.process.usage()?.total_s - before;
    Ok(vec![
        Finding::new("ready after", median(starts).unwrap_or(f64::NAN), "ms").at_most(50.0),
        Finding::new("memory", broker.process.rss_mib()? * 1.048576, "MB").at_most(10.0),
        Finding::new("CPU in 10 s", used_s, "s").at_most(0.01),
    ])
}
