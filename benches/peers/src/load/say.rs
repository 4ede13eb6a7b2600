//! A publisher's thread.

use std::sync::atomic::Ordering::{Relaxed, Release};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::Pace;
use super::tally::Tally;
use crate::clients::Publisher;

/// The most updates in one system call.
const BATCH_MAX: u64 = 250;
/// How long a publisher waits where its window is full.
const WINDOW_WAIT: Duration = Duration::from_micros(20);
const HELLO_EVERY: Duration = Duration::from_millis(5);

/// A publisher that has said all.
pub struct Said {
    pub sent: u64,
    _publisher: Box<dyn Publisher>,
}

pub fn all(mut publisher: Box<dyn Publisher>, me: usize, pace: Pace, tally: &Tally) -> Result<Said> {
    let said = match pace {
        _ if !begun(&mut *publisher, tally)? => Ok(0),
        Pace::Window(window) => keep_a_window(&mut *publisher, me, window, tally),
        Pace::PerSecond(rate) => keep_a_rate(&mut *publisher, me, rate, tally),
    };
    Ok(Said { sent: said.context("publishing")?, _publisher: publisher })
}

/// Says hello until everybody heard it; `false` where that never was.
fn begun(publisher: &mut dyn Publisher, tally: &Tally) -> Result<bool> {
    while !tally.begun.load(Relaxed) {
        if tally.quiet.load(Relaxed) {
            return Ok(false);
        }
        publisher.send(0..1)?;
        sleep(HELLO_EVERY);
    }
    Ok(true)
}

fn keep_a_window(publisher: &mut dyn Publisher, me: usize, window: u64, tally: &Tally) -> Result<u64> {
    let share = window / tally.sent.len() as u64;
    let batch = BATCH_MAX.min(share / 2).max(1);
    let mut sent = 0;
    while !tally.quiet.load(Relaxed) {
        if sent - tally.received_of(me) + batch > share {
            sleep(WINDOW_WAIT);
            continue;
        }
        publisher.send(sent + 1..sent + 1 + batch)?;
        sent += batch;
        tally.sent[me].store(sent, Release);
    }
    Ok(sent)
}

fn keep_a_rate(publisher: &mut dyn Publisher, me: usize, rate: f64, tally: &Tally) -> Result<u64> {
    let interval_s = tally.sent.len() as f64 / rate;
    let begun = Instant::now();
    let mut sent = 0;
    while !tally.quiet.load(Relaxed) {
        let due_s = sent as f64 * interval_s;
        let now_s = begun.elapsed().as_secs_f64();
        if now_s < due_s {
            sleep(Duration::from_secs_f64(due_s - now_s));
            continue;
        }
        tally.sends_now(me, sent + 1);
        publisher.send(sent + 1..sent + 2)?;
        sent += 1;
        tally.sent[me].store(sent, Release);
    }
    Ok(sent)
}
