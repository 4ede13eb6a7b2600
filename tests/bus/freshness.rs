//! Freshness: who is told that a thing is late, silent and fresh again, and that the broker knows it after a restart.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thingsbus_broker::Data;

use crate::support::peers::{Push, Req, Sub, update};
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until, within};
use crate::support::{Doors, TestBroker, python};

/// Says something by the query door: the broker has it when this returns, with this number.
fn say(doors: &Doors, ns: &str, data: i64) -> Value {
    let answer = Req::connect(doors).ask(&json!({"type": "thing_update", "ns": ns, "data": data}));
    assert!(answer["error"].is_null(), "{answer}");
    answer["seq"].clone()
}

/// The file of a directory in which it is known of two things how they speak: many times a second. That takes half a minute
/// to learn, and is learned once for all tests.
static KNOWN: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let folder = ScratchFolder::new();
    let broker = TestBroker::with(|config| config.store.data = Data::Folder(folder.path("data")));
    let is_known = || {
        for ns in ["shop.lathe", "hall.lamp"] {
            say(&broker, ns, 0);
        }
        let page = ask(&broker, json!(true));
        let is_known = |ns: &str| page["data"][ns]["interval"].is_f64();
        // Each has a longest gap of its own, which teaches nothing.
        (is_known("shop.lathe") && is_known("hall.lamp")).then_some(())
    };
    within(2 * PATIENCE, is_known).expect("it is learned how they speak");
    broker.stop();
    std::fs::read(folder.path("data/head.redb")).expect("the directory")
});

/// A folder for a broker that knows how `shop.lathe` and `hall.lamp` speak.
fn known() -> ScratchFolder {
    let folder = ScratchFolder::new();
    std::fs::create_dir(folder.path("data")).expect("a folder can be made");
    std::fs::write(folder.path("data/head.redb"), &*KNOWN).expect("a file can be written");
    folder
}

/// Such a broker. Neither of them has spoken yet in its life.
fn start(folder: &ScratchFolder) -> TestBroker {
    TestBroker::with(|config| config.store.data = Data::Folder(folder.path("data")))
}

fn forget(doors: &Doors, ns: &str) {
    assert_eq!(doors.ask(&json!({"type": "thing_forget", "ns": ns}))["count"], 1);
}

fn ask(doors: &Doors, freshness: Value) -> Value {
    doors.ask(&json!({"type": "thing_query", "tree": true, "freshness": freshness}))
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_object().expect("things").keys().map(String::as_str).collect()
}

/// The next word, late or silent, for a thing that said nothing after this.
fn next_word(sub: &mut Sub, seq: &Value) -> Value {
    loop {
        let message = sub.next_json();
        if message["type"] == "thing_freshness" && message["seq"] == *seq && message["freshness"] != "fresh" {
            return message;
        }
    }
}

