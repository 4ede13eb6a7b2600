//! One turn: what the sockets have to say, each within its budget; then what went out; then what is due.

use std::collections::{HashSet, VecDeque};
use std::io;
use std::time::{Duration, Instant};

use mio::event::Event;
use mio::net::{TcpListener, UdpSocket};
use mio::{Events, Registry, Token};
use serde_json::Value;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{Scratch, Timestamp};

use super::forgetting::Forgetting;
use super::home::Home;
use super::loading::Loading;
use super::middle::{Kept, Middle};
use super::questions::Questions;
use super::register;
use super::status::{Openings, Status};
use crate::config::Config;
use crate::counters::Queries;
use crate::door::clients::{Clients, Kind, QueueLimits, SNAPSHOT_BEGINNING};
use crate::door::complaints::Complaints;
use crate::door::gate::{Inside, Said};
use crate::door::input::Sender;
use crate::door::late::{Late, To};
use crate::door::listen::Sockets;
use crate::door::peers::{Peers, ReadBuffer, ReadEnd, flush_all};
use crate::door::query::{self, Asker, Envelope};
use crate::door::udp::Udp;
use crate::hub::Hub;
use crate::store::Store;
use crate::zmtp::Role;

/// What wakes a sleeping broker.
pub(super) const WAKER: Token = Token(0);

/// How soon after a datagram it is looked whether the system dropped others.
const DROPS_LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// How many things whose time is over are forgotten before the stream has its turn.
const EXPIRED: usize = 500;

/// How many questions of other threads are answered before the stream has its turn.
const GATE_QUESTIONS: usize = 64;

/// And how much is answered, in bytes: long answers take long, and the stream waits for them.
const GATE_BYTES: usize = 64 * 1024;

/// How soon it is looked again whether those threads have room for the stream.
const GATE_LOOKED_AT_EVERY: Duration = Duration::from_millis(10);

/// What a token stands for: the low bits say what, the rest which peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Source {
    Waker,
    ClientsListener,
    InputListener,
    QueryListener,
    Udp,
    Client(usize),
    Sender(usize),
    Asker(usize),
}

impl Source {
    const fn token(self) -> Token {
        Token(match self {
            Self::Waker => 0,
            Self::ClientsListener => 1,
            Self::InputListener => 2,
            Self::QueryListener => 3,
            Self::Udp => 4,
            Self::Client(key) => key << 3 | 5,
            Self::Sender(key) => key << 3 | 6,
            Self::Asker(key) => key << 3 | 7,
        })
    }

    const fn of(token: Token) -> Self {
        let key = token.0 >> 3;
        match token.0 & 7 {
            0 => Self::Waker,
            1 => Self::ClientsListener,
            2 => Self::InputListener,
            3 => Self::QueryListener,
            4 => Self::Udp,
            5 => Self::Client(key),
            6 => Self::Sender(key),
            _ => Self::Asker(key),
        }
    }
}

/// Who has more to say than its budget let it. Each is here once, and so is read once in a turn, whatever events there
/// are of it besides.
#[derive(Default)]
struct Unfinished {
    queue: VecDeque<Source>,
    members: HashSet<Source>,
}

impl Unfinished {
    fn push(&mut self, source: Source) {
        if self.members.insert(source) {
            self.queue.push_back(source);
        }
    }

    fn pop(&mut self) -> Option<Source> {
        let source = self.queue.pop_front()?;
        self.members.remove(&source);
        Some(source)
    }

    fn contains(&self, source: Source) -> bool {
        !self.queue.is_empty() && self.members.contains(&source)
    }
}

/// Everything that turns.
pub(super) struct Turn {
    senders: Peers<Sender>,
    udp: Udp,
    askers: Peers<Asker>,
    middle: Middle,
    complaints: Complaints,
    buffer: ReadBuffer,
    unfinished: Unfinished,
    snapshot: PeriodicSnapshot,
    peers_due: Option<Instant>,
    counters_due: Option<Instant>,
    counters_told: u64,
    drops: Drops,
    config: Config,
    started: Instant,
    queries: Queries,
    scratch: Scratch,
    /// Askers that are not read from because too many wait for the disk.
    held: HashSet<usize>,
    forgetting: Forgetting,
    /// Some of what was forgotten is still to be removed.
    is_tidying: bool,
    loading: Loading,
}

/// What the system dropped at the UDP door, as it was last looked at.
#[derive(Default)]
struct Drops {
    /// When it is looked at again: some time after a datagram came.
    due: Option<Instant>,
    told: u64,
}

