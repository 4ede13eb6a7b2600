//! Snapshots, with the broker as a program: what is saved comes back, by the wire and by the tool, and what a broken
//! directory begins with.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::{Client, Flags, Parts};

use crate::support::peers::{Push, Req, Sub, parse, update};
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker};

/// A broker that keeps its directory in `folder`.
fn start(folder: &ScratchFolder) -> BrokerProgram {
    start_with(folder, &[])
}

fn start_with(folder: &ScratchFolder, flags: &[&str]) -> BrokerProgram {
    let data = folder.path("data").display().to_string();
    BrokerProgram::start(&[&["--data", &data, "--set", "store.every_s=60"], flags].concat())
}

fn stop(mut broker: BrokerProgram) {
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
}

/// Says something by the query door: the broker has it when this returns.
fn say(doors: &Doors, ns: &str, data: Value) {
    let answer = Req::connect(doors).ask(&json!({"type": "thing_update", "ns": ns, "data": data}));
    assert!(answer["error"].is_null(), "{answer}");
}

#[track_caller]
fn ask(doors: &Doors, kind: &str, name: &str) -> Value {
    let answer = doors.ask(&json!({"type": kind, "name": name}));
    assert!(answer["error"].is_null(), "{answer}");
    answer
}

#[track_caller]
fn refused(doors: &Doors, question: Value, error: &str, part: &str) {
    let answer = doors.ask(&question);
    assert_eq!((&answer["type"], &answer["error"]), (&json!("error"), &json!(error)), "{answer}");
    assert!(answer["message"].as_str().is_some_and(|message| message.contains(part)), "{answer}");
}

/// Every thing with value, time and documentation, page by page.
fn known(doors: &Doors) -> BTreeMap<String, Value> {
    let mut known = BTreeMap::new();
    let mut after = Value::Null;
    loop {
        let page = doors.ask(&json!({"type": "thing_query", "ns": "", "tree": true, "after": after}));
        for (ns, thing) in page["data"].as_object().expect("things") {
            known.insert(ns.clone(), json!([thing["data"], thing["ts"], thing["documentation_url"]]));
        }
        after = page["next"].clone();
        if after.is_null() {
            return known;
        }
    }
}

fn names(doors: &Doors) -> Vec<String> {
    let list = doors.ask(&json!({"type": "snapshot_list"}));
    let list = list["snapshots"].as_array().expect("a list").iter();
    list.map(|snapshot| snapshot["name"].as_str().expect("a name").to_owned()).collect()
}

fn tool_command(doors: &Doors, arguments: &[&str]) -> Command {
    let mut command = program("thingsbus");
    command.env("THINGSBUS_BROKER", doors.clients.to_string()).arg("snapshot").args(arguments);
    command
}

fn tool(doors: &Doors, arguments: &[&str]) -> Ended {
    Ended::of(&mut tool_command(doors, arguments))
}

/// What the tool prints where all goes well.
#[track_caller]
fn good(doors: &Doors, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = tool(doors, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}\n{stdout}");
    stdout
}

