//! Forgetting: on purpose and because a time is over; who is told, and that it is so after a restart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::{Client, Flags, Parts};

use crate::support::peers::{Push, Req, Sub, parse, update};
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, python};

/// Says something by the query door: the broker has it when this returns.
fn say(doors: &Doors, message: &Value) -> Value {
    let mut message = message.clone();
    message["type"] = json!("thing_update");
    let answer = Req::connect(doors).ask(&message);
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

fn fill(doors: &Doors, names: &[&str]) {
    for ns in names {
        say(doors, &json!({"ns": ns, "data": 1, "documentation_url": "http://e.org"}));
    }
}

fn forget(doors: &Doors, ns: &str, tree: bool) -> Value {
    doors.ask(&json!({"type": "thing_forget", "ns": ns, "tree": tree}))
}

fn names(page: &Value) -> Vec<&str> {
    page["data"].as_object().expect("things").keys().map(String::as_str).collect()
}

#[test]
fn what_is_forgotten_is_gone_and_everybody_is_told() {
    let broker = TestBroker::start();
    fill(&broker, &["shop", "shop.door", "shop.lathe", "shopping"]);
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"shop.lathe""#]);
    let all = broker.things("");
    let (epoch, seq) = (&all["epoch"], &all["seq"]);

    let answer = forget(&broker, "shop.lathe", false);
    assert_eq!((&answer["type"], &answer["count"]), (&json!("things_forgotten"), &json!(1)), "{answer}");
    let told = sub.next_json();
    assert_eq!(
        (&told["type"], &told["ns"], &told["seq"]),
        (&json!("thing_forgotten"), &json!("shop.lathe"), &json!(5))
    );
    assert_eq!(names(&broker.things("")), ["shop", "shop.door", "shopping"]);
    let since = json!({"type": "thing_query", "tree": true, "epoch": epoch, "since": seq});
    let page = broker.ask(&since);
    assert_eq!((names(&page), &page["forgotten"]), (vec![], &json!(["shop.lathe"])), "{page}");

    assert_eq!(forget(&broker, "shop", true)["count"], 2);
    assert_eq!(forget(&broker, "shop", true)["count"], 0);
    assert_eq!(broker.ask(&since)["forgotten"], json!(["shop", "shop.door", "shop.lathe"]));
    assert_eq!(names(&broker.things("")), ["shopping"]);

    // It speaks again, and is as one that never spoke before.
    say(&broker, &json!({"ns": "shop.lathe", "data": 2}));
    let page = broker.ask(&since);
    assert_eq!(page["forgotten"], json!(["shop", "shop.door"]));
    assert_eq!(page["data"]["shop.lathe"]["documentation_url"], Value::Null, "{page}");
    let status = broker.status();
    assert_eq!((&status["things"], &status["forgotten"]), (&json!(2), &json!(3)));
}

#[test]
fn a_client_forgets_too_and_tells_those_who_want_to_know() {
    let broker = TestBroker::start();
    fill(&broker, &["a", "a.b", "c"]);
    let name = BrokerName::Address(Address::new("127.0.0.1", broker.clients.port()).expect("an address"));
    let client = Client::connect(name, &Parts::All).expect("a client");
    client.wait_ready(PATIENCE).expect("it is complete");
    let thing = client.directory().get_thing("a").expect("a name");
    let mut plain = thing.events(Flags::TREE);
    let mut wanting = thing.events(Flags::TREE | Flags::FORGOTTEN);
    forget(&broker, "a", true);
    let told: Vec<_> = (0..2).map(|_| wanting.next_within(PATIENCE).expect("it is told")).collect();
    assert!(told.iter().all(|event| event.is_forgotten() && event.data() == "null"), "{told:?}");
    assert_eq!(told.iter().map(|event| event.ns().as_str()).collect::<Vec<_>>(), ["a", "a.b"]);
    assert!(thing.latest().is_none());
    assert_eq!(client.directory().all_things().iter().filter(|thing| thing.latest().is_some()).count(), 1);
    say(&broker, &json!({"ns": "a", "data": 5}));
    let next = plain.next_within(PATIENCE).expect("an event");
    assert_eq!((next.data(), next.is_forgotten()), ("5", false), "who did not ask hears nothing of it");
}

#[test]
fn a_client_of_0_2_1_minds_nothing() {
    let broker = TestBroker::start();
    let mut client = python::script("old_client.py", &[&broker.clients_url(), "", "tree"]);
    let push = Push::connect(&broker);
    until("it to listen", || {
        push.send(update("hello", &json!(0)));
        let line = client.stdout.next_within(Duration::from_millis(100))?;
        line.contains("hello").then_some(())
    });
    fill(&broker, &["a"]);
    forget(&broker, "a", true);
    say(&broker, &json!({"ns": "b", "data": "after"}));
    until("what comes after", || client.line().contains("'after'").then_some(()));
}

#[test]
fn a_thing_with_a_ttl_is_forgotten_where_nothing_newer_is_said() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"#]);
    let begun = Instant::now();
    say(&broker, &json!({"ns": "short", "data": 1, "ttl": 0.3}));
    say(&broker, &json!({"ns": "renewed", "data": 1, "ttl": 0.3}));
    say(&broker, &json!({"ns": "stays", "data": 1, "ttl": 0.3}));
    say(&broker, &json!({"ns": "stays", "data": 2}));
    say(&broker, &json!({"ns": "renewed", "data": 2, "ttl": 1.0}));
    let mut forgotten = Vec::new();
    while forgotten.len() < 2 {
        let message = sub.next_json();
        assert!(message["ttl"].is_null(), "it is between the sender and the broker: {message}");
        if message["type"] == "thing_forgotten" {
            forgotten.push((message["ns"].as_str().expect("a name").to_owned(), begun.elapsed()));
        }
    }
    assert_eq!((forgotten[0].0.as_str(), forgotten[1].0.as_str()), ("short", "renewed"));
    assert!(forgotten[0].1 >= Duration::from_millis(300), "{forgotten:?}");
    assert!(forgotten[1].1 >= Duration::from_secs(1), "{forgotten:?}");
    assert_eq!(names(&broker.things("")), ["stays"]);
}