/// The snapshot that 0.2.1's clients wait for.
struct PeriodicSnapshot {
    due: Instant,
    /// Where the part in hand begins, while one is being sent.
    part: Option<Option<String>>,
}

impl Turn {
    pub(super) fn new(
        config: Config,
        sockets: Sockets,
        hub: Hub,
        kept: Kept,
        gate: Inside,
        registry: &Registry,
    ) -> io::Result<Self> {
        let listener = |socket: std::net::TcpListener, source: Source| {
            let mut listener = TcpListener::from_std(socket);
            register(registry, &mut listener, source.token()).map(|()| listener)
        };
        let clients = listener(sockets.clients, Source::ClientsListener)?;
        let senders = listener(sockets.input, Source::InputListener)?;
        let askers = listener(sockets.query, Source::QueryListener)?;
        let mut udp = UdpSocket::from_std(sockets.udp);
        register(registry, &mut udp, Source::Udp.token())?;

        let clients =
            Peers::new("clients' door", Role::Clients, 0, clients, |key| Source::Client(key).token());
        let now = Instant::now();
        let middle = Middle::new(hub, Clients::new(clients, queue_limits(&config)), kept, gate, now);
        let mut turn = Self {
            senders: Peers::new("ZeroMQ input", Role::Input, MESSAGE_BYTES_MAX, senders, |key| {
                Source::Sender(key).token()
            }),
            udp: Udp::new(udp, sockets.udp_buffer_bytes),
            askers: Peers::new("query door", Role::Query, query::FRAME_BYTES_MAX, askers, |key| {
                Source::Asker(key).token()
            }),
            middle,
            complaints: Complaints::default(),
            buffer: ReadBuffer::new(MESSAGE_BYTES_MAX),
            unfinished: Unfinished::default(),
            snapshot: PeriodicSnapshot { due: now, part: None },
            peers_due: None,
            counters_due: None,
            counters_told: 0,
            drops: Drops::default(),
            config: config.clone(),
            started: now,
            queries: Queries::default(),
            scratch: Scratch::default(),
            held: HashSet::new(),
            forgetting: Forgetting::default(),
            is_tidying: false,
            loading: Loading::default(),
        };
        turn.apply(&config, now);
        turn.snapshot.due = now + turn.snapshot_every();
        Ok(turn)
    }

    /// How long nothing is due.
    pub(super) fn timeout(&self, now: Instant) -> Option<Duration> {
        if !self.unfinished.queue.is_empty()
            || self.snapshot.part.is_some()
            || self.middle.clients.has_parts()
            || !self.forgetting.is_empty()
            || self.is_tidying
            || self.loading.has_more()
        {
            return Some(Duration::ZERO);
        }
        let store_due = self.middle.store.as_ref().and_then(|store| store.due(now));
        let history_due = self.middle.history.as_ref().and_then(|history| history.due(now));
        let ttl_due = self.middle.hub.ttls.next().map(|(due, _)| due);
        let gate_due = self.middle.gate.has_gap().then(|| now + GATE_LOOKED_AT_EVERY);
        let freshness_due = self.middle.hub.freshness.due();
        let Self { snapshot, peers_due, counters_due, drops, .. } = self;
        let doors_due = [Some(snapshot.due), *peers_due, *counters_due, drops.due];
        let due = doors_due.into_iter().chain([store_due, history_due, ttl_due, freshness_due, gate_due]);
        due.flatten().min().map(|due| due.saturating_duration_since(now))
    }

    /// The hub goes to where others read it while this sleeps, or comes back from there.
    pub(super) fn swap_hub(&mut self, home: &Home) {
        home.swap(&mut self.middle.hub);
    }

    /// Takes what came, sends what goes out, does what is due.
    pub(super) fn turn(&mut self, events: &Events, registry: &Registry, instant: Instant, now: Timestamp) {
        (self.middle.instant, self.middle.now) = (instant, now);
        for _ in 0..self.unfinished.queue.len() {
            let Some(source) = self.unfinished.pop() else { break };
            self.read(source, registry);
        }
        for event in events {
            self.event(event, registry);
        }
        self.middle.clients.deliver();
        self.do_what_is_due();
        self.middle.clients.deliver();
        let Middle { hub, clients, .. } = &mut self.middle;
        let heard_since = now.before(Duration::from_secs(self.config.snapshot.heard_within_s));
        clients.write_parts(hub, heard_since, now);
        if let Some(late) = self.forgetting.turn(&mut self.middle) {
            self.answer_late(vec![late]);
        }
        self.loading.turn(&mut self.middle);
        if let Some(store) = &mut self.middle.store {
            store.turn(&mut self.middle.hub, instant, &mut self.complaints);
            let released = std::mem::take(&mut store.released);
            self.answer_late(released);
        }
        if let Some(history) = &mut self.middle.history {
            history.turn(&self.middle.hub, instant, &mut self.complaints);
            let released = std::mem::take(&mut history.released);
            let forgotten = std::mem::take(&mut history.released_forgotten);
            self.answer_late(released);
            let answers =
                forgotten.into_iter().filter_map(|late| self.middle.tell_when_written(late)).collect();
            self.answer_late(answers);
        }
        self.is_tidying = self.middle.tidy();
        self.middle.gate.deliver();
    }

