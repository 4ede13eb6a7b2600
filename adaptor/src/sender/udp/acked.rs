//! Acknowledged updates in datagrams: one under way, sent again until it is answered, then the next.
//!
//! Datagrams overtake each other and come twice, and the broker takes a number only where it is above all before; with
//! one under way neither matters.

use std::io::{self, ErrorKind};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Resolve;
use super::places::Places;
use crate::sender::SendError;
use crate::sender::acked::queue::{Limits, Patience};
use crate::sender::acked::{AckedSender, SenderName, Shared, State, UPDATES_MAX, Wake};
use crate::sender::pause::Pause;
use crate::wire::limits::DATAGRAM_BYTES_MAX;
use crate::wire::{Acknowledged, Outcome, Rejected};

/// Before a datagram is sent again: some times what a broker in the same building takes to answer.
const PATIENCE: Duration = Duration::from_millis(200);
/// The same where the broker has to write it to disk, which a busy disk takes its time for.
const PATIENCE_DISK: Duration = Duration::from_secs(1);
/// After many times in vain.
const PATIENCE_MAX: Duration = Duration::from_secs(5);

/// Without an answer, the broker is looked up again, but not more often than this.
const RELOOKUP_AFTER: Duration = Duration::from_secs(30);
/// Between two lookups that failed.
const LOOKUP_PAUSE_FIRST: Duration = Duration::from_secs(1);
const LOOKUP_PAUSE_MAX: Duration = Duration::from_secs(60);

/// Starts a sender of acknowledged updates.
pub(crate) fn start(name: SenderName, resolve: Resolve) -> Result<AckedSender, SendError> {
    start_with(name, resolve, limits())
}

fn limits() -> Limits {
    Limits {
        updates_max: UPDATES_MAX,
        under_way_max: 1,
        under_way_bytes_max: DATAGRAM_BYTES_MAX,
        patience: Patience { directory: PATIENCE, disk: PATIENCE_DISK, max: PATIENCE_MAX },
    }
}

fn start_with(name: SenderName, resolve: Resolve, limits: Limits) -> Result<AckedSender, SendError> {
    let known_as = name.clone();
    AckedSender::start(name, limits, Wake::Changed, move |shared| {
        move || Runner::new(shared, known_as, resolve).run()
    })
}

/// The thread's own.
struct Runner {
    shared: Arc<Shared>,
    name: SenderName,
    resolve: Resolve,
    /// With a socket that is kept while it goes to the same address, so that late answers find it.
    places: Places,
    looked_up: Option<Instant>,
    lookups: Pause,
    buffer: Vec<u8>,
}

impl Runner {
    fn new(shared: Arc<Shared>, name: SenderName, resolve: Resolve) -> Self {
        Self {
            shared,
            name,
            resolve,
            places: Places::default(),
            looked_up: None,
            lookups: Pause::new(LOOKUP_PAUSE_FIRST, LOOKUP_PAUSE_MAX),
            buffer: vec![0; DATAGRAM_BYTES_MAX],
        }
    }

    fn run(mut self) {
        loop {
            // Nobody closes it with nothing to do without waking it.
            let state = self
                .shared
                .wait(None, |state| state.ended || state.closing.is_some() || !state.queue.is_empty());
            if state.is_over(Instant::now()) {
                return;
            }
            let due = state.queue.due();
            let until = [due, state.closing].into_iter().flatten().min();
            drop(state);
            match due {
                None if self.places.is_empty() && !self.look_up() => {
                    let pause = self.lookups.next();
                    self.sleep(Instant::now() + pause);
                }
                None => self.send(),
                Some(due) if due <= Instant::now() => self.miss(),
                Some(_) => self.hear(until),
            }
        }
    }

    /// Sends the oldest. It counts as sent also where it could not be: it is tried again when an answer would be due.
    fn send(&mut self) {
        let message = self.shared.change(|state| {
            let message = state.queue.to_send().map(|(_, message)| message.to_vec());
            state.queue.sent(Instant::now());
            message
        });
        let Some(message) = message else { return };
        if let Err(error) = self.socket().and_then(|socket| socket.send(&message)) {
            self.trouble(&error);
        }
    }

    /// Waits for an answer.
    fn hear(&mut self, until: Option<Instant>) {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        // Zero would be for ever.
        let left = left.map(|left| left.max(Duration::from_millis(1)));
        let mut buffer = std::mem::take(&mut self.buffer);
        let heard = self.socket().and_then(|socket| {
            socket.set_read_timeout(left)?;
            socket.recv(&mut buffer)
        });
        let answer = heard.map(|length| buffer.get(..length).and_then(Acknowledged::decode));
        self.buffer = buffer;
        match answer {
            Ok(Some(answer)) => self.answered(answer),
            Ok(None) => tracing::debug!("a datagram that is no acknowledgement"),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => {
                // Most often: nobody listens there. It goes again when it is due.
                self.trouble(&error);
                if let Some(until) = until {
                    self.sleep(until);
                }
            }
        }
    }

    fn answered(&mut self, answer: Acknowledged) {
        let Acknowledged { sender, number: Some(number), outcome } = answer else { return };
        if sender.as_deref() != Some(self.name.as_str()) {
            return;
        }
        let busy = Rejected::Busy.name();
        self.shared.change(|state| {
            state.connected = true;
            match outcome {
                // Nothing was sent after it, so that it may come again with the number that it has.
                Outcome::Refused { reason, message } if reason == busy => state.last_error = Some(message),
                outcome => state.answered(number, outcome, Instant::now()),
            }
        });
    }

    /// No answer came in time: again, and perhaps somewhere else.
    fn miss(&mut self) {
        let what = match self.places.endpoint() {
            Some(endpoint) => {
                format!("no answer in time from {endpoint} (a 0.2.1 broker acknowledges nothing)")
            }
            None => "no answer in time".to_owned(),
        };
        self.shared.change(|state| {
            state.queue.miss();
            state.connected = false;
            state.last_error = Some(what);
        });
        self.places.turn();
        if self.looked_up.is_none_or(|at| at.elapsed() >= RELOOKUP_AFTER) {
            self.look_up();
        }
    }

    /// Asks where the brokers are; `false` where that is not known. What is known already stays where there is no
    /// answer, and the address in use where it is among the new ones.
    fn look_up(&mut self) -> bool {
        let found = (self.resolve)();
        self.looked_up = Some(Instant::now());
        match found {
            Ok(addresses) if !addresses.is_empty() => {
                self.lookups.reset();
                self.places.replace(addresses);
            }
            Ok(_) => self.say("cannot look up the broker: no address"),
            Err(error) => self.say(&format!("cannot look up the broker: {error}")),
        }
        !self.places.is_empty()
    }

    fn socket(&mut self) -> io::Result<&UdpSocket> {
        let endpoint = self.places.endpoint();
        let (socket, is_new) = self.places.socket()?;
        if is_new {
            socket.set_nonblocking(false)?;
            self.shared.change(|state| state.endpoint = endpoint);
        }
        Ok(socket)
    }

    /// Until then, or the end.
    fn sleep(&self, until: Instant) {
        let over = |state: &State| state.is_over(Instant::now());
        drop(self.shared.wait(Some(until), over));
    }

    fn trouble(&self, error: &io::Error) {
        let place = self.places.endpoint().map_or_else(String::new, |endpoint| format!("{endpoint}: "));
        self.say(&format!("{place}{error}"));
    }

    fn say(&self, what: &str) {
        tracing::debug!("acknowledged updates: {what}");
        self.shared.change(|state| state.last_error = Some(what.to_owned()));
    }
}

#[cfg(test)]
mod tests;