#[test]
fn what_was_saved_comes_back_and_clients_hear_exactly_what_changes() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    say(&doors, "", json!("root"));
    for (ns, data) in [("a", json!({"b": 1.50})), ("a.x", json!(1)), ("b", json!("same")), ("c", json!([]))] {
        say(&doors, ns, data);
    }
    let with_url = json!({"type": "thing_update", "ns": "d", "data": 1, "documentation_url": "http://e.org"});
    Req::connect(&doors).ask(&with_url);
    let before = known(&doors);
    let saved = ask(&doors, "snapshot_save", "good");
    assert_eq!(
        (&saved["type"], &saved["things"], &saved["seq"]),
        (&json!("snapshot_saved"), &json!(6), &json!(6))
    );

    say(&doors, "a.x", json!(2));
    doors.ask(&json!({"type": "thing_forget", "ns": "c"}));
    say(&doors, "new", json!("ghost"));
    say(&doors, "a.new", json!("ghost"));
    // Its documentation is new; its value is not.
    Req::connect(&doors).ask(&json!({
        "type": "thing_update", "ns": "b", "data": "same", "documentation_url": "http://e.org", "ts": before["b"][1],
    }));
    let changed = known(&doors);
    let name = BrokerName::Address(Address::new("127.0.0.1", doors.clients.port()).expect("an address"));
    let client = Client::connect(name, &Parts::All).expect("a client");
    client.wait_ready(PATIENCE).expect("it is complete");
    let root = client.directory().get_thing("").expect("a name");
    let mut events = root.events(Flags::TREE | Flags::FORGOTTEN);

    let loaded = ask(&doors, "snapshot_load", "good");
    let counts = ["set", "forgotten", "same", "refused"].map(|key| loaded[key].as_u64().expect("a number"));
    assert_eq!(counts, [3, 2, 3, 0], "{loaded}");
    assert_eq!(known(&doors), before);
    let mut heard = BTreeMap::new();
    while heard.len() < 5 {
        let event = events.next_within(PATIENCE).expect("an event");
        heard.insert(event.ns().to_string(), (event.is_forgotten(), event.data().to_owned()));
    }
    say(&doors, "last", json!(0));
    assert_eq!(events.next_within(PATIENCE).expect("an event").ns().as_str(), "last", "and nothing else");
    let wanted = [
        ("a.new", (true, "null")),
        ("a.x", (false, "1")),
        ("b", (false, "\"same\"")),
        ("c", (false, "[]")),
        ("new", (true, "null")),
    ];
    let wanted = wanted.map(|(ns, (gone, data))| (ns.to_owned(), (gone, data.to_owned())));
    assert_eq!(heard, BTreeMap::from(wanted));

    // What was there before the load is a snapshot too.
    let kept = loaded["head_kept_as"].as_str().expect("a name");
    assert!(kept.starts_with("head-before-good-2") && kept.ends_with('Z'), "{kept}");
    assert_eq!(names(&doors), ["good", kept]);
    doors.ask(&json!({"type": "thing_forget", "ns": "last"}));
    ask(&doors, "snapshot_load", kept);
    assert_eq!(known(&doors), changed);
    ask(&doors, "snapshot_delete", kept);
    refused(&doors, json!({"type": "snapshot_delete", "name": kept}), "no_snapshot", "snapshot list");
    // It was told when it was on disk.
    let mut broker = broker;
    broker.signal("KILL");
    broker.wait();
    assert_eq!(known(&start(&folder).doors()), changed);
}

#[test]
fn however_fast_loads_come_each_keeps_what_was_there_and_the_last_20_are_kept() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    say(&doors, "a", json!(1));
    ask(&doors, "snapshot_save", "good");
    let load = |name: &str| {
        let loaded = ask(&doors, "snapshot_load", name);
        loaded["head_kept_as"].as_str().expect("a name").to_owned()
    };
    let mut copies: Vec<String> = (0..25).map(|_| load("good")).collect();
    // Of several within a second the later ones have a number.
    assert!(copies.iter().any(|copy| copy.ends_with("Z-2")), "{copies:?}");
    let mut there = names(&doors);
    there.retain(|name| name != "good");
    let mut wanted = copies.split_off(5);
    wanted.sort_unstable();
    assert_eq!(there, wanted);
    // The oldest is not taken away from who loads it.
    let oldest = doors.ask(&json!({"type": "snapshot_list"}))["snapshots"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|snapshot| snapshot["name"] != "good")
        .min_by(|one, other| one["saved"].as_f64().partial_cmp(&other["saved"].as_f64()).expect("times"))
        .map(|snapshot| snapshot["name"].as_str().expect("a name").to_owned())
        .expect("one");
    load(&oldest);
    assert!(names(&doors).contains(&oldest));
}