    /// Gives the answers that had to wait.
    fn answer_late(&mut self, answers: Vec<Late>) {
        let mut askers: Vec<usize> = Vec::new();
        for Late { to, answer } in answers {
            match to {
                To::Datagram(address) => self.udp.answer(address, &answer),
                To::Gate(reply) => reply.give(answer),
                To::Asker(envelope) => {
                    self.askers.answer_late(&envelope, &answer);
                    askers.push(envelope.key());
                }
            }
        }
        askers.sort_unstable();
        askers.dedup();
        if !self.middle.store.as_ref().is_some_and(Store::is_busy) {
            self.held.drain().for_each(|key| self.unfinished.push(Source::Asker(key)));
        }
        for key in askers {
            // One that had too many answers to come may ask again.
            if self.askers.flush(key) && self.askers.is_paused(key) {
                self.unfinished.push(Source::Asker(key));
            }
        }
    }

    /// Goes on with another configuration.
    pub(super) fn reconfigure(&mut self, config: Config) {
        for (key, same) in [
            ("bind", config.bind == self.config.bind),
            ("port", config.port == self.config.port),
            ("ports_file", config.ports_file == self.config.ports_file),
            ("store.data", config.store.data == self.config.store.data),
            ("history", config.history == self.config.history),
            ("web.enabled", config.web.enabled == self.config.web.enabled),
            ("web.bind", config.web.bind == self.config.web.bind),
            ("web.keys", config.web.keys == self.config.web.keys),
            ("web.certificate", config.web.certificate.is_some() == self.config.web.certificate.is_some()),
            ("web.insecure_http", config.web.insecure_http == self.config.web.insecure_http),
            ("web.origins", config.web.origins == self.config.web.origins),
            ("web.connections_max", config.web.connections_max == self.config.web.connections_max),
            ("web.streams_max", config.web.streams_max == self.config.web.streams_max),
            ("log.format", config.log.format == self.config.log.format),
        ] {
            if !same {
                tracing::warn!("{key} stays as it is until the broker is started again");
            }
        }
        self.apply(&config, Instant::now());
        self.config = config;
    }

    /// Sends what waits; `true` where nothing does any more.
    pub(super) fn flush_all(&mut self) -> bool {
        self.middle.clients.deliver();
        flush_all(&mut self.middle.clients.peers) & flush_all(&mut self.askers)
    }

    /// Ends the live streams, and tells who waits for an answer that there is none.
    pub(super) fn close_gate(&mut self) {
        self.middle.gate.close();
    }

    /// Writes what is not on disk yet, until `deadline` at the latest.
    pub(super) fn finish_store(&mut self, deadline: Instant) {
        // A snapshot that is being loaded is waited for by who reads it.
        self.loading = Loading::default();
        if let Some(store) = self.middle.store.take() {
            store.finish(&mut self.middle.hub, deadline);
        }
        if let Some(history) = self.middle.history.take() {
            history.finish(&self.middle.hub, deadline);
        }
    }

    /// How the broker is, as `thingsbus status` gets it.
    pub(super) fn status(&self, instant: Instant, now: Timestamp) -> Value {
        let askers = Openings::of(&self.askers);
        let Self { senders, middle, queries, udp, config, started, .. } = self;
        Status { middle, senders, askers, queries, udp, config, started: *started }.to_json(instant, now)
    }

    fn event(&mut self, event: &Event, registry: &Registry) {
        let source = Source::of(event.token());
        if event.is_writable() {
            match source {
                Source::Client(key) => self.middle.clients.flush(key),
                Source::Sender(key) => drop(self.senders.flush(key)),
                // One that had too many answers waiting may ask again.
                Source::Asker(key) if self.askers.flush(key) && self.askers.is_paused(key) => {
                    self.read(source, registry);
                }
                _ => {}
            }
        }
        let has_news = event.is_readable() || event.is_read_closed() || event.is_error();
        if has_news && !self.unfinished.contains(source) {
            self.read(source, registry);
        }
    }

