//! A million things: what they weigh, how soon a new client has them all, and what the others feel of that.

use std::io::{BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::clients::lean::LeanSubscriber;
use crate::clients::{SEND_TIMEOUT, Shape, Subscriber};
use crate::finding::{Finding, median};
use crate::load::{Outcome, Pace, microseconds};
use crate::peer::{Peer, Programs, Running, start_thingsbus};
use crate::rounds::{LATENCY_PER_SECOND, Timing, once};
use crate::wire::zmtp::{self, Zmtp, frame};

pub const ABOUT: &str = "\
A new client asks the query door page by page, each after the answer to the one before; or it is a plain SUB that is
sent last values when it subscribes. Meanwhile one publisher and one subscriber go on at 10,000/s.";

pub const THINGS: usize = 1_000_000;
const BATCH: usize = 1_000;
const VALUE_BYTES: usize = 100;
/// How long the broker may take to have them, and a client to get them.
const TIMEOUT: Duration = Duration::from_secs(60);

pub fn run(programs: &Programs, timing: Timing) -> Result<Vec<Finding>> {
    let broker = start_thingsbus(programs, &["--set", "limits.things_max=1100000"])?;
    let empty_mib = broker.process.rss_mib()?;
    publish(&broker)?;
    let bytes = (broker.process.rss_mib()? - empty_mib) * 1048576.0;

    let alone = others(&broker, timing)?;
    let (asking, by_query_s) = beside(|| by_query(&broker), || others(&broker, timing))?;
    let (hearing, by_stream_s) = beside(|| by_stream(&broker), || others(&broker, timing))?;

    let p99 = |outcome: &Outcome| microseconds(&outcome.latency, 0.99);
    Ok(vec![
        Finding::new("memory for each thing", bytes / THINGS as f64, "bytes").at_most(400.0),
        Finding::new("a new client has all, by queries", by_query_s, "s").at_most(3.0),
        Finding::new("a new client has all, by subscribing", by_stream_s, "s").at_most(3.0),
        Finding::new("p99 of the others, nobody new", p99(&alone), "us"),
        Finding::new("p99 of the others, one new by queries after the other", p99(&asking), "us"),
        Finding::new("p99 of the others, one new by subscribing after the other", p99(&hearing), "us"),
        Finding::new("p99, while asked / nobody new", p99(&asking) / p99(&alone), "").at_most(2.0),
        Finding::new("p99, while subscribed / nobody new", p99(&hearing) / p99(&alone), "").at_most(2.0),
        Finding::new("updates that the others lost", (asking.lost + hearing.lost) as f64, "").at_most(0.0),
    ])
}

/// The others' latency.
fn others(broker: &Running, timing: Timing) -> Result<Outcome> {
    let shape = Shape { publishers: 1, subscribers: 1 };
    once(Peer::Thingsbus, broker, shape, Pace::PerSecond(LATENCY_PER_SECOND), timing)
}

/// New clients one after the other while the others go on: the others' outcome, and the median of how long one took.
fn beside(
    new_client: impl Fn() -> Result<Duration> + Sync,
    others: impl FnOnce() -> Result<Outcome>,
) -> Result<(Outcome, f64)> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| -> Result<Vec<f64>> {
            let mut took_s = Vec::new();
            while !over.load(Relaxed) {
                took_s.push(new_client()?.as_secs_f64());
            }
            Ok(took_s)
        });
        let outcome = others();
        over.store(true, Relaxed);
        let took_s = clients.join().expect("no panic")?;
        Ok((outcome?, median(took_s).context("no client came to its end")?))
    })
}

