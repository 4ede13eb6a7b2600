//! A subscriber: a thread that receives everything and keeps the ledgers.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::libzmq::{Candidate, Monitor, event};
use thingsbus_adaptor::wire::limits::SNAPSHOT_BYTES_MAX;
use zmq::{Context, DONTWAIT, Error, Message, PollEvents, Socket, SocketType};

use super::course::Course;
use super::ledger::{Came, Ledger};
use super::message::{Reader, merged};
use super::place::places;
use super::plan::Plan;
use crate::broker::hinted;
use crate::failure::Failure;

/// What libzmq keeps for a subscriber that is busy, in messages: as the client library has it.
const RECEIVE_HIGH_WATER_MARK: i32 = 10_000;

/// How often is looked whether it is over while nothing comes.
const LOOK_EVERY_MS: i32 = 50;

/// How often while something does, in messages.
const LOOK_EVERY: u64 = 1_024;

/// Where there are several addresses, one gets so long to answer.
const PLACE_WAIT: Duration = Duration::from_millis(1_500);

/// Three digits of every latency are kept.
const DIGITS: u8 = 3;

/// One whose subscription is active.
pub(super) struct Subscriber {
    socket: Socket,
    monitor: Ending,
    reader: Reader,
    index: u16,
    heard: Heard,
    /// The context ends with its sockets, so it comes after them.
    _context: Context,
}

/// A monitor that is waited for when it is dropped, which must be after its socket was.
struct Ending(Option<Monitor>);

impl Ending {
    fn next_event(&self) -> Option<u16> {
        self.0.as_ref()?.next_event()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if let Some(monitor) = self.0.take() {
            monitor.wait_for_the_end();
        }
    }
}

/// What a subscriber has heard.
pub(super) struct Heard {
    /// By publisher.
    pub(super) ledgers: Vec<Ledger>,
    /// In nanoseconds, of each message that came for the first time.
    pub(super) latencies: Histogram<u64>,
    /// Updates that newer ones stood for, as the broker tells.
    pub(super) merged: u64,
    /// How often its connection was lost.
    pub(super) disconnects: u64,
    /// When the last message came that counts.
    pub(super) last: Option<Instant>,
}

impl Heard {
    /// How many messages came once and in order.
    pub(super) fn received(&self) -> u64 {
        self.ledgers.iter().map(|ledger| ledger.in_order).sum()
    }
}

/// Connects all of them, where the broker answers; waits until each has its subscription.
pub(super) fn connect(
    plan: &Plan,
    broker: &BrokerName,
    patience: Duration,
) -> Result<(SocketAddr, Vec<Subscriber>), Failure> {
    let places = places(broker).map_err(Failure::failed)?;
    let context = Context::new();
    context.set_io_threads(io_threads(plan.subscribers)).map_err(zmq_failed)?;
    let wait = if places.len() > 1 { patience.min(PLACE_WAIT) } else { patience };
    let mut why = String::new();
    for place in &places {
        let connected = |index| Subscriber::connect(plan, &context, place, index, wait);
        match (0..plan.subscribers).map(connected).collect() {
            Ok(subscribers) => return Ok((place.address, subscribers)),
            Err(error) => why = error,
        }
    }
    Err(Failure::failed(hinted(why, broker)))
}