#[test]
fn a_thing_that_says_no_more_is_late_then_silent_and_fresh_when_it_speaks_again() {
    let folder = known();
    let broker = start(&folder);
    forget(&broker, "hall.lamp");
    let mut sub = Sub::with_words(&broker, &[r#"{"ns":"shop.lathe""#]);
    say(&broker, "shop.door", 1);
    let spoke = Instant::now();
    let seq = say(&broker, "shop.lathe", 5);
    let page = ask(&broker, json!(true));
    let lathe = &page["data"]["shop.lathe"];
    assert_eq!((&lathe["freshness"], &lathe["late_after"]), (&json!("fresh"), &json!(1.0)), "{page}");
    let interval = lathe["interval"].as_f64().expect("a number");
    assert!(interval > 0.0 && lathe["rate"].as_f64() > Some(0.0) && lathe["deviation"].is_f64(), "{page}");
    // Of what spoke once nothing is known.
    let door = &page["data"]["shop.door"];
    assert_eq!((&door["freshness"], &door["interval"]), (&json!("fresh"), &Value::Null), "{page}");

    let late = next_word(&mut sub, &seq);
    assert_eq!((&late["ns"], &late["freshness"]), (&json!("shop.lathe"), &json!("late")), "{late}");
    assert_eq!((&late["was"], &late["late_after"]), (&json!("fresh"), &json!(1.0)));
    assert!(spoke.elapsed() >= Duration::from_millis(900), "{:?}", spoke.elapsed());
    assert_eq!(names(&ask(&broker, json!(["late", "silent"]))), ["shop.lathe"]);
    assert_eq!(names(&ask(&broker, json!(["fresh"]))), ["shop.door"]);
    assert_eq!(broker.status()["freshness"], json!({"fresh": 1, "late": 1, "silent": 0}));
    let silent = next_word(&mut sub, &seq);
    assert_eq!((&silent["freshness"], &silent["was"]), (&json!("silent"), &json!("late")), "{silent}");

    let seq = say(&broker, "shop.lathe", 7);
    let (said, fresh) = (sub.next_json(), sub.next_json());
    assert_eq!((&said["data"], &said["seq"]), (&json!(7), &seq), "what it says comes first");
    assert_eq!((&fresh["freshness"], &fresh["was"]), (&json!("fresh"), &json!("silent")), "{fresh}");
    assert_eq!(names(&ask(&broker, json!(["late", "silent"]))), [""; 0]);
    // Who does not ask is told what was told before.
    let plain = &broker.things("")["data"]["shop.lathe"];
    let keys: Vec<&String> = plain.as_object().expect("a thing").keys().collect();
    assert_eq!(keys, ["ns", "ts", "data", "documentation_url", "received", "seq"]);
}

#[test]
fn what_is_forgotten_has_no_word() {
    let folder = known();
    let broker = start(&folder);
    let mut sub = Sub::with_words(&broker, &[r#"{"ns":"#]);
    say(&broker, "hall.lamp", 1);
    let seq = say(&broker, "shop.lathe", 1);
    forget(&broker, "hall.lamp");
    assert_eq!(next_word(&mut sub, &seq)["ns"], "shop.lathe");
    assert_eq!(broker.status()["freshness"], json!({"fresh": 0, "late": 1, "silent": 0}));
    forget(&broker, "shop.lathe");
    assert_eq!(broker.status()["freshness"], json!({"fresh": 0, "late": 0, "silent": 0}));
}

#[test]
fn a_client_of_0_2_1_minds_nothing() {
    let folder = known();
    let broker = start(&folder);
    let mut client = python::script("old_client.py", &[&broker.clients_url(), "", "tree"]);
    let push = Push::connect(&broker);
    until("it to listen", || {
        push.send(update("hello", &json!(0)));
        let line = client.stdout.next_within(Duration::from_millis(100))?;
        line.contains("hello").then_some(())
    });
    let mut sub = Sub::with_words(&broker, &[r#"{"ns":"shop.lathe""#]);
    let seq = say(&broker, "shop.lathe", 1);
    assert_eq!(next_word(&mut sub, &seq)["freshness"], "late");
    say(&broker, "b", 815);
    until("what comes after", || client.line().contains("815").then_some(()));
}

#[test]
fn what_was_learned_is_known_after_a_restart_and_a_snapshot_teaches_nothing() {
    let folder = known();
    let data = folder.path("data").display().to_string();
    let start = || BrokerProgram::start(&["--data", &data]);
    let mut broker = start();
    let doors = broker.doors();
    say(&doors, "shop.door", 1);
    let before = ask(&doors, json!(true));
    doors.ask(&json!({"type": "snapshot_save", "name": "s"}));
    forget(&doors, "hall.lamp");
    // The last one to be heard of was not late when the broker ended, however long that took.
    let seq = say(&doors, "shop.lathe", 1);
    broker.signal("TERM");
    broker.wait();
    let mut broker = start();
    let doors = broker.doors();
    let mut sub = Sub::with_words(&doors, &[r#"{"ns":"#]);
    let after = ask(&doors, json!(true));
    let lathe = |page: &Value| page["data"]["shop.lathe"]["interval"].as_f64().expect("it is known");
    assert!((lathe(&after) / lathe(&before) - 1.0).abs() < 0.01, "{before} {after}");
    assert_eq!(after["data"]["shop.door"]["interval"], Value::Null);
    // It has not spoken in this life, and should have.
    let late = next_word(&mut sub, &seq);
    assert_eq!((&late["ns"], &late["freshness"]), (&json!("shop.lathe"), &json!("late")));
    // What a snapshot brings back was not said by the thing: it is not fresh by that.
    forget(&doors, "shop.door");
    let loaded = doors.ask(&json!({"type": "snapshot_load", "name": "s"}));
    assert_eq!(loaded["set"], 3, "{loaded}");
    assert_eq!(names(&ask(&doors, json!(["late", "silent"]))), ["shop.lathe"]);
    assert_eq!(names(&ask(&doors, json!(["fresh"]))), ["hall.lamp", "shop.door"]);
    broker.signal("TERM");
    broker.wait();
}

#[test]
fn the_tool_shows_it() {
    let folder = known();
    let broker = start(&folder);
    forget(&broker, "hall.lamp");
    let mut sub = Sub::with_words(&broker, &[r#"{"ns":"shop.lathe""#]);
    let tool = |arguments: &[&str]| {
        let mut command = program("thingsbus");
        Ended::of(command.env("THINGSBUS_BROKER", broker.clients.to_string()).args(arguments))
    };
    say(&broker, "shop.door", 1);
    let seq = say(&broker, "shop.lathe", 1);
    assert_eq!(next_word(&mut sub, &seq)["freshness"], "late");
    let shown = tool(&["ls", "--freshness", "late,silent", "--json"]);
    assert!(
        shown.stdout.contains(r#""freshness":"#) && !shown.stdout.contains("shop.door"),
        "{}",
        shown.stdout
    );
    assert_eq!(next_word(&mut sub, &seq)["freshness"], "silent");
    let shown = tool(&["ls", "--human"]);
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert!(lines[0].starts_with("shop.door") && !lines[0].contains("silent"), "{}", shown.stdout);
    assert!(lines[1].starts_with("shop.lathe") && lines[1].contains("silent"), "{}", shown.stdout);
    let none = tool(&["ls", "--freshness", "late", "--human"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""), "{}", none.stderr);
    let status = tool(&["status", "--human"]);
    assert!(status.stdout.contains("1 fresh, 0 late, 1 silent"), "{}", status.stdout);
    let wrong = tool(&["ls", "--freshness", "stale"]);
    assert_eq!(wrong.code, Some(64), "{}", wrong.stderr);
}
