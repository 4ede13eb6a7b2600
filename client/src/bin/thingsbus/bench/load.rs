//! How busy everybody was: the threads of this bench, the broker where it is on this machine, and the machine.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use thingsbus_adaptor::BrokerName;

use super::{place, proc};

/// The names of our threads.
pub(super) const PUBLISHER: &str = "bench-pub";
pub(super) const SUBSCRIBER: &str = "bench-sub";

/// As Linux shows it: cut to 15 bytes.
const BROKER: &str = "thingsbus-broke";

const SAMPLE_EVERY: Duration = Duration::from_millis(100);

/// Of less, nothing is told: the times have hundredths of a second.
const TELLING: Duration = Duration::from_millis(50);
const TELLING_SPAN: Duration = Duration::from_millis(400);

/// The broker's process, where it is on this machine.
pub(super) fn broker_process(broker: &BrokerName, status: &Value) -> Option<u32> {
    let pid = status.get("pid").and_then(Value::as_u64).and_then(|pid| u32::try_from(pid).ok())?;
    let is_here = place::places(broker).ok()?.iter().all(|place| place::is_here(place.address));
    // Behind a forwarded port it may be a number of another machine.
    (is_here && proc::process(pid)?.name == BROKER).then_some(pid)
}

/// Who of this process a thread works for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Side {
    Publishers,
    Subscribers,
}

struct Thread {
    side: Side,
    before: Duration,
    now: Duration,
}

#[derive(Clone, Copy)]
struct Moment {
    at: Instant,
    broker: Option<Duration>,
    machine: Option<(u64, u64)>,
}

/// How busy everybody was.
pub(super) struct Load {
    broker: Option<u32>,
    /// libzmq's own threads.
    io: BTreeMap<u32, Side>,
    threads: BTreeMap<u32, Thread>,
    begin: Moment,
    sent: Moment,
    /// What the broker computed in all, and its memory: before, after, and the most ever.
    broker_cpu: Option<Duration>,
    broker_memory: Option<[u64; 3]>,
}

/// How busy one side of the bench was, in cores: all of its threads, and the busiest.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
pub(super) struct Busy {
    pub(super) cores: f64,
    pub(super) busiest_thread: f64,
}

impl Load {
    pub(super) fn new(broker: Option<u32>) -> Self {
        let now = Moment::now(None);
        Self {
            broker,
            io: BTreeMap::new(),
            threads: BTreeMap::new(),
            begin: now,
            sent: now,
            broker_cpu: None,
            broker_memory: None,
        }
    }

    /// The threads that `make` starts work for the publishers.
    pub(super) fn of_publishers<T>(&mut self, make: impl FnOnce() -> T) -> T {
        self.of(Side::Publishers, make)
    }

    /// The threads that `make` starts work for the subscribers.
    pub(super) fn of_subscribers<T>(&mut self, make: impl FnOnce() -> T) -> T {
        self.of(Side::Subscribers, make)
    }

    fn of<T>(&mut self, side: Side, make: impl FnOnce() -> T) -> T {
        let ids = || proc::threads().into_iter().map(|(id, _)| id).collect::<BTreeSet<u32>>();
        let before = ids();
        let made = make();
        self.io.extend(ids().difference(&before).map(|id| (*id, side)));
        made
    }

    pub(super) fn begin(&mut self) {
        self.threads.clear();
        self.begin = Moment::now(self.broker);
        self.sent = self.begin;
        let memory = self.broker.and_then(proc::memory);
        self.broker_memory = memory.map(|(now, most)| [now, now, most]);
        self.look();
        self.threads.values_mut().for_each(|thread| thread.before = thread.now);
    }

    /// While there is sending.
    pub(super) fn sample(&mut self) {
        if self.sent.at.elapsed() >= SAMPLE_EVERY {
            self.sent = Moment::now(self.broker);
            self.look();
        }
    }

    /// Everything has come.
    pub(super) fn end(&mut self) {
        let now = Moment::now(self.broker);
        self.broker_cpu = between(self.begin.broker, now.broker).filter(|cpu| *cpu >= TELLING);
        if let (Some([_, after, most_ever]), Some((now, most))) =
            (&mut self.broker_memory, self.broker.and_then(proc::memory))
        {
            (*after, *most_ever) = (now, most);
        }
    }

    fn look(&mut self) {
        for (id, stat) in proc::threads() {
            let side = match stat.name.as_str() {
                PUBLISHER => Some(Side::Publishers),
                SUBSCRIBER => Some(Side::Subscribers),
                _ => self.io.get(&id).copied(),
            };
            if let Some(side) = side {
                let thread =
                    self.threads.entry(id).or_insert(Thread { side, before: Duration::ZERO, now: stat.cpu });
                thread.now = stat.cpu;
            }
        }
    }

    pub(super) fn publishers(&self) -> Option<Busy> {
        self.busy(Side::Publishers)
    }

    pub(super) fn subscribers(&self) -> Option<Busy> {
        self.busy(Side::Subscribers)
    }

    fn busy(&self, side: Side) -> Option<Busy> {
        let span = self.span()?;
        let threads = self.threads.values().filter(|thread| thread.side == side);
        let shares: Vec<f64> =
            threads.map(|thread| share(thread.now.saturating_sub(thread.before), span)).collect();
        let busiest_thread = shares.iter().copied().reduce(f64::max)?;
        Some(Busy { cores: shares.iter().sum(), busiest_thread })
    }

    /// How busy the broker was while there was sending, in cores.
    pub(super) fn broker(&self) -> Option<f64> {
        Some(share(between(self.begin.broker, self.sent.broker)?, self.span()?))
    }

    /// What the broker computed from the first message to the last; `None` where that cannot be told.
    pub(super) fn broker_cpu(&self) -> Option<Duration> {
        self.broker_cpu
    }

    /// The broker's process.
    pub(super) fn broker_pid(&self) -> Option<u32> {
        self.broker
    }

    /// Before, after, and the most ever, in bytes.
    pub(super) fn broker_memory(&self) -> Option<[u64; 3]> {
        self.broker_memory
    }

    /// How busy all cores of this machine were, 0 to 1.
    pub(super) fn machine(&self) -> Option<f64> {
        self.span()?;
        let ((busy_before, all_before), (busy, all)) = (self.begin.machine?, self.sent.machine?);
        let all = all.checked_sub(all_before).filter(|all| *all > 0)?;
        Some(busy.saturating_sub(busy_before) as f64 / all as f64)
    }

    /// With what is neither this bench nor its broker, 0 to 1; `None` where the broker is elsewhere or cannot be seen.
    pub(super) fn others(&self) -> Option<f64> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let ours = self.publishers()?.cores + self.subscribers()?.cores + self.broker()?;
        Some((self.machine()? - ours / cores as f64).max(0.0))
    }

    /// How long it was looked at.
    fn span(&self) -> Option<Duration> {
        Some(self.sent.at.duration_since(self.begin.at)).filter(|span| *span >= TELLING_SPAN)
    }
}

impl Moment {
    fn now(broker: Option<u32>) -> Self {
        let broker = broker.and_then(proc::process).map(|stat| stat.cpu);
        Self { at: Instant::now(), broker, machine: proc::machine() }
    }
}

fn between(before: Option<Duration>, after: Option<Duration>) -> Option<Duration> {
    after?.checked_sub(before?)
}

fn share(cpu: Duration, span: Duration) -> f64 {
    cpu.as_secs_f64() / span.as_secs_f64()
}