pub fn publish(broker: &Running) -> Result<()> {
    let mut stream = zmtp::open(broker.publish, "PUSH")?;
    stream.set_write_timeout(Some(SEND_TIMEOUT))?;
    let value = "v".repeat(VALUE_BYTES - 2); // Its quotation marks are of it.
    for first in (0..THINGS).step_by(BATCH) {
        let frames = (first..first + BATCH).flat_map(|thing| {
            let ns = format!("big.group{}.t{}", thing / 1_000, thing % 1_000);
            frame(format!(
                r#"{{"ns":"{ns}","type":"thing_update","ts":1423351104.945,"data":"{value}","documentation_url":null}}"#
            ).as_bytes())
        });
        stream.write_all(&frames.collect::<Vec<u8>>())?;
    }
    knows_all(broker)
}

/// Waits until the broker has all things.
pub fn knows_all(broker: &Running) -> Result<()> {
    let begun = Instant::now();
    let mut door = QueryDoor::connect(broker)?;
    while door.ask(r#"{"type":"thing_query","ns":"","limit":1}"#)?.seq < THINGS as u64 {
        ensure!(begun.elapsed() < TIMEOUT, "the broker did not take all things");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// How the broker is.
pub fn status(broker: &Running) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&QueryDoor::connect(broker)?.answer(r#"{"type":"status_query"}"#)?)?)
}

fn by_query(broker: &Running) -> Result<Duration> {
    let begun = Instant::now();
    let mut door = QueryDoor::connect(broker)?;
    let (mut things, mut after) = (0, String::new());
    loop {
        let page = door.ask(&format!(r#"{{"type":"thing_query","ns":"big","tree":true{after}}}"#))?;
        things += page.count;
        match page.next {
            Some(next) => after = format!(r#","after":"{next}""#),
            None => break,
        }
        ensure!(begun.elapsed() < TIMEOUT, "the pages do not end");
    }
    ensure!(things == THINGS as u64, "the pages told {things} things");
    Ok(begun.elapsed())
}

fn by_stream(broker: &Running) -> Result<Duration> {
    let begun = Instant::now();
    let mut stream = zmtp::open(broker.subscribe, "SUB")?;
    stream.write_all(&zmtp::subscription(r#"{"ns":"big."#))?;
    let mut subscriber = LeanSubscriber::<Zmtp>::over(stream)?;
    let mut things = 0;
    while things < THINGS {
        subscriber.receive(&mut |_| things += 1)?;
        ensure!(begun.elapsed() < TIMEOUT, "{things} last values came");
    }
    Ok(begun.elapsed())
}

struct QueryDoor(BufReader<TcpStream>);

struct Page {
    seq: u64,
    count: u64,
    next: Option<String>,
}

impl QueryDoor {
    fn connect(broker: &Running) -> Result<Self> {
        Ok(Self(BufReader::new(zmtp::open(broker.subscribe + 2, "DEALER")?)))
    }

    fn ask(&mut self, question: &str) -> Result<Page> {
        Page::read(&self.answer(question)?).context("an answer that is none")
    }

    fn answer(&mut self, question: &str) -> Result<Vec<u8>> {
        self.0.get_mut().write_all(&frame(question.as_bytes()))?;
        let mut flags = [0];
        self.0.read_exact(&mut flags)?;
        let bytes = if flags[0] & 2 == 0 {
            let mut length = [0];
            self.0.read_exact(&mut length)?;
            usize::from(length[0])
        } else {
            let mut length = [0; 8];
            self.0.read_exact(&mut length)?;
            usize::try_from(u64::from_be_bytes(length))?
        };
        let mut text = vec![0; bytes];
        self.0.read_exact(&mut text)?;
        Ok(text)
    }
}

impl Page {
    /// What stands after the things; reading those too would be the client's cost, not the broker's.
    fn read(answer: &[u8]) -> Option<Self> {
        let tail = &answer[answer.len().saturating_sub(4_096)..];
        let at = tail.windows(8).rposition(|window| window == b"\"epoch\":")?;
        let tail: serde_json::Value = serde_json::from_slice(&[b"{", &tail[at..]].concat()).ok()?;
        let next = tail["next"].as_str().map(str::to_owned);
        Some(Self { seq: tail["seq"].as_u64()?, count: tail["count"].as_u64()?, next })
    }
}
