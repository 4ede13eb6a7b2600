//! The client's thread: keeps a connection to a broker, and carries between it and the mirror.

mod sockets;

use std::sync::Arc;
use std::time::{Duration, Instant};

use thingsbus_adaptor::libzmq::{Candidate, resolve};
use thingsbus_adaptor::wire::{Message, Scratch, decode_message};
use thingsbus_adaptor::{Address, BrokerName};
use zmq::Socket;

use crate::mirror::Action;
use crate::shared::{Shared, State, wall_clock};
use sockets::{Sockets, Told};

/// One of several places gets so long to answer before the next one is tried.
const CONNECT_WAIT: Duration = Duration::from_secs(3);

/// Without a connection for so long, it is looked up again where the broker is.
const LOOKUP_AGAIN: Duration = Duration::from_secs(10);

/// Between two lookups that found nothing.
const LOOKUP_PAUSE: Duration = Duration::from_secs(2);

/// How many messages are taken before something else has its turn, and the lock is let go of.
const BATCH: usize = 500;

/// The thread's own.
pub(crate) struct Link {
    shared: Arc<Shared>,
    bell: Socket,
    places: Vec<Candidate>,
    at: usize,
    sockets: Option<Sockets>,
    /// Since when there is no connection; `None` while there is one.
    down_since: Option<Instant>,
    /// Nobody accepts a connection at the place, and nobody did since its sockets were opened.
    refused: bool,
    /// There was a connection since the sockets were opened.
    was_up: bool,
    looked_up: Option<Instant>,
    scratch: Scratch,
}

impl Link {
    pub(crate) fn new(shared: Arc<Shared>, bell: Socket) -> Self {
        Self {
            shared,
            bell,
            places: Vec::new(),
            at: 0,
            sockets: None,
            down_since: Some(Instant::now()),
            refused: false,
            was_up: false,
            looked_up: None,
            scratch: Scratch::default(),
        }
    }

    /// Until the client is closed.
    pub(crate) fn run(mut self) {
        while !self.shared.lock().closed {
            let now = Instant::now();
            self.connect(now);
            let due = self.tick(now);
            let timeout = due.map_or(Duration::MAX, |due| due.saturating_duration_since(Instant::now()));
            sockets::wait(&self.bell, self.sockets.as_ref(), timeout);
            self.shared.answer_bell();
            self.hear();
            self.read();
        }
        if let Some(sockets) = self.sockets.take() {
            sockets.close();
        }
    }

    /// Sees to it that a connection is there or on its way.
    fn connect(&mut self, now: Instant) {
        let Some(down_since) = self.down_since else { return };
        let waited = now.duration_since(down_since);
        if self.sockets.is_some() {
            let last = self.at + 1 >= self.places.len();
            let patience = if self.places.len() > 1 { CONNECT_WAIT } else { LOOKUP_AGAIN };
            let looked_up = self.looked_up.is_some_and(|at| now.duration_since(at) < LOOKUP_AGAIN);
            // A place that refuses is passed over at once, but a round through all of them takes its time.
            let tried = waited >= patience || (self.refused && !last);
            if !tried || (self.places.len() <= 1 && looked_up) {
                return;
            }
            self.at += 1;
            if last {
                self.look_up(now);
            }
        } else if self.looked_up.is_none_or(|at| now.duration_since(at) >= LOOKUP_PAUSE) {
            self.look_up(now);
        }
        let Some(place) = self.places.get(self.at) else { return };
        if self.sockets.as_ref().is_some_and(|sockets| sockets.place() == place) {
            return; // libzmq goes on trying there by itself.
        }
        self.down_since = Some(Instant::now());
        (self.refused, self.was_up) = (false, false);
        self.say(format!("connecting to {}", place.address));
        if let Some(old) = self.sockets.take() {
            old.close();
        }
        match Sockets::open(place) {
            Ok(sockets) => self.sockets = Some(sockets),
            Err(error) => self.say(format!("cannot open sockets to {}: {error}", place.address)),
        }
        let mut state = self.shared.lock();
        // What was subscribed to on the old sockets is subscribed to on these.
        let subscriptions = state.mirror.subscriptions();
        drop(state);
        if let Some(sockets) = &mut self.sockets {
            subscriptions.iter().for_each(|prefix| sockets.subscribe(prefix));
        }
    }

