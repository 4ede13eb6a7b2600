//! One libzmq socket on its way to one address, and what its monitor tells of it.

use std::time::{Duration, Instant};

use ::zmq::{Context, DONTWAIT, Error, PollEvents, PollItem, Socket, SocketType};

use super::Timing;
use super::course::{Dialect, Failure};
use crate::libzmq::{Candidate, Monitor, event};

/// What a PUSH holds beyond our own queue. Small, because only our queue is bounded, counted and dropped from
/// in the right order; large enough that libzmq's I/O thread always finds something to write.
const PUSH_HIGH_WATER_MARK: i32 = 1_000;
/// An XPUB drops silently past this, so it is out of reach for anything but a broker that stands still.
const XPUB_HIGH_WATER_MARK: i32 = 100_000;
/// Kernel probes on an idle connection: dead after 30 + 3 x 10 s.
const KEEPALIVE_IDLE_S: i32 = 30;
const KEEPALIVE_INTERVAL_S: i32 = 10;
const KEEPALIVE_PROBES: i32 = 3;
/// ZMTP heartbeats, on PUSH only: they also notice a peer that vanished with our bytes unacknowledged.
/// To a SUB they would be the end: libzmq 4.0 and 4.1 hand a PING to the application as if it were a message,
/// and a 0.2.1 broker dies of a message that is not JSON.
const HEARTBEAT_EVERY: Duration = Duration::from_secs(10);
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(30);

/// How a link is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Not connected yet, or not yet allowed to send; the time at which that began.
    Connecting(Instant),
    /// Messages may be handed over.
    Up,
    /// Was up; libzmq connects again and keeps what it has.
    Lost(Instant),
    /// libzmq may have given up on this socket: it has to be replaced.
    Failed(Failure),
}

pub(super) struct Link {
    socket: Socket,
    monitor: Monitor,
    dialect: Dialect,
    phase: Phase,
    /// Bytes can flow, and nobody has answered yet: since when.
    tcp_since: Option<Instant>,
    shaken: bool,
    subscribed: bool,
    closed_by_peer: bool,
    /// One handshake broken off by the peer was let pass since the link was up last.
    forgiven: bool,
    /// Attempts to connect that failed since the link was made or was up last.
    attempts_failed: u32,
    /// libzmq has said that it connects again.
    retrying: bool,
}

