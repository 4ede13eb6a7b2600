//! `thingsbus bench`: what it counts is so, over ZeroMQ and UDP, whole and with losses.

use serde_json::{Value, json};

use crate::support::peers::{Push, parse, update};
use crate::support::process::Process;
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::wait::until;
use crate::support::{Doors, TestBroker};

/// Runs it to its end.
fn bench(broker: &Doors, arguments: &[&str]) -> Ended {
    let mut command = program("thingsbus");
    Ended::of(command.env("THINGSBUS_BROKER", broker.clients.to_string()).arg("bench").args(arguments))
}

/// The same where it must go well; what it found.
#[track_caller]
fn found(broker: &Doors, arguments: &[&str]) -> Value {
    let Ended { code, stdout, stderr } = bench(broker, arguments);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{arguments:?}\n{stdout}");
    parse(stdout.as_bytes())
}

/// Every subscriber has `messages`, each once and in order, and the broker has counted the same.
#[track_caller]
fn is_whole(found: &Value, messages: u64, subscribers: usize) {
    let each = json!({"received": messages, "lost": 0, "repeated": 0, "out_of_order": 0, "merged": 0});
    assert_eq!(found["by_subscriber"], Value::Array(vec![each; subscribers]), "{found}");
    let all = messages * subscribers as u64;
    assert_eq!((&found["sent"], &found["received"]), (&json!(messages), &json!(all)), "{found}");
    let counted = &found["broker_counted"];
    assert_eq!((&counted["accepted"], &counted["rejected"]), (&json!(messages), &json!(0)), "{found}");
    assert_eq!((&counted["merged"], &found["notes"]), (&json!(0), &json!([])), "{found}");
    let latency = &found["latency_us"];
    let rising = ["min", "p50", "p90", "p99", "p999", "max"].map(|name| latency[name].as_f64().expect(name));
    assert!(rising[0] > 0.0 && rising.is_sorted(), "{latency}");
}

#[test]
fn all_comes_once_and_in_order() {
    let broker = TestBroker::start();
    for (arguments, subscribers) in [
        (&["--messages", "1000"][..], 1),
        (&["-n", "1000", "--publishers", "3", "--subscribers", "2", "--things", "7", "--window", "10"], 2),
        (&["-n", "1000", "--rate", "20000", "--payload", "3000", "-p", "2"], 1),
        (&["-n", "1000", "--udp"], 1),
        (&["-n", "1000", "--udp", "-p", "2", "-s", "3", "--things", "1"], 3),
    ] {
        let found = found(&broker, arguments);
        is_whole(&found, 1_000, subscribers);
        assert_eq!(found["publish_by"], if arguments.contains(&"--udp") { "udp" } else { "zmq" });
        // It is in this process, which is not called thingsbus-broker.
        assert_eq!(
            (&broker.status()["pid"], &found["broker_process"]),
            (&json!(std::process::id()), &json!(null))
        );
    }
}

#[test]
fn the_things_stay_below_the_namespace_that_was_chosen() {
    let broker = TestBroker::start();
    is_whole(
        &found(&broker, &["-n", "100", "--things", "12", "--ns", "lab.load", "--payload", "63"]),
        100,
        1,
    );
    let things = broker.things("lab.load");
    let names: Vec<&String> = things["data"].as_object().expect("things").keys().collect();
    assert_eq!((names.len(), names[0].as_str(), names[11].as_str()), (12, "lab.load.t00", "lab.load.t11"));
    assert_eq!(things["data"]["lab.load.t00"]["data"].to_string().len(), 63);
}

