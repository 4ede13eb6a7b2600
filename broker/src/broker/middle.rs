//! From arrival to outgoing: what the doors that take updates hand them to, and what happens to them there.

use std::net::SocketAddr;
use std::time::Instant;

use thingsbus_adaptor::wire::{
    AckLevel, AckWanted, RefusedUpdate, Rejected, Scratch, Timestamp, Update, decode_datagram, decode_update,
    name_in_refused, push_refused, push_taken, refused_datagram,
};
use thingsbus_client::directory::{Place, Put, Record, Value};

use super::rejections::{About, Door, Refused, Rejections};
use crate::counters::Incoming;
use crate::door::clients::{Clients, Kind};
use crate::door::complaints::Complaints;
use crate::door::gate::{self, Inside};
use crate::door::input::NoMessage;
use crate::door::late::{Late, To};
use crate::door::query::push_named_error;
use crate::hub::{Hub, Look};
use crate::store::Store;
use crate::store::historian::Asked;
use crate::store::recorder::Recorder;

/// The most forgotten things that are remembered as such, so that who asks what changed since is told. Who asks for more
/// is told all there is.
const FORGOTTEN_MAX: usize = 10_000;

/// How many things are looked at whether they are late, before the stream has its turn.
const LOOKED_AT: usize = 500;

/// The hub, and the doors' way to it.
pub(super) struct Middle {
    pub(super) hub: Hub,
    pub(super) clients: Clients,
    pub(super) store: Option<Store>,
    pub(super) history: Option<Recorder>,
    /// To other threads of this program.
    pub(super) gate: Inside,
    pub(super) zmq_in: Incoming,
    pub(super) udp_in: Incoming,
    pub(super) query_in: Incoming,
    pub(super) gate_in: Incoming,
    /// What snapshots bring back.
    pub(super) snapshots_in: Incoming,
    /// When this turn began, by the clock for timers and by the wall clock: what comes in a turn comes then.
    pub(super) instant: Instant,
    pub(super) now: Timestamp,
    /// What was refused last.
    pub(super) rejections: Rejections,
    complaints: Complaints,
    scratch: Scratch,
    /// The update in hand, as clients get it.
    message: Vec<u8>,
}

/// What is kept on disk.
pub(super) struct Kept {
    pub(super) store: Option<Store>,
    pub(super) history: Option<Recorder>,
}

/// An update's way through, without the place where it was decoded.
struct Way<'m> {
    hub: &'m mut Hub,
    clients: &'m mut Clients,
    store: &'m mut Option<Store>,
    history: &'m mut Option<Recorder>,
    gate: &'m mut Inside,
    counters: &'m mut Incoming,
    out: &'m mut Vec<u8>,
    instant: Instant,
    now: Timestamp,
    /// Is it the thing that says it, and not a snapshot that has it?
    speaks: bool,
}

/// An update that was taken.
struct Taken {
    /// Its thing's.
    place: Place,
    /// Its number.
    seq: u64,
}

/// What becomes of an update that is to be acknowledged.
enum Acknowledged {
    /// It is answered at once.
    Now(To, Vec<u8>),
    /// When it is on disk.
    Later,
}

impl Middle {
    pub(super) fn new(hub: Hub, clients: Clients, kept: Kept, gate: Inside, instant: Instant) -> Self {
        let Kept { store, history } = kept;
        Self {
            hub,
            clients,
            store,
            history,
            gate,
            zmq_in: Incoming::default(),
            udp_in: Incoming::default(),
            query_in: Incoming::default(),
            gate_in: Incoming::default(),
            snapshots_in: Incoming::default(),
            instant,
            now: super::now(),
            rejections: Rejections::default(),
            complaints: Complaints::default(),
            scratch: Scratch::default(),
            message: Vec::new(),
        }
    }

