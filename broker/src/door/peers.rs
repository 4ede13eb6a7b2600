//! The connections of one ZeroMQ door: accepting, reading, writing, closing.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};
use slab::Slab;

use super::complaints::Complaints;
use super::listen;
use super::outbox::Outbox;
use crate::counters::Connections;
use crate::zmtp::{Connection, Event, Limits, Refused, Role};

/// How much is read from one peer before the others have their turn, in bytes.
const READ_BYTES: usize = 256 * 1024;

/// How many connections are accepted before the others have their turn.
const ACCEPTS: usize = 256;

/// A peer that has not finished its handshake by then is closed; libzmq's own is 30 s, and nobody needs 5.
const HANDSHAKE_TIME: Duration = Duration::from_secs(5);

/// How often it is looked who was silent for longer than it wants to be waited for.
const TTL_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// While more than this waits for a peer, the protocol's own words wait inside its connection, where the latest PONG
/// stands for all before it: a peer that sends PINGs and does not read must not fill our memory. In bytes.
const WAITING_BYTES_MAX: usize = 4_096;

/// What is read is put here, behind what is left from before: room for one whole message and one read.
pub(crate) struct ReadBuffer {
    bytes: Vec<u8>,
}

impl ReadBuffer {
    pub(crate) fn new(message_bytes_max: usize) -> Self {
        Self { bytes: vec![0; message_bytes_max + 64 + READ_BYTES] }
    }
}

/// One connection; `state` is what its door keeps with it.
pub(crate) struct Peer<S> {
    pub(crate) address: SocketAddr,
    pub(crate) outbox: Outbox,
    pub(crate) state: S,
    pub(crate) zmtp: Connection,
    pub(crate) stream: TcpStream,
    /// What came and was not used yet: the beginning of a frame, or what waits until a paused peer goes on.
    unread: Vec<u8>,
    paused: bool,
    /// No two peers of a door have the same number, while their keys are used again.
    number: u64,
    /// When it last sent anything.
    heard: Instant,
    /// After so long a silence it wants to be taken for gone.
    ttl: Option<Duration>,
}

/// What the door says after an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    GoOn,
    /// Enough from this peer for now; the rest of what it sent is kept.
    Pause,
}

/// How a read ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ReadEnd {
    /// There is no more for now.
    Drained,
    /// There may be more, and others are to have their turn first.
    More,
    /// The peer is gone, and has been forgotten.
    Closed,
}

enum Close {
    Gone,
    Refused(Refused),
}

/// The connections of one door.
pub(crate) struct Peers<S> {
    pub(crate) counters: Connections,
    name: &'static str,
    role: Role,
    limits: Limits,
    listener: TcpListener,
    /// Makes a peer's token from its key.
    token: fn(usize) -> Token,
    peers: Slab<Peer<S>>,
    connections_max: usize,
    /// Somebody calls and could not be accepted.
    unaccepted: bool,
    handshaking: VecDeque<(Instant, usize, u64)>,
    /// Who has said after how long a silence it is to be taken for gone, by key and number.
    with_ttl: Vec<(usize, u64)>,
    numbers: u64,
}

/// Who was closed because its time was over.
pub(crate) struct Expired {
    pub(crate) keys: Vec<usize>,
    /// When to look again.
    pub(crate) again: Option<Instant>,
}

impl<S: Default> Peers<S> {
    pub(crate) fn new(
        name: &'static str,
        role: Role,
        frame_bytes_max: usize,
        listener: TcpListener,
        token: fn(usize) -> Token,
    ) -> Self {
        Self {
            counters: Connections::default(),
            name,
            role,
            limits: Limits { frame_bytes_max },
            listener,
            token,
            peers: Slab::new(),
            connections_max: usize::MAX,
            unaccepted: false,
            handshaking: VecDeque::new(),
            with_ttl: Vec::new(),
            numbers: 0,
        }
    }

    pub(crate) fn set_connections_max(&mut self, connections_max: usize) {
        self.connections_max = connections_max;
    }

    pub(crate) fn len(&self) -> usize {
        self.peers.len()
    }

    /// Did its door have enough of it for the moment?
    pub(crate) fn is_paused(&self, key: usize) -> bool {
        self.get(key).is_some_and(|peer| peer.paused)
    }

    pub(crate) fn get(&self, key: usize) -> Option<&Peer<S>> {
        self.peers.get(key)
    }

    pub(crate) fn get_mut(&mut self, key: usize) -> Option<&mut Peer<S>> {
        self.peers.get_mut(key)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &Peer<S>)> {
        self.peers.iter()
    }

