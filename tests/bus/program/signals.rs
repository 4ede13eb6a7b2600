//! SIGTERM, SIGINT and SIGHUP.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::peers::{Push, Sub, parse, update};
use crate::support::program::{BrokerProgram, program};
use crate::support::raw::{Raw, command};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;

/// How long a stop may take.
const STOP_TIME: Duration = Duration::from_secs(5);

#[test]
fn term_and_int_end_it_with_0() {
    for signal in ["TERM", "INT"] {
        let mut broker = BrokerProgram::start(&[]);
        let _sub = Sub::connect(&broker.doors(), &[""]);
        let asked = Instant::now();
        broker.signal(signal);
        assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
        assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
        broker.find_error("stopped; 0 things, 0 updates");
    }
}

/// A client that has subscribed to `prefix` and does not read; and the broker has so much waiting for it.
fn silent_client(broker: &BrokerProgram, messages: usize) -> Raw {
    let mut raw = Raw::ready(broker.doors().clients, "SUB");
    raw.send(&command("SUBSCRIBE", br#"{"ns":"#)).unwrap();
    raw.send(&command("SUBSCRIBE", br#"{"mark":"go""#)).unwrap();
    let (_, mark) = raw.read_frame().expect("the mark");
    assert_eq!(parse(&mark)["mark"], "go");
    let push = Push::connect(&broker.doors());
    for number in 1..=messages {
        push.send(update("big", &json!({"number": number, "fill": "x".repeat(100_000)})));
    }
    until("all of it", || (broker.doors().status()["seq"] == messages).then_some(()));
    let slow = broker.doors().status()["doors"]["clients"]["slow"].clone();
    assert!(
        slow[0]["waiting_bytes"].as_u64().unwrap_or(0) > 100_000,
        "something waits in the broker: {slow}"
    );
    raw
}

#[test]
fn what_waits_is_sent_before_it_ends() {
    const MESSAGES: usize = 120;
    let mut broker = BrokerProgram::start(&[]);
    let mut raw = silent_client(&broker, MESSAGES);
    let asked = Instant::now();
    broker.signal("TERM");
    broker.find_error("stopping");
    // Told twice is told once: the second interrupts the waiting and must not end it.
    broker.signal("TERM");
    assert!(broker.is_running(), "it is still sending\n{}", broker.said());
    for number in 1..=MESSAGES {
        let (_, message) =
            raw.read_frame().unwrap_or_else(|error| panic!("{number}: {error}\n{}", broker.said()));
        assert_eq!(parse(&message)["data"]["number"], number);
    }
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
    assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
}

#[test]
fn who_never_reads_does_not_hold_it_up() {
    let mut broker = BrokerProgram::start(&[]);
    let _raw = silent_client(&broker, 120);
    let asked = Instant::now();
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
    assert!(asked.elapsed() < STOP_TIME, "{:?}", asked.elapsed());
    broker.find_error("did not take everything");
}

#[test]
fn hup_reads_the_configuration_again_and_keeps_the_old_where_the_new_is_wrong() {
    let folder = ScratchFolder::new();
    let file = folder.write("thingsbus.toml", "[limits]\nthings_max = 1\n");
    let mut broker = BrokerProgram::start(&["--config", file.to_str().expect("a path of text")]);
    let push = Push::connect(&broker.doors());
    let doors = broker.doors();
    let things_max = || doors.status()["limits"]["things_max"].clone();
    assert_eq!(things_max(), 1);

    folder.write("thingsbus.toml", "[limits]\nthings_max = 2\n[log]\nlevel = \"debug\"\n");
    broker.signal("HUP");
    broker.find_error("configuration read again");
    until("the new limit", || (things_max() == 2).then_some(()));

    for (text, part) in [
        ("[limits]\nthings = 3\n", ":2: "),
        ("[limits]\nthings_max = 0\n", "things_max = 0"),
        ("port", ":1: "),
    ] {
        folder.write("thingsbus.toml", text);
        broker.signal("HUP");
        let line = broker.find_error("the configuration stays as it is");
        assert!(line.contains(part), "{line}");
        assert_eq!(things_max(), 2);
    }
    std::fs::remove_file(&file).unwrap();
    broker.signal("HUP");
    let line = broker.find_error("the configuration stays as it is");
    assert!(line.contains("thingsbus.toml"), "{line}");

    folder.write("thingsbus.toml", "port = 9\n[limits]\nthings_max = 3\n[log]\nformat = \"json\"\n");
    broker.signal("HUP");
    broker.find_error("log.format stays as it is");
    until("the new limit", || (things_max() == 3).then_some(()));

    // It is the same broker all the while.
    push.send(update("still.here", &json!(1)));
    until("the update", || (doors.status()["seq"] == 1).then_some(()));
    broker.signal("HUP");
    broker.signal("TERM");
    assert_eq!(broker.wait_within(STOP_TIME).and_then(|status| status.code()), Some(0), "{}", broker.said());
}

#[test]
fn a_log_that_nobody_reads_does_not_end_it() {
    use std::io::{BufRead, BufReader};
    use std::process::Stdio;
    let folder = ScratchFolder::new();
    let file = folder.path("ports.json");
    let mut command = program("thingsbus-broker");
    command.args(["--bind", "127.0.0.1", "--port", "0", "-v", "--ports-file"]).arg(&file);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    log.read_line(&mut line).unwrap();
    let ports = until("the ports file", || std::fs::read(&file).ok());
    drop(log);
    let port = parse(&ports)["clients"].as_u64().unwrap() as u16;
    let doors = crate::support::Doors::at("127.0.0.1".parse().unwrap(), port);
    // This is told in the log.
    let push = Push::connect(&doors);
    push.send("no update");
    push.send(update("good", &json!(1)));
    let result = std::panic::catch_unwind(|| {
        until("the update", || (doors.status()["seq"] == 1).then_some(()));
    });
    let _ = child.kill();
    let _ = child.wait();
    result.expect("it goes on without its log");
}