#[test]
fn a_part_is_saved_and_a_part_is_loaded() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    let all = ["lab.x", "shop", "shop-x", "shop.door", "shop.lathe", "shop.lathe.rpm", "shopping"];
    all.iter().for_each(|ns| say(&doors, ns, json!(1)));
    let of_shop = doors.ask(&json!({"type": "snapshot_save", "name": "shop", "ns": "shop"}));
    assert_eq!((&of_shop["things"], &of_shop["ns"]), (&json!(4), &json!("shop")), "{of_shop}");
    assert_eq!(ask(&doors, "snapshot_save", "all")["things"], 7);
    all.iter().for_each(|ns| say(&doors, ns, json!(2)));
    say(&doors, "shop.new", json!(2));
    say(&doors, "shop.lathe.new", json!(2));
    say(&doors, "zoo", json!(2));
    let value = |ns: &str| known(&doors).get(ns).map(|thing| thing[0].clone());

    let loaded = doors.ask(&json!({"type": "snapshot_load", "name": "all", "ns": "shop.lathe"}));
    assert_eq!((&loaded["set"], &loaded["forgotten"]), (&json!(2), &json!(1)), "{loaded}");
    assert_eq!((value("shop.lathe.rpm"), value("shop.door")), (Some(json!(1)), Some(json!(2))));
    let loaded = ask(&doors, "snapshot_load", "shop");
    assert_eq!((&loaded["set"], &loaded["forgotten"], &loaded["same"]), (&json!(2), &json!(1), &json!(2)));
    let there: Vec<_> = known(&doors).into_iter().map(|(ns, thing)| (ns, thing[0].clone())).collect();
    let wanted = [
        ("lab.x", 2),
        ("shop", 1),
        ("shop-x", 2),
        ("shop.door", 1),
        ("shop.lathe", 1),
        ("shop.lathe.rpm", 1),
        ("shopping", 2),
        ("zoo", 2),
    ];
    assert_eq!(there, wanted.map(|(ns, data)| (ns.to_owned(), json!(data))));
    refused(
        &doors,
        json!({"type": "snapshot_load", "name": "shop", "ns": "lab"}),
        "not_in_snapshot",
        "below shop, and nothing of lab",
    );
}

#[test]
fn a_thing_that_is_to_be_forgotten_in_time_comes_back_as_such() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    let with_ttl = json!({"type": "thing_update", "ns": "a", "data": 1, "ttl": 3600});
    assert!(Req::connect(&doors).ask(&with_ttl)["error"].is_null());
    ask(&doors, "snapshot_save", "x");
    doors.ask(&json!({"type": "thing_forget", "ns": "a"}));
    assert_eq!(ask(&doors, "snapshot_load", "x")["set"], 1);
    ask(&doors, "snapshot_save", "y");
    for name in ["x", "y"] {
        let part = ask(&doors, "snapshot_part", name);
        let text = part["text"].as_str().expect("text");
        assert!(text.contains("\"ttl\":3600.0}\n"), "{text}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_to_do() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    say(&doors, "a", json!(1));
    ask(&doors, "snapshot_save", "x");
    let file = folder.path("data").join("snapshots/x.jsonl");
    let bytes = std::fs::read(&file).expect("the file");
    refused(
        &doors,
        json!({"type": "snapshot_save", "name": "x"}),
        "snapshot_exists",
        "delete that one first",
    );
    assert_eq!(std::fs::read(&file).expect("the file"), bytes);
    refused(&doors, json!({"type": "snapshot_save", "name": "head"}), "bad_query", "running state");
    refused(&doors, json!({"type": "snapshot_save", "name": "../x"}), "bad_query", "takes a letter");
    refused(&doors, json!({"type": "snapshot_load", "name": "y"}), "no_snapshot", "snapshot list");
    refused(&doors, json!({"type": "snapshot_part", "name": "y"}), "no_snapshot", "snapshot list");

    // Broken: nothing is loaded, and nothing saved before it.
    let mut turned = bytes.clone();
    turned[130] ^= 1;
    std::fs::write(&file, &turned).expect("it can be written");
    say(&doors, "a", json!(2));
    refused(&doors, json!({"type": "snapshot_load", "name": "x"}), "broken_snapshot", "nothing was loaded");
    assert_eq!((known(&doors)["a"][0].clone(), names(&doors)), (json!(2), vec!["x".to_owned()]));

    let forgetful = TestBroker::start();
    for kind in ["snapshot_save", "snapshot_load", "snapshot_list"] {
        refused(&forgetful, json!({"type": kind, "name": "x"}), "no_disk", "--data FOLDER");
    }
}

#[test]
fn a_disk_that_refuses_gives_a_reason_and_the_broker_goes_on() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    say(&doors, "a", json!(1));
    // Where the folder is to be there is a file.
    std::fs::write(folder.path("data").join("snapshots"), "").expect("a file");
    let answer = doors.ask(&json!({"type": "snapshot_save", "name": "x"}));
    assert_eq!(answer["error"], "disk_failed", "{answer}");
    say(&doors, "a", json!(2));
    std::fs::remove_file(folder.path("data").join("snapshots")).expect("it is there");
    assert_eq!(ask(&doors, "snapshot_save", "x")["things"], 1);
}