    /// Takes what one source has, within its budget.
    fn read(&mut self, source: Source, registry: &Registry) {
        let Self { senders, udp, askers, middle, complaints, buffer, .. } = self;
        let instant = middle.instant;
        let more = match source {
            Source::Waker => self.read_gate(),
            Source::ClientsListener => middle.clients.peers.accept(registry, instant, complaints),
            Source::InputListener => senders.accept(registry, instant, complaints),
            Source::QueryListener => askers.accept(registry, instant, complaints),
            Source::Udp => {
                self.drops.due.get_or_insert(instant + DROPS_LOOKED_AT_EVERY);
                let mut answers = Vec::new();
                let more = udp.receive(|from, bytes| {
                    if let Some(answer) = middle.datagram(from, bytes) {
                        answers.push((from, answer));
                    }
                });
                answers.iter().for_each(|(to, answer)| udp.answer(*to, answer));
                more
            }
            Source::Client(key) => {
                let Middle { hub, clients, .. } = middle;
                clients.read(key, buffer, instant, complaints, hub) == ReadEnd::More
            }
            Source::Sender(key) => {
                let end = senders.read(key, buffer, instant, complaints, |_, peer, event| {
                    let address = peer.address;
                    peer.event(event, |message, spoke_of| middle.message(address, message, spoke_of))
                });
                end == ReadEnd::More
            }
            Source::Asker(key) => self.read_asker(key),
        };
        let calls = matches!(source, Source::ClientsListener | Source::InputListener | Source::QueryListener);
        if calls || self.middle.clients.peers.has_ttl() || self.senders.has_ttl() || self.askers.has_ttl() {
            // Newcomers have some seconds for their handshake, who could not be let in is looked at again, and some
            // peers say how long they may be silent.
            let soon = instant + Duration::from_secs(1);
            self.peers_due = Some(self.peers_due.map_or(soon, |due| due.min(soon)));
        }
        if more {
            self.unfinished.push(source);
        }
    }

    fn read_asker(&mut self, key: usize) -> bool {
        let instant = self.middle.instant;
        if self.askers.get_mut(key).is_some_and(|peer| peer.is_overfull()) {
            return false; // The next writable event brings it back.
        }
        if self.middle.store.as_ref().is_some_and(Store::is_busy) {
            self.held.insert(key);
            return false; // It goes on when others were told that theirs is on disk.
        }
        let askers_now = Openings::of(&self.askers);
        let Self {
            askers,
            middle,
            complaints,
            buffer,
            queries,
            senders,
            udp,
            config,
            started,
            scratch,
            forgetting,
            ..
        } = self;
        let mut questions = Questions {
            middle,
            forgetting,
            queries,
            scratch,
            senders,
            askers: askers_now,
            udp,
            config,
            started: *started,
        };
        let end = askers.read(key, buffer, instant, complaints, |key, peer, event| {
            let address = peer.address;
            peer.event(key, event, |question, envelope| {
                asker(questions.answer(address, question, To::Asker(envelope)))
            })
        });
        end == ReadEnd::More && self.askers.get_mut(key).is_some_and(|peer| !peer.is_overfull())
    }

    /// Answers what other threads of this program ask. `true` where there may be more.
    fn read_gate(&mut self) -> bool {
        let askers = Openings::of(&self.askers);
        let Self { middle, queries, senders, udp, config, started, scratch, forgetting, .. } = self;
        let mut questions = Questions {
            middle,
            forgetting,
            queries,
            scratch,
            senders,
            askers,
            udp,
            config,
            started: *started,
        };
        let mut bytes = 0;
        for _ in 0..GATE_QUESTIONS {
            let asking = match questions.middle.gate.next() {
                None => return false,
                Some(Said::Ask(asking)) => asking,
                Some(Said::Refused(refused)) => {
                    questions.middle.refused_elsewhere(&refused);
                    continue;
                }
            };
            if let Some(Late { to: To::Gate(reply), answer }) = questions.ask(asking) {
                bytes += answer.len();
                reply.give(answer);
            }
            if bytes >= GATE_BYTES {
                break;
            }
        }
        true
    }

