//! The tool `thingsbus`, as people and scripts use it: what it prints, how it ends, and what it says when things go wrong.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use thingsbus_broker::Data;
use zmq::SocketType;

use crate::support::peers::{Push, Sub, parse, socket, update};
use crate::support::process::Process;
use crate::support::program::{Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, free_ports, python};

const TOOL: &str = "thingsbus";

/// The tool, for this broker.
fn tool(broker: &Doors, arguments: &[&str]) -> Command {
    let mut command = program(TOOL);
    command.env("THINGSBUS_BROKER", broker.clients.to_string()).args(arguments);
    command
}

/// Runs it to its end.
fn run(broker: &Doors, arguments: &[&str]) -> Ended {
    Ended::of(&mut tool(broker, arguments))
}

/// The same where all must go well; what it printed.
#[track_caller]
fn good(broker: &Doors, arguments: &[&str]) -> String {
    let Ended { code, stdout, stderr } = run(broker, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}\n{stdout}");
    stdout
}

/// The same where it must end with `code` and say all of `parts`, and nothing must be printed.
#[track_caller]
fn fails(broker: &Doors, arguments: &[&str], code: i32, parts: &[&str]) {
    let Ended { code: ended, stdout, stderr } = run(broker, arguments);
    assert_eq!((ended, stdout.as_str()), (Some(code), ""), "{arguments:?}\n{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} is not in\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

fn start(broker: &Doors, arguments: &[&str]) -> Process {
    Process::start(TOOL, &mut tool(broker, arguments))
}

/// What standard output says, line by line.
fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| parse(line.as_bytes())).collect()
}

/// Where no broker is.
fn nowhere() -> Doors {
    Doors::at("127.0.0.1".parse().expect("an address"), free_ports())
}

/// Sends what the broker must have before the test goes on.
fn say(broker: &Doors, things: &[(&str, Value)]) {
    let push = Push::connect(broker);
    for (ns, data) in things {
        push.send(update(ns, data));
    }
    let (last, data) = things.last().expect("something to say");
    // A thing that is not there has no data, while one whose data is null has.
    until("the broker has it", || (thing(broker, last).get("data") == Some(data)).then_some(()));
}

/// What the broker has of a thing.
fn thing(broker: &Doors, ns: &str) -> Value {
    broker.things(ns)["data"][ns].clone()
}

#[test]
fn help_says_how_and_a_wrong_command_line_is_64() {
    let run = |arguments: &[&str]| Ended::of(program(TOOL).args(arguments));
    let version = run(&["--version"]);
    assert_eq!((version.code, version.stdout), (Some(0), format!("thingsbus {}", env!("CARGO_PKG_VERSION"))));
    let help = run(&["--help"]);
    assert_eq!((help.code, help.stderr.as_str()), (Some(0), ""));
    for word in ["watch", "adapt", "--broker", "--json", "Exit codes", "64", "130", "THINGSBUS_BROKER"] {
        assert!(help.stdout.contains(word), "{word} is not in\n{}", help.stdout);
    }
    for command in [
        "watch",
        "get",
        "ls",
        "tree",
        "send",
        "wait",
        "status",
        "completions",
        "adapt zmq",
        "adapt stdin",
        "adapt exec",
    ] {
        let arguments: Vec<&str> = command.split(' ').chain(["--help"]).collect();
        let help = run(&arguments);
        assert_eq!(help.code, Some(0));
        assert!(help.stdout.contains("Example") && help.stdout.contains(command), "{}", help.stdout);
    }
    for (arguments, part) in [
        (&["bogus"][..], "bogus"),
        (&[], "Usage"),
        (&["get"], "<NS>"),
        (&["get", "Shop"], "try \"shop\""),
        (&["ls", "--timeout", "soon"], "5s"),
        (&["ls", "-b", "a", "-z", "b"], "--broker and --zone"),
        (&["ls", "-b", "udp://x"], "tcp://"),
        (&["watch", "-n", "0"], "0"),
        (&["history", "a", "-n", "0"], "1 is the least"),
        (&["history", "a", "-e", "0s"], "longer than nothing"),
        (&["history", "a", "-p", "temperature"], "begins with a slash: /temperature"),
        (&["history", "a", "--since", "0"], "yesterday 14:00"),
        (&["history", "a", "--since=-5"], "yesterday 14:00"),
        (&["tree", "--at", "0"], "yesterday 14:00"),
        (&["forget", "", "--tree"], "--everything"),
        (&["forget", "a", "--everything"], "--tree"),
        (&["send", "", "5"], "write a namespace"),
        (&["adapt", "zmq", "--ns", "a", "-s", "nonsense"], "tcp://HOST:PORT"),
        (&["adapt", "zmq", "--ns", "a", "-s", "tcp://h:1", "-u", "tcp://h:2", "-b", "h"], "give one of them"),
        (&["adapt", "exec", "--ns", "a"], "COMMAND"),
        (&["adapt", "stdin", "--text"], "--ns"),
    ] {
        let ended = run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(64), ""), "{arguments:?} {}", ended.stderr);
        assert!(ended.stderr.contains(part), "{arguments:?}\n{}", ended.stderr);
    }
    let variable = Ended::of(program(TOOL).arg("ls").env("THINGSBUS_BROKER", "host:port"));
    assert_eq!(variable.code, Some(64));
    assert!(variable.stderr.contains("THINGSBUS_BROKER"), "{}", variable.stderr);
}

