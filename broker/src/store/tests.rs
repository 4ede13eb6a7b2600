//! The store over disks that fail.
//!
//! `THINGSBUS_EVERY_BYTE=1` cuts the file at each of its lengths and turns each of its bytes that is not zero, instead of
//! some thousand; `THINGSBUS_STALL_MS=5000` lets a stalled disk stall for so long. Both take some minutes.

mod acks;
mod disk;
mod history;
mod snapshots;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{Scratch, Timestamp, decode_update};
use thingsbus_client::directory::Record;

use super::batch::Batch;
use super::head::{Head, Life, Problem};
use super::keeper::{Keeper, Lent, Opener};
use super::row::Kept;
use super::snapshots::tests::memory::MemoryFiles;
use super::snapshots::{Rhythm, Shelf};
use super::{State, Store, open_and_load};
use crate::door::complaints::Complaints;
use crate::hub::{Hub, HubLimits};
use disk::{Disk, Fault};

/// The same numbers in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ mixed >> 31) % end as u64) as usize
    }
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn hub() -> Hub {
    Hub::new("this".to_owned(), HubLimits { things_max: 100_000, directory_bytes_max: 1 << 30 })
}

/// Thing `thing` says `value`.
fn say(hub: &mut Hub, thing: usize, value: usize) {
    let text = format!(
        r#"{{"ns":"a.t{thing}","type":"thing_update","ts":1.5,"data":{value},"documentation_url":"http://e.org"}}"#
    );
    let mut scratch = Scratch::default();
    hub.take(&decode_update(text.as_bytes(), &mut scratch).unwrap(), at(100.0), &mut Vec::new()).unwrap();
}

/// What a hub knows, to compare.
fn known(hub: &Hub) -> BTreeMap<String, (usize, u64)> {
    let value = |data: &str| data.parse().unwrap();
    let things = hub.directory().newest_first();
    things.map(|record| (record.ns().to_owned(), (value(record.data()), record.seq()))).collect()
}

fn batch_of(hub: &Hub, after: u64) -> Batch {
    let mut batch = Batch::default();
    let mut places: Vec<_> = hub.directory().changed_after(after).collect();
    while let Some(record) = places.pop().and_then(|place| hub.directory().at(place)) {
        batch.push(record, &Kept::default());
    }
    batch
}

struct Drive(Disk);

impl Opener for Drive {
    fn open(&self) -> Result<Head, Problem> {
        Head::open(self.0.clone())
    }

    fn set_aside(&self) -> std::io::Result<String> {
        unreachable!("nothing breaks in these tests")
    }
}

#[test]
fn a_stopped_broker_goes_on_and_a_killed_one_begins_another_life() {
    let disk = Disk::default();
    let mut before = hub();
    let (head, loaded) = open_and_load(&Drive(disk.clone()), &mut before).unwrap();
    assert_eq!((loaded.things, loaded.life), (0, None));
    for thing in [3, 1, 2, 1] {
        say(&mut before, thing, thing * 10);
    }
    let head = head.unwrap();
    head.write(&mut batch_of(&before, 0)).unwrap();
    head.finish(&Life { epoch: "that".to_owned(), seq: 7 }).unwrap();
    drop(head);

    let mut after = hub();
    let (head, loaded) = open_and_load(&Drive(disk.clone()), &mut after).unwrap();
    assert_eq!((loaded.things, loaded.unreadable), (3, 0));
    assert_eq!((after.epoch(), after.seq()), ("that", 7));
    let order: Vec<&str> = after.directory().newest_first().map(Record::ns).collect();
    assert_eq!(order, ["a.t1", "a.t2", "a.t3"]);
    let record = after.directory().get("a.t1").unwrap();
    assert_eq!((record.data(), record.ts(), record.received()), ("10", at(1.5), at(100.0)));
    assert_eq!((record.documentation_url(), record.seq()), (Some("http://e.org"), 4));
    drop(head); // Killed.

    let mut third = hub();
    let (_, loaded) = open_and_load(&Drive(disk), &mut third).unwrap();
    assert_eq!((loaded.things, loaded.life), (3, None));
    assert_eq!((third.epoch(), third.seq()), ("this", 4));
}