    /// Accepts who calls; `true` where there may be more.
    pub(crate) fn accept(&mut self, registry: &Registry, now: Instant, complaints: &mut Complaints) -> bool {
        for _ in 0..ACCEPTS {
            let (stream, address) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    // Most likely no more file descriptors: who calls stays in the backlog, of which the system
                    // tells no second time.
                    self.unaccepted = true;
                    complaints.tell("accept", now, || {
                        format!(
                            "cannot accept a connection at the {}: {error}; is `ulimit -n` too low?",
                            self.name
                        )
                    });
                    return false;
                }
            };
            let address = SocketAddr::new(address.ip().to_canonical(), address.port());
            self.add(stream, address, registry, now, complaints);
        }
        true
    }

    /// Is it time to try again to accept who calls? To be asked now and then.
    pub(crate) fn is_to_accept_again(&mut self) -> bool {
        std::mem::take(&mut self.unaccepted)
    }

    fn add(
        &mut self,
        mut stream: TcpStream,
        address: SocketAddr,
        registry: &Registry,
        now: Instant,
        complaints: &mut Complaints,
    ) {
        if self.peers.len() >= self.connections_max {
            self.counters.turned_away += 1;
            complaints.tell("connections", now, || {
                let most = self.connections_max;
                format!("turned {address} away at the {}: connections_max = {most} are there", self.name)
            });
            return;
        }
        let entry = self.peers.vacant_entry();
        let key = entry.key();
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = listen::set_up(&stream)
            .and_then(|()| registry.register(&mut stream, (self.token)(key), interest));
        if let Err(error) = registered {
            tracing::debug!("{address} was gone before it was accepted at the {}: {error}", self.name);
            return;
        }
        self.counters.accepted += 1;
        self.numbers += 1;
        self.handshaking.push_back((now + HANDSHAKE_TIME, key, self.numbers));
        let peer = entry.insert(Peer {
            address,
            outbox: Outbox::default(),
            state: S::default(),
            zmtp: Connection::new(self.role, self.limits),
            stream,
            unread: Vec::new(),
            paused: false,
            number: self.numbers,
            heard: now,
            ttl: None,
        });
        // The greeting. A peer that does not take 64 bytes is noticed when it is read from.
        peer.take_protocol_output();
        let _ = peer.flush();
    }

    /// Reads what the peer sent and gives it to `on`.
    pub(crate) fn read(
        &mut self,
        key: usize,
        buffer: &mut ReadBuffer,
        now: Instant,
        complaints: &mut Complaints,
        mut on: impl FnMut(usize, &mut Peer<S>, Event<'_>) -> Then,
    ) -> ReadEnd {
        let Some(peer) = self.peers.get_mut(key) else { return ReadEnd::Closed };
        peer.heard = now;
        let had_ttl = peer.ttl.is_some();
        let result = peer.read(buffer, |peer, event| on(key, peer, event));
        if !had_ttl && peer.ttl.is_some() {
            self.with_ttl.push((key, peer.number));
        }
        match result {
            Ok(end) => end,
            Err(Close::Gone) => {
                self.close(key);
                ReadEnd::Closed
            }
            Err(Close::Refused(refused)) => {
                let address = peer.address;
                self.counters.refused += 1;
                complaints.tell(refused.name(), now, || {
                    format!("closed the connection of {address} at the {}: {refused}", self.name)
                });
                self.close(key);
                ReadEnd::Closed
            }
        }
    }

    /// Sends what waits. `false` where the peer turned out to be gone, and has been forgotten.
    pub(crate) fn flush(&mut self, key: usize) -> bool {
        match self.peers.get_mut(key).map(Peer::flush) {
            Some(Ok(_)) => true,
            Some(Err(_)) => {
                self.close(key);
                false
            }
            None => false,
        }
    }

    pub(crate) fn close(&mut self, key: usize) -> Option<Peer<S>> {
        // Dropping the stream takes it out of the poll too.
        self.peers.try_remove(key)
    }

    /// Closes who did not finish the handshake in time, and who was silent for as long as it said itself.
    pub(crate) fn expire(&mut self, now: Instant, complaints: &mut Complaints) -> Expired {
        let mut keys = Vec::new();
        self.with_ttl.retain(|&(key, number)| {
            let Some(peer) = self.peers.get(key).filter(|peer| peer.number == number) else { return false };
            let is_gone = peer.is_silent(now);
            if is_gone {
                tracing::debug!("{} was silent at the {} for longer than it allows", peer.address, self.name);
                keys.push(key);
            }
            !is_gone
        });
        for key in &keys {
            self.close(*key);
        }
        let handshakes = self.expire_handshakes(now, complaints);
        let silences = (!self.with_ttl.is_empty()).then(|| now + TTL_LOOKED_AT_EVERY);
        Expired { keys, again: handshakes.into_iter().chain(silences).min() }
    }

    fn expire_handshakes(&mut self, now: Instant, complaints: &mut Complaints) -> Option<Instant> {
        while let Some(&(deadline, key, number)) = self.handshaking.front() {
            let waiting = |peer: &Peer<S>| peer.number == number && !peer.zmtp.is_ready();
            if self.peers.get(key).is_some_and(waiting) {
                if deadline > now {
                    return Some(deadline);
                }
                if let Some(peer) = self.close(key) {
                    self.counters.refused += 1;
                    complaints.tell("handshake", now, || {
                        let (name, seconds) = (self.name, HANDSHAKE_TIME.as_secs());
                        format!(
                            "closed the connection of {} at the {name}: no handshake in {seconds} s",
                            peer.address
                        )
                    });
                }
            }
            self.handshaking.pop_front();
        }
        None
    }

    /// Has any peer a ttl of its own?
    pub(crate) fn has_ttl(&self) -> bool {
        !self.with_ttl.is_empty()
    }
}

