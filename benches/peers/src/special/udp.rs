//! Datagrams in from one and two senders, out to one lean subscriber.

use anyhow::Result;

use crate::clients::Shape;
use crate::finding::Finding;
use crate::load::Pace;
use crate::peer::{Peer, Programs};
use crate::rounds::{Timing, WINDOWS, once};

pub const ABOUT: &str = "\
msgpack lists by plain `send`, one system call each, to one lean subscriber. Without a window (as sensors send) the
rates below were tried until datagrams were lost twice in a row, or the senders were no faster.";

const RATES: [f64; 10] = [1e5, 1.5e5, 2e5, 2.5e5, 3e5, 3.5e5, 4e5, 4.5e5, 5e5, 6e5];
/// Of the asked rate, what senders must reach.
const REACHED: f64 = 0.95;

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let broker = Peer::ThingsbusUdp.start(programs)?;
    let mut findings = Vec::new();
    for publishers in [1, 2] {
        let shape = Shape { publishers, subscribers: 1 };
        let senders = if publishers == 1 { "1 sender" } else { "2 senders" };
        let run = |pace| once(Peer::ThingsbusUdp, &broker, shape, pace, timing);
        let mut best: f64 = 0.0;
        for window in WINDOWS {
            let outcome = run(Pace::Window(window))?;
            if outcome.lost == 0 {
                best = best.max(outcome.rate);
            }
        }
        findings.push(Finding::new(format!("{senders}, a window in flight: nothing lost at"), best, "/s"));

        let (mut best, mut limit) = (0.0_f64, "");
        let mut losses = 0;
        for rate in RATES {
            let outcome = run(Pace::PerSecond(rate))?;
            if outcome.lost == 0 {
                losses = 0;
                best = best.max(outcome.rate);
                limit = outcome.limit.name();
            } else {
                losses += 1;
            }
            if losses == 2 || outcome.rate < rate * REACHED {
                break;
            }
        }
        eprintln!("  {senders}: {limit} was the limit");
        findings.push(Finding::new(format!("{senders}, no window: nothing lost at"), best, "/s"));
    }
    let best = findings.iter().map(|finding| finding.value).fold(0.0, f64::max);
    findings.push(Finding::new("the best of these", best, "/s").at_least(300_000.0));
    Ok(findings)
}