#[test]
fn many_things_are_saved_and_loaded_while_updates_go_on() {
    const THINGS: u64 = 20_000;
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    let push = Push::connect(&doors);
    for thing in 0..THINGS {
        push.send(update(&format!("many.t{thing}"), &json!({"value": thing})));
    }
    until("all of them to be taken", || (doors.status()["things"] == THINGS).then_some(()));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let live = scope.spawn(|| {
            let req = Req::connect(&doors);
            let mut number = 0_u64;
            while !over.load(Ordering::Relaxed) {
                number += 1;
                req.ask(
                    &json!({"type": "thing_update", "ns": format!("live.t{}", number % 50), "data": number}),
                );
            }
            number
        });
        let saved = ask(&doors, "snapshot_save", "many");
        assert!(saved["things"].as_u64().is_some_and(|things| things >= THINGS), "{saved}");
        for thing in 0..THINGS / 2 {
            push.send(update(&format!("many.t{thing}"), &json!("changed")));
        }
        push.send(update("many.new", &json!("ghost")));
        until("it to be there", || doors.things("many.new")["data"].get("many.new").map(drop));
        let loaded = doors.ask(&json!({"type": "snapshot_load", "name": "many", "ns": "many"}));
        let counts =
            ["set", "forgotten", "same", "refused"].map(|key| loaded[key].as_u64().expect("a number"));
        assert_eq!(counts, [THINGS / 2, 1, THINGS / 2, 0], "{loaded}");
        over.store(true, Ordering::Relaxed);
        let number = live.join().expect("it ends");
        assert!(number > 50, "updates went on: {number}");
        let known = known(&doors);
        let last = known[&format!("live.t{}", number % 50)][0].as_u64();
        assert_eq!(last, Some(number), "what is live is as it was said last");
        for thing in 0..THINGS {
            assert_eq!(known[&format!("many.t{thing}")][0]["value"], thing);
        }
        assert_eq!(known.keys().filter(|ns| ns.starts_with("many.")).count() as u64, THINGS);
    });
}

#[test]
fn a_broken_directory_begins_with_the_newest_whole_snapshot() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    for (ns, data) in [("shop.lathe", json!({"rpm": 1200})), ("shop.door", json!("open"))] {
        say(&doors, ns, data);
    }
    ask(&doors, "snapshot_save", "old");
    say(&doors, "shop.window", json!("shut"));
    ask(&doors, "snapshot_save", "good");
    let before = doors.things("");
    say(&doors, "shop.window", json!("lost"));
    doors.ask(&json!({"type": "snapshot_save", "name": "part", "ns": "shop.window"}));
    ask(&doors, "snapshot_save", "turned");
    stop(broker);

    let turn = |name: &str| {
        let path = folder.path("data").join(name);
        let mut bytes = std::fs::read(&path).expect("the file");
        bytes.iter_mut().skip(150).step_by(97).for_each(|byte| *byte ^= 0x55);
        std::fs::write(&path, bytes).expect("it can be written");
    };
    turn("head.redb");
    turn("snapshots/turned.jsonl");
    std::fs::write(folder.path("data").join("snapshots/half.jsonl.tmp"), "x").expect("a file");
    let mut broker = start(&folder);
    broker.find_error("cannot be read");
    broker.find_error("head-broken");
    let told = broker.find_error("begins with the snapshot");
    assert!(told.contains("snapshot good") && told.contains("3 things") && told.contains(" old"), "{told}");
    let doors = broker.doors();
    let after = doors.things("");
    assert_eq!(after["data"], before["data"], "values, times and numbers");
    assert_ne!(after["epoch"], before["epoch"]);
    assert_eq!(names(&doors), ["good", "old", "part", "turned"]);
    assert!(!folder.path("data").join("snapshots/half.jsonl.tmp").exists());
    // It is in the new file at once, and is not brought back again.
    until("it to be written", || (doors.status()["store"]["behind"] == 0).then_some(()));
    say(&doors, "shop.door", json!("new"));
    stop(broker);
    let broker = start(&folder);
    assert_eq!(known(&broker.doors())["shop.door"][0], "new");
    assert_eq!(broker.doors().status()["things"], 3);
}

