//! The directory on disk, with the broker as a program: stopped, killed, with files that are broken or taken.
//!
//! `THINGSBUS_KILLS=500` kills it so often, instead of a few times.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::{Client, Parts};

use crate::support::peers::{Push, Sub, update};
use crate::support::program::{BrokerProgram, NO_STORE, program, run};
use crate::support::random::Random;
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;
use crate::support::{Doors, free_ports};

/// How many things the senders of a killed broker have.
const THINGS: u64 = 300;

/// A broker that keeps its directory in `folder`.
fn start(folder: &ScratchFolder) -> BrokerProgram {
    let data = folder.path("data").display().to_string();
    BrokerProgram::start(&["--data", &data, "--set", "store.every_s=1"])
}

/// Stops it in good order.
fn stop(mut broker: BrokerProgram) {
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
}

/// Says something, and waits until the broker has it.
fn say(doors: &Doors, ns: &str, data: &Value) {
    let push = Push::connect(doors);
    push.send(update(ns, data));
    until("the broker has it", || (doors.things(ns)["data"][ns]["data"] == *data).then_some(()));
}

/// Waits until everything that the broker has is on disk.
fn stored(doors: &Doors) -> u64 {
    until("everything to be on disk", || {
        let status = doors.status();
        (status["store"]["behind"] == 0).then(|| status["store"]["seq"].as_u64().expect("a number"))
    })
}

#[test]
fn a_broker_that_was_stopped_goes_on_where_it_was() {
    let folder = ScratchFolder::new();
    let before = start(&folder);
    say(&before.doors(), "shop.lathe", &json!({"rpm": 1200, "of": "größe"}));
    say(&before.doors(), "shop.door", &json!("open"));
    let things = before.doors().things("");
    let epoch = before.doors().status()["epoch"].clone();
    stop(before);

    let after = start(&folder);
    let again = after.doors().things("");
    assert_eq!(again["data"], things["data"], "values, times, numbers, and who they came from");
    assert_eq!((&again["epoch"], &again["seq"]), (&epoch, &json!(2)));
    let since = json!({"type": "thing_query", "ns": "", "tree": true, "epoch": epoch, "since": 2});
    assert_eq!(after.doors().ask(&since)["count"], 0, "who was there before asks for nothing");
    say(&after.doors(), "shop.door", &json!("shut"));
    assert_eq!(after.doors().things("shop.door")["data"]["shop.door"]["seq"], 3);
}

#[test]
fn a_client_stays_through_a_restart_and_the_directory_with_it() {
    let folder = ScratchFolder::new();
    let port = free_ports();
    let data = folder.path("data");
    let start = || {
        let mut command = program("thingsbus-broker");
        command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--data"]).arg(&data);
        let process = crate::support::process::Process::start("thingsbus-broker", &mut command);
        let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
        until("the broker", || std::net::TcpStream::connect(doors.query).ok());
        (process, doors)
    };
    let (mut broker, doors) = start();
    say(&doors, "shop.lathe", &json!(1));
    let name = BrokerName::Address(Address::new("127.0.0.1", port).expect("an address"));
    let client = Client::connect(name, &Parts::All).expect("a client");
    client.wait_ready(Duration::from_secs(10)).expect("it is complete");
    broker.signal("KILL");
    broker.wait();
    until("it to be noticed", || (!client.connection().connected).then_some(()));
    // Killed within seconds of the update: nothing may have been written, and the client must not mind either way.
    let (_broker, doors) = start();
    say(&doors, "shop.door", &json!(2));
    let lathe = client.directory().get_thing("shop.lathe").expect("a name");
    let door = client.directory().get_thing("shop.door").expect("a name");
    until("the client to have what the broker has", || {
        let theirs = doors.things("shop")["data"].get("shop.lathe").is_some();
        (door.get_data().is_some() && lathe.get_data().is_some() == theirs).then_some(())
    });
}

