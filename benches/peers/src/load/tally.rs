//! What publishers and subscribers of one run know of each other.

use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Instant;

use anyhow::Result;
use hdrhistogram::Histogram;

use super::Plan;

/// What is in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// All that one publisher sends.
    All,
    /// The updates of each thing, where one subscriber stands for many connections.
    EachThing,
}

/// For how many updates of each publisher it is remembered when they were sent.
const REMEMBERED: u64 = 1 << 16;

pub struct Tally {
    /// Everybody hears everybody: publishers begin.
    pub begun: AtomicBool,
    pub measuring: AtomicBool,
    /// Publishers stop.
    pub quiet: AtomicBool,
    /// Subscribers stop.
    pub over: AtomicBool,
    /// Updates that came twice, out of order or after a gap.
    pub wrong: AtomicU64,
    pub sent: Vec<AtomicU64>,
    /// What each subscriber received in order from each publisher.
    pub heard: Vec<Vec<AtomicU64>>,
    /// Which subscriber heard which publisher at all.
    pub hello: Vec<Vec<AtomicBool>>,
    pub run: u32,
    clock: Instant,
    sent_at_ns: Vec<Vec<AtomicU64>>,
}

impl Tally {
    pub fn new(publishers: usize, subscribers: usize, plan: &Plan) -> Self {
        fn counts(count: usize) -> Vec<AtomicU64> {
            (0..count).map(|_| AtomicU64::new(0)).collect()
        }
        Self {
            begun: false.into(),
            measuring: false.into(),
            quiet: false.into(),
            over: false.into(),
            wrong: 0.into(),
            sent: counts(publishers),
            heard: (0..subscribers).map(|_| counts(publishers)).collect(),
            hello: (0..subscribers).map(|_| (0..publishers).map(|_| false.into()).collect()).collect(),
            run: plan.run,
            clock: Instant::now(),
            sent_at_ns: (0..publishers).map(|_| counts(REMEMBERED as usize)).collect(),
        }
    }

    pub fn everybody_hears_everybody(&self) -> bool {
        self.hello.iter().flatten().all(|heard| heard.load(Relaxed))
    }

    /// What every subscriber received of one publisher.
    pub fn received_of(&self, publisher: usize) -> u64 {
        self.heard.iter().map(|heard| heard[publisher].load(Acquire)).min().unwrap_or(0)
    }

    /// What every subscriber received.
    pub fn received(&self) -> u64 {
        (0..self.sent.len()).map(|publisher| self.received_of(publisher)).sum()
    }

    pub fn nothing_on_its_way(&self) -> bool {
        self.received() >= self.sent.iter().map(|sent| sent.load(Acquire)).sum()
    }

    /// Where the publishers sent so much: what came wrong or not at all, of all subscribers.
    pub fn lost(&self, sent: &[u64]) -> u64 {
        let missing = |heard: &Vec<AtomicU64>| -> u64 {
            heard.iter().zip(sent).map(|(count, &sent)| sent.abs_diff(count.load(Acquire))).sum()
        };
        self.wrong.load(Relaxed) + self.heard.iter().map(missing).sum::<u64>()
    }

    /// Remembers that an update is sent now.
    pub fn sends_now(&self, publisher: usize, number: u64) {
        self.sent_at_ns[publisher][(number % REMEMBERED) as usize].store(self.now_ns(), Relaxed);
    }

    /// How long ago that was.
    pub fn since_sent_ns(&self, publisher: usize, number: u64) -> u64 {
        let sent_ns = self.sent_at_ns[publisher][(number % REMEMBERED) as usize].load(Relaxed);
        self.now_ns().saturating_sub(sent_ns)
    }

    fn now_ns(&self) -> u64 {
        self.clock.elapsed().as_nanos() as u64
    }
}

/// To three digits, up to a minute.
pub fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_max(60_000_000_000, 3)?)
}
