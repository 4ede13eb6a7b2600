//! `thingsbus bench`: what a broker carries, how fast, and whether anything is lost.

mod course;
mod findings;
mod ledger;
mod limits;
mod load;
mod message;
mod notes;
mod place;
mod plan;
mod proc;
mod progress;
mod publisher;
mod report;
mod subscriber;

use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::Namespace;

use crate::args::{Global, duration};
use crate::broker::{chosen, timeout};
use crate::failure::Failure;
use crate::output::Output;
use crate::send::parse_thing;
use crate::status;

use course::{Course, Watch};
use findings::Findings;
use load::Load;
use message::DATA_BYTES_MIN;
use plan::Plan;
use progress::Progress;
use publisher::Publisher;

/// Measure a broker: what it carries, how fast, and whether anything is lost
///
/// Publishes to things of its own and subscribes to them, both from this process, so that one clock measures. Only
/// messages that came once and in order count. Without --rate it sends as fast as nothing is lost: what is on its way
/// is limited by --window. The things that it makes stay in the broker's directory until the broker is stopped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus bench --rate 10000 --subscribers 4")]
pub(crate) struct Options {
    /// How many publish
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=500))]
    publishers: u16,
    /// How many subscribe, each to everything
    #[arg(short, long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=500))]
    subscribers: u16,
    /// How many things the messages are about, in turn
    #[arg(long, value_name = "N", default_value = "1000", value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    things: u64,
    /// How long each message's data is, from 63 on
    #[arg(long, value_name = "BYTES", default_value = "100", value_parser = clap::value_parser!(u32).range(DATA_BYTES_MIN..))]
    payload: u32,
    /// Messages a second, of all publishers [default: as fast as nothing is lost]
    #[arg(short, long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    rate: Option<u64>,
    /// How many messages may be on their way, of all publishers [default: what the broker has room for, at most 2000]
    #[arg(short, long, value_name = "N", conflicts_with = "rate", value_parser = clap::value_parser!(u64).range(1..))]
    window: Option<u64>,
    /// How long to publish [default: 5s, or until --messages]
    #[arg(short, long, value_name = "TIME", value_parser = duration)]
    duration: Option<Duration>,
    /// How many messages to publish, of all publishers
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    messages: Option<u64>,
    /// Publish by UDP datagrams in place of ZeroMQ
    #[arg(long)]
    udp: bool,
    /// Below which thing to publish; what is made there stays in the directory
    #[arg(long, default_value = "bench", value_parser = parse_thing)]
    ns: Namespace,
}

/// How often is looked whether it is over.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// All is sent: what has not come after so long without anything else coming, and after what was sent later, will not
/// come. What may be on its way is waited for as long as the broker may take.
const QUIET: Duration = Duration::from_secs(1);

pub(crate) fn run(options: Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let broker = chosen(global)?;
    let patience = timeout(global);
    let before = look(&broker, patience)?;
    let plan = Plan::new(options, &before)?;
    let process = load::broker_process(&broker, &before);

    let course = Course::new(&plan);
    let mut load = Load::new(process);
    let (address, subscribers) = load.of_subscribers(|| subscriber::connect(&plan, &broker, patience))?;
    let publishers = load.of_publishers(|| publisher::connect(&plan, address, patience))?;
    let stop = Watch::new()?;

    load.begin();
    let start = Instant::now();
    let mut threads = Vec::new();
    for subscriber in subscribers {
        let course = course.clone();
        threads.push(started(load::SUBSCRIBER, move || subscriber.run(&course))?);
    }
    let mut senders = Vec::new();
    for publisher in publishers {
        let course = course.clone();
        senders.push(started(load::PUBLISHER, move || publisher.run(&course, start))?);
    }
    let gave_up =
        follow(&plan, &course, &mut load, &stop, patience, || senders.iter().all(JoinHandle::is_finished));
    load.end();
    course.end();
    let sent = senders
        .into_iter()
        .map(|thread| joined(thread).map(Publisher::into_report))
        .collect::<Result<Vec<_>, _>>()?;
    let heard = threads.into_iter().map(joined).collect::<Result<Vec<_>, _>>()?;
    let after = look(&broker, patience).ok();

    let findings =
        Findings { plan, broker, start, sent, heard, load, before, after, gave_up, signal: stop.signal() };
    let nothing_came = findings.heard.iter().all(|heard| heard.received() == 0);
    if output.is_json() {
        output.line(findings.to_json())?;
    } else {
        report::print(&findings, output)?;
    }
    match findings.signal {
        0 if nothing_came => Err(Failure::failed("nothing of what was sent came back")),
        0 => Ok(()),
        signal => {
            output.flush()?;
            Err(Failure::Said(128 | signal, "ended early, by a signal".to_owned()))
        }
    }
}

/// Waits for the end: everything came, or no more comes. True where nothing came back while there was sending.
fn follow(
    plan: &Plan,
    course: &Course,
    load: &mut Load,
    stop: &Watch,
    patience: Duration,
    all_sent: impl Fn() -> bool,
) -> bool {
    let mut progress = Progress::new();
    let mut moved = (0, Instant::now());
    let mut all_sent_since = None;
    let mut gave_up = false;
    loop {
        std::thread::sleep(LOOK_EVERY);
        if stop.signal() != 0 {
            course.stop_sending();
        }
        let done = all_sent();
        let (sent, taken) = (course.sent(), course.taken());
        if moved.0 != taken {
            moved = (taken, Instant::now());
        }
        progress.tell(sent, course.taken_least());
        if done {
            let since = *all_sent_since.get_or_insert_with(Instant::now);
            let is_late = plan.udp || gave_up || stop.signal() != 0 || course.is_last_heard();
            let limit = if is_late { QUIET } else { patience };
            let is_whole = taken >= sent.saturating_mul(u64::from(plan.subscribers));
            if is_whole || since.max(moved.1).elapsed() > limit {
                return gave_up;
            }
        } else {
            load.sample();
            // Of a low rate nothing is expected for a while.
            let pause = plan.rate.map_or(Duration::ZERO, |_| Duration::from_secs(1));
            if moved.1.elapsed() > patience + pause {
                course.stop_sending();
                gave_up = true;
            }
        }
    }
}

fn look(broker: &BrokerName, patience: Duration) -> Result<Value, Failure> {
    status::read(broker, &status::asked(broker, patience)?)
}

fn started<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<JoinHandle<T>, Failure> {
    let thread = Builder::new().name(name.to_owned()).spawn(work);
    thread.map_err(|error| Failure::failed(format_args!("no thread can be started: {error}")))
}

fn joined<T>(thread: JoinHandle<T>) -> Result<T, Failure> {
    thread.join().map_err(|_| Failure::failed("a thread of the bench broke down; please report this"))
}
