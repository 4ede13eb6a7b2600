//! Datagrams in from one and two senders, out to one lean subscriber.

use anyhow::Result;

use crate::clients::Shape;
use crate::finding::Finding;
use crate::load::{Outcome, Pace};
use crate::peer::{Peer, Programs};
use crate::rounds::{Timing, WINDOWS, once};

pub const ABOUT: &str = "\
msgpack lists to one lean subscriber. With a window in flight the senders stand for many sensors, up to 250 datagrams in
a system call; without one (as a sensor sends, one in a call) rates were tried until datagrams were lost twice in a row,
or the senders were no faster.";

const RATES: [f64; 10] = [1e5, 1.5e5, 2e5, 2.5e5, 3e5, 3.5e5, 4e5, 4.5e5, 5e5, 6e5];
/// Of the asked rate, what senders must reach.
const REACHED: f64 = 0.95;

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let broker = Peer::ThingsbusUdp.start(programs)?;
    let mut findings = Vec::new();
    let mut best_of_all: f64 = 0.0;
    for (publishers, senders) in [(1, "1 sender"), (2, "2 senders")] {
        let shape = Shape { publishers, subscribers: 1 };
        let run = |pace| once(Peer::ThingsbusUdp, &broker, shape, pace, timing);
        for (how, best) in [("a window in flight", windowed(run)?), ("no window", without_window(run)?)] {
            let rate = best.as_ref().map_or(0.0, |outcome| outcome.rate);
            best_of_all = best_of_all.max(rate);
            findings.push(Finding::new(format!("{senders}, {how}: nothing lost at"), rate, "/s"));
            if let Some(Outcome { limit, .. }) = best {
                let (broker, client) = (limit.broker_thread, limit.client_thread);
                findings.push(Finding::new(
                    format!("{senders}, {how}: the broker's thread"),
                    broker,
                    "cores",
                ));
                findings.push(Finding::new(format!("{senders}, {how}: the busiest sender"), client, "cores"));
            }
        }
    }
    findings.push(Finding::new("the best of these", best_of_all, "/s").at_least(300_000.0));
    Ok(findings)
}

fn windowed(run: impl Fn(Pace) -> Result<Outcome>) -> Result<Option<Outcome>> {
    let mut best = None;
    for window in WINDOWS {
        best = better(best, run(Pace::Window(window))?);
    }
    Ok(best)
}

fn without_window(run: impl Fn(Pace) -> Result<Outcome>) -> Result<Option<Outcome>> {
    let mut best = None;
    let mut losses = 0;
    for rate in RATES {
        let outcome = run(Pace::PerSecond(rate))?;
        losses = if outcome.lost > 0 { losses + 1 } else { 0 };
        let reached = outcome.rate >= rate * REACHED;
        best = better(best, outcome);
        if losses == 2 || !reached {
            break;
        }
    }
    Ok(best)
}

/// The one with the higher rate, of those that lost nothing.
fn better(best: Option<Outcome>, new: Outcome) -> Option<Outcome> {
    match best {
        _ if new.lost > 0 => best,
        Some(best) if best.rate >= new.rate => Some(best),
        _ => Some(new),
    }
}
