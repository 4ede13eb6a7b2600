//! The queue by itself, and against a broker that does not exist over ways that lose, double and cut.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn limits(updates_max: usize, under_way_max: usize) -> Limits {
    let patience = Patience {
        directory: Duration::from_millis(200),
        disk: Duration::from_secs(1),
        max: Duration::from_secs(5),
    };
    Limits { updates_max, under_way_max, under_way_bytes_max: 1_000, patience }
}

fn push(queue: &mut Queue<()>, level: AckLevel, bytes: usize) -> Option<u64> {
    queue.push("a", level, vec![0; bytes], ()).map(|dropped| {
        assert_eq!(dropped.fate, Err(NotAcked::QueueFull));
        dropped.number
    })
}

fn send_all(queue: &mut Queue<()>, now: Instant) -> Vec<u64> {
    let mut sent = Vec::new();
    while let Some((number, _)) = queue.to_send() {
        queue.sent(now);
        sent.push(number);
    }
    sent
}

const TAKEN: Result<Acked, NotAcked> = Ok(Acked { seq: Some(1) });

#[test]
fn a_full_queue_drops_the_oldest_that_was_never_sent() {
    let mut queue = Queue::new(1, limits(4, 2));
    let now = Instant::now();
    let dropped: Vec<_> = (0..5).map(|_| push(&mut queue, AckLevel::Disk, 1)).collect();
    assert_eq!(dropped, [None, None, None, None, Some(1)]);
    assert_eq!(send_all(&mut queue, now), [2, 3]);
    assert_eq!(push(&mut queue, AckLevel::Disk, 1), Some(4), "2 and 3 may have been taken");
    // Also while none is under way.
    queue.begin_again();
    assert_eq!(push(&mut queue, AckLevel::Disk, 1), Some(5));
    assert_eq!(queue.answered(6, TAKEN, now), None, "it was never sent");
    assert_eq!(queue.answered(3, TAKEN, now).unwrap().number, 3, "late, and good");
    assert_eq!(queue.answered(3, TAKEN, now), None);
    assert_eq!(send_all(&mut queue, now), [2, 6]);
    assert_eq!(queue.give_up().unwrap().fate, Err(NotAcked::Closed { sent: true }));
    assert_eq!(queue.give_up().unwrap().fate, Err(NotAcked::Closed { sent: true }));
    assert_eq!(queue.give_up().unwrap().fate, Err(NotAcked::Closed { sent: false }));
    assert_eq!(queue.give_up(), None);
    assert_eq!(queue.counts(), Counts { acked: 1, refused: 0, dropped: 6, waiting: 0 });
}

#[test]
fn under_way_are_so_many_and_so_many_bytes_and_at_least_one() {
    let mut queue = Queue::new(1, limits(100, 3));
    let now = Instant::now();
    for bytes in [5_000, 500, 500, 1, 1, 1, 1] {
        push(&mut queue, AckLevel::Directory, bytes);
    }
    let answer = |queue: &mut Queue<()>, number| assert!(queue.answered(number, TAKEN, now).is_some());
    assert_eq!(send_all(&mut queue, now), [1]);
    answer(&mut queue, 1);
    assert_eq!(send_all(&mut queue, now), [2, 3]);
    answer(&mut queue, 3);
    assert_eq!(send_all(&mut queue, now), [4, 5]);
    queue.begin_again();
    assert_eq!(send_all(&mut queue, now), [2, 4, 5]);
    answer(&mut queue, 2);
    answer(&mut queue, 4);
    assert_eq!(send_all(&mut queue, now), [6, 7]);
}

