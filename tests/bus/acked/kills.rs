//! A broker that is killed while updates are under way, and starts again on the same folder.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::AckLevel;
use thingsbus_adaptor::{Adaptor, Receipt};

use super::{check_counts, udp, zmq};
use crate::support::process::Process;
use crate::support::program::program;
use crate::support::proxy::Proxy;
use crate::support::random::Random;
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, free_ports};

/// After each kill it is looked at what was said since so many kills, and after so many at all of it.
const LOOKED_BACK: usize = 3;
const LOOKED_AT_ALL_EVERY: usize = 50;

/// How many updates wait at most, so that none is dropped.
const WAITING_MAX: u64 = 3_000;

#[test]
fn what_was_acknowledged_on_disk_is_there_after_every_kill_and_nothing_was_taken_twice() {
    let kills = std::env::var("THINGSBUS_KILLS").map_or(6, |kills| kills.parse().expect("a number"));
    let mut random = Random::new("kills");
    let folder = ScratchFolder::new();
    let port = free_ports();
    let doors = Doors::at(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let start = || start(&folder, port, &doors);
    let mut broker = start();
    let proxy = Proxy::to(&doors);
    let adaptor = zmq(&proxy);
    let mut receipts: Vec<Receipt> = Vec::new();
    let mut found: BTreeMap<u64, u64> = BTreeMap::new();
    // How many there were at each kill.
    let mut said = vec![0];
    for kill in 0..kills {
        // Each has a thing of its own, so that each can be looked for.
        let enough = adaptor.counters().acknowledged.acked + 200;
        until("some to be acknowledged", || {
            while adaptor.counters().acknowledged.waiting < WAITING_MAX {
                let number = receipts.len() + 1;
                receipts.push(send(&adaptor, kill, number));
            }
            (adaptor.counters().acknowledged.acked > enough).then_some(())
        });
        std::thread::sleep(Duration::from_millis(random.below(40) as u64)); // A random moment, not a wait.
        broker.signal("KILL");
        broker.wait();
        proxy.cut();
        broker = start();
        let first = if kill % LOOKED_AT_ALL_EVERY == 0 { 0 } else { kill.saturating_sub(LOOKED_BACK) };
        let after: BTreeMap<u64, u64> = (first..=kill).flat_map(|kill| seqs(&doors, &below(kill))).collect();
        for (receipt, number) in receipts.iter().zip(1_u64..).skip(said[first]) {
            assert_eq!(receipt.number(), number);
            let acknowledged = receipt.wait(Duration::ZERO).is_ok();
            assert!(!acknowledged || after.contains_key(&number), "kill {kill}: {number} is not there");
        }
        check_not_again(found.range(said[first] as u64 + 1..), &after);
        found.extend(after);
        said.push(receipts.len());
        proxy.mend();
    }
    assert!(adaptor.flush(PATIENCE), "{:?}", adaptor.counters().acknowledged);
    let counters = adaptor.close(PATIENCE).acknowledged;
    check_counts(&counters, receipts.len() as u64);
    assert_eq!(counters.acked, receipts.len() as u64);
    let after = seqs(&doors, "acked");
    check_not_again(found.range(..), &after);
    assert!(after.keys().copied().eq(1..=receipts.len() as u64), "all of them, and no others");
    assert!(after.values().is_sorted_by(|one, next| one < next), "in order");
}

/// Over UDP each waits for the one before, so there are fewer.
#[test]
fn the_same_in_datagrams() {
    let folder = ScratchFolder::new();
    let port = free_ports();
    let doors = Doors::at(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
    let mut broker = start(&folder, port, &doors);
    let adaptor = udp(&doors);
    let receipts: Vec<Receipt> = (1..=60).map(|number| send(&adaptor, 0, number)).collect();
    for enough in [10, 30] {
        until("some to be acknowledged", || (adaptor.counters().acknowledged.acked >= enough).then_some(()));
        broker.signal("KILL");
        broker.wait();
        broker = start(&folder, port, &doors);
    }
    assert!(adaptor.flush(PATIENCE), "{:?}", adaptor.counters().acknowledged);
    assert!(receipts.iter().all(|receipt| receipt.wait(Duration::ZERO).is_ok()));
    let after = seqs(&doors, "acked");
    assert!(after.keys().copied().eq(1..=60), "all of them, and no others");
    assert!(after.values().is_sorted_by(|one, next| one < next), "in order");
}

fn send(adaptor: &Adaptor, kill: usize, number: usize) -> Receipt {
    adaptor.send_acked_to(&format!("k{kill}.n{number}"), &number, AckLevel::Disk).expect("it is taken in")
}

/// What is said before this kill, and after the one before.
fn below(kill: usize) -> String {
    format!("acked.k{kill}")
}

/// On the same ports and the same folder each time.
fn start(folder: &ScratchFolder, port: u16, doors: &Doors) -> Process {
    let mut command = program("thingsbus-broker");
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--data"]).arg(folder.path("data"));
    let broker = Process::start("thingsbus-broker", &mut command);
    until("the broker", || TcpStream::connect(doors.query).ok());
    broker
}

/// What was found after a kill was not taken again since: it still has the number that the broker gave it.
#[track_caller]
fn check_not_again<'f>(found: impl Iterator<Item = (&'f u64, &'f u64)>, after: &BTreeMap<u64, u64>) {
    for (number, seq) in found {
        assert_eq!(after.get(number), Some(seq), "{number} was taken again");
    }
}

/// What is in the directory: the sender's numbers, and the broker's.
fn seqs(doors: &Doors, ns: &str) -> BTreeMap<u64, u64> {
    let mut seqs = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let page = doors.ask(&json!({"type": "thing_query", "ns": ns, "tree": true, "after": after}));
        for (ns, thing) in page["data"].as_object().expect("an object") {
            let number = thing["data"].as_u64().expect("a number");
            assert!(ns.ends_with(&format!(".n{number}")), "{ns}: {number}");
            seqs.insert(number, thing["seq"].as_u64().expect("a number"));
        }
        after = page["next"].clone();
        if after.is_null() {
            return seqs;
        }
    }
}
