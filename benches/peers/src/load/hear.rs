//! A subscriber's thread: counts what comes once and in order.

use std::sync::atomic::Ordering::{Relaxed, Release};

use anyhow::{Context, Result};
use hdrhistogram::Histogram;

use super::tally::{Order, Tally, histogram};
use super::{Pace, Plan};
use crate::clients::Subscriber;
use crate::clients::ring::RING;
use crate::update::Update;

pub fn all(
    mut subscriber: Box<dyn Subscriber>,
    me: usize,
    plan: &Plan,
    tally: &Tally,
) -> Result<Histogram<u64>> {
    let mut ear = Ear {
        me,
        tally,
        heard: (0..tally.sent.len()).map(|_| Heard::new(plan.order)).collect(),
        latency: matches!(plan.pace, Pace::PerSecond(_)).then(histogram).transpose()?,
    };
    while !tally.over.load(Relaxed) {
        subscriber.receive(&mut |text| ear.takes(text)).context("receiving")?;
        for (heard, count) in ear.heard.iter().zip(&tally.heard[me]) {
            count.store(heard.in_order, Release);
        }
    }
    ear.latency.map_or_else(histogram, Ok)
}

struct Ear<'a> {
    me: usize,
    tally: &'a Tally,
    heard: Vec<Heard>,
    latency: Option<Histogram<u64>>,
}

impl Ear<'_> {
    fn takes(&mut self, text: &[u8]) {
        let Some(update) = Update::read(text).filter(|update| update.run == self.tally.run) else {
            return; // A last value of another run, or no update.
        };
        let Update { publisher, number, .. } = update;
        if number == 0 {
            self.tally.hello[self.me][publisher].store(true, Relaxed);
            return;
        }
        if !self.heard[publisher].takes(number) {
            self.tally.wrong.fetch_add(1, Relaxed);
        }
        if let Some(latency) = &mut self.latency
            && self.tally.measuring.load(Relaxed)
        {
            latency.saturating_record(self.tally.since_sent_ns(publisher, number));
        }
    }
}

/// What was heard of one publisher.
struct Heard {
    in_order: u64,
    /// The number that comes next: of all, or in each place of the ring.
    next: Vec<u64>,
    step: u64,
}

impl Heard {
    fn new(order: Order) -> Self {
        let (next, step) = match order {
            Order::All => (vec![1], 1),
            // The number 0 is hello.
            Order::EachThing => {
                ((0..RING).map(|place| if place == 0 { RING } else { place }).collect(), RING)
            }
        };
        Self { in_order: 0, next, step }
    }

    fn takes(&mut self, number: u64) -> bool {
        let place = (number % self.next.len() as u64) as usize;
        let good = self.next[place] == number;
        self.next[place] = number + self.step;
        self.in_order += u64::from(good);
        good
    }
}