    fn do_what_is_due(&mut self) {
        let Middle { instant, now, .. } = self.middle;
        if self.peers_due.is_some_and(|due| due <= instant) {
            let complaints = &mut self.complaints;
            let next = [
                self.middle.clients.expire(instant, complaints),
                self.senders.expire(instant, complaints).again,
                self.askers.expire(instant, complaints).again,
            ];
            self.peers_due = next.into_iter().flatten().min();
            for (again, listener) in [
                (self.middle.clients.peers.is_to_accept_again(), Source::ClientsListener),
                (self.senders.is_to_accept_again(), Source::InputListener),
                (self.askers.is_to_accept_again(), Source::QueryListener),
            ] {
                if again {
                    self.unfinished.push(listener);
                }
            }
        }
        if self.snapshot.due <= instant && self.snapshot.part.is_none() {
            self.snapshot.due = instant + self.snapshot_every();
            if self.middle.clients.is_wanted(SNAPSHOT_BEGINNING) {
                self.snapshot.part = Some(None);
            }
        }
        if let Some(after) = self.snapshot.part.take() {
            let heard_since = now.before(Duration::from_secs(self.config.snapshot.heard_within_s));
            let mut message = Vec::new();
            let Middle { hub, clients, .. } = &mut self.middle;
            let next = hub.snapshot_part(after.as_deref(), heard_since, now, &mut message);
            clients.publish(&message, Kind::Snapshot, hub, instant);
            self.snapshot.part = next.map(Some);
        }
        for _ in 0..EXPIRED {
            let Some((_, place)) = self.middle.hub.ttls.next().filter(|(due, _)| *due <= instant) else {
                break;
            };
            let ns = self.middle.hub.directory().at(place).map(|record| record.ns().to_owned());
            self.middle.hub.ttls.remove(place);
            if let Some(ns) = ns {
                self.middle.forget(&ns);
            }
        }
        self.middle.tell_overdue();
        if self.drops.due.is_some_and(|due| due <= instant) {
            self.drops.due = None;
            self.tell_drops();
        }
        if self.counters_due.is_some_and(|due| due <= instant) {
            self.counters_due = Some(instant + Duration::from_secs(self.config.log.counters_every_s));
            self.tell_counters();
        }
    }

    /// Where the system had to drop datagrams since it was last looked at.
    fn tell_drops(&mut self) {
        let Some(dropped) = self.udp.dropped() else { return };
        let before = std::mem::replace(&mut self.drops.told, dropped);
        if dropped > before {
            let (more, kib) = (dropped - before, self.udp.buffer_bytes() / 1024);
            self.complaints.tell("udp_dropped", self.middle.instant, || {
                format!(
                    "the system dropped {more} datagrams before the broker took them ({dropped} so far): its buffer \
                     of {kib} KiB was full; more room, where they come in bursts: sysctl net.core.rmem_max"
                )
            });
        }
    }

    /// One line with what was counted, where anything was since the last one.
    fn tell_counters(&mut self) {
        let Middle { hub, clients, zmq_in, udp_in, .. } = &self.middle;
        let happened = zmq_in.received + udp_in.received + clients.counters.sent + self.queries.answered;
        if std::mem::replace(&mut self.counters_told, happened) == happened {
            return;
        }
        tracing::info!(
            "{} things; ZeroMQ in: {} accepted, {} rejected; UDP in: {} accepted, {} rejected; {} clients: {} sent, \
             {} merged, {} dropped; {} queries",
            hub.directory().len(),
            zmq_in.accepted,
            zmq_in.rejected_total(),
            udp_in.accepted,
            udp_in.rejected_total(),
            clients.peers.len(),
            clients.counters.sent,
            clients.counters.merged,
            clients.counters.dropped,
            self.queries.answered,
        );
    }

    fn apply(&mut self, config: &Config, now: Instant) {
        self.middle.hub.set_limits(config.hub_limits());
        self.middle.clients.set_limits(queue_limits(config));
        let connections_max = config.limits.connections_max;
        self.middle.clients.peers.set_connections_max(connections_max);
        self.senders.set_connections_max(connections_max);
        self.askers.set_connections_max(connections_max);
        if let Some(store) = &mut self.middle.store {
            store.set(&config.store, now);
        }
        if let Some(history) = &mut self.middle.history {
            history.set_every(Duration::from_secs(config.store.every_s));
        }
        let every = config.log.counters_every_s;
        self.counters_due = (every > 0).then(|| now + Duration::from_secs(every));
    }

    fn snapshot_every(&self) -> Duration {
        Duration::from_secs(self.config.snapshot.every_s)
    }
}

/// The answer to an asker.
fn asker(answer: Option<Late>) -> Option<(Envelope, Vec<u8>)> {
    match answer? {
        Late { to: To::Asker(envelope), answer } => Some((envelope, answer)),
        _ => None,
    }
}

fn queue_limits(config: &Config) -> QueueLimits {
    QueueLimits {
        client_bytes_max: config.limits.client_queue_bytes_max,
        all_bytes_max: config.limits.client_queues_bytes_max,
    }
}
