//! The sockets of one connection to a broker: what is subscribed to, what is asked, and what the monitor tells.

use std::time::Duration;

use thingsbus_adaptor::QUERY_PORT_OFFSET;
use thingsbus_adaptor::libzmq::{Candidate, Monitor, event, with};
use thingsbus_adaptor::wire::limits::SNAPSHOT_BYTES_MAX;
use zmq::{DONTWAIT, Error, Message, PollEvents, Socket, SocketType};

/// What libzmq keeps for a client that is busy, in messages. What is past it the broker keeps, up to its own limit.
const RECEIVE_HIGH_WATER_MARK: i32 = 10_000;

/// Questions that wait for a query door which is not there. The mirror asks again by itself.
const SEND_HIGH_WATER_MARK: i32 = 10;

const RECONNECT_FIRST_MS: i32 = 100;
const RECONNECT_MAX_MS: i32 = 5_000;

/// A dead broker is noticed after 30 + 3 x 10 s without a word.
const KEEPALIVE_IDLE_S: i32 = 30;
const KEEPALIVE_INTERVAL_S: i32 = 10;
const KEEPALIVE_PROBES: i32 = 3;

/// How the connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Connected,
    Disconnected,
    NotAccepted,
}

/// The sockets of one connection.
pub(super) struct Sockets {
    place: Candidate,
    updates: Socket,
    monitor: Monitor,
    queries: Socket,
    message: Message,
}

impl Sockets {
    pub(super) fn open(place: &Candidate) -> Result<Self, Error> {
        let mut query_place = place.address;
        query_place.set_port(place.address.port().saturating_add(QUERY_PORT_OFFSET));
        let (updates, monitor, queries) = with(|context| {
            let updates = context.socket(SocketType::SUB)?;
            prepare(&updates, place)?;
            updates.set_rcvhwm(RECEIVE_HIGH_WATER_MARK)?;
            let monitor = Monitor::of(&updates, context)?;
            let queries = context.socket(SocketType::DEALER)?;
            prepare(&queries, place)?;
            queries.set_sndhwm(SEND_HIGH_WATER_MARK)?;
            Ok((updates, monitor, queries))
        })?;
        let sockets = Self { place: place.clone(), updates, monitor, queries, message: Message::new() };
        let connected = sockets
            .updates
            .connect(&place.url())
            .and_then(|()| sockets.queries.connect(&format!("tcp://{query_place}")));
        match connected {
            Ok(()) => Ok(sockets),
            Err(error) => {
                sockets.close();
                Err(error)
            }
        }
    }

    pub(super) fn place(&self) -> &Candidate {
        &self.place
    }

    pub(super) fn close(self) {
        let Self { updates, queries, monitor, .. } = self;
        drop(queries);
        drop(updates);
        monitor.wait_for_the_end();
    }

    pub(super) fn subscribe(&mut self, prefix: &[u8]) {
        told(self.updates.set_subscribe(prefix), "a subscription");
    }

    pub(super) fn unsubscribe(&mut self, prefix: &[u8]) {
        // What is not subscribed to is not to be taken back; libzmq says EINVAL, and that is that.
        let _ = self.updates.set_unsubscribe(prefix);
    }

    /// The question's number goes before it, and comes back before the answer.
    pub(super) fn ask(&mut self, number: u64, query: &[u8]) {
        told(self.queries.send_multipart([&number.to_be_bytes()[..], query], DONTWAIT), "a query");
    }

    /// The next change of the connection.
    pub(super) fn told(&self) -> Option<Told> {
        loop {
            match self.monitor.next_event()? {
                event::HANDSHAKE_SUCCEEDED => return Some(Told::Connected),
                event::DISCONNECTED => return Some(Told::Disconnected),
                event::CLOSED => return Some(Told::NotAccepted),
                _ => {}
            }
        }
    }

    /// The next message on the clients' port. All have one frame; what has more is passed over.
    pub(super) fn next_message(&mut self) -> Option<&[u8]> {
        loop {
            match self.updates.recv(&mut self.message, DONTWAIT) {
                Ok(()) if self.message.get_more() => skip_frames(&self.updates),
                Ok(()) => return Some(&self.message),
                Err(Error::EINTR) => {}
                Err(_) => return None,
            }
        }
    }

    /// The next answer, and the number of its question.
    pub(super) fn next_answer(&mut self) -> Option<(u64, Vec<u8>)> {
        loop {
            match self.queries.recv_multipart(DONTWAIT) {
                Ok(frames) => {
                    let number = frames.first().and_then(|frame| frame.as_slice().try_into().ok());
                    if let (Some(number), Some(answer)) = (number, frames.into_iter().nth(1)) {
                        return Some((u64::from_be_bytes(number), answer));
                    }
                }
                Err(Error::EINTR) => {}
                Err(_) => return None,
            }
        }
    }
}

/// Waits until the bell rings or something came, or the time is up.
pub(super) fn wait(bell: &Socket, sockets: Option<&Sockets>, timeout: Duration) {
    // Rounded up, so that what is due is due then.
    let timeout = timeout.as_micros().div_ceil(1_000);
    let timeout = i64::try_from(timeout).unwrap_or(i64::MAX).min(3_600_000);
    let mut items = vec![bell.as_poll_item(PollEvents::POLLIN)];
    if let Some(sockets) = sockets {
        items.push(sockets.monitor.poll_item());
        items.push(sockets.updates.as_poll_item(PollEvents::POLLIN));
        items.push(sockets.queries.as_poll_item(PollEvents::POLLIN));
    }
    // A signal, or what else cuts it short: the thread looks at everything and comes back.
    let _ = zmq::poll(&mut items, timeout);
    while bell.recv_bytes(DONTWAIT).is_ok() {}
}

fn prepare(socket: &Socket, place: &Candidate) -> Result<(), Error> {
    socket.set_linger(0)?;
    socket.set_ipv6(place.address.is_ipv6())?;
    socket.set_reconnect_ivl(RECONNECT_FIRST_MS)?;
    socket.set_reconnect_ivl_max(RECONNECT_MAX_MS)?;
    socket.set_maxmsgsize(i64::try_from(SNAPSHOT_BYTES_MAX).unwrap_or(i64::MAX))?;
    socket.set_tcp_keepalive(1)?;
    socket.set_tcp_keepalive_idle(KEEPALIVE_IDLE_S)?;
    socket.set_tcp_keepalive_intvl(KEEPALIVE_INTERVAL_S)?;
    socket.set_tcp_keepalive_cnt(KEEPALIVE_PROBES)
}

fn skip_frames(socket: &Socket) {
    while socket.get_rcvmore() == Ok(true) && socket.recv_bytes(DONTWAIT).is_ok() {}
}

fn told(result: Result<(), Error>, what: &str) {
    if let Err(error) = result {
        tracing::debug!("{what} was not sent: {error}");
    }
}
