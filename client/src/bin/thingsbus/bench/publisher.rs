//! A publisher: a thread that sends numbered messages, at a rate or as far ahead of the subscribers as it may.

use std::net::{SocketAddr, UdpSocket};
use std::thread::sleep;
use std::time::{Duration, Instant};

use zmq::{Context, Error, PollEvents, Socket, SocketType};

use super::course::Course;
use super::message::Template;
use super::place;
use super::plan::Plan;
use super::subscriber::{io_threads, milliseconds, zmq_failed};
use crate::failure::Failure;
use crate::numbers::seconds_text;

/// What libzmq keeps of what the broker does not take at once, in messages: as much as the largest window by itself.
const SEND_HIGH_WATER_MARK: i32 = 10_000;

/// Who waits for the broker looks as often as this whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Who waits for the subscribers looks after this, and then half as often each time.
const WINDOW_PAUSE: Duration = Duration::from_micros(20);
const WINDOW_PAUSE_MAX: Duration = Duration::from_millis(2);

/// Where nothing at all came for so long, what is on its way was lost and is not waited for.
const STALL: Duration = Duration::from_secs(1);

/// The same where only other publishers' messages came.
const STALL_ALONE: Duration = Duration::from_secs(5);

/// By what it goes out.
enum Outlet {
    Zmq(Socket),
    Udp(UdpSocket),
}

/// One that is connected.
pub(super) struct Publisher {
    outlet: Outlet,
    template: Template,
    pace: Pace,
    index: u16,
    publishers: u64,
    things: u64,
    count: Option<u64>,
    duration: Option<Duration>,
    report: Sent,
    /// The context ends with its sockets, so it comes after them.
    _context: Context,
}

enum Pace {
    /// Messages a second of all publishers.
    Rate(u64),
    /// How many may be on their way, and up to which number it may go.
    Window { size: u64, up_to: u64 },
}

/// What a publisher has done.
#[derive(Clone, Debug, Default)]
pub(super) struct Sent {
    pub(super) count: u64,
    pub(super) ended: Option<Instant>,
    /// How often what was on its way was not waited for any more.
    pub(super) stalls: u64,
    /// How often the system did not take a datagram, and what it said.
    pub(super) errors: u64,
    pub(super) last_error: Option<String>,
}

/// Connects all of them.
pub(super) fn connect(
    plan: &Plan,
    clients: SocketAddr,
    patience: Duration,
) -> Result<Vec<Publisher>, Failure> {
    let address = place::input(clients);
    let context = Context::new();
    context.set_io_threads(io_threads(plan.publishers)).map_err(zmq_failed)?;
    let publisher = |index| {
        let outlet = if plan.udp {
            Outlet::Udp(datagrams(address).map_err(|error| {
                Failure::failed(format_args!("no datagrams can be sent to {address}: {error}"))
            })?)
        } else {
            let socket = push(&context, address).map_err(zmq_failed)?;
            if !socket.poll(PollEvents::POLLOUT, milliseconds(patience)).is_ok_and(|ready| ready > 0) {
                let waited = seconds_text(patience);
                return Err(Failure::failed(format_args!("{address} takes no messages within {waited}")));
            }
            Outlet::Zmq(socket)
        };
        let size = plan.window_each();
        Ok(Publisher {
            outlet,
            template: Template::new(plan, index),
            pace: plan.rate.map_or(Pace::Window { size, up_to: size }, Pace::Rate),
            index,
            publishers: u64::from(plan.publishers),
            things: plan.things,
            count: plan.share(index),
            duration: plan.duration,
            report: Sent::default(),
            _context: context.clone(),
        })
    };
    (0..plan.publishers).map(publisher).collect()
}

fn push(context: &Context, address: SocketAddr) -> Result<Socket, Error> {
    let socket = context.socket(SocketType::PUSH)?;
    socket.set_linger(0)?;
    socket.set_ipv6(address.is_ipv6())?;
    socket.set_sndhwm(SEND_HIGH_WATER_MARK)?;
    socket.set_sndtimeo(i32::try_from(milliseconds(LOOK_EVERY)).unwrap_or(i32::MAX))?;
    // Nothing is taken before the connection stands: that shows when it does.
    socket.set_immediate(true)?;
    socket.connect(&format!("tcp://{address}"))?;
    Ok(socket)
}

fn datagrams(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let any = if address.is_ipv6() { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    Ok(socket)
}

impl Publisher {
    /// Sends until all is sent, the time is up, or it is told to stop. What libzmq has not yet passed on it does as
    /// long as the publisher that this gives back is kept.
    pub(super) fn run(mut self, course: &Course, start: Instant) -> Self {
        let end = self.duration.and_then(|duration| start.checked_add(duration));
        let first = u64::from(self.index) * self.things / self.publishers;
        while self.count != Some(self.report.count) && !course.is_stopped() {
            let now = Instant::now();
            if end.is_some_and(|end| now >= end) {
                break;
            }
            let number = self.report.count;
            let is_due = match self.pace {
                Pace::Rate(rate) => {
                    let before = u128::from(number) * u128::from(self.publishers) + u128::from(self.index);
                    let due = u64::try_from(before * 1_000_000_000 / u128::from(rate)).unwrap_or(u64::MAX);
                    let due = start + Duration::from_nanos(due);
                    if end.is_some_and(|end| due >= end) {
                        break;
                    }
                    let left = due.saturating_duration_since(now);
                    sleep(left.min(LOOK_EVERY));
                    left <= LOOK_EVERY
                }
                Pace::Window { .. } => self.may_send(course, now, end),
            };
            if is_due && self.send((first + number) % self.things, course) {
                self.report.count += 1;
                course.tell_sent(self.index, self.report.count);
            }
        }
        self.report.ended = Some(Instant::now());
        self
    }

    /// What it has done. Closes its connection.
    pub(super) fn into_report(self) -> Sent {
        self.report
    }

    /// Is there room in the window? Waits for it, a while.
    fn may_send(&mut self, course: &Course, now: Instant, end: Option<Instant>) -> bool {
        let (number, index) = (self.report.count, self.index);
        let Pace::Window { size, up_to } = &mut self.pace else { return true };
        if number < *up_to {
            return true;
        }
        let mut pause = WINDOW_PAUSE;
        let mut moved = (course.taken(), now);
        loop {
            *up_to = (*up_to).max(course.heard_by_all(index).saturating_add(*size));
            if number < *up_to {
                return true;
            }
            sleep(pause);
            pause = (pause * 2).min(WINDOW_PAUSE_MAX);
            if course.is_stopped() || end.is_some_and(|end| Instant::now() >= end) {
                return false;
            }
            let taken = course.taken();
            if taken != moved.0 {
                moved = (taken, Instant::now());
            }
            if moved.1.elapsed() > STALL || now.elapsed() > STALL_ALONE {
                self.report.stalls += 1;
                *up_to = number.saturating_add(*size);
            }
        }
    }

    fn send(&mut self, thing: u64, course: &Course) -> bool {
        let message = self.template.write(thing, self.report.count, course.clock_at(Instant::now()));
        let error = match &self.outlet {
            Outlet::Zmq(socket) => match socket.send(message, 0) {
                Ok(()) => return true,
                // It takes nothing for now, or a signal came.
                Err(Error::EAGAIN | Error::EINTR) => return false,
                Err(error) => error.to_string(),
            },
            Outlet::Udp(socket) => match socket.send(message) {
                Ok(_) => return true,
                Err(error) => error.to_string(),
            },
        };
        self.report.errors += 1;
        self.report.last_error = Some(error);
        sleep(Duration::from_millis(1));
        false
    }
}