#[test]
fn it_is_so_after_a_restart_and_after_a_kill() {
    let folder = ScratchFolder::new();
    let data = folder.path("data").display().to_string();
    let start = || BrokerProgram::start(&["--data", &data]);
    for signal in ["TERM", "KILL"] {
        let mut broker = start();
        let doors = broker.doors();
        fill(&doors, &["a", "b", "b.c", "d"]);
        say(&doors, &json!({"ns": "e", "data": 1, "ttl": 0.5, "ack": "disk"}));
        say(&doors, &json!({"ns": "f", "data": 1, "ttl": 3600, "ack": "disk"}));
        let before = doors.things("");
        // Told when it is on disk.
        assert_eq!(forget(&doors, "b", true)["count"], 2);
        broker.signal(signal);
        broker.wait();
        let broker = start();
        let doors = broker.doors();
        until("what is over to be forgotten", || (names(&doors.things("")) == ["a", "d", "f"]).then_some(()));
        let since =
            json!({"type": "thing_query", "tree": true, "epoch": before["epoch"], "since": before["seq"]});
        let page = doors.ask(&since);
        // What was forgotten is not known any more, so all there is is told.
        assert_eq!((names(&page), &page["since"]), (vec!["a", "d", "f"], &Value::Null), "{page}");
        assert_eq!(forget(&doors, "", true)["count"], 3);
    }
}

#[test]
fn the_tool_forgets_and_shows_it() {
    let broker = TestBroker::start();
    fill(&broker, &["shop.lathe", "shop.lathe.spindle", "shop.door"]);
    let tool = |arguments: &[&str]| {
        let mut command = program("thingsbus");
        Ended::of(command.env("THINGSBUS_BROKER", broker.clients.to_string()).args(arguments))
    };
    let forgot = tool(&["forget", "shop.lathe", "--tree", "--human"]);
    assert_eq!((forgot.code, forgot.stdout.as_str()), (Some(0), "forgot 2 things"), "{}", forgot.stderr);
    let forgot = tool(&["forget", "shop.lathe"]);
    assert_eq!((forgot.code, forgot.stdout.as_str()), (Some(2), ""));
    assert!(forgot.stderr.contains("there is no shop.lathe"), "{}", forgot.stderr);
    let forgot = tool(&["forget", "shop.door", "--json"]);
    assert_eq!(parse(forgot.stdout.as_bytes())["count"], 1);
    // An unset variable of a script is not everything.
    fill(&broker, &["a", "b"]);
    let forgot = tool(&["forget", "", "--tree"]);
    assert_eq!((forgot.code, names(&broker.things(""))), (Some(64), vec!["a", "b"]), "{}", forgot.stderr);
    let forgot = tool(&["forget", "", "--tree", "--everything", "--human"]);
    assert_eq!((forgot.code, forgot.stdout.as_str()), (Some(0), "forgot 2 things"), "{}", forgot.stderr);
}
