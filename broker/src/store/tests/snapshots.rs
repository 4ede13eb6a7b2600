//! Snapshots beside the writing of the directory: when they are made, and what a disk that fails is to them.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;
use thingsbus_adaptor::wire::{Ask, SnapshotAsk};

use super::*;
use crate::door::late::To;
use crate::store::keeper::{Order, Report};

const HOUR: Duration = Duration::from_secs(3600);

fn ask(question: &str) -> SnapshotAsk {
    match Ask::decode(question.as_bytes()).unwrap() {
        Ask::Snapshot(ask) => ask,
        other => panic!("{other:?}"),
    }
}

/// Asks, and turns until there is an answer.
fn answer(store: &mut Store, hub: &mut Hub, question: &str) -> Value {
    let to = To::Datagram(SocketAddr::from((Ipv4Addr::LOCALHOST, 1)));
    store.ask_snapshots(ask(question), hub, at(200.0), to);
    until(store, hub, |store| store.released.pop().map(|late| serde_json::from_slice(&late.answer).unwrap()))
}

fn until<T>(store: &mut Store, hub: &mut Hub, mut found: impl FnMut(&mut Store) -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        store.turn(hub, Instant::now(), &mut Complaints::default());
        if let Some(found) = found(store) {
            return found;
        }
        assert!(Instant::now() < deadline, "{}", store.to_json(hub, Instant::now()));
        std::thread::yield_now();
    }
}

fn names(files: &MemoryFiles) -> Vec<String> {
    files.names().into_iter().map(|name| name.trim_end_matches(".jsonl").to_owned()).collect()
}

/// A store that writes to disk once an hour, where nobody asks for more.
fn start_patient(disk: &Disk, files: &MemoryFiles, hub: &mut Hub, rhythm: Rhythm) -> Store {
    let (head, _) = open_and_load(&Drive(disk.clone()), hub).unwrap();
    let times = (HOUR, Duration::from_millis(1), rhythm);
    start_beside((Drive(disk.clone()), head), files.clone(), hub, times)
}

#[test]
fn what_was_taken_before_a_save_is_in_it() {
    let (disk, files, mut live) = (Disk::default(), MemoryFiles::default(), hub());
    let mut store = start_patient(&disk, &files, &mut live, (Duration::ZERO, 1));
    for thing in 0..1_000 {
        say(&mut live, thing, thing);
    }
    let saved = answer(&mut store, &mut live, r#"{"type":"snapshot_save","name":"x"}"#);
    assert_eq!((&saved["things"], &saved["seq"]), (&1_000.into(), &1_000.into()), "{saved}");
    let text = String::from_utf8(files.bytes("x.jsonl").unwrap()).unwrap();
    assert_eq!(text.lines().count(), 1_002);
    let again = answer(&mut store, &mut live, r#"{"type":"snapshot_save","name":"x"}"#);
    assert_eq!(again["error"], "snapshot_exists", "{again}");
}

#[test]
fn a_directory_that_cannot_be_written_is_told_and_a_save_succeeds_when_it_can() {
    let (disk, files, mut live) = (Disk::default(), MemoryFiles::default(), hub());
    let mut store = start_patient(&disk, &files, &mut live, (Duration::ZERO, 1));
    say(&mut live, 1, 1);
    // The pauses between the attempts come to a second.
    for operation in 1..=10 {
        disk.fail_at(operation, Fault::Error);
    }
    let told = answer(&mut store, &mut live, r#"{"type":"snapshot_save","name":"x"}"#);
    assert_eq!(told["error"], "disk_failed");
    assert!(told["message"].as_str().unwrap().contains("does not want to"), "{told}");
    assert!(names(&files).is_empty());
    // What needs no directory is answered meanwhile.
    assert_eq!(answer(&mut store, &mut live, r#"{"type":"snapshot_list"}"#)["type"], "snapshot_list");
    settle(&mut store, &mut live, &mut Complaints::default());
    let saved = answer(&mut store, &mut live, r#"{"type":"snapshot_save","name":"x"}"#);
    assert_eq!(saved["things"], 1, "{saved}");
}

#[test]
fn the_file_is_opened_anew_though_it_was_lent() {
    let (disk, mut live) = (Disk::default(), hub());
    let (head, _) = open_and_load(&Drive(disk.clone()), &mut live).unwrap();
    let (orders, orders_in) = channel();
    let (reports_out, reports) = channel();
    let lent = Lent::default();
    let keeper = Keeper {
        opener: Drive(disk.clone()),
        head,
        lent: lent.clone(),
        orders: orders_in,
        report: move |report| reports_out.send(report).unwrap(),
        // So long there is none after a failure.
        first_pause: Duration::from_millis(300),
    };
    let thread = std::thread::spawn(|| keeper.run());
    let write = |live: &mut Hub, value| {
        say(live, 1, value);
        orders.send(Order::Write(batch_of(live, 0))).unwrap();
        let mut failed = 0;
        while let Report::Failing(_) = reports.recv().unwrap() {
            assert!(lent.get().is_none(), "nobody gets it any more");
            failed += 1;
        }
        failed
    };
    assert_eq!(write(&mut live, 1), 0);
    let first = lent.get().unwrap();
    assert!(lent.is(&first));
    disk.fail_at(1, Fault::Error);
    assert!(write(&mut live, 2) > 0);
    assert!(!lent.is(&first), "who reads it sees that it is not the one any more");
    let mut values = Vec::new();
    let second = lent.get().unwrap();
    second
        .each_below(&Default::default(), |_, value, _| {
            values.push(value.data.to_owned());
            true
        })
        .unwrap();
    assert_eq!(values, ["2"]);
    drop(orders);
    thread.join().unwrap();
    assert!(lent.get().is_none(), "the file is closed with the store");
}

#[test]
fn automatic_snapshots_are_made_when_they_are_due_and_the_last_ones_kept() {
    let (disk, files, mut live) = (Disk::default(), MemoryFiles::default(), hub());
    let old = ["auto-20200101T000000Z", "auto-20200102T000000Z", "mine"];
    for name in old {
        let text = format!(
            "{{\"snapshot\":\"{name}\",\"format\":1,\"saved\":1.0}}\n{{\"things\":0,\"crc32\":\"00000000\"}}\n"
        );
        files.set(&format!("{name}.jsonl"), text.into_bytes());
    }
    let mut store = start_patient(&disk, &files, &mut live, (24 * HOUR, 2));
    let soon = store.due(Instant::now()).unwrap();
    assert!(soon > Instant::now() + Duration::from_secs(60), "not right after the start");
    // Of nothing none is made.
    store.turn(&mut live, soon, &mut Complaints::default());
    let again = store.due(soon).unwrap();
    assert!(again > soon);
    say(&mut live, 1, 1);
    store.turn(&mut live, again, &mut Complaints::default());
    until(&mut store, &mut live, |_| (names(&files).len() == 3 && names(&files)[0] != old[0]).then_some(()));
    let found = names(&files);
    assert_eq!((found[0].as_str(), found[2].as_str()), ("auto-20200102T000000Z", "mine"), "{found:?}");
    let made = files.bytes(&format!("{}.jsonl", found[1])).unwrap();
    assert!(String::from_utf8(made).unwrap().contains(r#""ns":"a.t1""#));
    until(&mut store, &mut live, |store| store.due(Instant::now()));
    let next = store.due(Instant::now()).unwrap();
    assert!(next > Instant::now() + 23 * HOUR);
}