impl Subscriber {
    fn connect(
        plan: &Plan,
        context: &Context,
        place: &Candidate,
        index: u16,
        wait: Duration,
    ) -> Result<Self, String> {
        let latencies = Histogram::new(DIGITS).map_err(|error| error.to_string())?;
        let zmq = |error: Error| format!("ZeroMQ: {error}");
        let socket = context.socket(SocketType::SUB).map_err(zmq)?;
        let monitor = Ending(Some(Monitor::of(&socket, context).map_err(zmq)?));
        let ledgers = vec![Ledger::default(); usize::from(plan.publishers)];
        let heard = Heard { ledgers, latencies, merged: 0, disconnects: 0, last: None };
        let reader = Reader::new(&plan.run);
        let subscriber = Self { socket, monitor, reader, index, heard, _context: context.clone() };
        let deadline = Instant::now() + wait;
        subscriber.open(place).map_err(zmq)?;
        // Who asks for a mark first is sent no last values. libzmq tells what is subscribed to before a connection
        // stands in an order of its own, so the rest waits for the answer.
        subscriber.mark(plan, place, 'a', deadline)?;
        subscriber.socket.set_subscribe(format!(r#"{{"ns":"{}."#, plan.ns).as_bytes()).map_err(zmq)?;
        subscriber.mark(plan, place, 'b', deadline)?;
        subscriber.socket.set_rcvtimeo(LOOK_EVERY_MS).map_err(zmq)?;
        Ok(subscriber)
    }

    fn open(&self, place: &Candidate) -> Result<(), Error> {
        self.socket.set_linger(0)?;
        self.socket.set_ipv6(place.address.is_ipv6())?;
        self.socket.set_rcvhwm(RECEIVE_HIGH_WATER_MARK)?;
        self.socket.set_maxmsgsize(i64::try_from(SNAPSHOT_BYTES_MAX).unwrap_or(i64::MAX))?;
        self.socket.connect(&place.url())
    }

    /// Asks for a mark and waits for it: all that was subscribed to before is active then.
    fn mark(&self, plan: &Plan, place: &Candidate, which: char, deadline: Instant) -> Result<(), String> {
        let mark = format!(r#"{{"mark":"bench-{}-{}-{which}""#, plan.run, self.index);
        self.socket.set_subscribe(mark.as_bytes()).map_err(|error| format!("ZeroMQ: {error}"))?;
        loop {
            while let Ok(message) = self.socket.recv_bytes(DONTWAIT) {
                if message.starts_with(mark.as_bytes()) {
                    return Ok(());
                }
            }
            let address = place.address;
            while let Some(told) = self.monitor.next_event() {
                if matches!(told, event::CLOSED | event::DISCONNECTED) {
                    return Err(format!("{address} does not accept the connection"));
                }
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(format!("{address} does not answer a subscription"));
            }
            let mut items = vec![self.socket.as_poll_item(PollEvents::POLLIN)];
            items.extend(self.monitor.0.as_ref().map(Monitor::poll_item));
            // A signal, or what else cuts it short: everything is looked at again.
            let _ = zmq::poll(&mut items, milliseconds(left));
        }
    }

    /// Receives until it is over.
    pub(super) fn run(mut self, course: &Course) -> Heard {
        let mut message = Message::new();
        let mut taken = 0;
        let mut count: u64 = 0;
        loop {
            let came = self.socket.recv(&mut message, 0).is_ok();
            count += 1;
            if (!came || count.is_multiple_of(LOOK_EVERY)) && course.is_over() {
                break;
            }
            if !came {
                continue;
            }
            let now = Instant::now();
            self.heard.merged += merged(&message).unwrap_or(0);
            let Some(told) = self.reader.read(&message) else { continue };
            let Some(ledger) = self.heard.ledgers.get_mut(told.publisher) else { continue };
            if ledger.take(told.number) != Came::Repeated {
                taken += 1;
                let clock = u64::try_from(course.clock_at(now).as_nanos()).unwrap_or(u64::MAX);
                // It makes room for whatever comes.
                let _ = self.heard.latencies.record(clock.saturating_sub(told.time));
                course.tell_taken(self.index, taken, told.publisher, ledger.next());
                self.heard.last = Some(now);
            }
        }
        let Self { socket, monitor, mut heard, .. } = self;
        while let Some(told) = monitor.next_event() {
            heard.disconnects += u64::from(told == event::DISCONNECTED);
        }
        drop(socket);
        drop(monitor);
        heard
    }
}

/// One of libzmq's own threads for each connection, as far as there are cores.
pub(super) fn io_threads(connections: u16) -> i32 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    i32::try_from(usize::from(connections).min(cores)).unwrap_or(1)
}

/// Rounded up, so that the last look is after it.
pub(super) fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX).min(3_600_000)
}

pub(super) fn zmq_failed(error: Error) -> Failure {
    Failure::failed(format_args!("ZeroMQ: {error}"))
}
