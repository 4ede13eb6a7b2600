//! Simulated: seeded senders and clients around the hub, over links that are cut, lose, repeat and reorder.
//!
//! What must hold: when the storm is over and everything has arrived, each client's directory equals the broker's in
//! the parts that it follows, value by value, with no ghosts; and a client says it is ready only when that is so. Who only
//! hears of the changes has the same in the end.
//! A failure prints its seed; `THINGSBUS_SEED=…` runs that one again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{Ask, Mark, Message, Namespace, Scratch, Timestamp, Update, decode_message};
use thingsbus_broker::hub::{Hub, HubLimits};
use thingsbus_client::directory::{Directory, Scope};
use thingsbus_client::mirror::{Action, Change, Kind, Mirror};

/// SplitMix64: small, seedable, good enough to throw dice.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.below(chances) == 0
    }
}

/// What is on its way, and when it arrives.
struct Wire<T> {
    under_way: Vec<(Duration, u64, T)>,
    sent: u64,
}

impl<T> Wire<T> {
    fn new() -> Self {
        Self { under_way: Vec::new(), sent: 0 }
    }

    fn send(&mut self, arrives: Duration, what: T) {
        self.sent += 1;
        self.under_way.push((arrives, self.sent, what));
    }

    /// TCP: nothing overtakes.
    fn send_in_order(&mut self, arrives: Duration, what: T) {
        let last = self.under_way.iter().map(|(at, ..)| *at).max().unwrap_or_default();
        self.send(arrives.max(last), what);
    }

    fn arrived(&mut self, now: Duration) -> Vec<T> {
        self.under_way.sort_by_key(|(at, number, _)| (*at, *number));
        let count = self.under_way.iter().take_while(|(at, ..)| *at <= now).count();
        self.under_way.drain(..count).map(|(_, _, what)| what).collect()
    }
}

/// The value of each thing, and when it was.
type Heard = BTreeMap<String, (String, f64)>;

fn hear(heard: &mut Heard, change: &Change<'_>) {
    if change.is_forgotten {
        assert!(heard.remove(change.ns).is_some(), "{} was not there: {change:?}", change.ns);
    } else {
        heard.insert(change.ns.to_owned(), (change.data.to_owned(), change.ts.seconds()));
    }
}

/// One client and its two connections to the broker.
struct Client {
    mirror: Mirror,
    /// What somebody has who hears of all changes, and of nothing else.
    heard: Heard,
    up: bool,
    /// What its socket is subscribed to, which it tells again after a reconnect.
    subscribed: BTreeSet<Vec<u8>>,
    /// What the broker knows of that.
    active: Vec<Vec<u8>>,
    to_broker: Wire<(bool, Vec<u8>)>,
    to_client: Wire<Vec<u8>>,
    questions: Wire<(u64, Vec<u8>)>,
    answers: Wire<(u64, Vec<u8>)>,
}

impl Client {
    fn new(parts: &[(&str, bool)], start: Instant) -> Self {
        let mut mirror = Mirror::new();
        for (ns, tree) in parts {
            mirror.follow(&ns.parse().unwrap(), *tree, start);
        }
        Self {
            mirror,
            heard: Heard::new(),
            up: false,
            subscribed: BTreeSet::new(),
            active: Vec::new(),
            to_broker: Wire::new(),
            to_client: Wire::new(),
            questions: Wire::new(),
            answers: Wire::new(),
        }
    }

    fn cut(&mut self) {
        self.up = false;
        self.active.clear();
        self.to_broker = Wire::new();
        self.to_client = Wire::new();
        self.mirror.disconnected();
    }

    fn equals(&self, broker: &Directory) -> Result<(), String> {
        let told = |directory: &Directory| -> Vec<(String, String, f64, u64, Option<String>)> {
            directory
                .things(Scope::ALL, None)
                .filter(|record| self.mirror.follows(record.ns()))
                .map(|record| {
                    (
                        record.ns().to_owned(),
                        record.data().to_owned(),
                        record.ts().seconds(),
                        record.seq(),
                        record.documentation_url().map(ToOwned::to_owned),
                    )
                })
                .collect()
        };
        let (ours, theirs) = (told(self.mirror.directory()), told(broker));
        if ours == theirs { Ok(()) } else { Err(format!("client {ours:?}\nbroker {theirs:?}")) }
    }
}