#[test]
fn a_start_that_is_cut_short_while_it_brings_a_snapshot_back_does_so_again() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    say(&broker.doors(), "a", json!(1));
    say(&broker.doors(), "b", json!(1));
    ask(&broker.doors(), "snapshot_save", "good");
    stop(broker);
    let data = folder.path("data");
    // As it is when the new file has nothing yet, and when it has something newer.
    std::fs::rename(data.join("head.redb"), data.join("aside")).expect("it is there");
    std::fs::write(data.join("head-restoring"), "").expect("a file");
    let broker = start(&folder);
    assert_eq!(broker.doors().status()["things"], 2);
    until("it to be written", || (!data.join("head-restoring").exists()).then_some(()));
    let answer = broker.doors().ask(&json!({"type": "thing_forget", "ns": "b"}));
    assert_eq!(answer["count"], 1);
    say(&broker.doors(), "a", json!(2));
    stop(broker);
    std::fs::write(data.join("head-restoring"), "").expect("a file");
    let broker = start(&folder);
    let known = known(&broker.doors());
    assert_eq!((&known["a"][0], &known["b"][0]), (&json!(2), &json!(1)), "what is newer stays");
}

#[test]
fn the_tool_saves_shows_what_changed_and_brings_it_back() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    let list = tool(&doors, &["list", "--human"]);
    assert_eq!((list.code, list.stdout.as_str()), (Some(0), ""));
    assert!(list.stderr.contains("snapshot save NAME"), "{}", list.stderr);
    for (ns, data) in [("shop.lathe", json!({"rpm": 1200})), ("shop.door", json!("open")), ("lab", json!(1))]
    {
        say(&doors, ns, data);
    }
    let saved = good(&doors, &["save", "one", "--human"]);
    assert!(saved.starts_with("saved one: 3 things, ") && saved.ends_with(" B"), "{saved}");
    assert_eq!(good(&doors, &["diff", "one", "--human"]), "one and the directory now have the same values");
    assert_eq!(good(&doors, &["diff", "one", "--json"]), "");

    say(&doors, "shop.lathe", json!({"rpm": 1100}));
    doors.ask(&json!({"type": "thing_forget", "ns": "shop.door"}));
    say(&doors, "shop.window", json!("shut"));
    let diff = tool(&doors, &["diff", "one", "--human"]);
    let wanted = "- shop.door \"open\"\n~ shop.lathe {\"rpm\":1200} → {\"rpm\":1100}\n+ shop.window \"shut\"";
    assert_eq!((diff.code, diff.stdout.as_str()), (Some(2), wanted));
    assert!(
        diff.stderr.contains("from one to the directory now: 1 more, 1 less, 1 changed"),
        "{}",
        diff.stderr
    );
    let diff = tool(&doors, &["diff", "one", "--json", "--under", "shop.lathe"]);
    let line = parse(diff.stdout.as_bytes());
    assert_eq!((&line["change"], &line["old"]["data"]["rpm"]), (&json!("changed"), &json!(1200)), "{line}");
    good(&doors, &["save", "two", "--under", "shop"]);
    let diff = tool(&doors, &["diff", "two", "one", "--human"]);
    assert_eq!((diff.code, diff.stdout.lines().count()), (Some(2), 3), "{}", diff.stdout);
    assert!(diff.stdout.starts_with("+ shop.door"), "{}", diff.stdout);

    let loaded = good(&doors, &["load", "one", "--human"]);
    let wanted =
        "loaded one: 2 things set, 1 forgotten, 1 the same\nwhat was there before is head-before-one-2";
    assert!(loaded.starts_with(wanted), "{loaded}");
    good(&doors, &["diff", "one"]);
    let list = good(&doors, &["list", "--human"]);
    let lines: Vec<&str> = list.lines().collect();
    assert!(lines[0].starts_with("name ") && lines[0].ends_with("under"), "{list}");
    assert!(lines.len() == 4 && lines[3].starts_with("two ") && lines[3].ends_with("  shop"), "{list}");
    let columns = |line: &str| line.find(" s ").or(line.find("age"));
    assert_eq!(columns(lines[1]), columns(lines[3]), "{list}");
    assert_eq!(good(&doors, &["delete", "two", "--human"]), "deleted two");
    let gone = tool(&doors, &["delete", "two"]);
    assert_eq!((gone.code, gone.stdout.as_str()), (Some(2), ""));
    assert!(gone.stderr.contains("there is no snapshot two"), "{}", gone.stderr);
    let gone = tool(&doors, &["diff", "two"]);
    assert_eq!(gone.code, Some(1), "that is not the answer that something differs: {}", gone.stderr);
    let wrong = tool(&doors, &["save", "head"]);
    assert_eq!(wrong.code, Some(64), "{}", wrong.stderr);
    let forgetful = tool(&TestBroker::start(), &["save", "x"]);
    assert_eq!(forgetful.code, Some(1));
    assert!(forgetful.stderr.contains("--data FOLDER"), "{}", forgetful.stderr);
}

