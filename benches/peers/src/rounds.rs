//! The same work on all peers in turn, round after round.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::clients::Shape;
use crate::finding::number;
use crate::load::{self, Limit, Order, Outcome, Pace, Plan, microseconds};
use crate::peer::{Peer, Programs, Running};

pub const SHAPES: [Shape; 3] = [
    Shape { publishers: 1, subscribers: 1 },
    Shape { publishers: 4, subscribers: 1 },
    Shape { publishers: 1, subscribers: 4 },
];

/// How many updates may be on their way. The best rate without loss counts, so each broker has the one that suits it.
pub const WINDOWS: [u64; 4] = [500, 2_000, 8_000, 32_000];

/// At which latency is measured.
pub const LATENCY_PER_SECOND: f64 = 10_000.0;

/// How long things are measured.
#[derive(Clone, Copy)]
pub struct Timing {
    pub warm: Duration,
    pub measure: Duration,
}

impl Timing {
    pub const FULL: Self = Self { warm: Duration::from_millis(400), measure: Duration::from_millis(2_500) };
    pub const QUICK: Self = Self { warm: Duration::from_millis(200), measure: Duration::from_millis(1_000) };
}

/// One peer in one shape in one round.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub round: usize,
    pub shape: String,
    pub peer: &'static str,
    pub rates: Vec<Rate>,
    pub latency: Option<Latency>,
}

/// With one window.
#[derive(Clone, Debug, Serialize)]
pub struct Rate {
    pub window: u64,
    pub per_second: f64,
    pub lost: u64,
    pub cpu_s_per_million: f64,
    pub rss_mib: f64,
    /// Who set the limit, and by what that is judged.
    pub limit: &'static str,
    pub busy: Limit,
}

#[derive(Clone, Debug, Serialize)]
pub struct Latency {
    pub p50_us: f64,
    pub p99_us: f64,
    pub p999_us: f64,
    pub lost: u64,
    pub cpu_s_per_million: f64,
}

impl Measured {
    /// The best rate at which nothing was lost.
    pub fn best(&self) -> Option<&Rate> {
        let lossless = self.rates.iter().filter(|rate| rate.lost == 0);
        lossless.max_by(|a, b| a.per_second.total_cmp(&b.per_second))
    }
}

pub fn run(
    peers: &[Peer],
    shapes: &[Shape],
    rounds: usize,
    timing: Timing,
    programs: &Programs,
) -> Result<Vec<Measured>> {
    let mut all = Vec::new();
    for round in 1..=rounds {
        for shape in shapes {
            for &peer in peers {
                let measured = measure(peer, *shape, round, timing, programs)?;
                tell(&measured, rounds);
                all.push(measured);
            }
        }
    }
    Ok(all)
}

fn measure(peer: Peer, shape: Shape, round: usize, timing: Timing, programs: &Programs) -> Result<Measured> {
    let broker = peer.start(programs)?;
    let once = |pace| {
        let outcome = once(peer, &broker, shape, pace, timing);
        outcome.inspect_err(|error| eprintln!("  {shape} {}: {error:#}", peer.name())).ok()
    };
    let latency = once(Pace::PerSecond(LATENCY_PER_SECOND)).map(|outcome| Latency::of(&outcome));
    let mut rates = Vec::new();
    for window in WINDOWS {
        if let Some(outcome) = once(Pace::Window(window)) {
            rates.push(Rate::of(&outcome, window));
        }
    }
    Ok(Measured { round, shape: shape.to_string(), peer: peer.name(), rates, latency })
}

/// One run, with clients of its own.
pub fn once(peer: Peer, broker: &Running, shape: Shape, pace: Pace, timing: Timing) -> Result<Outcome> {
    let plan = plan(pace, timing);
    load::run(peer.clients(broker, shape, plan.run)?, &plan, &broker.process)
}

/// A plan with a number of its own.
pub fn plan(pace: Pace, Timing { warm, measure }: Timing) -> Plan {
    static RUNS: AtomicU32 = AtomicU32::new(0);
    let run = 100 + RUNS.fetch_add(1, Relaxed) % 900; // Three digits.
    Plan { run, pace, order: Order::All, warm, measure }
}

impl Rate {
    pub fn of(outcome: &Outcome, window: u64) -> Self {
        Self {
            window,
            per_second: outcome.rate,
            lost: outcome.lost,
            cpu_s_per_million: outcome.cpu_s_per_million,
            rss_mib: outcome.rss_mib,
            limit: outcome.limit.name(),
            busy: outcome.limit,
        }
    }
}

impl Latency {
    fn of(outcome: &Outcome) -> Self {
        Self {
            p50_us: microseconds(&outcome.latency, 0.5),
            p99_us: microseconds(&outcome.latency, 0.99),
            p999_us: microseconds(&outcome.latency, 0.999),
            lost: outcome.lost,
            cpu_s_per_million: outcome.cpu_s_per_million,
        }
    }
}

fn tell(measured: &Measured, rounds: usize) {
    let Measured { round, shape, peer, .. } = measured;
    let rate = measured.best().map_or("nothing without loss".into(), |best| {
        let Rate { window, limit, .. } = best;
        let (rate, cpu) = (number(best.per_second), number(best.cpu_s_per_million));
        format!("{rate}/s (window {window}, limit: {limit}), {cpu} CPU s/M")
    });
    let latency = measured.latency.as_ref().map_or("no latency".into(), |latency| {
        format!("p50 {} us, p99 {} us", number(latency.p50_us), number(latency.p99_us))
    });
    let lossy = measured.rates.iter().filter(|rate| rate.lost > 0);
    let lossy: String = lossy.map(|rate| format!(", window {} lost {}", rate.window, rate.lost)).collect();
    eprintln!("{round}/{rounds} {shape} {peer:15} {rate}, {latency}{lossy}");
}