#[test]
fn what_is_sent_is_got_byte_for_byte() {
    let broker = TestBroker::start();
    let data = r#"{"b": 1.0, "a": [2e5, 18446744073709551616], "ö": "\u00fc€"}"#;
    good(&broker, &["send", "shop.lathe", data, "--doc", "http://example.org/lathe", "--ts", "1423351104"]);
    until("the broker has it", || thing(&broker, "shop.lathe").is_object().then_some(()));
    assert_eq!(good(&broker, &["get", "shop.lathe", "--data"]), data);
    let line = good(&broker, &["get", "shop.lathe"]);
    let age = line.rsplit_once(",\"age\":").expect("an age").1.trim_end_matches('}').parse::<f64>();
    assert!((0.0..30.0).contains(&age.expect("seconds")), "{line}");
    assert!(line.starts_with(&format!(
        "{{\"ns\":\"shop.lathe\",\"type\":\"thing_update\",\"ts\":1423351104.0,\"data\":{data},\
         \"documentation_url\":\"http://example.org/lathe\",\"seq\":1,\"age\":"
    )));
    // What a shell does to values.
    for (arguments, wanted) in [
        (&["-5.50"][..], json!(-5.5)),
        (&["--text", "-5"], json!("-5")),
        (&["--text", "it is \"open\""], json!("it is \"open\"")),
        (&["--udp", "[1, null]"], json!([1, null])),
    ] {
        good(&broker, &[&["send", "x"], arguments].concat());
        until("the broker has it", || (thing(&broker, "x")["data"] == wanted).then_some(()));
    }
    let mut from_input = start(&broker, &["send", "x", "-"]);
    from_input.write_line("{\"lines\":\n 2}");
    from_input.close_input();
    assert!(from_input.wait().success());
    until("the broker has it", || (thing(&broker, "x")["data"]["lines"] == 2).then_some(()));
    fails(&broker, &["send", "x", "open"], 64, &["open is not JSON", "--text", "'\"open\"'"]);
    fails(&broker, &["send", "x", "{rpm: 1}"], 64, &["is not JSON", "single quotes"]);
    fails(&broker, &["send", "x", "NaN"], 64, &["NaN is not JSON"]);
}

