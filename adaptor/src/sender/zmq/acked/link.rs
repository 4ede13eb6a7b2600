//! One DEALER with one connection, and what its monitor tells of it. When that ends, so does the link.

use std::time::Instant;

use ::zmq::{Context, DONTWAIT, Error, PollEvents, PollItem, SNDMORE, Socket, SocketType};

use crate::libzmq::{Candidate, Monitor, event};
use crate::sender::zmq::Timing;
use crate::sender::zmq::link::{prepare_connection, prepare_heartbeats};
use crate::wire::limits::MESSAGE_BYTES_MAX;
use crate::wire::{Acknowledged, Outcome};

/// libzmq is not to connect again: what it still holds was for this connection.
const NO_RECONNECT: i32 = -1;

/// How a link is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Since then.
    Connecting(Instant),
    /// Updates may be sent.
    Up,
    /// It has to be replaced.
    Failed(Trouble),
}

/// How a link failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// It was up.
    Lost,
    /// Nobody took the connection.
    NotAccepted,
    /// Somebody did, and did not shake hands.
    NoHandshake,
}

pub(super) struct Link {
    socket: Socket,
    monitor: Monitor,
    phase: Phase,
    accepted: bool,
}

impl Link {
    pub(super) fn open(
        libzmq: &Context,
        candidate: &Candidate,
        timing: &Timing,
        now: Instant,
    ) -> Result<Self, Error> {
        let socket = libzmq.socket(SocketType::DEALER)?;
        prepare_connection(&socket, timing)?;
        prepare_heartbeats(&socket)?;
        socket.set_reconnect_ivl(NO_RECONNECT)?;
        // What is under way is limited by our own queue.
        socket.set_sndhwm(0)?;
        socket.set_rcvhwm(0)?;
        socket.set_maxmsgsize(i64::try_from(MESSAGE_BYTES_MAX).unwrap_or(i64::MAX))?;
        socket.set_ipv6(candidate.address.is_ipv6())?;
        let monitor = Monitor::of(&socket, libzmq)?;
        let link = Self { socket, monitor, phase: Phase::Connecting(now), accepted: false };
        match link.socket.connect(&candidate.url()) {
            Ok(()) => Ok(link),
            Err(error) => {
                link.close();
                Err(error)
            }
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.phase
    }

    /// By when the peer must have shaken hands.
    pub(super) fn answer_due(&self, timing: &Timing) -> Option<Instant> {
        match self.phase {
            Phase::Connecting(since) => Some(since + timing.connect_wait),
            Phase::Up | Phase::Failed(_) => None,
        }
    }

    /// Takes in what the monitor has said.
    pub(super) fn listen(&mut self, timing: &Timing, now: Instant) {
        while let Some(event) = self.monitor.next_event() {
            match event {
                event::CONNECTED => self.accepted = true,
                event::HANDSHAKE_SUCCEEDED if !matches!(self.phase, Phase::Failed(_)) => {
                    self.phase = Phase::Up;
                }
                event::CLOSED | event::DISCONNECTED | event::HANDSHAKE_FAILED_NO_DETAIL => self.fail(),
                _ => {}
            }
        }
        if self.answer_due(timing).is_some_and(|due| due <= now) {
            self.fail();
        }
    }

    /// One update, without blocking, its number before it, which comes back before the answer. `Ok(false)` where libzmq
    /// takes nothing now.
    pub(super) fn send(&self, number: u64, message: &[u8]) -> Result<bool, Error> {
        let send = |frame: &[u8], flags| loop {
            match self.socket.send(frame, flags | DONTWAIT) {
                Err(Error::EINTR) => {}
                result => return result,
            }
        };
        match send(&number.to_be_bytes(), SNDMORE) {
            Err(Error::EAGAIN) => Ok(false),
            result => result.and_then(|()| send(message, 0)).map(|()| true),
        }
    }

    /// The next answer, and which update it is for. What is none is passed over.
    pub(super) fn next_answer(&self) -> Option<(u64, Outcome)> {
        loop {
            let frames = match self.socket.recv_multipart(DONTWAIT) {
                Ok(frames) => frames,
                Err(Error::EINTR) => continue,
                Err(_) => return None,
            };
            let number = frames.first().and_then(|frame| frame.as_slice().try_into().ok());
            let answer = frames.last().and_then(|frame| Acknowledged::decode(frame));
            match number.zip(answer) {
                Some((number, answer)) => return Some((u64::from_be_bytes(number), answer.outcome)),
                None => tracing::debug!("the query door says something that is no acknowledgement"),
            }
        }
    }

    /// To wait for answers, and for what happens to the connection.
    pub(super) fn poll_items(&self) -> [PollItem<'_>; 2] {
        [self.monitor.poll_item(), self.socket.as_poll_item(PollEvents::POLLIN)]
    }

    /// Ends the link, and what libzmq has not written yet with it.
    pub(super) fn close(self) {
        let Self { socket, monitor, .. } = self;
        drop(socket);
        monitor.wait_for_the_end();
    }

    fn fail(&mut self) {
        self.phase = match self.phase {
            Phase::Connecting(_) if self.accepted => Phase::Failed(Trouble::NoHandshake),
            Phase::Connecting(_) => Phase::Failed(Trouble::NotAccepted),
            Phase::Up => Phase::Failed(Trouble::Lost),
            Phase::Failed(trouble) => Phase::Failed(trouble),
        };
    }
}
