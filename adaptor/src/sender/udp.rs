//! Sending in UDP datagrams: one message, one datagram, one system call.
//!
//! Nothing is queued: a datagram goes out at once or is lost at once. The first lookup is done by the one who starts
//! the sender; later ones run on a thread of their own that ends with the answer, so that sending never waits
//! for a name server.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{Counters, LookupError, SendError, Sent};

pub(crate) mod acked;
mod places;

use places::Places;

/// After an error, the addresses are looked up again, but not more often than this.
const RELOOKUP_AFTER: Duration = Duration::from_secs(30);
/// Without one, too: a datagram to a broker that has moved away brings no error from most networks.
const RELOOKUP_EVERY: Duration = Duration::from_secs(600);
/// What fits into a datagram over IPv4: 65,535 bytes less the headers of IP (20) and UDP (8).
const DATAGRAM_BYTES_MAX: usize = 65_507;

/// Gives the brokers' addresses, best first. It may block.
pub(crate) type Resolve = Box<dyn FnMut() -> Result<Vec<SocketAddr>, LookupError> + Send>;

/// Sends datagrams to one of the broker's addresses, and to the next one when nobody listens there.
pub(crate) struct UdpSender {
    state: Arc<Mutex<State>>,
    resolve: Arc<Mutex<Resolve>>,
    relookup_after: Duration,
}

#[derive(Debug, Default)]
struct State {
    places: Places,
    looked_up: Option<Instant>,
    looking: bool,
    failed: bool,
    counters: Counters,
}

impl UdpSender {
    /// Looks the addresses up, which may block. That there are none now is not an error: what is sent is dropped until
    /// a later lookup finds some. An error means that there cannot be a sender here.
    pub(crate) fn start(resolve: Resolve) -> Result<Self, SendError> {
        Ok(Self::start_with(resolve, RELOOKUP_AFTER))
    }

    fn start_with(mut resolve: Resolve, relookup_after: Duration) -> Self {
        let mut state = State::default();
        state.answered(resolve());
        Self { state: Arc::new(Mutex::new(state)), resolve: Arc::new(Mutex::new(resolve)), relookup_after }
    }

    /// One datagram, without blocking. It counts as sent when the kernel has taken it.
    pub(crate) fn send(&self, message: &[u8]) -> Sent {
        let mut state = lock(&self.state);
        state.counters.accepted += 1;
        let sent = match state.send(message) {
            Ok(()) => {
                state.counters.sent += 1;
                Sent::Taken
            }
            Err(error) => {
                state.counters.dropped += 1;
                state.counters.last_error = Some(error.to_string());
                Sent::Dropped
            }
        };
        if state.lookup_due(self.relookup_after) {
            state.looking = true;
            drop(state);
            self.look_up();
        }
        sent
    }

    pub(crate) fn counters(&self) -> Counters {
        let state = lock(&self.state);
        let endpoint = state.places.endpoint();
        Counters { connected: endpoint.is_some(), endpoint, ..state.counters.clone() }
    }

    /// Asks on a thread of its own.
    fn look_up(&self) {
        let (state, resolve) = (Arc::clone(&self.state), Arc::clone(&self.resolve));
        let spawned = thread::Builder::new().name("thingsbus-lookup".to_owned()).spawn(move || {
            let found = lock(&resolve)();
            lock(&state).answered(found);
        });
        if let Err(error) = spawned {
            lock(&self.state).answered(Err(error.into()));
        }
    }
}

impl fmt::Debug for UdpSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UdpSender").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl State {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        if message.len() > DATAGRAM_BYTES_MAX {
            return Err(io::Error::new(ErrorKind::InvalidInput, "longer than a datagram can be"));
        }
        let mut refused = false;
        loop {
            let sent = self.places.socket().and_then(|(socket, _)| socket.send(message));
            let Err(error) = sent else { return Ok(()) };
            match error.kind() {
                ErrorKind::Interrupted => {}
                // The kernel's buffer is full; another address would not empty it.
                ErrorKind::WouldBlock => return Err(error),
                // This speaks of an earlier datagram, and was said instead of sending this one.
                ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset if !refused => {
                    refused = true;
                    self.counters.refused += 1;
                    self.counters.last_error = Some(error.to_string());
                    self.turn();
                }
                _ => {
                    self.turn();
                    return Err(error);
                }
            }
        }
    }

    fn turn(&mut self) {
        self.failed = true;
        self.places.turn();
    }

    fn lookup_due(&self, relookup_after: Duration) -> bool {
        let age = self.looked_up.map_or(Duration::MAX, |at| at.elapsed());
        !self.looking && (age >= RELOOKUP_EVERY || (self.failed && age >= relookup_after))
    }

    /// A lookup has ended. Without a new list, the old one stays; with one, the address in use stays if it is in it.
    fn answered(&mut self, found: Result<Vec<SocketAddr>, LookupError>) {
        self.looking = false;
        self.looked_up = Some(Instant::now());
        let found =
            found.and_then(|found| if found.is_empty() { Err("no address".into()) } else { Ok(found) });
        match found {
            Ok(addresses) => {
                self.places.replace(addresses);
                self.failed = false;
            }
            Err(error) => {
                tracing::warn!(%error, "cannot look up the broker");
                self.counters.last_error = Some(format!("cannot look up the broker: {error}"));
                self.failed = true;
            }
        }
    }
}