    /// Finds out where the broker is. Blocks where that takes DNS; nothing could be heard meanwhile anyway.
    fn look_up(&mut self, now: Instant) {
        self.at = 0;
        self.looked_up = Some(now);
        let found = brokers(&self.shared.broker).and_then(|brokers| {
            let endpoints: Vec<String> = brokers.iter().map(Address::client_endpoint).collect();
            resolve(&endpoints).map_err(|error| error.to_string())
        });
        match found {
            Ok(places) => self.places = places,
            Err(error) => {
                tracing::debug!("{error}");
                self.say(error);
            }
        }
        self.looked_up = Some(Instant::now());
    }

    /// Does what is due and what the mirror wants; when to come again.
    fn tick(&mut self, now: Instant) -> Option<Instant> {
        let mut state = self.shared.lock();
        if state.mirror.deadline().is_some_and(|due| due <= now) {
            state.mirror.tick(now);
        }
        let actions: Vec<Action> = std::iter::from_fn(|| state.mirror.next_action()).collect();
        let mirror_due = state.mirror.deadline();
        drop(state);
        for action in actions {
            let Some(sockets) = &mut self.sockets else { continue };
            match action {
                Action::Subscribe(prefix) => sockets.subscribe(&prefix),
                Action::Unsubscribe(prefix) => sockets.unsubscribe(&prefix),
                Action::Ask { number, query } => sockets.ask(number, &query),
            }
        }
        let connect_due = self.down_since.map(|since| match self.sockets {
            Some(_) if self.places.len() > 1 => since + CONNECT_WAIT,
            Some(_) => self.looked_up.map_or(since, |at| at.max(since) + LOOKUP_AGAIN),
            None => self.looked_up.map_or(since, |at| at + LOOKUP_PAUSE),
        });
        [mirror_due, connect_due].into_iter().flatten().min()
    }

    /// Takes in how the connection is.
    fn hear(&mut self) {
        let Some(sockets) = &self.sockets else { return };
        while let Some(told) = sockets.told() {
            let now = Instant::now();
            let address = sockets.place().address;
            let mut state = self.shared.lock();
            match told {
                Told::Connected => {
                    self.down_since = None;
                    (self.refused, self.was_up) = (false, true);
                    state.doing = format!("connected to {address}, waiting for its directory");
                    state.mirror.connected(now);
                }
                Told::Disconnected => {
                    self.down_since.get_or_insert(now);
                    state.doing = format!("the connection to {address} was lost");
                    state.mirror.disconnected();
                }
                Told::NotAccepted => {
                    self.refused = !self.was_up;
                    state.doing = format!("{address} does not accept the connection");
                }
            }
            drop(state);
            self.shared.notify();
        }
    }

    /// Takes in what the broker sent.
    fn read(&mut self) {
        let Some(sockets) = &mut self.sockets else { return };
        let (now, wall) = (Instant::now(), wall_clock());
        let mut state = self.shared.lock();
        let was_ready = state.mirror.is_ready();
        for _ in 0..BATCH {
            let Some(bytes) = sockets.next_message() else { break };
            let State { mirror, listeners, .. } = &mut *state;
            match decode_message(bytes, &mut self.scratch) {
                Ok(message) => mirror.message(&message, now, wall, |change| listeners.tell(change)),
                Err(why) => tracing::debug!("a message of the broker is not taken: {why}"),
            }
        }
        while let Some((number, bytes)) = sockets.next_answer() {
            let State { mirror, listeners, .. } = &mut *state;
            match decode_message(&bytes, &mut self.scratch) {
                Ok(Message::Snapshot(page)) => {
                    mirror.answer(number, &page, now, wall, |change| listeners.tell(change));
                }
                Ok(_) => tracing::debug!("the query door answers: {}", bytes.escape_ascii()),
                Err(why) => tracing::debug!("an answer of the query door is not taken: {why}"),
            }
        }
        let is_ready = state.mirror.is_ready();
        drop(state);
        if was_ready != is_ready {
            self.shared.notify();
        }
    }

    fn say(&self, doing: String) {
        self.shared.lock().doing = doing;
    }
}

/// The brokers that a name stands for now, the best first. Blocks where that takes DNS.
pub(crate) fn brokers(name: &BrokerName) -> Result<Vec<Address>, String> {
    match name {
        BrokerName::Address(address) => Ok(vec![address.clone()]),
        #[cfg(feature = "discovery")]
        BrokerName::Zone(zone) => {
            use thingsbus_adaptor::discovery::{Options, lookup};
            let options = Options::from_env().map_err(|error| error.to_string())?;
            lookup(zone, &options).map(|found| found.brokers).map_err(|error| error.to_string())
        }
        #[cfg(not(feature = "discovery"))]
        BrokerName::Zone(zone) => {
            Err(format!("zone {zone} is not looked up: this build is without the feature `discovery`"))
        }
    }
}
