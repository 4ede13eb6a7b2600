//! The tables for people and the file for programs.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::json;

use crate::finding::{Finding, median, medians, number};
use crate::peer::{Peer, Programs};
use crate::rounds::{Measured, SHAPES, WINDOWS};
use crate::special::Case;
use crate::targets;

/// All that was measured.
pub struct Report {
    pub peers: Vec<Measured>,
    /// Each case with its rounds.
    pub special: Vec<(Case, Vec<Vec<Finding>>)>,
    pub rounds: usize,
    pub versions: Vec<String>,
}

impl Report {
    /// Writes `RESULTS.md` and `results.json`.
    pub fn write(&self, folder: &Path) -> Result<()> {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join("RESULTS.md"), self.to_markdown()?)?;
        let special: Vec<_> = self
            .special
            .iter()
            .map(|(case, rounds)| json!({"case": case.name(), "rounds": rounds}))
            .collect();
        let all = json!({
            "made": date(), "machine": machine()?, "versions": self.versions,
            "peers": self.peers, "special": special,
        });
        std::fs::write(folder.join("results.json"), format!("{all:#}\n"))?;
        Ok(())
    }

    pub fn to_markdown(&self) -> Result<String> {
        let mut out = String::from("# Thingsbus and its peers, measured side by side\n\n");
        writeln!(
            out,
            "Made {} on {}, by `benches/peers/run`; medians of {} rounds.",
            date(),
            machine()?,
            self.rounds
        )?;
        writeln!(out, "\n{}.", self.versions.join("; "))?;
        if !self.peers.is_empty() {
            out.push_str(ABOUT);
            let windows = WINDOWS.map(|window| number(window as f64)).join(", ");
            writeln!(out, "Windows: {windows}; of each broker the best one counts.\n")?;
            peers(&mut out, &self.peers)?;
            let others = self.peers.iter().flat_map(|it| &it.rates).map(|rate| rate.busy.others);
            writeln!(out, "\nOther programs used {} cores meanwhile, at the median.", cell(others))?;
            out.push_str("\n## Against the targets\n\nMedians of the ratios within one round.\n\n");
            findings(&mut out, &targets::findings(&self.peers))?;
        }
        for (case, rounds) in &self.special {
            writeln!(out, "\n## {}\n\n{}\n", case.title(), case.about())?;
            findings(&mut out, &medians(rounds))?;
        }
        Ok(out)
    }
}

const ABOUT: &str = "
One message is a thing_update of 186 bytes of JSON, round robin over 1,000 things, each a channel, subject or topic of
its own; every subscriber gets all by one pattern. Shape: publishers x subscribers. `lossless/s`: the highest rate at
which every subscriber received everything once and in order, publishers keeping a window in flight and sending up to
250 updates in one system call. `CPU s/M`: the broker's CPU seconds per million messages in, at that rate; `RSS`: its
memory then. `limit`: who was busy then: a thread of the *broker*, a thread of the *client* side (the rate says little
of the broker), the *machine* with all its cores, *others* who use this machine, or nobody (*waiting* for the window).
Latency at 10,000/s, from before the send to after the receive. All over the loopback, the clients in one process.

Clients are written by hand and lean, but `thingsbus-zmq` and `zmqproxy` have libzmq's (high-water marks 100,000).
`zmqproxy` is libzmq's XSUB/XPUB forwarder and nothing else: no parsing, no directory. Thingsbus and `redis-set` (a SET
and a PUBLISH in one pipeline) keep the last values, the rest only route. Redis's publishers ask for no replies
(`CLIENT REPLY OFF`), MQTT is at QoS 0.

";

fn peers(out: &mut String, all: &[Measured]) -> Result<()> {
    out.push_str(
        "| shape | peer | n | lossless/s | CPU s/M | RSS MiB | limit | p50 us | p99 us | p99.9 us |\n",
    );
    out.push_str("| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: |\n");
    for shape in SHAPES.map(|shape| shape.to_string()) {
        for peer in Peer::ALL {
            let same: Vec<_> = all.iter().filter(|it| it.shape == shape && it.peer == peer.name()).collect();
            if same.is_empty() {
                continue;
            }
            let best: Vec<_> = same.iter().filter_map(|it| it.best()).collect();
            let latency: Vec<_> = same.iter().filter_map(|it| it.latency.as_ref()).collect();
            let cells = [
                cell(best.iter().map(|it| it.per_second.round())),
                cell(best.iter().map(|it| it.cpu_s_per_million)),
                cell(best.iter().map(|it| it.rss_mib)),
                most_frequent(best.iter().map(|it| it.limit)).to_owned(),
                cell(latency.iter().map(|it| it.p50_us.round())),
                cell(latency.iter().map(|it| it.p99_us.round())),
                cell(latency.iter().map(|it| it.p999_us.round())),
            ];
            writeln!(out, "| {shape} | {} | {} | {} |", peer.name(), best.len(), cells.join(" | "))?;
        }
    }
    Ok(())
}

fn findings(out: &mut String, findings: &[Finding]) -> Result<()> {
    out.push_str("| what | found | wanted | |\n| --- | ---: | ---: | --- |\n");
    for finding in findings {
        let value = number(finding.value);
        let wanted = finding.wanted.map_or(String::new(), |wanted| wanted.to_string());
        let good = match finding.good() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "",
        };
        writeln!(
            out,
            "| {} | {} | {wanted} | {good} |",
            finding.what,
            format!("{value} {}", finding.unit).trim()
        )?;
    }
    Ok(())
}

fn cell(values: impl Iterator<Item = f64>) -> String {
    median(values).map_or("-".into(), number)
}

fn most_frequent(names: impl Iterator<Item = &'static str> + Clone) -> &'static str {
    names.clone().max_by_key(|name| names.clone().filter(|other| other == name).count()).unwrap_or("-")
}

/// The brokers' versions, as they tell them.
pub fn versions(programs: &Programs, peers: &[Peer]) -> Vec<String> {
    let (major, minor, patch) = zmq::version();
    let commit = output(Command::new("git").args([
        "-C",
        env!("CARGO_MANIFEST_DIR"),
        "describe",
        "--always",
        "--dirty",
    ]));
    let mut versions = vec![
        format!("{} ({commit})", output(Command::new(&programs.broker).arg("--version"))),
        format!("libzmq {major}.{minor}.{patch}"),
    ];
    if peers.contains(&Peer::Nats) {
        versions.push(output(Command::new(&programs.nats).arg("--version")));
    }
    if peers.contains(&Peer::Redis) || peers.contains(&Peer::RedisSet) {
        let version = output(Command::new(&programs.redis).arg("--version"));
        versions.push(version.split(" sha=").next().unwrap_or_default().to_owned());
    }
    if peers.contains(&Peer::Mosquitto) {
        versions.push(output(Command::new(&programs.mosquitto).arg("-h")));
    }
    versions
}

fn machine() -> Result<String> {
    let cpus = std::fs::read_to_string("/proc/cpuinfo")?;
    let model = cpus.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("{} cores ({model}), Linux {}", std::thread::available_parallelism()?, kernel.trim()))
}

fn date() -> String {
    output(Command::new("date").args(["-u", "+%Y-%m-%d %H:%M UTC"]))
}

/// The first line that a program says.
fn output(command: &mut Command) -> String {
    let text = command.output().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or("unknown".into())
}