    /// A message came by ZeroMQ, or something that is none. `spoke_of` is the thing that the connection spoke of last, by
    /// which one is known that cannot say any more which it is.
    pub(super) fn message(
        &mut self,
        from: SocketAddr,
        message: Result<&[u8], NoMessage<'_>>,
        spoke_of: &mut Option<Place>,
    ) {
        let Self {
            hub,
            clients,
            store,
            history,
            gate,
            zmq_in: counters,
            scratch,
            message: out,
            instant,
            now,
            ..
        } = self;
        let (instant, now) = (*instant, *now);
        let update = match message {
            Ok(bytes) => decode_update(bytes, scratch),
            Err(NoMessage { why, .. }) => Err(why),
        };
        let mut way = Way { hub, clients, store, history, gate, counters, out, instant, now, speaks: true };
        match way.take(update) {
            Ok(taken) => *spoke_of = Some(taken.place),
            Err(why) => {
                let (message, bytes) = match message {
                    Ok(message) => (message, message.len() as u64),
                    Err(NoMessage { frame, bytes, .. }) => (frame, bytes),
                };
                self.tell_refused(&Refused { door: Door::Zmq, from, why, message, bytes }, *spoke_of);
            }
        }
    }

    /// A datagram came. Gives the answer, where one is wanted and can be given at once.
    pub(super) fn datagram(&mut self, from: SocketAddr, bytes: &[u8]) -> Option<Vec<u8>> {
        let Self {
            hub,
            clients,
            store,
            history,
            gate,
            udp_in: counters,
            scratch,
            message: out,
            instant,
            now,
            ..
        } = self;
        let (instant, now) = (*instant, *now);
        let update = decode_datagram(bytes, scratch);
        let mut way = Way { hub, clients, store, history, gate, counters, out, instant, now, speaks: true };
        let why = match update.map(|update| (update, update.ack())) {
            Ok((update, Some(wanted))) => match way.acknowledge(&update, &wanted, To::Datagram(from)) {
                Ok(Acknowledged::Now(_, answer)) => return Some(answer),
                Ok(Acknowledged::Later) => return None,
                Err((_, why)) => why,
            },
            _ => way.take(update).err()?,
        };
        let length = bytes.len() as u64;
        self.tell_refused(&Refused { door: Door::Udp, from, why, message: bytes, bytes: length }, None);
        let refused = refused_datagram(bytes, why, &mut self.scratch)?;
        let mut answer = Vec::new();
        push_refused(refused.numbered, why, &mut answer);
        Some(answer)
    }

    /// Forgets a thing, and tells who listens. `false` where there is none.
    pub(super) fn forget(&mut self, ns: &str) -> bool {
        let Self { hub, clients, store, gate, message: out, instant, now, .. } = self;
        out.clear();
        let Some(before) = hub.forget(ns, *now, out) else { return false };
        clients.publish(out, Kind::Update { before: Some(before) }, hub, *instant);
        gate.publish(out, Some(hub.seq()));
        if let (Some(store), Some(place)) = (store, hub.directory().place_of(ns)) {
            store.add_to_next(place);
        }
        true
    }

    /// A question about the past. It is answered later, or at once where there is no history.
    pub(super) fn ask_history(&mut self, asked: Asked, to: To) -> Option<Late> {
        let Some(history) = &mut self.history else {
            let mut answer = Vec::new();
            let why = if self.store.is_some() {
                "the broker keeps no history (history.enabled = false)"
            } else {
                "the broker keeps no history, since it keeps nothing on disk (--data none)"
            };
            push_named_error("no_history", why, &mut answer);
            return Some(Late { to, answer });
        };
        if history.is_busy() {
            let mut answer = Vec::new();
            push_named_error("busy", "too many questions about the past at once; ask again", &mut answer);
            return Some(Late { to, answer });
        }
        history.ask(asked, to);
        None
    }

    /// What a thing said up to now is not to be kept either.
    pub(super) fn forget_past(&mut self, ns: &str) {
        if let Some(history) = &mut self.history {
            history.forget(ns, self.hub.seq());
        }
    }

    /// Tells who listens of things that are late or silent by now, some in each turn.
    pub(super) fn tell_overdue(&mut self) {
        let Self { hub, clients, gate, message: out, instant, now, .. } = self;
        for _ in 0..LOOKED_AT {
            match hub.freshness.look(*instant) {
                Look::Nothing => break,
                Look::Same => {}
                Look::Changed(place, was) => {
                    out.clear();
                    hub.push_freshness(place, was, *now, out);
                    clients.publish(out, Kind::Freshness, hub, *instant);
                    gate.publish(out, None);
                }
            }
        }
    }

