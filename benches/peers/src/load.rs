//! One run: publishers and subscribers on threads of this process, the broker in its own, and what came of it.

mod hear;
mod say;
mod tally;

use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use hdrhistogram::Histogram;

use crate::clients::Clients;
use crate::process::{Process, Usage, machine_idle_s};
pub use tally::Order;
use tally::Tally;

/// How fast publishers send, all together.
#[derive(Clone, Copy)]
pub enum Pace {
    /// As fast as can be while this many updates are on their way.
    Window(u64),
    /// So many each second, one system call for each.
    PerSecond(f64),
}

#[derive(Clone, Copy)]
pub struct Plan {
    /// Tells this run's updates from others'.
    pub run: u32,
    pub pace: Pace,
    pub order: Order,
    /// Before anything is measured.
    pub warm: Duration,
    pub measure: Duration,
}

/// What came of a run.
pub struct Outcome {
    /// Updates that every subscriber received once and in order, each second.
    pub rate: f64,
    /// Updates that a subscriber did not receive once and in order, those before and after the measuring too.
    pub lost: u64,
    /// How many updates each publisher sent.
    pub sent: Vec<u64>,
    /// The broker's CPU seconds for each million of these updates.
    pub cpu_s_per_million: f64,
    pub rss_mib: f64,
    /// From before the send to after the receive, in ns; empty where a window was kept.
    pub latency: Histogram<u64>,
    pub limit: Limit,
}

/// What was busy, in cores, and so who set the limit.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Limit {
    /// The broker's busiest thread.
    pub broker_thread: f64,
    /// The clients' busiest thread.
    pub client_thread: f64,
    /// Cores with nothing to do.
    pub idle: f64,
    /// What neither broker nor clients are: other programs on this machine, and the kernel on its own.
    pub others: f64,
}

impl Limit {
    const BUSY: f64 = 0.9;
    const IDLE: f64 = 0.2;
    const DISTURBED: f64 = 0.2;

    /// In one word.
    pub fn name(&self) -> &'static str {
        match self {
            limit if limit.broker_thread >= Self::BUSY => "broker",
            limit if limit.client_thread >= Self::BUSY => "client",
            limit if limit.idle > Self::IDLE => "waiting",
            limit if limit.others > Self::DISTURBED => "others",
            _ => "machine",
        }
    }
}

/// How long clients may take until each subscriber hears each publisher.
const HELLO_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long without an update nothing more is expected.
const SILENCE: Duration = Duration::from_secs(1);

pub fn run(clients: Clients, plan: &Plan, broker: &Process) -> Result<Outcome> {
    let tally = &Tally::new(clients.publishers.len(), clients.subscribers.len(), plan);
    thread::scope(|scope| {
        let publishers = clients.publishers.into_iter().enumerate();
        let publishing: Vec<_> = publishers
            .map(|(me, publisher)| scope.spawn(move || say::all(publisher, me, plan.pace, tally)))
            .collect();
        let subscribers = clients.subscribers.into_iter().enumerate();
        let listening: Vec<_> = subscribers
            .map(|(me, subscriber)| scope.spawn(move || hear::all(subscriber, me, plan, tally)))
            .collect();

        let measured = measure(plan, broker, tally);
        tally.quiet.store(true, Relaxed);
        // Publishers are kept until all has come: who closes a connection may lose what is in it.
        let publishing: Vec<_> =
            publishing.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        wait_for_the_last(tally);
        tally.over.store(true, Relaxed);
        let heard: Vec<_> = listening.into_iter().map(|thread| thread.join().expect("no panic")).collect();

        let mut outcome = measured?;
        for said in publishing {
            outcome.sent.push(said?.sent);
        }
        outcome.lost = tally.lost(&outcome.sent);
        for latency in heard {
            outcome.latency.add(latency?)?;
        }
        Ok(outcome)
    })
}

fn measure(plan: &Plan, broker: &Process, tally: &Tally) -> Result<Outcome> {
    wait_for_hello(tally)?;
    tally.begun.store(true, Relaxed);
    thread::sleep(plan.warm);
    tally.measuring.store(true, Relaxed);
    let before = Moment::now(broker, tally)?;
    thread::sleep(plan.measure);
    let after = Moment::now(broker, tally)?;
    tally.measuring.store(false, Relaxed);
    let seconds = (after.at - before.at).as_secs_f64();
    let messages = (after.received - before.received) as f64;
    let broker_s = after.broker.total_s - before.broker.total_s;
    let clients_s = after.clients.total_s - before.clients.total_s;
    let idle = (after.idle_s - before.idle_s) / seconds;
    let cores = thread::available_parallelism()?.get() as f64;
    Ok(Outcome {
        rate: messages / seconds,
        lost: 0,
        sent: Vec::new(),
        cpu_s_per_million: broker_s / (messages / 1e6),
        rss_mib: broker.rss_mib()?,
        latency: tally::histogram()?,
        limit: Limit {
            broker_thread: after.broker.busiest_thread_since_s(&before.broker) / seconds,
            client_thread: after.clients.busiest_thread_since_s(&before.clients) / seconds,
            idle,
            others: (cores - idle - (broker_s + clients_s) / seconds).max(0.0),
        },
    })
}

/// Where the counters stand.
struct Moment {
    at: Instant,
    received: u64,
    broker: Usage,
    clients: Usage,
    idle_s: f64,
}

impl Moment {
    fn now(broker: &Process, tally: &Tally) -> Result<Self> {
        let (at, received) = (Instant::now(), tally.received());
        let (broker, clients) = (broker.usage()?, Usage::of_this_process()?);
        Ok(Self { at, received, broker, clients, idle_s: machine_idle_s()? })
    }
}

fn wait_for_hello(tally: &Tally) -> Result<()> {
    let begun = Instant::now();
    while !tally.everybody_hears_everybody() {
        ensure!(begun.elapsed() < HELLO_TIMEOUT, "subscribers do not hear the publishers");
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

fn wait_for_the_last(tally: &Tally) {
    let mut last = (Instant::now(), tally.received());
    while last.0.elapsed() < SILENCE && !tally.nothing_on_its_way() {
        thread::sleep(Duration::from_millis(1));
        if tally.received() != last.1 {
            last = (Instant::now(), tally.received());
        }
    }
}

/// Percentiles in microseconds.
pub fn microseconds(latency: &Histogram<u64>, quantile: f64) -> f64 {
    latency.value_at_quantile(quantile) as f64 / 1e3
}