/// Killed at random moments while it is told more than it can be asked for; what was on disk is there, and nothing is
/// there that was never said.
#[test]
fn a_broker_that_is_killed_has_what_was_on_disk_and_nothing_that_was_never_said() {
    let kills = std::env::var("THINGSBUS_KILLS").map_or(4, |kills| kills.parse().expect("a number"));
    let mut random = Random::new("kills");
    let folder = ScratchFolder::new();
    let mut said: BTreeMap<String, u64> = BTreeMap::new();
    let mut sure: BTreeMap<String, u64> = BTreeMap::new();
    let mut number = 0;
    for kill in 0..kills {
        let mut broker = start(&folder);
        let doors = broker.doors();
        let found = values(&doors);
        for (ns, value) in &sure {
            assert!(
                found.get(ns).is_some_and(|found| found >= value),
                "kill {kill}: {ns} {:?} {value}",
                found.get(ns)
            );
        }
        for (ns, value) in &found {
            assert!(
                said.get(ns).is_some_and(|said| said >= value),
                "kill {kill}: {ns} {value} {:?}",
                said.get(ns)
            );
        }
        let (over, last) = (AtomicBool::new(false), AtomicU64::new(number));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let push = Push::connect(&doors);
                let mut number = number;
                while !over.load(Ordering::Relaxed) {
                    for _ in 0..1_000 {
                        number += 1;
                        push.send(update(&format!("a.t{}", number % THINGS), &json!(number)));
                    }
                    last.store(number, Ordering::Relaxed);
                    // As many as the broker has taken, so that it is not killed with only a backlog in it.
                    let _ = doors.status();
                    std::thread::yield_now();
                }
            });
            // What is on disk now, for sure: asked in this order.
            let commits = |status: &Value| status["store"]["commits"].as_u64().unwrap_or_default();
            until("something to be on disk", || (commits(&doors.status()) > 0).then_some(()));
            over.store(true, Ordering::Relaxed);
        });
        number = last.load(Ordering::Relaxed);
        let taken = until("all of it to be taken", || {
            let found = values(&doors);
            (found.values().max() == Some(&number)).then_some(found)
        });
        for first in number.saturating_sub(THINGS)..=number {
            said.insert(format!("a.t{}", first % THINGS), first);
        }
        if kill % 2 == 0 {
            stored(&doors);
            sure = taken;
        }
        // Some more, which may or may not be written.
        let push = Push::connect(&doors);
        for _ in 0..THINGS {
            number += 1;
            push.send(update(&format!("a.t{}", number % THINGS), &json!(number)));
            said.insert(format!("a.t{}", number % THINGS), number);
        }
        std::thread::sleep(Duration::from_millis(random.below(1_200) as u64)); // A random moment, not a wait.
        broker.signal("KILL");
        broker.wait();
    }
}

/// Every thing's value, page by page.
fn values(doors: &Doors) -> BTreeMap<String, u64> {
    let mut values = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let page = doors.ask(&json!({"type": "thing_query", "ns": "", "tree": true, "after": after}));
        for (ns, thing) in page["data"].as_object().expect("an object") {
            values.insert(ns.clone(), thing["data"].as_u64().expect("a number"));
        }
        after = page["next"].clone();
        if after.is_null() {
            return values;
        }
    }
}

#[test]
fn a_file_that_is_none_is_set_aside_and_told() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    say(&broker.doors(), "a", &json!(1));
    stop(broker);
    let file = folder.path("data").join("head.redb");
    let mut bytes = std::fs::read(&file).expect("the file");
    for byte in bytes.iter_mut().skip(4_096).step_by(97) {
        *byte ^= 0x55;
    }
    std::fs::write(&file, &bytes).expect("it can be written");
    let mut broker = start(&folder);
    broker.find_error("cannot be read");
    let line = broker.find_error("it is /");
    let aside = line.split_whitespace().find(|word| word.contains("head-broken")).expect("a name");
    assert_eq!(std::fs::read(aside).expect("the old file"), bytes, "unchanged");
    assert_eq!(broker.doors().status()["things"], 0);
    say(&broker.doors(), "b", &json!(2));
    stop(broker);
    assert_eq!(start(&folder).doors().status()["things"], 1);
}

#[test]
fn two_brokers_do_not_share_a_folder_and_a_folder_that_cannot_be_is_told() {
    let folder = ScratchFolder::new();
    let first = start(&folder);
    let data = folder.path("data").display().to_string();
    let flags = ["--bind", "127.0.0.1", "--port", "0", "--data"];
    let second = run("thingsbus-broker", &[&flags[..], &[&data]].concat());
    assert_eq!(second.code, Some(1));
    let told = ["cannot keep the directory in", &data, "another broker uses it", "--data none"];
    assert!(told.iter().all(|part| second.stderr.contains(part)), "{}", second.stderr);
    drop(first);
    let file = folder.write("file", "");
    let third = run("thingsbus-broker", &[&flags[..], &[&file.join("x").display().to_string()]].concat());
    assert_eq!(third.code, Some(1));
    assert!(third.stderr.contains("cannot keep the directory in"), "{}", third.stderr);
}

#[test]
fn the_usual_folder_is_this_users_own_or_what_systemd_gives() {
    let folder = ScratchFolder::new();
    for (variable, value, wanted) in [
        ("XDG_DATA_HOME", folder.path("user"), folder.path("user").join("thingsbus")),
        ("STATE_DIRECTORY", folder.path("service"), folder.path("service")),
    ] {
        let mut command = program("thingsbus-broker");
        command.env_remove(NO_STORE).env(variable, value).args(["--bind", "127.0.0.1"]);
        let broker = BrokerProgram::start_command(&mut command, "127.0.0.1");
        assert_eq!(broker.doors().status()["store"]["path"], wanted.display().to_string());
        let mut sub = Sub::connect(&broker.doors(), &[""]);
        say(&broker.doors(), "a", &json!(1));
        sub.next();
        assert!(wanted.join("head.redb").exists());
        stop(broker);
    }
}
