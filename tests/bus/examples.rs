//! Every example runs and does what it says.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use thingsbus_broker::Data;

use crate::support::peers::{Push, socket, update};
use crate::support::process::Process;
use crate::support::program::{Ended, example};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, free_ports};

/// An example that finds its broker here.
fn example_at(name: &str, broker: &Doors) -> Command {
    let mut command = example(name);
    command.env("THINGSBUS_BROKER", broker.clients.to_string());
    command
}

fn start(name: &str, broker: &Doors, arguments: &[&str]) -> Process {
    Process::start(name, example_at(name, broker).args(arguments))
}

#[track_caller]
fn run(command: &mut Command) -> Ended {
    let ended = Ended::of(command);
    assert_eq!(ended.code, Some(0), "{command:?}\n{}\n{}", ended.stdout, ended.stderr);
    ended
}

/// What the broker has of a thing.
fn thing(broker: &Doors, ns: &str) -> Value {
    broker.things(ns)["data"][ns].clone()
}

#[test]
fn print_all_events_prints_what_is_said_from_now_on() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    push.send(update("a.before", &json!("not printed")));
    until("it", || (broker.status()["seq"] == 1).then_some(()));
    let mut all = start("print_all_events", &broker, &[]);
    let mut below_a = start("print_all_events", &broker, &["-n", "a", "-u", &broker.clients_url()]);
    for program in [&mut all, &mut below_a] {
        until("it to listen", || {
            push.send(update("a.hello", &json!(0)));
            program.stdout.next_within(Duration::from_millis(50))
        });
    }
    let sent = [
        r#"{"type":"thing_update","ns":"b","ts":1.5,"data":1}"#,
        r#"{"type":"thing_update","ns":"a","ts":1423351104.945,"data":{"busy":12.0,"ok":[true,null,"it's"]}}"#,
        r#"{"type":"thing_update","ns":"a.b","ts":2.5,"data":2}"#,
    ];
    sent.iter().for_each(|message| push.send(message));
    let next = |program: &mut Process| {
        let line = program.line();
        if line.contains("hello") { None } else { Some(line) }
    };
    let b = "ThingEvent<Thing<b>, ts=1.500, flags=, data=1>";
    let a =
        "ThingEvent<Thing<a>, ts=1423351104.945, flags=, data={'busy': 12.0, 'ok': [True, None, \"it's\"]}>";
    let a_b = "ThingEvent<Thing<a.b>, ts=2.500, flags=, data=2>";
    for wanted in [b, a, a_b] {
        assert_eq!(until("the event", || next(&mut all)), wanted);
    }
    for wanted in [a, a_b] {
        assert_eq!(until("the event", || next(&mut below_a)), wanted);
    }
}

#[test]
fn print_all_events_says_that_there_is_no_broker_and_goes_on() {
    let port = free_ports();
    let doors = Doors::at("127.0.0.1".parse().unwrap(), port);
    let mut program = start("print_all_events", &doors, &[]);
    program.find_error("does not accept the connection; still trying");
    let broker = TestBroker::with(|config| config.port = port);
    let push = Push::connect(&broker);
    until("an event", || {
        push.send(update("here", &json!(1)));
        program.stdout.next_within(Duration::from_millis(50))
    });
    let ended = Ended::of(example("print_all_events").args(["--nonsense", "1"]));
    assert_ne!(ended.code, Some(0));
    assert!(ended.stderr.contains("--nonsense: no such option"), "{}", ended.stderr);
}

#[test]
fn udp_thing_update_sends_one_datagram_of_either_form() {
    let broker = TestBroker::start();
    let input = broker.input.to_string();
    let forms = [(&["-v", &input][..], "{"), (&["list", "-v", &input], "["), (&[&input, "list"], "")];
    for (count, (arguments, form)) in (1..).zip(forms) {
        let ended = run(example("udp_thing_update").args(arguments));
        match form {
            "{" => assert!(ended.stdout.contains(r"\x85\xa4type\xacthing_update"), "{}", ended.stdout),
            "[" => {
                assert!(ended.stdout.contains(r"\x94\xa8test.abc\xc0\xacHello, World"), "{}", ended.stdout)
            }
            _ => assert_eq!(ended.stdout, ""),
        }
        until("it to arrive", || (broker.status()["seq"] == count).then_some(()));
    }
    let told = thing(&broker, "test.abc");
    assert_eq!(
        (&told["data"], &told["documentation_url"]),
        (&json!("Hello, World"), &json!("http://example.com/"))
    );
    assert!(told["ts"].is_f64(), "the broker set the time: {told}");
    let udp_in = &broker.status()["doors"]["udp_in"];
    assert_eq!((&udp_in["accepted"], &udp_in["repaired"]), (&json!(3), &json!(0)));
}