#[test]
fn what_is_to_be_acknowledged_is_or_is_told_why_not() {
    let folder = ScratchFolder::new();
    let broker = TestBroker::with(|config| {
        config.store.data = Data::Folder(folder.path("data"));
        config.limits.things_max = 2;
    });
    let said = good(&broker, &["send", "shop.lathe", "1", "--ack", "disk"]);
    assert_eq!(said, r#"{"ns":"shop.lathe","ack":"disk","seq":1}"#);
    let said = good(&broker, &["send", "shop.lathe", "2", "--ack", "disk", "--human"]);
    assert_eq!(said, "shop.lathe is on the broker's disk, as its update 2");
    let said =
        good(&broker, &["send", "shop.door", "3", "--udp", "--ack", "directory", "--ttl", "60s", "--human"]);
    assert_eq!(said, "shop.door is in the broker's directory, as its update 3");
    assert_eq!(thing(&broker, "shop.door")["data"], 3);
    let refused = ["send", "shop.third", "4", "--ack", "directory"];
    fails(&broker, &refused, 1, &["the broker refuses it: the thing is new", "(directory_full)"]);
    let mut lines = start(&broker, &["adapt", "stdin", "--ack", "disk"]);
    for line in [r#"{"ns":"shop.door","data":5}"#, r#"{"ns":"shop.third","data":6}"#] {
        lines.write_line(line);
    }
    lines.close_input();
    assert_eq!(lines.wait().code(), Some(1));
    lines.find_error("the directory is full (directory_full): shop.third");
    lines.find_error("1 sent, 1 not sent");
    assert_eq!(thing(&broker, "shop.door")["data"], 5);
    fails(&broker, &["send", "x", "1", "--ack", "disc"], 64, &["directory", "disk"]);
    fails(&broker, &["send", "x", "1", "--ttl", "0"], 64, &["ttl"]);
}

#[test]
fn without_a_broker_it_says_what_it_tried() {
    let nowhere = nowhere();
    let address = nowhere.clients.to_string();
    let hint = "is thingsbus-broker running there? `--broker HOST` names another";
    for command in [&["ls"][..], &["tree"], &["get", "x"], &["watch"]] {
        let said = format!(
            "no directory from broker {address} within 0.3 s: {address} does not accept the connection"
        );
        fails(&nowhere, &[command, &["--timeout", "0.3"]].concat(), 1, &[&said, hint]);
    }
    let query = format!("{} does not accept the connection", nowhere.query);
    fails(&nowhere, &["status", "--timeout", "300ms"], 1, &["within 0.3 s", &query, hint]);
    let input = format!("not sent within 0.3 s: {} takes nothing", nowhere.input_url());
    fails(&nowhere, &["send", "x", "5", "--timeout", "0.3"], 1, &[&input, hint]);
    let unanswered = ["send", "x", "5", "--ack", "disk", "--timeout", "0.3"];
    fails(&nowhere, &unanswered, 1, &["not acknowledged within 0.3 s", &nowhere.query_url(), "0.2.1", hint]);
    let unanswered = [&unanswered[..], &["--udp"]].concat();
    fails(&nowhere, &unanswered, 1, &["not acknowledged within 0.3 s", &nowhere.input.to_string(), hint]);
    fails(&nowhere, &["wait", "x", "--for", "0.3"], 1, &["does not accept the connection", hint]);
}

#[test]
fn what_is_not_there_is_2_with_what_is_nearest() {
    let broker = TestBroker::start();
    fails(&broker, &["get", "shop"], 2, &["no thing shop: the broker's directory is empty"]);
    let empty = run(&broker, &["ls"]);
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""));
    assert!(empty.stderr.contains("the directory is empty"), "{}", empty.stderr);
    say(&broker, &[("shop.temperature", json!(21)), ("shop.lathe.spindle", json!(3))]);
    fails(&broker, &["get", "shop.temp"], 2, &["no thing shop.temp; did you mean shop.temperature?"]);
    fails(&broker, &["get", "spindle"], 2, &["did you mean shop.lathe.spindle?"]);
    fails(&broker, &["get", "shop.lathe"], 2, &["no value of its own", "shop.lathe.spindle"]);
    fails(&broker, &["ls", "garden"], 2, &["no thing garden", "thingsbus ls"]);
    fails(&broker, &["tree", "garden"], 2, &["no thing garden"]);
}