/// The power goes at a random moment, 500 times, and what was not synced is lost in part and in pieces.
#[test]
fn what_a_commit_has_written_outlives_500_power_cuts() {
    let mut random = Random(1);
    let mut disk = Disk::default();
    let mut sure: BTreeMap<String, (usize, u64)> = BTreeMap::new();
    let mut unsure: Vec<BTreeMap<String, (usize, u64)>> = Vec::new();
    let mut cuts = 0;
    let mut value = 0;
    while cuts < 500 {
        let mut hub = hub();
        let operations = disk.operations();
        let cut_at = 1 + random.below(40) as u64;
        disk.fail_at(cut_at, Fault::PowerCut);
        if let Ok((Some(head), _)) = open_and_load(&Drive(disk.clone()), &mut hub) {
            let found = known(&hub);
            assert!(
                found == sure || unsure.contains(&found),
                "after {cuts} cuts\n{found:?}\n{sure:?}\n{unsure:?}"
            );
            sure = found;
            unsure.clear();
            loop {
                let before = hub.seq();
                for _ in 0..1 + random.below(30) {
                    value += 1;
                    say(&mut hub, random.below(50), value);
                }
                let written = head.write(&mut batch_of(&hub, before));
                if written.is_err() {
                    // Whether the commit was over when the power went, nobody knows.
                    unsure.push(known(&hub));
                    break;
                }
                sure = known(&hub);
            }
        }
        assert!(disk.operations() >= operations + cut_at, "the power went");
        disk = disk.after_power_cut(|end| random.below(end));
        cuts += 1;
    }
    assert!(value > 1_000 && !sure.is_empty());
}

/// Everything is written at once, and soon again where that failed.
const AT_ONCE: (Duration, Duration) = (Duration::ZERO, Duration::from_millis(1));

/// Drives a store until what the hub knows is on disk.
fn settle(store: &mut Store, hub: &mut Hub, complaints: &mut Complaints) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    let mut failed = false;
    while store.through < hub.seq() {
        store.turn(hub, Instant::now(), complaints);
        failed |= store.failing.is_some();
        assert!(Instant::now() < deadline, "it does not get well: {}", store.to_json(hub, Instant::now()));
        std::thread::yield_now();
    }
    failed
}

fn start(disk: &Disk, hub: &mut Hub) -> Store {
    let (head, _) = open_and_load(&Drive(disk.clone()), hub).unwrap();
    start_with(Drive(disk.clone()), head, hub, AT_ONCE)
}

fn start_with(
    opener: impl Opener + 'static,
    head: Option<Head>,
    hub: &Hub,
    (every, first_pause): (Duration, Duration),
) -> Store {
    let never = (Duration::ZERO, 1);
    start_beside((opener, head), MemoryFiles::default(), hub, (every, first_pause, never))
}

