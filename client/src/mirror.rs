//! How a client follows a broker: subscribe first, ask second, apply what is newer, ask again where something may
//! have been missed (the Clone pattern of the ZeroMQ guide, chapter 5). Pure: what came goes in, what to do comes out.
//!
//! Every connection begins with a *mark*: a subscription that the broker answers once all before it are active, with
//! its epoch and its last `seq`. What the query door tells is complete when its `seq` reaches the mark's: all later
//! updates come by themselves. A new epoch is another life of the broker: then all is asked anew, and what is not told
//! is gone. A broker that answers no mark is one of 0.2.1, which is listened to as its own clients do.

mod part;

use std::collections::{HashSet, VecDeque};
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{
    Ask, Expected, Forgotten, Freshness, FreshnessChange, Mark, Message, Namespace, Query, Snapshot,
    Timestamp, Update,
};

use crate::directory::{Directory, Scope, Value, age};
use part::Part;

/// A broker that has not answered a mark by then is one of 0.2.1.
const MARK_TIME: Duration = Duration::from_millis(1_500);

/// A page that has not come by then is asked for again.
const PAGE_TIME: Duration = Duration::from_secs(3);

/// Who hears a part of the stream cannot see a gap in it, so it asks now and then.
const ASK_EVERY: Duration = Duration::from_secs(60);

/// What the mirror wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Subscribe to messages that begin so.
    Subscribe(Vec<u8>),
    /// No longer.
    Unsubscribe(Vec<u8>),
    /// Ask the query door; the answer is to be given back with the same number.
    Ask {
        /// Which question this is.
        number: u64,
        /// The question, as it is sent.
        query: Vec<u8>,
    },
}

/// What happened to a thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change<'a> {
    /// The thing.
    pub ns: &'a str,
    /// When the value was, as its sender says.
    pub ts: Timestamp,
    /// The value, as JSON text; `null` where it was forgotten.
    pub data: &'a str,
    /// It was forgotten: it has no value any more, and is not in the directory.
    pub is_forgotten: bool,
    /// Where the value is explained, where that was told with it.
    pub documentation_url: Option<&'a str>,
    /// The broker's number of the update; `None` with a 0.2.1 broker.
    pub seq: Option<u64>,
    /// How many updates before it were not sent to this client because newer ones stand for them, where it is told late.
    pub merged: Option<u64>,
    /// It was told by a snapshot and not the moment it happened.
    pub is_snapshot: bool,
    /// How long ago the broker had received it when it told it; zero where it was told the moment it happened.
    pub age: Duration,
    /// It said nothing, and that is it: it is late, silent or fresh again. The value is its last one.
    pub freshness: Option<Reappraised>,
}

/// A thing has another word for how fresh it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reappraised {
    /// The word before.
    pub was: Freshness,
    /// The word now, and what was expected.
    pub expected: Expected,
}

/// What kind of broker this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It has not shown yet.
    Unknown,
    /// It answers marks and queries.
    Answering,
    /// One of 0.2.1: updates, and a snapshot every 15 s.
    Old,
}

/// A directory that follows a broker's.
pub struct Mirror {
    directory: Directory,
    /// While another life of the broker is asked for: what it told so far. What it does not tell is gone in the end.
    anew: Option<Directory>,
    parts: Vec<Part>,
    actions: VecDeque<Action>,
    kind: Kind,
    epoch: Option<String>,
    connected: bool,
    /// The mark that was asked for last and is not answered yet, and when to give up on it.
    waiting_for: Option<(String, Instant)>,
    /// The seq that the last mark told; what is told up to here must be asked for.
    marked: Option<u64>,
    /// The seq of the last update that came by itself.
    live: Option<u64>,
    asked: Option<Asked>,
    /// Things of which a documentation URL was sent, or that were forgotten, since that was asked: what the answer says of
    /// their URLs may be older.
    urls: HashSet<Box<str>>,
    ask_again: Option<Instant>,
    ready: bool,
    /// The connection is new: anything may have happened since the last one.
    fresh: bool,
    numbers: u64,
    gaps: u64,
    merged: u64,
}

/// How a value came.
#[derive(Clone, Copy)]
enum Way {
    /// As an update, by itself.
    Sent {
        /// Not by itself, but late.
        merged: Option<u64>,
    },
    /// In a snapshot.
    Told { age: Duration },
}

/// A page that was asked for.
struct Asked {
    number: u64,
    part: usize,
    after: Option<Namespace>,
    /// The broker's seq when it told the first page.
    first_seq: Option<u64>,
    /// What was known, so that only what changed since was asked for.
    since: Option<u64>,
    deadline: Instant,
}