impl<S> Peer<S> {
    /// A number that no other peer of this door has or had.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Was it silent for as long as it said itself? One that is not read from may well have spoken.
    fn is_silent(&self, now: Instant) -> bool {
        !self.paused && self.ttl.is_some_and(|ttl| now.duration_since(self.heard) > ttl)
    }

    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        loop {
            let empty = self.outbox.flush(&mut self.stream)?;
            if !empty || !self.zmtp.has_output() {
                return Ok(empty);
            }
            self.take_protocol_output();
        }
    }

    fn take_protocol_output(&mut self) {
        if self.zmtp.has_output() && self.outbox.bytes() <= WAITING_BYTES_MAX {
            let mut bytes = Vec::new();
            self.zmtp.take_output(&mut bytes);
            self.outbox.push(bytes);
        }
    }

    fn read(
        &mut self,
        buffer: &mut ReadBuffer,
        mut on: impl FnMut(&mut Self, Event<'_>) -> Then,
    ) -> Result<ReadEnd, Close> {
        let mut budget = READ_BYTES;
        loop {
            let mut filled = self.unread.len();
            let (kept, free) = buffer.bytes.split_at_mut_checked(filled).ok_or(Close::Gone)?;
            kept.copy_from_slice(&self.unread);
            if !std::mem::take(&mut self.paused) {
                let free = free.get_mut(..READ_BYTES).ok_or(Close::Gone)?;
                match self.stream.read(free) {
                    Ok(0) => return Err(Close::Gone),
                    Ok(count) => {
                        filled += count;
                        budget = budget.saturating_sub(count);
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(ReadEnd::Drained),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    Err(_) => return Err(Close::Gone),
                }
            }
            let mut bytes = buffer.bytes.get(..filled).unwrap_or_default();
            let end = self.use_up(&mut bytes, &mut on);
            self.unread.clear();
            if bytes.len() * 4 < self.unread.capacity() {
                self.unread.shrink_to(bytes.len());
            }
            self.unread.extend_from_slice(bytes);
            let written = if self.outbox.is_empty() { Ok(true) } else { self.flush() };
            if end? == Then::Pause {
                self.paused = true;
                return Ok(ReadEnd::More);
            }
            written.map_err(|_| Close::Gone)?;
            if budget == 0 {
                return Ok(ReadEnd::More);
            }
        }
    }

    /// Gives the events in `bytes` to `on`, and leaves there what is not used.
    fn use_up(
        &mut self,
        bytes: &mut &[u8],
        on: &mut impl FnMut(&mut Self, Event<'_>) -> Then,
    ) -> Result<Then, Close> {
        loop {
            let next = self.zmtp.next(bytes);
            // Before what the event brings: READY goes out before the first message.
            self.take_protocol_output();
            let Some((used, event)) = next.map_err(Close::Refused)? else { return Ok(Then::GoOn) };
            *bytes = bytes.get(used..).unwrap_or_default();
            if let Event::Ping { ttl } = event
                && !ttl.is_zero()
            {
                self.ttl = Some(ttl);
            }
            if on(self, event) == Then::Pause {
                return Ok(Then::Pause);
            }
        }
    }
}

/// What a stopping broker still sends: everything that waits, as long as peers take it.
pub(crate) fn flush_all<S: Default>(peers: &mut Peers<S>) -> bool {
    let mut empty = true;
    let keys: Vec<usize> =
        peers.iter().filter(|(_, peer)| !peer.outbox.is_empty()).map(|(key, _)| key).collect();
    for key in keys {
        if peers.flush(key) {
            empty &= peers.get_mut(key).is_none_or(|peer| peer.outbox.is_empty());
        }
    }
    empty
}