impl Link {
    pub(super) fn open(
        libzmq: &Context,
        candidate: &Candidate,
        dialect: Dialect,
        timing: &Timing,
        now: Instant,
    ) -> Result<Self, Error> {
        let socket = libzmq.socket(match dialect {
            Dialect::Push => SocketType::PUSH,
            Dialect::Xpub => SocketType::XPUB,
        })?;
        prepare(&socket, dialect, timing)?;
        socket.set_ipv6(candidate.address.is_ipv6())?;
        let monitor = Monitor::of(&socket, libzmq)?;
        let link = Self {
            socket,
            monitor,
            dialect,
            phase: Phase::Connecting(now),
            tcp_since: None,
            shaken: false,
            subscribed: false,
            closed_by_peer: false,
            forgiven: false,
            attempts_failed: 0,
            retrying: false,
        };
        match link.socket.connect(&candidate.url()) {
            Ok(()) => Ok(link),
            Err(error) => {
                link.close(Duration::ZERO);
                Err(error)
            }
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn attempts_failed(&self) -> u32 {
        self.attempts_failed
    }

    pub(super) fn retrying(&self) -> bool {
        self.retrying
    }

    /// When the peer must have answered by, if it has accepted the connection.
    pub(super) fn answer_due(&self, timing: &Timing) -> Option<Instant> {
        self.tcp_since.map(|since| since + timing.connect_wait)
    }

    /// Takes in what the monitor and, on XPUB, the peer have said.
    pub(super) fn listen(&mut self, timing: &Timing, now: Instant) {
        while let Some(event) = self.monitor.next_event() {
            self.on_event(event, now);
        }
        if self.dialect == Dialect::Xpub {
            while let Some(note) = received(&self.socket) {
                self.on_note(&note, now);
            }
        }
        if self.answer_due(timing).is_some_and(|due| due <= now) {
            // A peer that speaks ZMTP 2 (libzmq 3) shakes no hands: that it subscribed is all there is to see.
            if self.subscribed && !self.shaken { self.come_up() } else { self.fail(Failure::Silent) }
        }
    }

    /// One message, without blocking; `Ok(false)` when the pipe is full (PUSH only).
    pub(super) fn send(&self, message: &[u8]) -> Result<bool, Error> {
        loop {
            return match self.socket.send(message, DONTWAIT) {
                Ok(()) => Ok(true),
                Err(Error::EAGAIN) => Ok(false),
                Err(Error::EINTR) => continue,
                Err(error) => Err(error),
            };
        }
    }

    /// What to wait for; `full` waits for room in the pipe, too.
    pub(super) fn poll_items(&self, full: bool) -> [PollItem<'_>; 2] {
        let notes = if self.dialect == Dialect::Xpub { PollEvents::POLLIN } else { PollEvents::empty() };
        let room = if full { PollEvents::POLLOUT } else { PollEvents::empty() };
        [self.monitor.poll_item(), self.socket.as_poll_item(notes | room)]
    }

    /// Ends the link. Blocks for at most `linger` while what is in its pipe is written.
    pub(super) fn close(self, linger: Duration) {
        let Self { socket, monitor, .. } = self;
        let linger_ms = i32::try_from(linger.as_millis()).unwrap_or(i32::MAX);
        if socket.set_linger(linger_ms).is_err() {
            tracing::debug!("a socket does not take its linger");
        }
        drop(socket);
        monitor.wait_for_the_end();
    }

    fn on_event(&mut self, event: u16, now: Instant) {
        match event {
            event::CONNECTED => {
                self.tcp_since = Some(now);
                self.closed_by_peer = false;
            }
            event::CONNECT_RETRIED => self.retrying = true,
            event::CLOSED => {
                self.retrying = true;
                self.attempts_failed = self.attempts_failed.saturating_add(1);
            }
            event::HANDSHAKE_FAILED_NO_DETAIL => self.closed_by_peer = true,
            event::HANDSHAKE_SUCCEEDED => {
                self.shaken = true;
                // A subscription outlives a reconnect: libzmq keeps the pipe that it belongs to.
                if self.dialect == Dialect::Push || self.subscribed {
                    self.come_up();
                }
            }
            event::DISCONNECTED => self.on_disconnected(now),
            _ => {}
        }
    }

    fn on_disconnected(&mut self, now: Instant) {
        let answered = self.shaken || self.phase == Phase::Up;
        self.tcp_since = None;
        self.shaken = false;
        self.retrying = false;
        if !answered && self.closed_by_peer && matches!(self.phase, Phase::Lost(_)) && !self.forgiven {
            // A broker that is just starting or stopping. libzmq tries again and keeps what is in the pipe.
            self.forgiven = true;
        } else if !answered {
            // Of a mismatch of socket types libzmq says no more than that the connection has ended.
            self.fail(if self.closed_by_peer { Failure::Closed } else { Failure::Protocol });
        } else if self.phase == Phase::Up {
            self.phase = Phase::Lost(now);
        }
    }

    fn on_note(&mut self, note: &[u8], now: Instant) {
        match note {
            // It may be read after the connection that it came over has ended: no sign that there is one.
            [1, ..] => {
                self.subscribed = true;
                if self.shaken {
                    self.come_up();
                }
            }
            // The peer wants nothing any more: what is sent now would be dropped without a word.
            [0] => {
                self.subscribed = false;
                if self.phase == Phase::Up {
                    self.phase = Phase::Lost(now);
                }
            }
            _ => {}
        }
    }

    fn come_up(&mut self) {
        if !matches!(self.phase, Phase::Failed(_)) {
            self.phase = Phase::Up;
            self.tcp_since = None;
            self.attempts_failed = 0;
            self.forgiven = false;
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.phase = Phase::Failed(failure);
        self.tcp_since = None;
    }
}

fn prepare(socket: &Socket, dialect: Dialect, timing: &Timing) -> Result<(), Error> {
    prepare_connection(socket, timing)?;
    match dialect {
        Dialect::Push => {
            socket.set_sndhwm(PUSH_HIGH_WATER_MARK)?;
            prepare_heartbeats(socket)
        }
        Dialect::Xpub => {
            socket.set_sndhwm(XPUB_HIGH_WATER_MARK)?;
            socket.set_xpub_verbose(true)
        }
    }
}

/// What every socket of a sender is told, whatever it speaks.
pub(super) fn prepare_connection(socket: &Socket, timing: &Timing) -> Result<(), Error> {
    socket.set_linger(0)?;
    socket.set_reconnect_ivl(ms(timing.reconnect_first))?;
    socket.set_reconnect_ivl_max(ms(timing.reconnect_max))?;
    socket.set_connect_timeout(ms(timing.connect_wait))?;
    // After ours, which also sees peers that shake no hands (ZMTP 2) and those that never subscribe.
    socket.set_handshake_ivl(ms(timing.connect_wait * 2))?;
    socket.set_tcp_keepalive(1)?;
    socket.set_tcp_keepalive_idle(KEEPALIVE_IDLE_S)?;
    socket.set_tcp_keepalive_intvl(KEEPALIVE_INTERVAL_S)?;
    socket.set_tcp_keepalive_cnt(KEEPALIVE_PROBES)
}

/// Not for what may go to a SUB.
pub(super) fn prepare_heartbeats(socket: &Socket) -> Result<(), Error> {
    socket.set_heartbeat_ivl(ms(HEARTBEAT_EVERY))?;
    socket.set_heartbeat_timeout(ms(HEARTBEAT_TIMEOUT))
}

fn ms(duration: Duration) -> i32 {
    i32::try_from(duration.as_millis()).unwrap_or(i32::MAX)
}

fn received(socket: &Socket) -> Option<Vec<u8>> {
    loop {
        match socket.recv_bytes(DONTWAIT) {
            Ok(note) => return Some(note),
            Err(Error::EINTR) => {}
            Err(_) => return None,
        }
    }
}