impl Mirror {
    /// Follows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            directory: Directory::new(),
            anew: None,
            parts: Vec::new(),
            actions: VecDeque::new(),
            kind: Kind::Unknown,
            epoch: None,
            connected: false,
            waiting_for: None,
            marked: None,
            live: None,
            asked: None,
            urls: HashSet::new(),
            ask_again: None,
            ready: false,
            fresh: true,
            numbers: 0,
            gaps: 0,
            merged: 0,
        }
    }

    /// What is known.
    #[must_use]
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// Is everything there that the broker has of the wanted parts? Stays true over a lost connection: the values
    /// are still the last that are known.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What kind of broker this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The broker's life.
    #[must_use]
    pub fn epoch(&self) -> Option<&str> {
        self.epoch.as_deref()
    }

    /// Is the connection up?
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected
    }

    /// How often updates were found missing, and asked for.
    #[must_use]
    pub fn gaps(&self) -> u64 {
        self.gaps
    }

    /// How many updates the broker did not send, because this client was too slow for them and newer ones of the same
    /// things stood for them.
    #[must_use]
    pub fn merged(&self) -> u64 {
        self.merged
    }

    /// Is `ns` followed?
    #[must_use]
    pub fn follows(&self, ns: &str) -> bool {
        self.parts.iter().any(|part| part.scope().holds(ns))
    }

    /// What is subscribed to for the parts that are followed, on a new socket: first a mark, by which the broker knows
    /// that this client asks the query door and needs to be told no last values. Whatever else was to be done on the old
    /// one is not any more: the connection tells it anew.
    pub fn subscriptions(&mut self) -> Vec<Vec<u8>> {
        self.actions.clear();
        let parts = self.parts.iter().flat_map(Part::subscriptions);
        std::iter::once(mark_prefix("asks")).chain(parts).collect()
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// When [`Mirror::tick`] has something to do.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        let waiting = self.waiting_for.as_ref().map(|(_, deadline)| *deadline);
        [waiting, self.asked.as_ref().map(|asked| asked.deadline), self.ask_again].into_iter().flatten().min()
    }

    /// Follows one more part: a thing, and with `tree` what is below it.
    pub fn follow(&mut self, ns: &Namespace, tree: bool, now: Instant) {
        if self.parts.iter().any(|part| part.covers(ns, tree)) {
            return;
        }
        let part = Part::new(ns.clone(), tree);
        self.actions.extend(part.subscriptions().map(Action::Subscribe));
        self.parts.push(part);
        self.ready = false;
        if self.connected && self.kind != Kind::Old {
            self.ask_for_mark(now);
        }
    }

    /// The connection is up; subscriptions are on their way to the broker again.
    pub fn connected(&mut self, now: Instant) {
        self.disconnected();
        (self.connected, self.fresh) = (true, true);
        if self.kind == Kind::Old {
            // Whether an old broker was replaced by a new one is found out like the first time.
            self.actions.push_back(Action::Unsubscribe(Vec::new()));
        }
        self.kind = Kind::Unknown;
        self.ask_for_mark(now);
        // At once, beside the mark: most often its answer is all that is needed.
        self.ask_unknown(now);
    }

    /// The connection is lost. Values stay.
    pub fn disconnected(&mut self) {
        if let Some(live) = self.live.take() {
            self.parts.iter_mut().for_each(|part| part.heard(live));
        }
        if self.anew.take().is_some() {
            // Half of the directory is of one life and half of another: whatever comes next begins anew.
            self.epoch = None;
        }
        self.drop_mark();
        self.connected = false;
        self.marked = None;
        self.asked = None;
        self.ask_again = None;
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant) {
        if self.waiting_for.as_ref().is_some_and(|(_, deadline)| *deadline <= now) {
            self.give_up_on_mark();
        }
        if self.asked.as_ref().is_some_and(|asked| asked.deadline <= now) {
            let Some(Asked { part, after, first_seq, .. }) = self.asked.take() else { return };
            self.ask(part, after, first_seq, now);
        }
        if self.ask_again.is_some_and(|due| due <= now) {
            self.ask_again = None;
            self.parts.iter_mut().for_each(Part::ask);
            self.ask_unknown(now);
        }
    }

    /// A message came from the broker's clients' port. `wall` is the client's own clock. Each change is given to
    /// `changed` after the directory has it.
    pub fn message(
        &mut self,
        message: &Message<'_>,
        now: Instant,
        wall: Timestamp,
        mut changed: impl FnMut(Change<'_>),
    ) {
        match message {
            Message::Update(update) => self.update(update, now, wall, &mut changed),
            Message::Forgotten(forgotten) => self.forgotten(forgotten, now, &mut changed),
            Message::Freshness(change) => self.reappraised(change, wall, &mut changed),
            Message::Mark(mark) => self.mark(mark, now, &mut changed),
            Message::Snapshot(snapshot) if self.kind == Kind::Old => {
                self.tell(snapshot, wall, &mut changed);
                self.ready = true;
            }
            _ => {}
        }
    }

    /// The query door answered question `number`.
    pub fn answer(
        &mut self,
        number: u64,
        snapshot: &Snapshot<'_>,
        now: Instant,
        wall: Timestamp,
        mut changed: impl FnMut(Change<'_>),
    ) {
        let Some(asked) = self.asked.take_if(|asked| asked.number == number) else { return };
        let (Some(epoch), Some(seq)) = (snapshot.epoch(), snapshot.seq()) else { return };
        if self.marked.is_some() && self.epoch.as_deref() != Some(epoch) {
            // Of a life that is over, or of one whose mark is on its way: asked again when this one's time is up.
            self.asked = Some(asked);
            return;
        }
        let tells_all = asked.since.is_some() && snapshot.since().is_none();
        let is_anew = self.meet_epoch(epoch) || tells_all;
        if tells_all {
            // It does not know any more what was forgotten since; what it does not tell is gone.
            self.begin_anew();
        }
        if is_anew && asked.after.is_some() {
            return self.ask_next(now, &mut changed); // The pages before were of another life.
        }
        self.tell(snapshot, wall, &mut changed);
        let first_seq = asked.first_seq.unwrap_or(seq);
        match snapshot.next().map(Namespace::parse) {
            Some(Ok(next)) => self.ask(asked.part, Some(next), Some(first_seq), now),
            _ => {
                if let Some(part) = self.parts.get_mut(asked.part) {
                    part.told(first_seq);
                }
                self.ask_next(now, &mut changed);
            }
        }
    }

    fn mark(&mut self, mark: &Mark<'_>, now: Instant, changed: &mut impl FnMut(Change<'_>)) {
        if self.waiting_for.as_ref().is_none_or(|(token, _)| token != mark.mark) {
            return;
        }
        self.drop_mark();
        if self.kind == Kind::Old {
            self.actions.push_back(Action::Unsubscribe(Vec::new()));
        }
        self.kind = Kind::Answering;
        self.meet_epoch(mark.epoch);
        self.marked = Some(mark.seq);
        self.live = Some(mark.seq);
        let fresh = std::mem::take(&mut self.fresh);
        for part in self.parts.iter_mut().filter(|part| fresh || part.known().is_none()) {
            part.must_know(mark.seq);
        }
        self.ask_next(now, changed);
    }

    fn update(
        &mut self,
        update: &Update<'_>,
        now: Instant,
        wall: Timestamp,
        changed: &mut impl FnMut(Change<'_>),
    ) {
        if !self.follows(update.ns()) {
            return;
        }
        if update.seq().is_some_and(|seq| !self.hear(seq, update.merged(), now, changed)) {
            return;
        }
        let value = Value {
            data: update.data(),
            ts: update.ts().unwrap_or(wall),
            received: wall,
            seq: update.seq().unwrap_or(0),
            documentation_url: update.documentation_url(),
        };
        self.put(update.ns(), &value, Way::Sent { merged: update.merged() }, changed);
    }

    /// The broker sent what has this number. `false` before the mark: it is not known then whose life it is of; what
    /// comes now is told by the answer.
    fn hear(
        &mut self,
        seq: u64,
        merged: Option<u64>,
        now: Instant,
        changed: &mut impl FnMut(Change<'_>),
    ) -> bool {
        let Some(live) = self.live else { return false };
        // What is told late comes with newer values in the place of older ones, and nothing is missing.
        self.merged += merged.unwrap_or(0);
        if merged.is_none() && seq > live + 1 && self.parts.iter().any(Part::is_everything) {
            self.gaps += 1;
            self.parts.iter_mut().for_each(|part| part.must_know(seq - 1));
            self.live = Some(seq);
            self.ask_next(now, changed);
        }
        self.live = Some(live.max(seq));
        true
    }

    fn forgotten(&mut self, forgotten: &Forgotten<'_>, now: Instant, changed: &mut impl FnMut(Change<'_>)) {
        let Forgotten { ns, ts, seq, merged } = *forgotten;
        if self.follows(ns) && self.hear(seq, merged, now, changed) {
            self.forget(ns, ts, seq, merged, false, changed);
        }
    }

    /// A thing has another word, which is told on and not kept: the query door knows it.
    fn reappraised(
        &mut self,
        change: &FreshnessChange<'_>,
        wall: Timestamp,
        changed: &mut impl FnMut(Change<'_>),
    ) {
        let FreshnessChange { ns, was, expected, .. } = *change;
        let Some(record) = self.directory.get(ns).filter(|_| self.follows(ns)) else { return };
        changed(Change {
            ns,
            ts: record.ts(),
            data: record.data(),
            is_forgotten: false,
            documentation_url: record.documentation_url(),
            seq: Some(change.seq),
            merged: None,
            is_snapshot: false,
            age: age(record, wall),
            freshness: Some(Reappraised { was, expected }),
        });
    }

    /// Forgets what was said up to `seq`. The number is kept for as long as an answer may be on its way that is older.
    fn forget(
        &mut self,
        ns: &str,
        ts: Timestamp,
        seq: u64,
        merged: Option<u64>,
        is_snapshot: bool,
        changed: &mut impl FnMut(Change<'_>),
    ) {
        if self.anew.as_ref().unwrap_or(&self.directory).seq_of(ns) > seq {
            return; // It spoke again.
        }
        self.note_url(ns);
        let nothing = Value { data: "null", ts, received: ts, seq, documentation_url: None };
        if let Some(anew) = &mut self.anew {
            anew.put(ns, &nothing);
            anew.forget(ns, seq, ts);
        }
        let was_there = self.directory.get(ns).is_some();
        if was_there || self.asked.is_some() {
            self.directory.put(ns, &nothing);
            self.directory.forget(ns, seq, ts);
        }
        if self.asked.is_none() {
            while self.directory.remove_forgotten(0, u64::MAX).is_some() {}
        }
        if was_there {
            changed(Change {
                ns,
                ts,
                data: "null",
                is_forgotten: true,
                documentation_url: None,
                seq: Some(seq),
                merged,
                is_snapshot,
                age: Duration::ZERO,
                freshness: None,
            });
        }
    }

    fn tell(&mut self, snapshot: &Snapshot<'_>, wall: Timestamp, changed: &mut impl FnMut(Change<'_>)) {
        for told in snapshot.things() {
            let Ok(told) = told else { continue };
            if !self.follows(&told.ns) {
                continue;
            }
            // Ages are differences by the broker's own clock, so that clocks need not agree.
            let told_at = snapshot.ts().unwrap_or(wall);
            let came = told.received.or(told.ts).unwrap_or(told_at);
            let value = Value {
                data: told.data,
                ts: told.ts.unwrap_or(came),
                received: wall.before(told_at.since(came)),
                seq: told.seq.unwrap_or(0),
                documentation_url: told.documentation_url.as_deref(),
            };
            self.put(&told.ns, &value, Way::Told { age: wall.since(value.received) }, changed);
        }
        for ns in snapshot.forgotten() {
            if let Some(seq) = snapshot.seq().filter(|_| self.follows(ns)) {
                self.forget(ns, snapshot.ts().unwrap_or(wall), seq, None, true, changed);
            }
        }
    }

    /// Puts a value where it is newer than what is there. What is told of the same update may still bring a
    /// documentation URL that came with a missed one before it, so it is put too, without a change.
    fn put(&mut self, ns: &str, value: &Value<'_>, way: Way, changed: &mut impl FnMut(Change<'_>)) {
        let (is_snapshot, age, merged) = match way {
            Way::Sent { merged } => (false, Duration::ZERO, merged),
            Way::Told { age } => (true, age, None),
        };
        // Numbers of two lives are not to be compared: while a new one is asked for, its own directory says.
        let known = self.anew.as_ref().unwrap_or(&self.directory).seq_of(ns);
        let is_new = value.seq == 0 || value.seq > known;
        // What is told late and by the query door is all there is, whatever was missed: also where there is no URL.
        let put =
            if value.seq > 0 && (is_snapshot || merged.is_some()) { Directory::set } else { Directory::put };
        if is_new || (is_snapshot && value.seq == known) {
            if let Some(anew) = &mut self.anew {
                put(anew, ns, value);
            }
            put(&mut self.directory, ns, value);
        }
        if !is_snapshot && value.documentation_url.is_some() {
            self.note_url(ns);
        } else if is_snapshot && !is_new && value.seq > 0 && !self.urls.contains(ns) {
            // Its value is older than what was sent meanwhile, but its URL may have come with an update that was missed.
            if let Some(anew) = &mut self.anew {
                anew.set_documentation_url(ns, value.documentation_url);
            }
            self.directory.set_documentation_url(ns, value.documentation_url);
        }
        if is_new {
            changed(Change {
                ns,
                ts: value.ts,
                data: value.data,
                is_forgotten: false,
                documentation_url: value.documentation_url,
                seq: Some(value.seq).filter(|seq| *seq > 0),
                merged,
                is_snapshot,
                age,
                freshness: None,
            });
        }
    }

    fn note_url(&mut self, ns: &str) {
        if self.asked.is_some() && !self.urls.contains(ns) {
            self.urls.insert(ns.into());
        }
    }

    /// Is this another life of the broker? Then everything is asked for anew.
    fn meet_epoch(&mut self, epoch: &str) -> bool {
        if self.epoch.as_deref() == Some(epoch) {
            return false;
        }
        self.epoch = Some(epoch.to_owned());
        self.begin_anew();
        true
    }

    /// Asks for everything, and what is not told is gone.
    fn begin_anew(&mut self) {
        self.parts.iter_mut().for_each(Part::forget);
        self.anew = Some(Directory::new());
    }

    fn ask_for_mark(&mut self, now: Instant) {
        self.drop_mark();
        self.numbers += 1;
        let token = format!("m{}", self.numbers);
        self.actions.push_back(Action::Subscribe(mark_prefix(&token)));
        self.waiting_for = Some((token, now + MARK_TIME));
        self.marked = None;
    }

    fn drop_mark(&mut self) {
        if let Some((token, _)) = self.waiting_for.take() {
            self.actions.push_back(Action::Unsubscribe(mark_prefix(&token)));
        }
    }

    fn give_up_on_mark(&mut self) {
        // The token is kept: a broker that is only slow may still answer, and is then no old one.
        if let Some((_, deadline)) = &mut self.waiting_for {
            *deadline += Duration::from_secs(365 * 24 * 3600);
        }
        if self.kind == Kind::Unknown {
            self.kind = Kind::Old;
            self.asked = None;
            self.actions.push_back(Action::Subscribe(Vec::new()));
        }
    }

    /// Asks for the next part of which something may be unknown; where there is none, all is there.
    fn ask_next(&mut self, now: Instant, changed: &mut impl FnMut(Change<'_>)) {
        if self.ask_unknown(now) || self.marked.is_none() {
            return;
        }
        if let Some(anew) = self.anew.take() {
            self.swap(anew, changed);
        }
        while self.directory.remove_forgotten(0, u64::MAX).is_some() {}
        self.ready = true;
        if !self.parts.iter().any(Part::is_everything) {
            self.ask_again.get_or_insert(now + ASK_EVERY);
        }
    }

    /// Asks for the next part of which something may be unknown. `false` where there is none and no answer is awaited.
    fn ask_unknown(&mut self, now: Instant) -> bool {
        if self.asked.is_some() || self.kind == Kind::Old {
            return true;
        }
        let unknown = self.parts.iter().position(Part::is_to_be_asked);
        if let Some(part) = unknown {
            self.ask(part, None, None, now);
        }
        unknown.is_some()
    }

    /// Everything was told anew. What was not is gone, and nobody else says so.
    fn swap(&mut self, anew: Directory, changed: &mut impl FnMut(Change<'_>)) {
        let before = std::mem::replace(&mut self.directory, anew);
        for gone in before.things(Scope::ALL, None) {
            if self.directory.get(gone.ns()).is_none() {
                changed(Change {
                    ns: gone.ns(),
                    ts: gone.ts(),
                    data: "null",
                    is_forgotten: true,
                    documentation_url: None,
                    seq: Some(gone.seq()).filter(|seq| *seq > 0),
                    merged: None,
                    is_snapshot: true,
                    age: Duration::ZERO,
                    freshness: None,
                });
            }
        }
    }

    fn ask(&mut self, part: usize, after: Option<Namespace>, first_seq: Option<u64>, now: Instant) {
        let Some(wanted) = self.parts.get(part) else { return };
        self.numbers += 1;
        let query = Ask::Things(Query {
            ns: wanted.ns().clone(),
            tree: wanted.scope().tree,
            since: wanted.known(),
            epoch: self.epoch.clone().filter(|_| wanted.known().is_some()),
            after: after.clone(),
            ..Query::default()
        });
        let number = self.numbers;
        self.urls.clear();
        self.actions.push_back(Action::Ask { number, query: query.encode() });
        let since = wanted.known();
        self.asked = Some(Asked { number, part, after, first_seq, since, deadline: now + PAGE_TIME });
    }
}

/// What to subscribe to, so that the broker answers with `token`.
fn mark_prefix(token: &str) -> Vec<u8> {
    format!("{{\"mark\":\"{token}\"").into_bytes()
}

impl Default for Mirror {
    fn default() -> Self {
        Self::new()
    }
}