    /// Takes an update that a snapshot has, as one that arrives now. The thing has not spoken by that.
    pub(super) fn bring_back(&mut self, update: Update<'_>) -> Result<u64, Rejected> {
        let Self {
            hub,
            clients,
            store,
            history,
            gate,
            snapshots_in: counters,
            message: out,
            instant,
            now,
            ..
        } = self;
        let (instant, now) = (*instant, *now);
        (Way { hub, clients, store, history, gate, counters, out, instant, now, speaks: false })
            .take(Ok(update))
            .map(|taken| taken.seq)
    }

    /// An update was refused by another thread of this program, which answers its sender.
    pub(super) fn refused_elsewhere(&mut self, refused: &gate::RefusedUpdate) {
        let gate::RefusedUpdate { from, why, ns, excerpt, bytes } = refused;
        self.gate_in.reject(*why);
        let refused = Refused { door: Door::Web, from: *from, why: *why, message: excerpt, bytes: *bytes };
        self.complain(&refused);
        self.rejections.add(&refused, About::Named(ns), self.now);
    }

    /// Tells in the log what is refused, now and then, and remembers it.
    fn tell_refused(&mut self, refused: &Refused<'_>, spoke_of: Option<Place>) {
        self.complain(refused);
        let name = name_in_refused(refused.message, &mut self.scratch);
        // A place may be another thing's by now, where its own was forgotten meanwhile: then that is told.
        let before = || spoke_of.and_then(|place| self.hub.directory().at(place)).map(Record::ns);
        let about = match &name {
            Some(name) => About::Named(name),
            None => before().map_or(About::Nobody, About::Before),
        };
        self.rejections.add(refused, about, self.now);
    }

    fn complain(&mut self, refused: &Refused<'_>) {
        let Refused { door, from, why, message, .. } = *refused;
        let from = SocketAddr::new(from.ip().to_canonical(), from.port());
        self.complaints.rejected(why.name(), self.instant, from, door.name(), why, message);
    }

    /// What was forgotten up to now is to be off the disk, history and directory, before this is answered. Gives the
    /// answer where nothing is on disk.
    pub(super) fn tell_when_forgotten(&mut self, late: Late) -> Option<Late> {
        match &mut self.history {
            Some(history) => {
                history.tell_when_forgotten(late);
                None
            }
            None => self.tell_when_written(late),
        }
    }

    /// The same, for what is off the history already.
    pub(super) fn tell_when_written(&mut self, late: Late) -> Option<Late> {
        match &mut self.store {
            Some(store) => {
                store.tell_when_written(late);
                None
            }
            None => Some(late),
        }
    }

    /// Gives back the memory of some of what was forgotten long ago, once it is off the disk too; `true` where there may
    /// be more.
    pub(super) fn tidy(&mut self) -> bool {
        let through = self.store.as_ref().map_or(u64::MAX, Store::through);
        let is_removed = self.hub.tidy(FORGOTTEN_MAX, through);
        if is_removed {
            self.clients.close_behind(&mut self.hub);
        }
        is_removed
    }

    /// An update came to the query door. Gives the answer, unless it is given later.
    pub(super) fn question(
        &mut self,
        from: SocketAddr,
        bytes: &[u8],
        update: Result<Update<'_>, RefusedUpdate<'_>>,
        to: To,
    ) -> Option<Late> {
        let Self {
            hub, clients, store, history, gate, query_in, gate_in, message: out, instant, now, ..
        } = self;
        let (instant, now) = (*instant, *now);
        let (counters, door) =
            if matches!(to, To::Gate(_)) { (gate_in, Door::Web) } else { (query_in, Door::Query) };
        let mut way = Way { hub, clients, store, history, gate, counters, out, instant, now, speaks: true };
        let (to, refused) = match update {
            Ok(update) => {
                let plainly = AckWanted { level: AckLevel::Directory, numbered: None };
                let wanted = update.ack().unwrap_or(plainly);
                match way.acknowledge(&update, &wanted, to) {
                    Ok(Acknowledged::Now(to, answer)) => return Some(Late { to, answer }),
                    Ok(Acknowledged::Later) => return None,
                    Err((to, why)) => (to, RefusedUpdate { why, numbered: wanted.numbered }),
                }
            }
            Err(refused) => {
                way.counters.reject(refused.why);
                (to, refused)
            }
        };
        let RefusedUpdate { why, numbered } = refused;
        self.tell_refused(&Refused { door, from, why, message: bytes, bytes: bytes.len() as u64 }, None);
        let mut answer = Vec::new();
        push_refused(numbered, why, &mut answer);
        Some(Late { to, answer })
    }
}

