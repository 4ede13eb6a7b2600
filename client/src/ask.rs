//! One question to a broker's query door, and its answer.

use std::time::{Duration, Instant};

use thingsbus_adaptor::libzmq::{Candidate, Monitor, event, resolve, with};
use thingsbus_adaptor::wire::Ask;
use thingsbus_adaptor::wire::limits::SNAPSHOT_BYTES_MAX;
use thingsbus_adaptor::{Address, BrokerName};
use zmq::{DONTWAIT, PollEvents, Socket, SocketType};

use crate::error::Error;
use crate::link::brokers;

/// One of several places gets so long to answer before the next one is asked.
const PLACE_WAIT: Duration = Duration::from_secs(3);

/// Between two attempts at a door that did not open.
const PAUSE: Duration = Duration::from_millis(100);

/// A limit beyond what the clock can say is as good as this.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// Asks a broker one question and gives its answer, which is JSON text: a page of things, or how the broker is. Blocks
/// until there is one. A [`crate::Client`] asks by itself what it needs.
///
/// ```no_run
/// use std::time::Duration;
/// use thingsbus_adaptor::{BrokerName, wire::Ask};
/// let broker = BrokerName::from_env()?.name;
/// println!("{}", thingsbus_client::ask(&broker, &Ask::Status, Duration::from_secs(5))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where there is no answer within `limit`, as from a 0.2.1 broker, which has no query door. The error says what was
/// seen.
pub fn ask(broker: &BrokerName, question: &Ask, limit: Duration) -> Result<String, Error> {
    let deadline = Instant::now() + limit.min(LONGEST);
    let left = || deadline.saturating_duration_since(Instant::now());
    let no_answer = |why| Error::NoAnswer { broker: broker.clone(), waited: limit, why };
    let places = places(broker).map_err(no_answer)?;
    // Asked again elsewhere it would be done twice: who has taken it is waited for.
    let patience = if matches!(question, Ask::Snapshot(_)) { LONGEST } else { PLACE_WAIT };
    let question = question.encode();
    let place_wait = if places.len() > 1 { PLACE_WAIT } else { LONGEST };
    loop {
        let mut why = String::new();
        for place in &places {
            match ask_at(place, &question, left().min(place_wait), left().min(patience))? {
                Ok(answer) => return Ok(answer),
                Err(seen) if left().is_zero() => return Err(no_answer(seen)),
                Err(seen) => why = seen,
            }
        }
        std::thread::sleep(left().min(PAUSE));
        if left().is_zero() {
            return Err(no_answer(why));
        }
    }
}

/// The query doors of all brokers that the name stands for, the best first.
fn places(broker: &BrokerName) -> Result<Vec<Candidate>, String> {
    let endpoints: Vec<String> = brokers(broker)?.iter().map(Address::query_endpoint).collect();
    resolve(&endpoints).map_err(|error| error.to_string())
}

/// The answer, or what was seen instead.
fn ask_at(
    place: &Candidate,
    question: &[u8],
    wait: Duration,
    patience: Duration,
) -> Result<Result<String, String>, Error> {
    let zmq_error = |error: zmq::Error| Error::Zmq(error.to_string());
    let (socket, monitor) = with(|context| {
        let socket = context.socket(SocketType::REQ)?;
        socket.set_linger(0)?;
        socket.set_ipv6(place.address.is_ipv6())?;
        socket.set_maxmsgsize(i64::try_from(SNAPSHOT_BYTES_MAX).unwrap_or(i64::MAX))?;
        let monitor = Monitor::of(&socket, context)?;
        Ok((socket, monitor))
    })
    .map_err(zmq_error)?;
    let sent = socket.connect(&place.url()).and_then(|()| socket.send(question, DONTWAIT));
    let answer = sent.map(|()| answer(&socket, &monitor, place, wait, patience)).map_err(zmq_error);
    drop(socket);
    monitor.wait_for_the_end();
    answer
}

/// Waits so long, and with `patience` for who is there.
fn answer(
    socket: &Socket,
    monitor: &Monitor,
    place: &Candidate,
    wait: Duration,
    patience: Duration,
) -> Result<String, String> {
    let begun = Instant::now();
    let mut deadline = Instant::now() + wait;
    let address = place.address;
    let mut seen = format!("connecting to {address}");
    loop {
        if let Ok(answer) = socket.recv_bytes(DONTWAIT) {
            return String::from_utf8(answer).map_err(|_| format!("{address} answers what is not text"));
        }
        while let Some(told) = monitor.next_event() {
            match told {
                event::HANDSHAKE_SUCCEEDED => {
                    seen = format!("connected to {address}, and nothing comes");
                    deadline = deadline.max(begun + patience);
                }
                event::DISCONNECTED => return Err(format!("the connection to {address} was lost")),
                event::CLOSED => return Err(format!("{address} does not accept the connection")),
                _ => {}
            }
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(seen);
        }
        // Rounded up, so that the last look is after the deadline.
        let left_ms = i64::try_from(left.as_micros().div_ceil(1_000)).unwrap_or(i64::MAX).min(3_600_000);
        let mut items = [socket.as_poll_item(PollEvents::POLLIN), monitor.poll_item()];
        // A signal, or what else cuts it short: everything is looked at again.
        let _ = zmq::poll(&mut items, left_ms);
    }
}
