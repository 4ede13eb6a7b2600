//! The past: recorded by a running broker, asked for by query, client and tool, there after restarts and kills.

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::{HistoryQuery, Timestamp};
use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::{Error, Past, as_of, history};

use crate::support::peers::{Push, Req, update};
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker};

/// A broker that keeps its past in `folder`.
fn start(folder: &ScratchFolder, more: &[&str]) -> BrokerProgram {
    let data = folder.path("data").display().to_string();
    BrokerProgram::start(&[&["--data", &data, "--set", "store.every_s=1"], more].concat())
}

fn name(doors: &Doors) -> BrokerName {
    BrokerName::Address(Address::new("127.0.0.1", doors.clients.port()).expect("an address"))
}

/// Says something by the query door, which answers when the broker has it.
fn say(req: &Req, ns: &str, data: &Value) -> Value {
    let answer = req.ask(&json!({"type": "thing_update", "ns": ns, "ts": 1.5, "data": data}));
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

fn ask(doors: &Doors, question: &Value) -> Value {
    let mut question = question.clone();
    question["type"] = json!("history_query");
    doors.ask(&question)
}

/// The values of an answer.
fn values(answer: &Value) -> Vec<&Value> {
    let values = answer["values"].as_array().unwrap_or_else(|| panic!("{answer}"));
    values.iter().map(|value| &value[2]).collect()
}

fn all(doors: &Doors, ns: &str) -> Vec<String> {
    let Past::Values(values) =
        history(&name(doors), &HistoryQuery::of(ns.parse().expect("a name")), PATIENCE).expect("an answer")
    else {
        panic!("lines")
    };
    values.into_iter().map(|value| value.data).collect()
}

#[test]
fn what_was_said_can_be_asked_for() {
    let folder = ScratchFolder::new();
    let broker = start(&folder, &[]);
    let doors = broker.doors();
    let req = Req::connect(&doors);
    for number in 0..50 {
        say(
            &req,
            "shop.lathe",
            &json!({"rpm": number * 10, "of": {"größe": f64::from(number) / 4.0}, "name": "x"}),
        );
        say(&req, "shop.door", &json!(if number % 2 == 0 { "open" } else { "shut" }));
    }
    let answer = ask(&doors, &json!({"ns": "shop.lathe"}));
    assert_eq!((answer["next"].clone(), values(&answer).len()), (Value::Null, 50));
    assert_eq!(values(&answer)[7], &json!({"rpm": 70, "of": {"größe": 1.75}, "name": "x"}));
    assert_eq!(answer["values"][7][1], 1.5, "its own time");
    let received: Vec<f64> =
        answer["values"].as_array().expect("values").iter().map(|v| v[0].as_f64().expect("a time")).collect();
    assert!(received.is_sorted());

    // A part of the time, the last ones, page by page.
    // Several may have come in one turn of the broker, and have the same time.
    let (from, to) = (received[10], received[received.len() - 10]);
    let some = ask(&doors, &json!({"ns": "shop.lathe", "from": from, "to": to}));
    assert_eq!(
        values(&some).len(),
        received.iter().filter(|time| (from..to).contains(*time)).count(),
        "{some}"
    );
    let last = ask(&doors, &json!({"ns": "shop.door", "last": 3}));
    assert_eq!(values(&last), [&json!("shut"), &json!("open"), &json!("shut")]);
    let mut paged = Vec::new();
    let mut question = json!({"ns": "shop.lathe", "limit": 7});
    loop {
        let page = ask(&doors, &question);
        paged.extend(values(&page).into_iter().cloned());
        assert!(values(&page).len() <= 7);
        match &page["next"] {
            Value::Null => break,
            next => question["after"] = next.clone(),
        }
    }
    assert_eq!(paged.iter().collect::<Vec<_>>(), values(&answer));

    // Lines: one for all of it, by path.
    let lines = ask(&doors, &json!({"ns": "shop.lathe", "from": received[0], "every": 86_400}));
    assert_eq!(
        lines["lines"].as_object().expect("lines").keys().collect::<Vec<_>>(),
        ["/of/größe", "/rpm"],
        "{lines}"
    );
    let sum: u64 = lines["lines"]["/rpm"]
        .as_array()
        .expect("lines")
        .iter()
        .map(|line| line[1].as_u64().expect("a count"))
        .sum();
    assert_eq!(sum, 50);
    let one = ask(&doors, &json!({"ns": "shop.lathe", "from": received[0], "every": 86_400, "path": "/rpm"}));
    let line = one["lines"]["/rpm"].as_array().expect("lines").last().expect("a line");
    assert_eq!(line[3], 490.0, "{line}");
    assert_eq!(line[5], 490.0, "{line}");
    assert_eq!(ask(&doors, &json!({"ns": "shop.nobody"}))["values"], json!([]));
    assert_eq!(ask(&doors, &json!({"ns": "Shop"}))["error"], "bad_query");
}

#[test]
fn it_is_there_after_a_restart_and_after_a_kill() {
    let folder = ScratchFolder::new();
    let mut said = Vec::new();
    for (round, signal) in ["TERM", "KILL", "KILL"].iter().enumerate() {
        let mut broker = start(&folder, &[]);
        let doors = broker.doors();
        assert_eq!(all(&doors, "a.b"), said);
        let req = Req::connect(&doors);
        for number in 0..100 {
            let data = round * 100 + number;
            say(&req, "a.b", &json!(data));
            said.push(data.to_string());
        }
        // What is told is on disk: a question brings it there first.
        assert_eq!(all(&doors, "a.b"), said);
        broker.signal(signal);
        broker.wait();
    }
    let broker = start(&folder, &[]);
    assert_eq!(all(&broker.doors(), "a.b"), said);
}

#[test]
fn the_directory_as_it_was() {
    let folder = ScratchFolder::new();
    let broker = start(&folder, &[]);
    let doors = broker.doors();
    let req = Req::connect(&doors);
    for ns in ["a", "a.b", "c"] {
        say(&req, ns, &json!({"before": ns}));
    }
    let then = Timestamp::from_seconds(doors.status()["ts"].as_f64().expect("a time")).expect("finite");
    let is_later = |doors: &Doors| doors.status()["ts"].as_f64() > Some(then.seconds());
    until("time to pass", || is_later(&doors).then_some(()));
    say(&req, "a", &json!({"after": "a"}));
    say(&req, "d", &json!("new"));
    let root = "".parse().expect("the root");
    let things = as_of(&name(&doors), &root, true, then, PATIENCE).expect("an answer");
    let told: Vec<_> = things.iter().map(|thing| (thing.ns.as_str(), thing.latest.data.as_str())).collect();
    assert_eq!(
        told,
        [("a", r#"{"before":"a"}"#), ("a.b", r#"{"before":"a.b"}"#), ("c", r#"{"before":"c"}"#)]
    );
    assert!(things.iter().all(|thing| thing.latest.age < PATIENCE));
    let below = as_of(&name(&doors), &"a".parse().expect("a name"), true, then, PATIENCE).expect("an answer");
    assert_eq!(below.len(), 2);
    let long_ago = Timestamp::from_seconds(1.0).expect("finite");
    assert!(as_of(&name(&doors), &root, true, long_ago, PATIENCE).expect("an answer").is_empty());
}

#[test]
fn what_is_forgotten_on_purpose_has_no_past_and_begins_anew() {
    let folder = ScratchFolder::new();
    let broker = start(&folder, &[]);
    let doors = broker.doors();
    let req = Req::connect(&doors);
    say(&req, "a", &json!(1));
    say(&req, "b", &json!(1));
    assert_eq!(all(&doors, "a"), ["1"]);
    say(&req, "a", &json!(2));
    assert_eq!(doors.ask(&json!({"type": "thing_forget", "ns": "a"}))["count"], 1);
    say(&req, "a", &json!(3));
    assert_eq!((all(&doors, "a"), all(&doors, "b")), (vec!["3".to_owned()], vec!["1".to_owned()]));
}

#[test]
fn a_broken_history_is_set_aside_and_the_rest_goes_on() {
    let folder = ScratchFolder::new();
    let mut broker = start(&folder, &[]);
    say(&Req::connect(&broker.doors()), "a", &json!(1));
    assert_eq!(all(&broker.doors(), "a"), ["1"]);
    broker.signal("TERM");
    broker.wait();
    let file = folder.path("data").join("history.redb");
    let mut bytes = OpenOptions::new().write(true).open(&file).expect("the file");
    bytes.seek(SeekFrom::Start(0)).expect("a place");
    bytes.write_all(&[0x5a; 8192]).expect("it can be written");
    drop(bytes);
    let broker = start(&folder, &[]);
    let doors = broker.doors();
    say(&Req::connect(&doors), "a", &json!(2));
    until("it to begin anew", || {
        let answer = ask(&doors, &json!({"ns": "a"}));
        (answer["values"].as_array().map(Vec::len) == Some(1)).then_some(())
    });
    assert_eq!(doors.things("a")["data"]["a"]["data"], 2);
    let aside = std::fs::read_dir(folder.path("data")).expect("the folder");
    let is_aside = |path: &Path| path.display().to_string().contains("history-broken-");
    assert!(aside.filter_map(Result::ok).any(|entry| is_aside(&entry.path())), "{}", broker.said());
}

#[test]
fn without_a_disk_or_where_it_is_not_wanted_there_is_none() {
    let broker = TestBroker::start();
    say(&Req::connect(&broker), "a", &json!(1));
    let answer = ask(&broker, &json!({"ns": "a"}));
    assert_eq!(answer["error"], "no_history", "{answer}");
    assert!(answer["message"].as_str().expect("a message").contains("--data none"), "{answer}");
    let failed = history(&name(&broker), &HistoryQuery::of("a".parse().expect("a name")), PATIENCE);
    assert!(matches!(failed, Err(Error::Refused { .. })), "{failed:?}");

    let folder = ScratchFolder::new();
    let broker = start(&folder, &["--set", "history.enabled=false"]);
    say(&Req::connect(&broker.doors()), "a", &json!(1));
    assert!(
        ask(&broker.doors(), &json!({"ns": "a"}))["message"]
            .as_str()
            .expect("a message")
            .contains("history.enabled")
    );
    assert!(!folder.path("data").join("history.redb").exists());
}

/// More than its buffer holds is thinned: told, counted, and each thing's last value is there all the same.
#[test]
fn where_too_much_comes_the_last_value_of_each_thing_is_there() {
    const THINGS: usize = 200;
    let folder = ScratchFolder::new();
    let broker = start(&folder, &["--set", "store.every_s=2"]);
    let doors = broker.doors();
    let push = Push::connect(&doors);
    let much = "x".repeat(1_000);
    let mut rounds = 0;
    until("so much to come that some of it is left out", || {
        for _ in 0..20 {
            for thing in 0..THINGS {
                push.send(update(&format!("load.t{thing}"), &json!([rounds, much])));
            }
            rounds += 1;
        }
        (doors.status()["history"]["thinned"].as_u64() > Some(0)).then_some(())
    });
    let all = (THINGS * rounds) as u64;
    until("all of it to be recorded or left out, and the last ones made good", || {
        let status = doors.status();
        let count = |name: &str| status["history"][name].as_u64().expect("a count");
        let is_quiet = status["seq"] == all && count("recorded") + count("thinned") == all;
        (is_quiet && last_of_all(&doors, THINGS, rounds)).then_some(())
    });
    until("that to be told", || broker.said().contains("values were left out").then_some(()));
}

/// Is the last value of each thing in its history?
fn last_of_all(doors: &Doors, things: usize, rounds: usize) -> bool {
    let req = Req::connect(doors);
    (0..things).all(|thing| {
        let answer = req.ask(&json!({"type": "history_query", "ns": format!("load.t{thing}"), "last": 1}));
        answer["values"][0][2][0] == json!(rounds - 1)
    })
}

#[test]
fn the_tool_shows_it() {
    let folder = ScratchFolder::new();
    let broker = start(&folder, &[]);
    let doors = broker.doors();
    let req = Req::connect(&doors);
    for number in 0..20 {
        say(
            &req,
            "shop.climate",
            &json!({"temperature": 20.0 + f64::from(number) / 4.0, "note": "a, \"b\""}),
        );
    }
    let tool = |arguments: &[&str]| {
        let mut command = program("thingsbus");
        command.env("THINGSBUS_BROKER", doors.clients.to_string()).env("COLUMNS", "60");
        Ended::of(command.args(["history", "shop.climate"]).args(arguments))
    };
    let good = |arguments: &[&str]| {
        let Ended { code, stdout, stderr } = tool(arguments);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}");
        stdout
    };
    let lines = good(&["--json"]);
    assert_eq!(lines.lines().count(), 20);
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["ns"], &last["data"]["temperature"]), (&json!("shop.climate"), &json!(24.75)));
    assert_eq!(good(&["--last", "2", "--path", "/temperature", "--human"]).lines().count(), 2);
    let csv = good(&["--last", "1", "--csv"]);
    assert!(
        csv.starts_with("received,ts,data\n")
            && csv.contains(r#","{""temperature"":24.75,""note"":""a, \""b\""""}""#),
        "{csv}"
    );
    let table = good(&["--every", "1d", "--human"]);
    assert!(table.starts_with("/temperature\nsince") && table.contains("24.75"), "{table}");
    let plot = good(&["--plot", "--human"]);
    assert!(plot.starts_with("/temperature  last 24.75\n 24.75 ┤"), "{plot}");
    assert!(plot.lines().all(|line| line.chars().count() <= 60), "{plot}");
    let narrow =
        Ended::of(
            program("thingsbus")
                .env("THINGSBUS_BROKER", doors.clients.to_string())
                .env("COLUMNS", "40")
                .args(["history", "shop.climate", "--since", "2d", "--plot", "--human"]),
        );
    let axis = narrow.stdout.lines().last().expect("an axis");
    assert_eq!(axis.split_whitespace().map(str::len).collect::<Vec<_>>(), [8, 8], "{}", narrow.stdout);
    let many: serde_json::Map<String, Value> = (0..40).map(|n| (format!("n{n}"), json!(n))).collect();
    say(&req, "shop.many", &Value::Object(many));
    let mut command = program("thingsbus");
    command.env("THINGSBUS_BROKER", doors.clients.to_string());
    let many = Ended::of(command.args(["history", "shop.many", "--every", "1d", "--json"]));
    assert_eq!((many.code, many.stdout.lines().count()), (Some(0), 32));
    assert!(many.stderr.contains("lines of 32 numbers of a thing only"), "{}", many.stderr);
    let nothing = tool(&["--path", "/humidity"]);
    assert_eq!(nothing.code, Some(2));
    assert!(nothing.stderr.contains("said nothing at /humidity in that time"), "{}", nothing.stderr);
    let wrong = tool(&["--since", "someday"]);
    assert_eq!(wrong.code, Some(64));
    assert!(wrong.stderr.contains("yesterday 14:00"), "{}", wrong.stderr);

    let mut command = program("thingsbus");
    let tree = Ended::of(
        command.env("THINGSBUS_BROKER", doors.clients.to_string()).args(["tree", "--at", "now", "--human"]),
    );
    assert!(tree.code == Some(0) && tree.stdout.contains("climate"), "{}{}", tree.stdout, tree.stderr);
}
