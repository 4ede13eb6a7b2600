//! One client of ten stops reading: what that is to the others, to the broker's memory, and to itself.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::clients::lean::LeanSubscriber;
use crate::clients::ring::RING;
use crate::clients::{Shape, Subscriber};
use crate::finding::Finding;
use crate::load::{Outcome, Pace, microseconds};
use crate::peer::{Peer, Programs, start_thingsbus};
use crate::rounds::{Timing, once};
use crate::update::{BEGINNING, Update};
use crate::wire::zmtp::{self, Zmtp};

pub const ABOUT: &str = "\
20,000 updates/s from one publisher. First all ten read; then the tenth stops for so long that its queue of 16 MiB is
full, and reads again when all is sent.";

const PER_SECOND: f64 = 20_000.0;
/// Some 40 MB: more than the queue and the kernel's buffers.
const STOPPED_FOR: Duration = Duration::from_secs(10);
/// How long the slow one may take to have everything.
const CATCH_UP: Duration = Duration::from_secs(10);

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let timing = Timing { measure: STOPPED_FOR, ..timing };
    let all = all_read(programs, timing)?;
    let (nine, slow_one) = one_stops(programs, timing)?;

    let p99 = |outcome: &Outcome| microseconds(&outcome.latency, 0.99);
    Ok(vec![
        Finding::new("all ten read: p99", p99(&all), "us"),
        Finding::new("one stopped: p99 of the nine", p99(&nine), "us"),
        Finding::new("p99, one stopped / all read", p99(&nine) / p99(&all), "").at_most(1.2),
        Finding::new("updates that the nine lost", nine.lost as f64, "").at_most(0.0),
        Finding::new("the broker's memory, all ten read", all.rss_mib, "MiB"),
        Finding::new("what the stopped one adds to it", nine.rss_mib - all.rss_mib, "MiB").at_most(20.0),
        Finding::new("the slow one: things without their latest value", slow_one.stale as f64, "")
            .at_most(0.0),
        Finding::new("the slow one: updates received", slow_one.received as f64, ""),
        Finding::new("the slow one: told as merged", slow_one.merged as f64, ""),
        Finding::new("the slow one: neither received nor told", slow_one.untold as f64, "").at_most(0.0),
    ])
}

fn all_read(programs: &Programs, timing: Timing) -> Result<Outcome> {
    let broker = start_thingsbus(programs, &[])?;
    let shape = Shape { publishers: 1, subscribers: 10 };
    once(Peer::Thingsbus, &broker, shape, Pace::PerSecond(PER_SECOND), timing)
}

fn one_stops(programs: &Programs, timing: Timing) -> Result<(Outcome, SlowOne)> {
    let broker = start_thingsbus(programs, &[])?;
    let shape = Shape { publishers: 1, subscribers: 9 };
    let slow = zmtp::subscribed(broker.subscribe, &[BEGINNING])?;
    let nine = once(Peer::Thingsbus, &broker, shape, Pace::PerSecond(PER_SECOND), timing)?;
    let slow = SlowOne::catches_up(LeanSubscriber::over(slow)?, nine.sent.iter().sum())?;
    Ok((nine, slow))
}

/// What the slow one had in the end.
#[derive(Default)]
struct SlowOne {
    received: u64,
    merged: u64,
    /// Things whose last update is not the one that it has.
    stale: usize,
    /// What the broker's numbers say there was, and was neither received nor told as merged.
    untold: u64,
}

impl SlowOne {
    /// Reads until it has the last update of each thing, or for [`CATCH_UP`].
    fn catches_up(mut subscriber: LeanSubscriber<Zmtp>, sent: u64) -> Result<Self> {
        let mut slow = Self::default();
        let mut numbers = vec![0; RING as usize];
        let mut seqs = None;
        let begun = Instant::now();
        loop {
            subscriber.receive(&mut |text| {
                let Some(update) = Update::read(text) else { return };
                slow.received += 1;
                slow.merged += field(text, "merged").unwrap_or(0);
                numbers[update.thing] = update.number;
                if let Some(seq) = field(text, "seq") {
                    let (first, _) = *seqs.get_or_insert((seq, seq));
                    seqs = Some((first, seq));
                }
            })?;
            let last = |place| sent - (sent + RING - place) % RING;
            slow.stale = (0..RING).zip(&numbers).filter(|&(place, number)| *number != last(place)).count();
            if slow.stale == 0 || begun.elapsed() > CATCH_UP {
                break;
            }
        }
        let (first, last) = seqs.context("nothing with a seq came")?;
        slow.untold = (last - first + 1).abs_diff(slow.received + slow.merged);
        Ok(slow)
    }
}

/// A number that the broker wrote after `data`.
fn field(text: &[u8], key: &str) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?;
    let rest = text.rsplit_once(&format!("\"{key}\":"))?.1;
    rest[..rest.find([',', '}'])?].parse().ok()
}