/// With its snapshots in `files`.
fn start_beside(
    head: (impl Opener + 'static, Option<Head>),
    files: MemoryFiles,
    hub: &Hub,
    times: (Duration, Duration, Rhythm),
) -> Store {
    Store::start(head, Shelf::new(Arc::new(files)), PathBuf::from("disk"), hub, times, || {}).unwrap()
}

#[test]
fn every_write_fails_once_and_the_store_gets_well_without_a_restart() {
    let stall_ms = std::env::var("THINGSBUS_STALL_MS").map_or(50, |stall| stall.parse().expect("a number"));
    let stall = Fault::Stall(Duration::from_millis(stall_ms));
    let mut failures = 0;
    for fault in [Fault::Error, Fault::Full, stall] {
        for operation in 1.. {
            let (disk, mut live) = (Disk::default(), hub());
            let mut store = start(&disk, &mut live);
            let mut complaints = Complaints::default();
            let before = disk.operations();
            disk.fail_at(operation, fault);
            let mut failed = false;
            for round in 0..3 {
                for thing in 0..20 {
                    say(&mut live, thing * (round + 1), round * 100 + thing);
                }
                failed |= settle(&mut store, &mut live, &mut complaints);
            }
            assert!(store.failing.is_none());
            failures += u32::from(failed);
            let all = known(&live);
            store.finish(&mut live, Instant::now() + Duration::from_secs(20));
            let is_over = disk.operations() - before < operation;
            let mut after = hub();
            open_and_load(&Drive(Disk::with(disk.bytes())), &mut after).unwrap();
            assert_eq!(known(&after), all, "{fault:?} at {operation}");
            assert_eq!(after.seq(), live.seq());
            if is_over {
                break;
            }
        }
    }
    assert!(failures > 10, "{failures}");
}

#[test]
fn a_disk_that_is_full_from_the_start_is_read_and_its_life_is_not_lived_twice() {
    let disk = Disk::default();
    let mut before = hub();
    let (head, _) = open_and_load(&Drive(disk.clone()), &mut before).unwrap();
    say(&mut before, 1, 10);
    let head = head.unwrap();
    head.write(&mut batch_of(&before, 0)).unwrap();
    head.finish(&Life { epoch: "that".to_owned(), seq: 7 }).unwrap();
    drop(head);
    let file = disk.bytes();
    let mut without_a_head = 0;
    for operation in 1..200 {
        let disk = Disk::with(file.clone());
        disk.fail_at(operation, Fault::Full);
        let mut live = hub();
        let Ok((head, _)) = open_and_load(&Drive(disk.clone()), &mut live) else { continue };
        without_a_head += u32::from(head.is_none());
        assert_eq!(known(&live), known(&before), "{operation}");
        assert_eq!(live.epoch(), if head.is_some() { "that" } else { "this" }, "{operation}");
        let mut store = start_with(Drive(disk.clone()), head, &live, AT_ONCE);
        say(&mut live, 2, 20);
        settle(&mut store, &mut live, &mut Complaints::default());
        drop(store); // Killed.
        let mut after = hub();
        let (_, loaded) = open_and_load(&Drive(Disk::with(disk.bytes())), &mut after).unwrap();
        assert_eq!((loaded.things, loaded.life), (2, None), "{operation}");
        if disk.operations() < operation {
            break;
        }
    }
    assert!(without_a_head > 0);
}

#[test]
fn a_stalled_disk_holds_up_nobody_and_the_newest_values_are_written_after_it() {
    let (disk, mut live) = (Disk::default(), hub());
    let mut store = start(&disk, &mut live);
    let mut complaints = Complaints::default();
    disk.fail_at(1, Fault::Stall(Duration::from_millis(300)));
    say(&mut live, 1, 1);
    while !matches!(store.state, State::Writing { .. }) {
        store.turn(&mut live, Instant::now(), &mut complaints);
    }
    let turned = Instant::now();
    for value in 2..1_000 {
        say(&mut live, value % 5, value);
        store.turn(&mut live, Instant::now(), &mut complaints);
    }
    assert!(turned.elapsed() < Duration::from_millis(250), "{:?}", turned.elapsed());
    assert!(store.places.is_empty() && store.batch.is_empty(), "nothing piles up");
    settle(&mut store, &mut live, &mut complaints);
    assert_eq!(store.written.things, 1 + 5);
}

#[test]
fn a_store_that_is_not_given_the_time_says_so_and_ends() {
    let (disk, mut live) = (Disk::default(), hub());
    let store = start(&disk, &mut live);
    disk.fail_at(1, Fault::Stall(Duration::from_secs(1)));
    say(&mut live, 1, 1);
    let begun = Instant::now();
    store.finish(&mut live, Instant::now());
    assert!(begun.elapsed() < Duration::from_millis(900));
}

/// A file with some things in it, and what they are.
fn good_file() -> (Vec<u8>, BTreeMap<String, (usize, u64)>) {
    let (disk, mut live) = (Disk::default(), hub());
    let (head, _) = open_and_load(&Drive(disk.clone()), &mut live).unwrap();
    for value in 0..200 {
        say(&mut live, value % 60, value);
    }
    head.as_ref().unwrap().write(&mut batch_of(&live, 0)).unwrap();
    let known = known(&live);
    drop(head);
    (disk.bytes(), known)
}

/// The file as `change` leaves it has all things or is told to be broken. Gives which.
fn is_whole(
    change: impl FnOnce(&mut Vec<u8>),
    file: &[u8],
    known_before: &BTreeMap<String, (usize, u64)>,
) -> bool {
    let mut bytes = file.to_vec();
    change(&mut bytes);
    let mut after = hub();
    match open_and_load(&Drive(Disk::with(bytes)), &mut after) {
        Ok((_, loaded)) => {
            assert_eq!((&known(&after), loaded.unreadable), (known_before, 0));
            true
        }
        Err(Problem::Broken(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

fn is_every_byte() -> bool {
    std::env::var_os("THINGSBUS_EVERY_BYTE").is_some()
}

#[test]
fn a_file_cut_anywhere_is_told_to_be_broken_or_is_whole() {
    let (file, known) = good_file();
    let mut random = Random(2);
    let beginning = 1..if is_every_byte() { file.len() } else { 600 };
    let pages = (1..file.len() / 4_096).flat_map(|page| [page * 4_096 - 1, page * 4_096, page * 4_096 + 1]);
    let anywhere: Vec<usize> = (0..200).map(|_| 1 + random.below(file.len() - 1)).collect();
    let mut broken = 0;
    for length in beginning.chain(pages.take(600)).chain(anywhere) {
        broken += u32::from(!is_whole(|bytes| bytes.truncate(length), &file, &known));
    }
    assert!(broken > 100, "{broken}");
}

#[test]
fn a_file_with_any_byte_turned_is_told_to_be_broken_or_is_whole() {
    let (file, known) = good_file();
    let mut random = Random(3);
    let header = 0..400;
    let used: Vec<usize> = (400..file.len()).filter(|&at| file[at] != 0).collect();
    let mut some = || (0..1_500).map(|_| used[random.below(used.len())]).collect();
    let anywhere: Vec<usize> = if is_every_byte() { used.clone() } else { some() };
    let (mut broken, mut whole) = (0, 0);
    for place in header.chain(anywhere) {
        match is_whole(|bytes| bytes[place] ^= 1 << random.below(8), &file, &known) {
            true => whole += 1,
            false => broken += 1,
        }
    }
    assert!(broken > 100 && whole > 0, "{broken} {whole}");
}

#[test]
fn a_file_that_breaks_while_it_is_used_is_set_aside_and_written_anew() {
    /// Opens `first` until it was set aside, and `second` from then on.
    struct Two {
        first: Disk,
        second: Disk,
        aside: Mutex<bool>,
    }
    impl Opener for Two {
        fn open(&self) -> Result<Head, Problem> {
            if *self.aside.lock().unwrap() {
                return Head::open(self.second.clone());
            }
            Err(Problem::Broken("somebody wrote into it".to_owned()))
        }
        fn set_aside(&self) -> std::io::Result<String> {
            *self.aside.lock().unwrap() = true;
            Ok("first".to_owned())
        }
    }
    let (first, second) = (Disk::default(), Disk::default());
    let mut live = hub();
    let (head, _) = open_and_load(&Drive(first.clone()), &mut live).unwrap();
    let opener = Two { first: first.clone(), second: second.clone(), aside: Mutex::new(false) };
    let first_disk = opener.first.clone();
    let mut store = start_with(opener, head, &live, AT_ONCE);
    let mut complaints = Complaints::default();
    for value in 0..50 {
        say(&mut live, value, value);
    }
    settle(&mut store, &mut live, &mut complaints);
    first_disk.fail_at(1, Fault::Error);
    say(&mut live, 1, 1_000);
    settle(&mut store, &mut live, &mut complaints);
    let all = known(&live);
    store.finish(&mut live, Instant::now() + Duration::from_secs(20));
    let mut after = hub();
    open_and_load(&Drive(second), &mut after).unwrap();
    assert_eq!(known(&after), all, "all of it, not only what was new");
}

#[test]
fn a_keeper_that_nobody_waits_for_ends() {
    let disk = Disk::default();
    let head = Head::open(disk.clone()).unwrap();
    let (orders, orders_in) = channel();
    let keeper = Keeper {
        opener: Drive(disk),
        head: Some(head),
        lent: Lent::default(),
        orders: orders_in,
        report: |_| {},
        first_pause: Duration::ZERO,
    };
    let thread = std::thread::spawn(|| keeper.run());
    drop(orders);
    thread.join().unwrap();
}