#[test]
fn adaptor_says_one_thing() {
    let broker = TestBroker::start();
    let ended = run(&mut example_at("adaptor", &broker));
    assert_eq!(ended.stdout, format!("shop.shopbot.spacemon is said to {}", broker.input_url()));
    until("it to arrive", || (broker.status()["seq"] == 1).then_some(()));
    let told = thing(&broker, "shop.shopbot.spacemon");
    assert_eq!(told["data"], json!({"busy": 12.0, "light": 31.8}));
    assert_eq!(told["documentation_url"], "http://example.com/Shopbot_Thingsbus_Documentation");
}

#[test]
fn acknowledged_says_what_is_on_disk_and_what_is_not() {
    let folder = ScratchFolder::new();
    let broker = TestBroker::with(|config| config.store.data = Data::Folder(folder.path("data")));
    let ended = run(&mut example_at("acknowledged", &broker));
    let wanted = [
        "part 1 is on disk",
        "part 2 is on disk",
        "part 3 is on disk",
        "3 acknowledged, 0 refused, 0 dropped",
    ];
    assert_eq!(ended.stdout.lines().collect::<Vec<_>>(), wanted);
    assert_eq!(thing(&broker, "shop.press")["data"], json!({"parts": 3}));
    // A broker that keeps nothing on disk.
    let ended = run(&mut example_at("acknowledged", &TestBroker::start()));
    assert!(ended.stdout.contains("part 1 is lost: the broker refuses it"), "{}", ended.stdout);
    assert!(ended.stdout.ends_with("0 acknowledged, 3 refused, 0 dropped"), "{}", ended.stdout);
}

#[test]
fn generic_adaptor_simulates_its_own_source() {
    let broker = TestBroker::start();
    let mut program = start("generic_adaptor", &broker, &[]);
    assert!(program.line().ends_with(" to spacemon"));
    let told = until("both cameras", || {
        let told = broker.things("spacemon");
        (told["count"] == 2).then_some(told)
    });
    for camera in ["spacemon.electronics", "spacemon.hackerspace"] {
        let data = told["data"][camera]["data"].as_object().unwrap_or_else(|| panic!("{told}"));
        assert_eq!(data.keys().collect::<Vec<_>>(), ["luminance", "ratio_busy"], "{told}");
    }
}

#[test]
fn generic_adaptor_takes_what_it_is_made_for_and_no_more() {
    let broker = TestBroker::start();
    let source = socket(zmq::SocketType::PUB);
    source.bind("tcp://127.0.0.1:*").unwrap();
    let url = source.get_last_endpoint().unwrap().unwrap();
    let _program = start("generic_adaptor", &broker, &[&url]);
    let percept = |camera: &str, luminance: f64| {
        json!({
            "mtype": "percept_update", "camname": camera, "frame_time": 1_423_351_104.945,
            "luminance": luminance, "ratio_busy": 0.143, "private": "stays where it is",
        })
    };
    let send = |message: &Value| source.send(message.to_string().as_bytes(), 0).unwrap();
    until("it to listen", || {
        send(&percept("hello", 0.0));
        (broker.things("spacemon")["count"] == 1).then_some(())
    });
    source.send("not JSON", 0).unwrap();
    let mut other = percept("other", 1.0);
    other["mtype"] = json!("other");
    send(&other);
    send(&json!({"mtype": "percept_update", "camname": "incomplete"}));
    send(&percept("Not A Name", 1.0));
    send(&percept("electronics", 114.25));
    until("the good one", || (broker.things("spacemon")["count"] == 2).then_some(()));
    let told = thing(&broker, "spacemon.electronics");
    assert_eq!(told["data"], json!({"luminance": 114.25, "ratio_busy": 0.143}));
    assert_eq!(told["ts"], 1_423_351_104.945);
    assert_eq!(told["documentation_url"], "https://wiki.pumpingstationone.org/Spacemon#Things_Bus");
}