/// Gives the tool something to read.
fn import(doors: &Doors, name: &str, text: &str) -> std::process::Output {
    let mut command = tool_command(doors, &["import", name, "--human"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // Who is refused early reads no further.
    let _ = child.stdin.take().expect("a pipe").write_all(text.as_bytes());
    child.wait_with_output().expect("it ends")
}

#[test]
fn what_one_broker_exports_another_one_imports() {
    const THINGS: usize = 3_000;
    let (here, there) = (ScratchFolder::new(), ScratchFolder::new());
    let (one, other) = (start(&here), start(&there));
    let push = Push::connect(&one.doors());
    for thing in 0..THINGS {
        push.send(update(&format!("many.t{thing}"), &json!({"value": thing, "text": "größe ".repeat(20)})));
    }
    until("all to be there", || (one.doors().status()["things"] == THINGS).then_some(()));
    good(&one.doors(), &["save", "x"]);
    let text = good(&one.doors(), &["export", "x"]) + "\n";
    let file = std::fs::read(here.path("data").join("snapshots/x.jsonl")).expect("the file");
    assert_eq!(text.as_bytes(), file, "byte for byte");
    assert!(file.len() > 400_000, "several parts: {}", file.len());

    let other = other.doors();
    let imported = import(&other, "y", &text);
    let told = String::from_utf8_lossy(&imported.stdout).into_owned();
    assert!(imported.status.success() && told.starts_with("imported y: 3,000 things, "), "{imported:?}");
    ask(&other, "snapshot_load", "y");
    assert_eq!(known(&other), known(&one.doors()));
    assert_eq!(tool(&other, &["diff", "y"]).code, Some(0));
    let again = import(&other, "y", &text);
    assert!(String::from_utf8_lossy(&again.stderr).contains("delete that one first"), "{again:?}");

    // Changed by hand: the checksum is in the way, and says so.
    let changed = text.replace("\"value\":7,", "\"value\":-7,");
    let refused = import(&other, "z", &changed);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("remove that last line"), "{refused:?}");
    let end = changed.trim_end().rfind('\n').expect("lines") + 1;
    assert!(import(&other, "z", &changed[..end]).status.success());
    ask(&other, "snapshot_load", "z");
    assert_eq!(known(&other)["many.t7"][0]["value"], -7);
    assert!(!import(&other, "w", "so long").status.success());
    let file = there.write("some.jsonl", &text);
    good(&other, &["import", "w", &file.display().to_string()]);
    let names = names(&other);
    assert!(["w", "y", "z"].iter().all(|name| names.contains(&(*name).to_owned())), "{names:?}");
}

#[test]
fn a_thing_that_speaks_while_a_snapshot_is_loaded_is_not_forgotten() {
    let folder = ScratchFolder::new();
    let broker = start(&folder);
    let doors = broker.doors();
    say(&doors, "a", json!(1));
    ask(&doors, "snapshot_save", "x");
    say(&doors, "b", json!(1));
    let mut sub = Sub::connect(&doors, &[r#"{"ns":"#]);
    // On one connection the update is taken after the question, and before it is answered.
    let dealer = crate::support::peers::socket(zmq::SocketType::DEALER);
    dealer.connect(&doors.query_url()).expect("an address");
    dealer.send(json!({"type": "snapshot_load", "name": "x"}).to_string().as_bytes(), 0).expect("it is sent");
    dealer
        .send(json!({"type": "thing_update", "ns": "b", "data": 2}).to_string().as_bytes(), 0)
        .expect("it is sent");
    let answers = [0, 1].map(|_| parse(&dealer.recv_bytes(0).expect("an answer")));
    assert_eq!(
        (&answers[0]["type"], &answers[1]["forgotten"]),
        (&json!("thing_ack"), &json!(0)),
        "{answers:?}"
    );
    assert_eq!(known(&doors)["b"][0], 2);
    assert_eq!(sub.so_far().len(), 1);
}