const NAMES: [&str; 8] = ["a", "a.b", "a.b.c", "a-b", "b", "b.x", "c", "a.d"];

struct World {
    seed: u64,
    dice: Dice,
    start: Instant,
    now: Duration,
    hub: Hub,
    lives: u64,
    clients: Vec<Client>,
    /// Everything ends up delivered: no cuts, losses or updates any more.
    calm: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let start = Instant::now();
        let parts: [&[(&str, bool)]; 4] =
            [&[("", true)], &[("a", true)], &[("a.b", false), ("b", true)], &[("", true), ("a", true)]];
        Self {
            seed,
            dice: Dice(seed),
            start,
            now: Duration::ZERO,
            hub: hub(0),
            lives: 0,
            clients: parts.iter().map(|parts| Client::new(parts, start)).collect(),
            calm: false,
        }
    }

    fn instant(&self) -> Instant {
        self.start + self.now
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_seconds(1_000_000.0 + self.now.as_secs_f64()).unwrap()
    }

    /// Some milliseconds pass.
    fn step(&mut self) {
        self.now += Duration::from_millis(1 + self.dice.below(20));
        if !self.calm {
            for _ in 0..self.dice.below(4) {
                self.update();
            }
            if self.dice.one_in(20) {
                self.forget();
            }
            if self.dice.one_in(4_000) {
                self.restart();
            }
        }
        for index in 0..self.clients.len() {
            self.step_client(index);
        }
    }

    fn update(&mut self) {
        let ns: Namespace = NAMES[self.dice.below(8) as usize].parse().unwrap();
        let data = self.dice.below(1_000).to_string();
        let url = self.dice.one_in(3).then(|| format!("http://{}", self.dice.below(3)));
        let update = Update::new(&ns, None, &data, url.as_deref()).unwrap();
        let mut message = Vec::new();
        self.hub.take(&update, self.wall(), &mut message).unwrap();
        self.publish(&message);
    }

    /// A thing is forgotten, and sometimes what was forgotten before is not told any more as such.
    fn forget(&mut self) {
        let mut message = Vec::new();
        if self.hub.forget(NAMES[self.dice.below(8) as usize], self.wall(), &mut message).is_some() {
            self.publish(&message);
        }
        if self.dice.one_in(10) {
            self.hub.tidy(self.dice.below(4) as usize, u64::MAX);
        }
    }

    fn publish(&mut self, message: &[u8]) {
        for client in &mut self.clients {
            let is_lost = !self.calm && self.dice.one_in(50);
            if client.active.iter().any(|prefix| message.starts_with(prefix)) && !is_lost {
                let delay = Duration::from_millis(self.dice.below(60));
                client.to_client.send_in_order(self.now + delay, message.to_vec());
            }
        }
    }

    fn restart(&mut self) {
        self.lives += 1;
        self.hub = hub(self.lives);
        self.clients.iter_mut().for_each(Client::cut);
    }

    fn step_client(&mut self, index: usize) {
        let (now, instant, wall, calm) = (self.now, self.instant(), self.wall(), self.calm);
        let Self { clients, dice, hub, .. } = self;
        let client = &mut clients[index];
        let delay = |dice: &mut Dice| now + Duration::from_millis(dice.below(60));

        if client.up && !calm && dice.one_in(60) {
            client.cut();
        } else if !client.up && dice.one_in(10) {
            client.up = true;
            for prefix in &client.subscribed {
                client.to_broker.send_in_order(now, (true, prefix.clone()));
            }
            client.mirror.connected(instant);
        }
        // What reached the broker.
        for (subscribe, prefix) in client.to_broker.arrived(now) {
            if let Some(token) = Mark::asked(&prefix) {
                let mut message = Vec::new();
                if subscribe {
                    hub.mark(token, None, &mut message);
                    client.to_client.send_in_order(delay(dice), message);
                }
            } else if subscribe {
                client.active.push(prefix);
            } else {
                client.active.retain(|active| *active != prefix);
            }
        }
        for (number, question) in client.questions.arrived(now) {
            let Ok(Ask::Things(mut query)) = Ask::decode(&question) else { panic!() };
            query.limit = 1 + dice.below(4) as usize;
            let mut answer = Vec::new();
            hub.answer(&query, wall, &mut answer);
            for _ in 0..[0, 1, 1, 1, 1, 2][if calm { 1 } else { dice.below(6) as usize }] {
                client.answers.send(delay(dice), (number, answer.clone()));
            }
        }
        // What reached the client.
        for bytes in client.to_client.arrived(now) {
            let mut scratch = Scratch::default();
            let message = decode_message(&bytes, &mut scratch).unwrap();
            client.mirror.message(&message, instant, wall, |change| hear(&mut client.heard, &change));
        }
        for (number, bytes) in client.answers.arrived(now) {
            let mut scratch = Scratch::default();
            let Ok(Message::Snapshot(snapshot)) = decode_message(&bytes, &mut scratch) else { panic!() };
            client.mirror.answer(number, &snapshot, instant, wall, |change| hear(&mut client.heard, &change));
        }
        if client.mirror.deadline().is_some_and(|deadline| deadline <= instant) {
            client.mirror.tick(instant);
        }
        while let Some(action) = client.mirror.next_action() {
            match action {
                Action::Subscribe(prefix) => {
                    client.subscribed.insert(prefix.clone());
                    if client.up {
                        client.to_broker.send_in_order(delay(dice), (true, prefix));
                    }
                }
                Action::Unsubscribe(prefix) => {
                    client.subscribed.remove(&prefix);
                    if client.up {
                        client.to_broker.send_in_order(delay(dice), (false, prefix));
                    }
                }
                Action::Ask { number, query } => client.questions.send(delay(dice), (number, query)),
            }
        }
    }

    fn settle(&mut self) {
        self.calm = true;
        // One that arrives: that the last ones before it were lost shows by its number.
        self.update();
        for _ in 0..20_000 {
            self.step();
        }
        for (index, client) in self.clients.iter().enumerate() {
            assert!(client.mirror.is_ready(), "seed {}: client {index} is not ready", self.seed);
            assert_eq!(client.mirror.kind(), Kind::Answering, "seed {}: client {index}", self.seed);
            if let Err(difference) = client.equals(self.hub.directory()) {
                panic!("seed {}: client {index} differs:\n{difference}", self.seed);
            }
            let there: Heard = client
                .mirror
                .directory()
                .things(Scope::ALL, None)
                .map(|record| (record.ns().to_owned(), (record.data().to_owned(), record.ts().seconds())))
                .collect();
            assert_eq!(client.heard, there, "seed {}: client {index} was not told of all", self.seed);
        }
        self.calm = false;
    }
}

fn hub(life: u64) -> Hub {
    Hub::new(format!("life-{life}"), HubLimits { things_max: 1_000, directory_bytes_max: 1 << 20 })
}

fn seeds(count: u64) -> Vec<u64> {
    match std::env::var("THINGSBUS_SEED") {
        Ok(seed) => vec![seed.parse().expect("THINGSBUS_SEED is a number")],
        Err(_) => (0..count).collect(),
    }
}

#[test]
fn after_any_storm_every_client_has_what_the_broker_has() {
    for seed in seeds(20) {
        let mut world = World::new(seed);
        for _ in 0..3 {
            for _ in 0..2_000 {
                world.step();
            }
            world.settle();
        }
    }
}

#[test]
fn after_a_thousand_cuts_of_a_client_it_has_what_the_broker_has() {
    for seed in seeds(1) {
        let mut world = World::new(seed);
        let mut cuts = 0;
        while cuts < 1_000 {
            let before: Vec<bool> = world.clients.iter().map(|client| client.up).collect();
            world.step();
            cuts += usize::from(before[0] && !world.clients[0].up);
        }
        world.settle();
    }
}