#[test]
fn typed_client_prints_what_fits_and_tells_what_does_not() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    let mut silent = start("typed_client", &broker, &["nobody"]);
    assert_eq!(silent.line(), "nobody has not spoken yet");
    push.send(update("shop.climate", &json!({"temperature_c": 20.25, "humidity": 45})));
    until("it", || (broker.status()["seq"] == 1).then_some(()));
    let mut client = start("typed_client", &broker, &[]);
    assert_eq!(client.line(), "shop.climate was last 20.2 °C with 45 % humidity");
    push.send(update("shop.climate", &json!({"temperature_c": null, "humidity": 45})));
    let error = client.line();
    assert!(
        error.starts_with("the value of shop.climate is of another shape: invalid type: null"),
        "{error}"
    );
    push.send(update("shop.climate.inside", &json!("not its own")));
    push.send(update("shop.climate", &json!({"temperature_c": -3, "humidity": 99.6, "more": []})));
    assert_eq!(client.line(), "shop.climate is -3.0 °C with 100 % humidity");
}

#[test]
fn broker_in_process_ends_by_itself() {
    let ended = run(&mut example("broker_in_process"));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("ThingEvent<Thing<kitchen.kettle>, ts="), "{lines:?}");
    assert!(lines[1].starts_with("kitchen.kettle was 96.5 °C "), "{lines:?}");
    assert_eq!(lines[2], "the broker took 1");
}

#[test]
fn workshop_has_a_dozen_sensors() {
    let broker = TestBroker::start();
    let address = broker.clients.to_string();
    // The climate's fourth reading is the first that fails.
    let ended = run(example("workshop").args(["--seconds", "4.5", "--broker", &address]));
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(lines[0].starts_with("12 simulated sensors speak to broker 127.0.0.1:"), "{lines:?}");
    for part in ["tree", "watch", &address, &format!("Connected to {}", broker.input_url())] {
        assert!(ended.stdout.contains(part), "{part}: {lines:?}");
    }
    assert!(lines.last().is_some_and(|line| line.ends_with(" values were sent, 0 were lost.")), "{lines:?}");

    let told = broker.things("");
    let things = told["data"].as_object().unwrap();
    let names: Vec<&str> = things.keys().map(String::as_str).collect();
    let lab = ["lab.balance", "lab.co2", "lab.fridge", "lab.scope"];
    let shop = ["shop.bottlekid", "shop.climate", "shop.door", "shop.door.visitors", "shop.lathe"];
    let more =
        ["shop.lathe.spindle", "shop.power", "shop.printer", "shop.printer.bed", "shop.printer.nozzle"];
    assert_eq!(names, [&lab[..], &shop, &more].concat());
    for (ns, thing) in things {
        let url = thing["documentation_url"].as_str().unwrap_or_else(|| panic!("{ns}: {thing}"));
        assert!(url.starts_with("https://example.org/workshop#"), "{ns}: {url}");
    }
    let now = told["ts"].as_f64().unwrap();
    assert!(things["lab.scope"]["ts"].as_f64().unwrap() > now + 3e7, "its clock is a year ahead");
    assert_eq!(things["shop.lathe.spindle"]["data"]["n"], 39, "the last of a burst");
    assert_eq!(things["shop.printer"]["data"]["job"]["by"], json!(["ada", "測試"]));
    let doors = &broker.status()["doors"];
    assert_eq!(doors["udp_in"]["repaired"], 1, "NaN: {doors}");
    assert!(doors["udp_in"]["accepted"].as_u64() >= Some(5), "{doors}");
    assert_eq!(doors["zmq_in"]["rejected"], 0, "{doors}");
}

#[test]
fn workshop_waits_for_a_broker() {
    let port = free_ports();
    let mut workshop =
        Process::start("workshop", example("workshop").args(["--broker", &format!("127.0.0.1:{port}")]));
    workshop.find("There is no broker yet. To start one: ");
    let broker = TestBroker::with(|config| config.port = port);
    workshop.find("Connected to ");
    until("what waited", || (broker.things("lab")["count"].as_u64() >= Some(4)).then_some(()));
    let ended = Ended::of(example("workshop").args(["--broker", "nonsense:nonsense"]));
    assert_ne!(ended.code, Some(0));
    assert!(ended.stderr.contains("nonsense"), "{}", ended.stderr);
}