#[test]
fn things_are_listed_for_programs_and_for_people() {
    let broker = TestBroker::start();
    let long = json!({"luminance": 114.25, "text": "größer als 温度 und länger als die Zeile"});
    let deep = "building.floor-one.room-twelve.window";
    say(
        &broker,
        &[("a-b", json!(1)), ("lab.camera", long), ("lab.camera.ir", json!(2.5)), (deep, json!(null))],
    );
    let listed = lines(&good(&broker, &["ls"]));
    let names: Vec<&str> = listed.iter().map(|line| line["ns"].as_str().expect("a name")).collect();
    assert_eq!(names, ["a-b", deep, "lab.camera", "lab.camera.ir"]);
    assert!(listed.iter().all(|line| line["age"].is_f64() && line["type"] == "thing_update"), "{listed:?}");
    assert_eq!(lines(&good(&broker, &["tree", "lab", "--json"])).len(), 2);

    for columns in ["80", "40"] {
        for command in ["ls", "tree"] {
            let human =
                tool(&broker, &[command, "--human"]).env("COLUMNS", columns).output().expect("it runs");
            let text = String::from_utf8(human.stdout).expect("text");
            assert!(!text.contains('\u{1b}'), "{text}");
            let columns: usize = columns.parse().expect("a number");
            for line in text.lines() {
                // Each of these letters takes two columns.
                let wide = line.chars().filter(|letter| "温度".contains(*letter)).count();
                assert!(line.chars().count() + wide <= columns.max(deep.len() + 15), "{columns}: {line}");
            }
            assert!(text.contains(" 2.5\n") && text.contains('…'), "{text}");
        }
    }
    let tree = good(&broker, &["tree", "lab", "--human", "--color", "always"]);
    assert!(tree.contains("\u{1b}["), "{tree}");
    let tree = good(&broker, &["tree", "--human"]);
    let shape: Vec<&str> =
        tree.lines().map(|line| line.split_once("  ").map_or(line, |(name, _)| name)).collect();
    assert_eq!(shape, ["a-b", "building", "└─ floor-one", "", "", "lab", "└─ camera", ""]);
    assert!(tree.contains("   └─ room-twelve\n") && tree.contains("\n   └─ ir "), "{tree}");
}

