//! What the broker refuses: told with its sender and its reason, at every door, and within bounds.

use std::net::UdpSocket;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::Namespace;
use thingsbus_adaptor::{Address, BrokerName};
use thingsbus_client::rejected;

use crate::guarded::{add_key, http};
use crate::support::http::Http;
use crate::support::peers::{Push, Req, parse, socket, update};
use crate::support::process::Process;
use crate::support::program::{BrokerProgram, Ended, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, python};

/// What was refused from `ns`, once it is so much; the newest first.
#[track_caller]
fn refused(doors: &Doors, ns: &str, count: usize) -> Vec<Value> {
    until(&format!("{count} messages to be refused"), || {
        let answer = doors.ask(&json!({"type": "rejected_query", "ns": ns}));
        assert!(answer["type"] == "rejected" && answer["ts"].is_f64(), "{answer}");
        let told = answer["rejected"].as_array().expect("a list").clone();
        assert!(told.len() <= count, "{told:#?}");
        (told.len() == count).then_some(told)
    })
}

/// What is to be seen of one: the door, the reason, the thing and whether the message says so, and how it begins.
fn seen(told: &Value) -> Value {
    json!([told["door"], told["reason"], told["ns"], told["named"], told["excerpt"]])
}

#[test]
fn each_door_tells_who_said_what_that_it_did_not_take() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    push.send(r#"{"ns":"Shop Lamp","type":"thing_update","data":1}"#);
    push.send(update("shop.lamp", &json!(1)));
    push.send("{'ns': 'shop.lamp'}");
    push.send(vec![b'x'; 1024 * 1024 + 1]);
    let told = refused(&broker, "", 3);
    assert_eq!(
        (&told[0]["bytes"], seen(&told[0])),
        (&json!(1024 * 1024 + 1), json!(["zmq_in", "too_long", "shop.lamp", false, ""]))
    );
    assert_eq!(seen(&told[1]), json!(["zmq_in", "not_json", "shop.lamp", false, "{'ns': 'shop.lamp'}"]));
    let excerpt = r#"{"ns":"Shop Lamp","type":"thing_update","data":1}"#;
    assert_eq!(seen(&told[2]), json!(["zmq_in", "bad_ns", "Shop Lamp", true, excerpt]));
    assert_eq!(told[2]["bytes"], excerpt.len());
    assert!(
        told[2]["message"].as_str().is_some_and(|message| message.contains("is no namespace")),
        "{told:#?}"
    );
    assert!(told.iter().all(|told| told["from"].as_str().is_some_and(|from| from.starts_with("127.0.0.1:"))));
    assert!(told.windows(2).all(|pair| pair[0]["ts"].as_f64() >= pair[1]["ts"].as_f64()), "{told:#?}");

    // A connection that took nothing yet, with what another library makes of a topic.
    let topics = socket(zmq::SocketType::PUSH);
    topics.connect(&broker.input_url()).unwrap();
    topics.send_multipart(["shop.fan", "5"], 0).unwrap();
    assert_eq!(seen(&refused(&broker, "", 4)[0]), json!(["zmq_in", "multipart", null, false, "shop.fan"]));

    let udp = UdpSocket::bind("127.0.0.1:0").expect("a port");
    // A list of four in msgpack that ends too early, and a text that is Latin-1.
    udp.send_to(b"\x94\xa8shop.fan\xc0\x81\xa1t", broker.input).unwrap();
    assert_eq!(
        seen(&refused(&broker, "", 5)[0]),
        json!(["udp_in", "not_msgpack", "shop.fan", true, r"\x94\xa8shop.fan\xc0\x81\xa1t"])
    );
    udp.send_to(b"{\"ns\":\"shop.fan\",\"data\":\"gr\xfcn\"}", broker.input).unwrap();
    assert_eq!(
        seen(&refused(&broker, "", 6)[0]),
        json!(["udp_in", "not_utf8", "shop.fan", true, r#"{"ns":"shop.fan","data":"gr\xfcn"}"#])
    );

    let answer =
        Req::connect(&broker).ask(&json!({"type": "thing_update", "ns": "shop.saw", "ack": "directory"}));
    assert_eq!(answer["error"], "no_data");
    let told = &refused(&broker, "shop.saw", 1)[0];
    assert_eq!(
        (&told["door"], &told["reason"], &told["named"]),
        (&json!("query"), &json!("no_data"), &json!(true))
    );

    let mut web = Http::connect(broker.web);
    assert_eq!(web.ask("PUT", "/things/shop.saw", &[], b"{rpm: 5}").status, 400);
    assert_eq!(
        seen(&refused(&broker, "shop.saw", 2)[0]),
        json!(["http", "not_json", "shop.saw", true, "{rpm: 5}"])
    );
    assert_eq!(web.ask("PUT", "/things/shop/Saw%20Two", &[], b"5").status, 400);
    assert_eq!(seen(&refused(&broker, "shop", 7)[0]), json!(["http", "bad_ns", "shop.Saw Two", true, "5"]));
    assert_eq!(web.ask("PUT", "/things/shop.saw?ttl=0", &[], b"5").status, 400);
    assert_eq!(seen(&refused(&broker, "shop.saw", 3)[0]), json!(["http", "bad_ttl", "shop.saw", true, "5"]));
    // What is no update is none that was refused.
    assert_eq!(web.get("/things/Shop").status, 400);
    assert_eq!(broker.ask(&json!({"type": "bogus"}))["error"], "bad_query");
    let status = broker.status();
    assert_eq!(
        status["doors"]["http"]["updates"]["reasons"],
        json!({"bad_ns": 1, "bad_ttl": 1, "not_json": 1})
    );
    refused(&broker, "", 10);
}

/// Lets a sender of 2015 say what is good until that is there.
fn good(broker: &Doors, sender: &mut Process, line: &str, ns: &str) {
    until("a first value", || {
        sender.write_line(line);
        broker.things(ns)["data"].get(ns).cloned()
    });
}

#[test]
fn a_sender_of_2015_that_breaks_is_found_by_its_thing() {
    let broker = TestBroker::start();
    // Its own adaptor, told a time that is none.
    let mut adaptor = python::script("old_adaptor.py", &[&broker.input_url(), "shop.bot", "http://doc"]);
    good(&broker, &mut adaptor, r#"{"data": 1}"#, "shop.bot");
    adaptor.write_line(r#"{"data": 1, "ts": "soon"}"#);
    let told = &refused(&broker, "shop.bot", 1)[0];
    assert_eq!((&told["reason"], &told["named"]), (&json!("bad_ts"), &json!(true)), "{told}");
    // A program that prints what Python prints, where JSON is wanted.
    let mut plain = python::script("publish.py", &["connect", &broker.input_url()]);
    good(&broker, &mut plain, r#"{"type": "thing_update", "ns": "shop.press", "data": 1}"#, "shop.press");
    plain.write_line("{'type': 'thing_update', 'ns': 'shop.press', 'data': None}");
    let told = &refused(&broker, "shop.press", 1)[0];
    assert_eq!((&told["reason"], &told["named"]), (&json!("not_json"), &json!(false)), "{told}");
}

#[test]
fn of_a_flood_the_last_are_remembered() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    for number in 0..50_000 {
        push.send(format!(r#"{{"ns":"flood","type":"thing_update","number":{number}}}"#));
    }
    until("the flood", || (broker.status()["doors"]["zmq_in"]["rejected"] == 50_000).then_some(()));
    let told = refused(&broker, "flood", 256);
    for (at, told) in told.iter().enumerate() {
        assert_eq!(
            told["excerpt"],
            format!(r#"{{"ns":"flood","type":"thing_update","number":{}}}"#, 49_999 - at)
        );
    }
}

#[test]
fn a_key_is_told_of_what_it_reads() {
    let folder = ScratchFolder::new();
    let data = folder.path("data");
    let (all, shop) =
        (add_key(&data, &["all"]), add_key(&data, &["shop", "--read", "shop", "--write", "shop"]));
    let broker = BrokerProgram::start(&["--data", data.to_str().expect("a path of text")]);
    let doors = broker.doors();
    let push = Push::connect(&doors);
    for message in ["nothing", r#"{"ns":"lab.lamp"}"#, r#"{"ns":"shop.lamp"}"#, r#"{"ns":"shop.Lamp"}"#] {
        push.send(message);
    }
    refused(&doors, "", 4);
    let ask = |path: &str, key: &str| http::ask(doors.web, "GET", path, &[&format!("Access-Key: {key}")]);
    let names = |path: &str, key: &str| -> Vec<Value> {
        let answer = ask(path, key);
        assert_eq!(answer.status, 200, "{answer:?}");
        let told = parse(answer.body.as_bytes())["rejected"].as_array().expect("a list").clone();
        told.iter().map(|told| told["ns"].clone()).collect()
    };
    assert_eq!(
        names("/rejected", &all),
        [json!("shop.Lamp"), json!("shop.lamp"), json!("lab.lamp"), Value::Null]
    );
    assert_eq!(names("/rejected?under=shop.lamp", &all), ["shop.lamp"]);
    assert_eq!(names("/rejected", &shop), ["shop.Lamp", "shop.lamp"]);
    assert_eq!(ask("/rejected?under=lab", &shop).status, 403);
    assert_eq!(ask("/rejected?under=Lab", &all).status, 400);
    let table =
        http::ask(doors.web, "GET", "/rejected", &["Accept: text/csv", &format!("Access-Key: {shop}")]);
    assert_eq!(
        (table.body.lines().count(), table.body.lines().next()),
        (3, Some("ts,door,from,reason,message,ns,named,bytes,excerpt"))
    );
    // Who may not write there does not fill the list.
    let put = |path: &str| http::send(doors.web, "PUT", path, &[&format!("Access-Key: {shop}")], "{").status;
    assert_eq!((put("/things/lab.lamp"), put("/things/Lab"), put("/things/shop.lamp")), (403, 400, 400));
    refused(&doors, "", 5);
}

#[test]
fn library_and_tool_show_it() {
    let broker = TestBroker::start();
    let tool = |arguments: &[&str]| {
        let mut command = program("thingsbus");
        command
            .env("THINGSBUS_BROKER", broker.clients.to_string())
            .env("COLUMNS", "100")
            .arg("rejected")
            .args(arguments);
        let Ended { code, stdout, stderr } = Ended::of(&mut command);
        assert_eq!((code, stderr.as_str()), (Some(0), ""), "{stdout}");
        stdout
    };
    assert_eq!((tool(&["--human"]).as_str(), tool(&["--json"]).as_str()), ("nothing was refused", ""));
    let push = Push::connect(&broker);
    push.send(update("shop.lamp", &json!(1)));
    push.send("\u{1b}[2J");
    push.send(r#"{"ns":"lab","type":"thing_update"}"#);
    refused(&broker, "", 2);

    let name = BrokerName::Address(Address::parse(&broker.clients_url()).expect("an address"));
    let messages = rejected(&name, &Namespace::parse("shop").expect("a name"), PATIENCE).expect("an answer");
    let [message] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(
        (message.ns.as_deref(), message.named, message.excerpt.as_str()),
        (Some("shop.lamp"), false, r"\x1b[2J")
    );
    assert!(message.age <= PATIENCE && message.reason == "not_json", "{message:?}");

    let shown = tool(&["--human"]);
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[0].starts_with("age") && lines[0].ends_with("message"), "{shown}");
    assert!(lines[1].contains(" s  lab ") && lines[1].contains("no_data"), "{shown}");
    assert!(lines[2].contains(" ~shop.lamp ") && lines[2].ends_with(r"\x1b[2J"), "{shown}");
    assert_eq!(lines[3..], ["", "no_data: the update has no \"data\"", "not_json: the message is not JSON"]);
    let told = parse(tool(&["shop", "--json"]).as_bytes());
    assert_eq!(
        (&told["ns"], &told["reason"], &told["door"]),
        (&json!("shop.lamp"), &json!("not_json"), &json!("zmq_in"))
    );
}