#[test]
fn what_may_be_under_way_grows_with_each_answer_and_begins_small_again() {
    let mut queue = Queue::new(1, limits(1_000, 6));
    let now = Instant::now();
    (0..100).for_each(|_| assert_eq!(push(&mut queue, AckLevel::Directory, 1), None));
    assert_eq!(send_all(&mut queue, now), [1, 2, 3, 4]);
    assert!(queue.answered(1, TAKEN, now).is_some());
    assert_eq!(send_all(&mut queue, now), [5, 6], "one for the one that was answered, and one more");
    assert!(queue.answered(2, TAKEN, now).is_some());
    assert!(queue.answered(3, TAKEN, now).is_some());
    assert_eq!(send_all(&mut queue, now), [7, 8, 9], "six are the most");
    queue.begin_again();
    assert_eq!(send_all(&mut queue, now), [4, 5, 6, 7]);
}

#[test]
fn patience_doubles_until_something_is_heard() {
    let mut queue = Queue::new(1, limits(100, 1));
    let mut now = Instant::now();
    push(&mut queue, AckLevel::Directory, 1);
    push(&mut queue, AckLevel::Disk, 1);
    let mut waits = |queue: &mut Queue<()>, times: usize| -> Vec<u128> {
        let waits = (0..times).map(|_| {
            assert_eq!(queue.due(), None, "nothing is under way");
            assert_eq!(send_all(queue, now).len(), 1);
            let due = queue.due().unwrap();
            let waited = (due - now).as_millis();
            now = due;
            queue.miss();
            waited
        });
        waits.collect()
    };
    assert_eq!(waits(&mut queue, 7), [200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    assert!(queue.answered(1, TAKEN, Instant::now()).is_some());
    assert_eq!(waits(&mut queue, 4), [1_000, 2_000, 4_000, 5_000]);
}

/// One thing that happens.
#[derive(Clone, Debug)]
enum Step {
    Push,
    Send(usize),
    /// The broker reads what is next on a way.
    Arrive(usize),
    /// An answer comes back.
    Answer(usize),
    Cut,
    Miss,
    /// Something on the way is lost, or comes twice.
    Lose(usize),
    Double(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Push),
        4 => (1..5_usize).prop_map(Step::Send),
        6 => any::<usize>().prop_map(Step::Arrive),
        5 => any::<usize>().prop_map(Step::Answer),
        1 => Just(Step::Cut),
        1 => Just(Step::Miss),
        1 => any::<usize>().prop_map(Step::Lose),
        1 => any::<usize>().prop_map(Step::Double),
    ];
    proptest::collection::vec(step, 0..300)
}

/// A broker as the protocol has it, and the ways to it. Datagrams come in any order, twice or not at all; of
/// connections there may be many, old ones that were not read to their end among them, each in order.
#[derive(Default)]
struct World {
    datagrams: bool,
    ways: Vec<Vec<u64>>,
    answers: Vec<(u64, Result<Acked, NotAcked>)>,
    highest: u64,
    taken: Vec<u64>,
}

impl World {
    /// By what the update is, so that it is refused each time that it comes.
    fn refuses(number: u64) -> bool {
        number % 5 == 3
    }

    fn arrive(&mut self, chance: usize) {
        let full: Vec<usize> = (0..self.ways.len()).filter(|way| !self.ways[*way].is_empty()).collect();
        if full.is_empty() {
            return;
        }
        let way = &mut self.ways[full[chance % full.len()]];
        let number = way.remove(if self.datagrams { chance % way.len() } else { 0 });
        let fate = if Self::refuses(number) {
            Err(NotAcked::Refused { reason: "bad".to_owned(), message: String::new() })
        } else if number <= self.highest {
            Ok(Acked { seq: None })
        } else {
            self.highest = number;
            self.taken.push(number);
            Ok(Acked { seq: Some(self.taken.len() as u64) })
        };
        self.answers.push((number, fate));
    }
}

struct Checked {
    world: World,
    queue: Queue<u64>,
    now: Instant,
    fates: BTreeMap<u64, Result<Acked, NotAcked>>,
    pushed: u64,
}

impl Checked {
    fn settle(&mut self, settled: Option<Settled<u64>>) {
        let Some(Settled { number, waiter, fate, .. }) = settled else { return };
        assert_eq!(number, waiter, "told to the right one");
        assert!(self.fates.insert(number, fate).is_none(), "{number} is settled once");
    }

    fn send(&mut self, count: usize) {
        for _ in 0..count {
            let Some((number, _)) = self.queue.to_send() else { return };
            self.queue.sent(self.now);
            let way = self.world.ways.last_mut().unwrap();
            if !self.world.datagrams {
                assert!(way.last().is_none_or(|last| *last < number), "numbers rise on a connection");
            }
            way.push(number);
        }
    }

    fn answer(&mut self, chance: usize) {
        if !self.world.answers.is_empty() {
            let (number, fate) = self.world.answers.remove(chance % self.world.answers.len());
            let settled = self.queue.answered(number, fate, self.now);
            self.settle(settled);
        }
    }

    fn step(&mut self, step: &Step) {
        self.now += Duration::from_millis(10);
        let World { datagrams, ways, .. } = &mut self.world;
        match *step {
            Step::Push => {
                self.pushed += 1;
                let dropped = self.queue.push("a", AckLevel::Disk, vec![0; 10], self.pushed);
                self.settle(dropped);
            }
            Step::Send(count) => self.send(count),
            Step::Arrive(chance) => self.world.arrive(chance),
            Step::Answer(chance) => self.answer(chance),
            Step::Cut | Step::Miss => {
                if matches!(step, Step::Cut) {
                    self.queue.begin_again();
                } else {
                    self.queue.miss();
                }
                if !*datagrams {
                    ways.push(Vec::new());
                }
            }
            Step::Lose(chance) => {
                let way = chance % ways.len();
                let length = ways[way].len();
                // A connection that is not used any more ends somewhere; datagrams are lost one by one.
                match *datagrams {
                    true if length > 0 => drop(ways[way].remove(chance % length)),
                    false if way + 1 < ways.len() => ways[way].truncate(chance % (length + 1)),
                    _ => {}
                }
            }
            Step::Double(chance) if *datagrams => {
                let copy = ways[0].get(chance % ways[0].len().max(1)).copied();
                ways[0].extend(copy);
            }
            Step::Double(_) => {}
        }
        let Counts { acked, refused, dropped, waiting } = self.queue.counts();
        assert_eq!(acked + refused + dropped + waiting, self.pushed);
        assert_eq!(self.fates.len() as u64 + waiting, self.pushed);
    }

    /// Until nothing waits.
    fn heal(&mut self) {
        while !self.queue.is_empty() {
            self.step(&Step::Miss);
            self.send(usize::MAX);
            while self.world.ways.iter().any(|way| !way.is_empty()) {
                self.world.arrive(0);
            }
            while !self.world.answers.is_empty() {
                self.answer(0);
            }
        }
    }

    fn check(&self) {
        let taken: BTreeSet<u64> = self.world.taken.iter().copied().collect();
        assert!(self.world.taken.is_sorted_by(|one, next| one < next), "each once, in order");
        assert_eq!(self.fates.len() as u64, self.pushed);
        for (number, fate) in &self.fates {
            match fate {
                Ok(_) => assert!(taken.contains(number), "{number} is acknowledged and was not taken"),
                Err(why) => assert!(!taken.contains(number), "{number} was taken: {why}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_cut_each_is_settled_once_and_taken_once_and_in_order(
        steps in steps(),
        datagrams: bool,
        updates_max in 2..30_usize,
        under_way_max in 1..10_usize,
    ) {
        let under_way_max = if datagrams { 1 } else { under_way_max };
        let world = World { datagrams, ways: vec![Vec::new()], ..World::default() };
        let queue = Queue::new(1, limits(updates_max, under_way_max));
        let mut checked = Checked { world, queue, now: Instant::now(), fates: BTreeMap::new(), pushed: 0 };
        steps.iter().for_each(|step| checked.step(step));
        checked.heal();
        checked.check();
    }
}