impl Way<'_> {
    /// Into the directory, to the clients, and into the counters.
    fn take(&mut self, update: Result<Update<'_>, Rejected>) -> Result<Taken, Rejected> {
        let Self { hub, clients, history, gate, counters, out, instant, now, speaks, .. } = self;
        out.clear();
        let taken = update.and_then(|update| hub.take(&update, *now, out).map(|put| (put, update)));
        match taken {
            Ok((Put { place, before }, update)) => {
                counters.accept(update.repairs());
                if let Some(history) = history {
                    let (data, ts, seq) = (update.data(), update.ts().unwrap_or(*now), hub.seq());
                    let value = Value { data, ts, received: *now, seq, documentation_url: None };
                    history.record(update.ns(), &value);
                }
                if update.ttl().is_some() || !hub.ttls.is_empty() {
                    hub.set_ttl(update.ns(), update.ttl(), *instant);
                }
                clients.publish(out, Kind::Update { before }, hub, *instant);
                gate.publish(out, Some(hub.seq()));
                if *speaks && let Some(was) = hub.freshness.spoke(place, *instant) {
                    out.clear();
                    hub.push_freshness(place, was, *now, out);
                    clients.publish(out, Kind::Freshness, hub, *instant);
                    gate.publish(out, None);
                }
                Ok(Taken { place, seq: hub.seq() })
            }
            Err(why) => {
                counters.reject(why);
                Err(why)
            }
        }
    }

    /// The same for an update that is to be acknowledged, and taken once where it is numbered.
    fn acknowledge(
        &mut self,
        update: &Update<'_>,
        wanted: &AckWanted<'_>,
        to: To,
    ) -> Result<Acknowledged, (To, Rejected)> {
        let refused = match (wanted.level, &self.store, &to) {
            (AckLevel::Disk, None, _) => Some(Rejected::NoDisk),
            // Who asks at the query door is not read from then.
            (AckLevel::Disk, Some(store), To::Datagram(_) | To::Gate(_)) if store.is_busy() => {
                Some(Rejected::Busy)
            }
            _ => None,
        };
        if let Some(why) = refused {
            self.counters.reject(why);
            return Err((to, why));
        }
        let had = wanted.numbered.is_some_and(|numbered| self.hub.senders.had(numbered));
        let seq = if had {
            self.counters.repeated += 1;
            None
        } else {
            match self.take(Ok(*update)) {
                Ok(taken) => Some(taken.seq),
                Err(why) => {
                    if let Some(numbered) = wanted.numbered {
                        self.hub.senders.refuse(numbered);
                    }
                    return Err((to, why));
                }
            }
        };
        let mut answer = Vec::new();
        push_taken(wanted, seq, &mut answer);
        if !had && let Some(numbered) = wanted.numbered {
            self.hub.senders.take(numbered);
        }
        let Some(store) = self.store else { return Ok(Acknowledged::Now(to, answer)) };
        if !had && let Some(place) = self.hub.directory().place_of(update.ns()) {
            // Also where nobody waits for that: its sender's number must not be on disk without it.
            store.add_to_next(place);
        }
        Ok(match wanted.level {
            AckLevel::Directory => Acknowledged::Now(to, answer),
            AckLevel::Disk => {
                store.tell_when_written(Late { to, answer });
                Acknowledged::Later
            }
        })
    }
}