#[test]
fn watch_tells_what_was_there_and_then_the_wire() {
    let broker = TestBroker::start();
    say(&broker, &[("lab", json!(0)), ("shop", json!(1)), ("shop.lathe", json!({"rpm": 1200}))]);
    let mut sub = Sub::connect(&broker, &["{\"ns\":\"shop"]);
    let mut watch = start(&broker, &["watch", "shop", "-n", "4"]);
    let mut live = start(&broker, &["watch", "--live", "-n", "2"]);
    for wanted in ["shop", "shop.lathe"] {
        let line = parse(watch.line().as_bytes());
        assert_eq!(line["ns"], wanted);
        assert!(line["age"].is_f64(), "{line}");
    }
    // Whoever hears only what is live shows by nothing that it listens: something is said until it does.
    let push = Push::connect(&broker);
    let first = until("a live line", || {
        push.send(update("lab", &json!("something")));
        live.stdout.next_within(Duration::from_millis(50))
    });
    assert_eq!(parse(first.as_bytes())["data"], "something");
    push.send(r#"{"type":"thing_update","ts":1,"ns":"shop.lathe","data":{"rpm": 1.0e3 , "x":"\u00e9"}}"#);
    push.send(update("shop", &json!([2])));
    for _ in 0..2 {
        assert_eq!(watch.line().into_bytes(), sub.next(), "the line, and the message");
    }
    assert!(watch.wait().success());
    assert_eq!(watch.stderr.drain(), [""; 0]);
    assert!(live.wait().success());

    let in_time = good(&broker, &["watch", "shop", "--for", "0.3"]);
    assert_eq!(in_time.lines().count(), 2);
    let too_few = run(&broker, &["watch", "shop", "--for", "0.3", "--count", "3"]);
    assert_eq!((too_few.code, too_few.stdout.lines().count()), (Some(2), 2));
    assert!(too_few.stderr.contains("2 updates of 3 within 0.3 s"), "{}", too_few.stderr);
    let human = good(&broker, &["watch", "shop", "-n", "2", "--human"]);
    assert!(human.contains(" s ago  shop        [2]\n"), "{human}");
}

#[test]
fn who_reads_no_more_ends_it_quietly() {
    let broker = TestBroker::start();
    let mut child = tool(&broker, &["watch"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    say(&broker, &[("a", json!(1))]);
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    drop(output);
    let push = Push::connect(&broker);
    let status = until("its end", || {
        push.send(update("a", &json!(2)));
        child.try_wait().expect("a child can be waited for")
    });
    let said = std::io::read_to_string(child.stderr.take().expect("a pipe")).expect("text");
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}

#[test]
fn watch_tells_when_the_broker_goes_and_comes() {
    let port = free_ports();
    let broker = TestBroker::with(|config| config.port = port);
    say(&broker, &[("a", json!(1))]);
    let mut watch = start(&broker, &["watch"]);
    assert_eq!(parse(watch.line().as_bytes())["data"], 1);
    drop(broker);
    watch.find_error("trying again");
    let broker = TestBroker::with(|config| config.port = port);
    watch.find_error("connected again");
    // The new one knows nothing of it.
    let gone = parse(watch.line().as_bytes());
    assert_eq!((&gone["type"], &gone["ns"]), (&json!("thing_forgotten"), &json!("a")), "{gone}");
    say(&broker, &[("a", json!(2))]);
    assert_eq!(parse(watch.line().as_bytes())["data"], 2);
    // Not INT, which whoever starts the tests may have set to be ignored: a shell does for what runs in its background.
    watch.signal("TERM");
    assert_eq!(watch.wait().code(), None, "ended by the signal, which a shell shows as 143");
}

#[test]
fn wait_waits_for_a_value_or_a_new_one() {
    let broker = TestBroker::start();
    let mut waiting = start(&broker, &["wait", "shop.lathe"]);
    fails(&broker, &["wait", "shop.lathe", "--for", "0.2"], 2, &["no value of shop.lathe within 0.2 s"]);
    say(&broker, &[("shop", json!(1)), ("shop.lathe", json!({"rpm": 1}))]);
    assert_eq!(parse(waiting.line().as_bytes())["data"]["rpm"], 1);
    assert!(waiting.wait().success());
    assert_eq!(good(&broker, &["wait", "shop.lathe", "--data", "--for", "10s"]), r#"{"rpm":1}"#);
    fails(&broker, &["wait", "shop.lathe", "--fresh", "--for", "0.2"], 2, &["no new value"]);
    let mut fresh = start(&broker, &["wait", "shop.lathe", "--fresh", "--data"]);
    let push = Push::connect(&broker);
    let line = until("a new value", || {
        push.send(update("shop.lathe", &json!(2)));
        fresh.stdout.next_within(Duration::from_millis(50))
    });
    assert_eq!(line, "2");

    // The broker may come later.
    let port = free_ports();
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
    let mut waiting = start(&doors, &["wait", "a", "--data"]);
    waiting.find_error("does not accept the connection; waiting");
    let broker = TestBroker::with(|config| config.port = port);
    say(&broker, &[("a", json!(5))]);
    assert_eq!(waiting.line(), "5");
}

#[test]
fn status_is_the_brokers_own_or_told_to_people() {
    let broker = TestBroker::start();
    say(&broker, &[("a", json!(1))]);
    let push = Push::connect(&broker);
    push.send("nonsense");
    until("the broker has refused it", || {
        (broker.status()["doors"]["zmq_in"]["rejected"] == 1).then_some(())
    });
    let status = parse(good(&broker, &["status"]).as_bytes());
    assert_eq!((&status["type"], &status["things"]), (&json!("status"), &json!(1)));
    let human = good(&broker, &["status", "--human"]);
    for part in [
        concat!("thingsbus-broker ", env!("CARGO_PKG_VERSION")),
        &format!("at         {}", broker.clients),
        "things     1 of 1,000,000",
        "2 received, 1 accepted, 1 rejected, ",
        "1 rejected: the message is not JSON",
        "UDP in     0 received",
    ] {
        assert!(human.contains(part), "{part:?} is not in\n{human}");
    }
}

#[test]
fn a_2015_broker_is_understood() {
    let (_process, old) = python::old_broker(2);
    good(&old, &["send", "shop.lathe", "{\"rpm\": 1200}"]);
    let ended = run(&old, &["ls", "shop"]);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let listed = lines(&ended.stdout);
    assert_eq!((&listed[0]["ns"], &listed[0]["data"]), (&json!("shop.lathe"), &json!({"rpm": 1200})));
    assert_eq!(run(&old, &["get", "shop.lathe", "--data"]).stdout, "{\"rpm\": 1200}");
    fails(&old, &["get", "shop.temp"], 2, &["no thing shop.temp", "0.2.1 broker"]);
    fails(&old, &["status", "--timeout", "0.5"], 1, &["is a 0.2.1 broker, which cannot tell how it is"]);
}

#[test]
fn lines_of_standard_input_become_updates() {
    let broker = TestBroker::start();
    let mut adapt = start(&broker, &["adapt", "stdin"]);
    for line in [
        r#"{"ns": "a", "data": 1.0}"#,
        r#"{"data": {"x": NaN}, "ns": "b.c", "ts": 5, "documentation_url": "http://x/"}"#,
        "hello",
        "",
        r#"["d", null, "short", null]"#,
        r#"{"ns": "Upper", "data": 1}"#,
        r#"{"ns": "e", "type": "other", "data": 1}"#,
        "hello again",
    ] {
        adapt.write_line(line);
    }
    adapt.close_input();
    assert_eq!(adapt.wait().code(), Some(1));
    let said = adapt.stderr.drain();
    assert_eq!(said.len(), 4, "{said:?}");
    assert_eq!(said[0], "thingsbus: not sent: the message is not JSON: line 3, hello");
    assert!(said[3].starts_with("thingsbus: 3 sent, 4 not sent (2: the message is not JSON; "), "{said:?}");
    until("the broker has it", || thing(&broker, "d").is_object().then_some(()));
    assert_eq!(thing(&broker, "d")["data"], "short");
    assert_eq!(
        (&thing(&broker, "b.c")["data"], &thing(&broker, "b.c")["ts"]),
        (&json!({"x": null}), &json!(5.0))
    );
    assert_eq!(good(&broker, &["get", "a", "-d"]), "1.0");

    // More than may wait: it waits for the broker itself.
    let mut many = start(&broker, &["adapt", "stdin", "--ns", "many"]);
    for number in 0..30_000 {
        many.write_line(&number.to_string());
    }
    many.close_input();
    assert_eq!((many.wait().code(), many.stderr.drain()), (Some(0), Vec::new()));
    until("the broker has all", || (thing(&broker, "many")["data"] == 29_999).then_some(()));
    assert_eq!(broker.status()["doors"]["zmq_in"]["accepted"], 30_003);

    let mut text = start(&broker, &["adapt", "stdin", "--ns", "log", "--text"]);
    text.write_line("it is 21.5 °C");
    until("the broker has it", || (thing(&broker, "log")["data"] == "it is 21.5 °C").then_some(()));

    let nowhere = nowhere();
    let mut lost = start(&nowhere, &["adapt", "stdin", "--ns", "x", "--timeout", "0.3"]);
    lost.write_line("1");
    lost.find_error("messages wait");
    lost.close_input();
    assert_eq!(lost.wait().code(), Some(1));
    assert!(lost.stderr.drain().iter().any(|line| line.contains("0 sent, 1 not sent")), "{}", lost.said());
}

#[test]
fn a_command_is_run_now_and_then() {
    let broker = TestBroker::start();
    let counting = "echo x >> \"$0\"; wc -l < \"$0\"";
    let folder = crate::support::scratch::ScratchFolder::new();
    let file = folder.path("runs");
    let file = file.to_str().expect("a path of text");
    let mut exec = start(
        &broker,
        &["adapt", "exec", "--ns", "runs", "--every", "0.1", "--", "sh", "-c", counting, file],
    );
    until("some runs", || thing(&broker, "runs")["data"].as_u64().filter(|runs| *runs >= 3));
    exec.signal("INT");
    assert_eq!(exec.wait().code(), Some(130));
    exec.find_error(" sent");

    let script =
        "case $(cat \"$0\") in 1) echo 2 > \"$0\"; exit 3;; 2) echo 3 > \"$0\"; sleep 600;; *) uptime;; esac";
    let step = folder.write("step", "1");
    let step = step.to_str().expect("a path of text");
    let since = Instant::now();
    let mut failing = start(
        &broker,
        &["adapt", "exec", "--ns", "text", "-e", "0.1", "-l", "0.5", "--", "sh", "-c", script, step],
    );
    failing.find_error("not sent: the command fails: exit code 3");
    failing.find_error("not sent: the command took longer than 0.5 s and was ended");
    until("the broker has it", || thing(&broker, "text")["data"].is_string().then_some(()));
    assert!(since.elapsed() < PATIENCE);
    failing.signal("TERM");
    assert_eq!(failing.wait().code(), Some(143));
    failing
        .find_error("2 not sent (1: the command fails; 1: the command took longer than 0.5 s and was ended)");

    let mut missing = start(&broker, &["adapt", "exec", "--ns", "x", "--", "/nowhere/at-all"]);
    missing.find_error("the command cannot be started");
}

/// The old one and ours hear the same cameras, and the broker gets the same of both.
#[test]
fn the_generic_adaptor_does_what_0_2_1s_does() {
    let broker = TestBroker::start();
    let cameras = socket(SocketType::PUB);
    cameras.bind("tcp://127.0.0.1:*").expect("a port");
    let cameras_url = cameras.get_last_endpoint().expect("an address").expect("text");
    let input = broker.input_url();
    let arguments = |ns: &'static str| {
        let options =
            ["--ns", ns, "--nskey", "camname", "--tskey", "frame_time", "-d", "http://example.org/cameras"];
        let chosen = ["--filter", "mtype:percept_update", "--projections", "luminance,ratio_busy"];
        [&options[..], &chosen, &["-u", &input, "-s", &cameras_url]].concat().into_iter().map(str::to_owned)
    };
    let old: Vec<String> = arguments("old").collect();
    let old: Vec<&str> = old.iter().map(String::as_str).collect();
    let _old = python::module("thingsbus.generic_zmq_adaptor", &old);
    let new: Vec<String> = ["adapt", "zmq"].map(str::to_owned).into_iter().chain(arguments("new")).collect();
    let new: Vec<&str> = new.iter().map(String::as_str).collect();
    // The variable points elsewhere; the option is stronger.
    let mut new = start(&nowhere(), &new);

    let frame = json!({"mtype": "percept_update", "camname": "electronics", "frame_time": 1_423_351_104.945,
        "luminance": 114.361_669_921_875, "ratio_busy": 0.0, "fps": 30});
    let other = json!({"mtype": "other", "camname": "other"});
    until("both have sent it", || {
        for message in [&frame, &other] {
            cameras.send(message.to_string().as_bytes(), 0).expect("a message can be sent");
        }
        std::thread::sleep(Duration::from_millis(20));
        ["old", "new"].iter().all(|ns| thing(&broker, &format!("{ns}.electronics")).is_object()).then_some(())
    });
    let [old, ours] = ["old", "new"].map(|ns| thing(&broker, &format!("{ns}.electronics")));
    for field in ["data", "ts", "documentation_url"] {
        assert_eq!(old[field], ours[field], "{field}");
    }
    assert_eq!(broker.status()["things"], 2);

    // What ends the old one is told, and ours goes on.
    let broken = json!({"mtype": "percept_update", "camname": "light", "frame_time": 1.0, "luminance": 1.0});
    cameras.send(broken.to_string().as_bytes(), 0).expect("a message can be sent");
    new.find_error("not sent: the message has no \"ratio_busy\"");
    cameras.send("nonsense", 0).expect("a message can be sent");
    new.find_error("not sent: the message is not JSON: nonsense");
    cameras
        .send(frame.to_string().replace("electronics", "after").as_bytes(), 0)
        .expect("a message can be sent");
    until("ours goes on", || thing(&broker, "new.after").is_object().then_some(()));
    new.signal("INT");
    assert_eq!(new.wait().code(), Some(130));
    new.find_error(", 2 not sent (");
}

#[test]
fn a_publisher_may_come_late_and_go() {
    let broker = TestBroker::start();
    let port = free_ports();
    let url = format!("tcp://127.0.0.1:{port}");
    let mut adapt = start(&broker, &["adapt", "zmq", "--ns", "all", "-s", &url, "--timeout", "0.2"]);
    adapt.find_error(&format!("nobody publishes at {url}"));
    for round in 0..2 {
        let publisher = socket(SocketType::PUB);
        until("the port", || publisher.bind(&url).ok());
        adapt.find_error(&format!("connected to {url}"));
        until("the broker has it", || {
            publisher.send(json!({"round": round}).to_string().as_bytes(), 0).expect("a message can be sent");
            (thing(&broker, "all")["data"]["round"] == round).then_some(())
        });
        drop(publisher);
        adapt.find_error(&format!("lost the connection to {url}"));
    }
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = Ended::of(program(TOOL).args(["completions", shell]));
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
        assert!(ended.stdout.contains("thingsbus") && ended.stdout.contains("watch"), "{shell}");
    }
}