/// A panic while the lock was held (in a lookup) leaves nothing half done that could not be used.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::mpsc;

    use super::*;

    fn listener(address: &str) -> (UdpSocket, SocketAddr) {
        let socket = UdpSocket::bind((address, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let address = socket.local_addr().unwrap();
        (socket, address)
    }

    /// An address at which nobody listens.
    fn deserted() -> SocketAddr {
        listener("127.0.0.1").1
    }

    #[track_caller]
    fn check_received(socket: &UdpSocket, expected: &[u8]) {
        let mut buffer = [0; 100];
        let bytes = socket.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..bytes], expected);
    }

    #[test]
    fn over_both_kinds_of_ip() {
        for address in ["127.0.0.1", "::1"] {
            let (socket, to) = listener(address);
            let sender = UdpSender::start(Box::new(move || Ok(vec![to]))).unwrap();
            assert_eq!(sender.send(b"hello"), Sent::Taken);
            check_received(&socket, b"hello");
            let counters = sender.counters();
            assert_eq!((counters.accepted, counters.sent, counters.dropped), (1, 1, 0));
            assert_eq!(counters.endpoint, Some(format!("udp://{to}")));
            assert!(counters.connected);
        }
    }

    #[test]
    fn a_refusal_is_counted_and_the_next_address_tried() {
        let (socket, to) = listener("127.0.0.1");
        let addresses = vec![deserted(), to];
        let sender = UdpSender::start(Box::new(move || Ok(addresses.clone()))).unwrap();
        assert_eq!(sender.send(b"lost"), Sent::Taken);
        // On the loopback the refusal is there before the first send returns.
        assert_eq!(sender.send(b"found"), Sent::Taken);
        check_received(&socket, b"found");
        let counters = sender.counters();
        assert_eq!((counters.accepted, counters.sent, counters.refused), (2, 2, 1));
        assert!(counters.last_error.is_some());
    }

    #[test]
    fn the_only_address_is_tried_on_and_reached_when_somebody_is_back() {
        let to = deserted();
        let sender = UdpSender::start(Box::new(move || Ok(vec![to]))).unwrap();
        for _ in 0..5 {
            sender.send(b"nobody");
        }
        let socket = UdpSocket::bind(to).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        sender.send(b"back");
        check_received(&socket, b"back");
        let counters = sender.counters();
        assert_eq!((counters.accepted, counters.sent + counters.dropped), (6, 6));
        assert!(counters.refused >= 1);
    }

    #[test]
    fn too_long_is_dropped_and_says_so() {
        let (_socket, to) = listener("127.0.0.1");
        let sender = UdpSender::start(Box::new(move || Ok(vec![to]))).unwrap();
        assert_eq!(sender.send(&vec![0; DATAGRAM_BYTES_MAX + 1]), Sent::Dropped);
        assert_eq!(sender.send(&vec![0; DATAGRAM_BYTES_MAX]), Sent::Taken);
        let counters = sender.counters();
        assert_eq!((counters.sent, counters.dropped), (1, 1));
        assert!(counters.last_error.unwrap().contains("datagram"));
    }

    #[test]
    fn an_address_not_found_is_looked_up_again_without_blocking_the_caller() {
        let (socket, to) = listener("127.0.0.1");
        let (answer, answers) = mpsc::channel();
        let (ask, asked) = mpsc::channel();
        answer.send(Err("no name server".into())).unwrap();
        let resolve = move || {
            ask.send(()).unwrap();
            answers.recv().unwrap()
        };
        let sender = UdpSender::start_with(Box::new(resolve), Duration::ZERO);
        asked.recv().unwrap();
        assert!(!sender.counters().connected);
        assert_eq!(sender.send(b"too early"), Sent::Dropped);
        asked.recv_timeout(Duration::from_secs(10)).expect("a lookup after the error");
        assert_eq!(sender.send(b"still too early"), Sent::Dropped);
        assert!(asked.try_recv().is_err(), "one lookup at a time");
        answer.send(Ok(vec![to])).unwrap();
        while !sender.counters().connected {
            thread::yield_now();
        }
        assert_eq!(sender.send(b"now"), Sent::Taken);
        check_received(&socket, b"now");
        let counters = sender.counters();
        assert_eq!((counters.accepted, counters.sent, counters.dropped, counters.queued), (3, 1, 2, 0));
    }
}