#[test]
fn what_the_broker_does_not_take_is_lost_with_its_reason() {
    let broker = TestBroker::with(|config| config.limits.things_max = 40);
    let push = Push::connect(&broker);
    (0..10).for_each(|number| push.send(update(&format!("other{number}"), &json!(1))));
    until("the broker has them", || (broker.status()["things"] == 10).then_some(()));
    let arguments = ["-n", "400", "--things", "40", "--window", "400", "--timeout", "1"];
    let found = found(&broker, &arguments);
    // Ten of its things have no room, whichever came last.
    let each = json!([{"received": 300, "lost": 100, "repeated": 0, "out_of_order": 0, "merged": 0}]);
    assert_eq!((&found["by_subscriber"], &found["sent"]), (&each, &json!(400)), "{found}");
    assert_eq!(found["broker_counted"]["rejected"], 100, "{found}");
    let notes = found["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), 1, "{found}");
    assert!(notes[0].to_string().contains("the broker rejected 100 messages: "), "{found}");
}

#[test]
fn others_do_not_count() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    push.send(update("bench.t0", &json!({"bench": "00000000 000 000000000000 000000000000000", "fill": ""})));
    let found = found(&broker, &["-n", "500"]);
    assert_eq!((&found["received"], &found["repeated"]), (&json!(500), &json!(0)), "{found}");
}

#[test]
fn people_get_a_table_of_80_columns_and_what_the_broker_took() {
    let broker = BrokerProgram::start(&[]);
    let address = broker.doors().clients.to_string();
    let mut command = program("thingsbus");
    command.args(["bench", "-b", &address, "-n", "1000", "-s", "2", "--human"]).env("COLUMNS", "80");
    let Ended { code, stdout, stderr } = Ended::of(&mut command);
    assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
    for part in [
        "in            1 publisher by ZeroMQ, at most 2,000 on their way\n",
        "out           2 subscribers by ZeroMQ\n",
        "by each of 2, once and in order\n",
        "lost                        0\n",
        "      p50        p90        p99      p99.9        max\n",
        "it counted    1,000 accepted, 0 rejected, 2,000 sent, 0 merged\n",
    ] {
        assert!(stdout.contains(part), "{part:?} is not in\n{stdout}");
    }
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    #[cfg(target_os = "linux")]
    assert!(stdout.contains("\nmemory        broker "), "{stdout}");
}

#[test]
fn ctrl_c_prints_what_there_is() {
    let broker = TestBroker::start();
    let mut command = program("thingsbus");
    command.env("THINGSBUS_BROKER", broker.clients.to_string()).args(["bench", "-d", "1h", "--rate", "1000"]);
    let mut bench = Process::start("thingsbus", &mut command);
    until("it sends", || (broker.status()["things"].as_u64() > Some(10)).then_some(()));
    bench.signal("INT");
    assert_eq!(bench.wait().code(), Some(130), "{}", bench.said());
    let found = parse(bench.stdout.drain().join("\n").as_bytes());
    is_whole(&found, found["sent"].as_u64().expect("a count"), 1);
    assert_eq!(found["signal"], 2);
}

#[test]
fn a_wrong_command_line_is_64_and_no_broker_is_1() {
    let broker = TestBroker::start();
    for (arguments, code, part) in [
        (&["--payload", "62"][..], 64, "63"),
        (&["--payload", "65500", "--udp"], 64, "by UDP it can be"),
        (&["--payload", "1048576"], 64, "by ZeroMQ it can be"),
        (&["--things", "1000001"], 64, "1,000,000 at the most"),
        (&["--rate", "5", "--window", "5"], 64, "cannot be used with"),
        (&["--ns", ""], 64, "write a namespace"),
        (&["--broker", "127.0.0.1:1", "--timeout", "0.2"], 1, "is thingsbus-broker running there?"),
    ] {
        let Ended { code: ended, stdout, stderr } = bench(&broker, arguments);
        assert_eq!((ended, stdout.as_str()), (Some(code), ""), "{arguments:?} {stderr}");
        assert!(stderr.contains(part), "{part:?} is not in\n{stderr}");
    }
    let crowded = TestBroker::with(|config| config.limits.connections_max = 3);
    let Ended { code, stdout, stderr } = bench(&crowded, &["-n", "10", "-s", "5", "--timeout", "1"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""), "{stderr}");
    assert!(stderr.contains("does not accept the connection"), "{stderr}");
    let help = bench(&broker, &["--help"]);
    let help = help.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["Example: thingsbus bench", "stay in the broker's directory", "[default: bench]"] {
        assert!(help.contains(part), "{part:?} is not in\n{help}");
    }
}
