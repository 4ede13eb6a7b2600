//! Live streams: what there is, a mark, what happens; and the same again after a cut, a restart, a crash.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::Stop;
use crate::support::http::{Event, Events, Http};
use crate::support::peers::{Push, Req, parse, update};
use crate::support::process::Process;
use crate::support::program::{NO_STORE, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, free_ports, python};

fn say(http: &mut Http, ns: &str, data: &Value) -> u64 {
    let answer = http.put(&format!("/things/{ns}"), data);
    assert_eq!(answer.status, 200, "{}", answer.text());
    super::number(&answer.json()["seq"])
}

/// What events tell, as their names and things.
fn told(events: &[Event]) -> Vec<(String, String)> {
    let ns = |event: &Event| event.json()["ns"].as_str().unwrap_or_default().to_owned();
    events.iter().map(|event| (event.name.clone(), ns(event))).collect()
}

fn id(event: &Event) -> &str {
    event.id.as_deref().expect("an id")
}

#[test]
fn first_what_there_is_then_a_mark_then_what_happens() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    let mut empty = Events::follow(broker.web, "?under=nobody", None);
    let (events, mark) = empty.through_mark();
    let epoch = broker.things("")["epoch"].as_str().expect("an epoch").to_owned();
    assert_eq!((events.len(), id(&mark)), (0, format!("{epoch}.0").as_str()));
    let wanted = json!({"type": "thing_mark", "epoch": epoch, "seq": 0, "since": null, "things": 0});
    assert_eq!(mark.json(), wanted, "also where there is nothing");

    for number in 0..450 {
        say(&mut http, &format!("shop.n{number:03}"), &json!(number));
    }
    let mut events = Events::follow(broker.web, "?under=shop", None);
    let (snapshot, mark) = events.through_mark();
    let names: Vec<String> = told(&snapshot).into_iter().map(|(_, ns)| ns).collect();
    assert_eq!(names, (0..450).map(|number| format!("shop.n{number:03}")).collect::<Vec<_>>());
    assert!(snapshot.iter().all(|event| event.id.is_none()), "who is cut off before the mark begins again");
    let first = snapshot[0].json();
    assert_eq!(
        (&first["type"], &first["data"], &first["seq"]),
        (&json!("thing_update"), &json!(0), &json!(1))
    );
    assert!(first["received"].is_f64(), "how old it is can be told: {first}");
    assert_eq!((&mark.json()["things"], id(&mark)), (&json!(450), format!("{epoch}.450").as_str()));

    say(&mut http, "roof", &json!("elsewhere"));
    let seq = say(&mut http, "shop.n007", &json!("new"));
    let event = events.wait();
    assert_eq!((event.json()["data"].as_str(), id(&event)), (Some("new"), format!("{epoch}.{seq}").as_str()));
}

#[test]
fn line_ends_of_a_sender_stay_within_the_event() {
    let broker = TestBroker::start();
    let mut events = python::script("events.py", &[&broker.http_url("/events")]);
    events.find("thing_mark");
    let push = Push::connect(&broker);
    let sent = "{\"type\": \"thing_update\",\r\n \"ns\": \"a\",\r \"data\":\n{\"x\":\r\n\r\n\"data: no\\r\\n\\nevent: mark\"\n}}";
    push.send(sent);
    let event = parse(events.line().as_bytes());
    let message = parse(event["data"].as_str().expect("data").as_bytes());
    assert_eq!(
        (&event["event"], &message["data"]["x"]),
        (&json!("message"), &json!("data: no\r\n\nevent: mark"))
    );
    // By the web door itself, and in the snapshot, too.
    let mut http = Http::connect(broker.web);
    let put = http.ask("PUT", "/things/b", &[], b"{\r\n\r\n\"y\":\r1\n}");
    assert_eq!(put.status, 200);
    let event = parse(events.line().as_bytes());
    assert_eq!(parse(event["data"].as_str().unwrap().as_bytes())["data"], json!({"y": 1}));
    let (snapshot, _) = Events::follow(broker.web, "", None).through_mark();
    assert_eq!(snapshot[1].json()["data"], json!({"y": 1}));
}

#[test]
fn a_cut_stream_goes_on_where_it_was() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    for ns in ["a", "b", "c"] {
        say(&mut http, ns, &json!(1));
    }
    let mut events = Events::follow(broker.web, "", None);
    let (_, mark) = events.through_mark();
    say(&mut http, "a", &json!(2));
    let last = events.wait();
    drop(events);
    say(&mut http, "b", &json!(2));
    say(&mut http, "b", &json!(3));
    assert_eq!(http.ask("DELETE", "/things/c", &[], b"").status, 200);

    let (missed, again) = Events::follow(broker.web, "", Some(id(&last))).through_mark();
    assert_eq!(told(&missed), [(String::new(), "b".to_owned()), ("forgotten".to_owned(), "c".to_owned())]);
    assert_eq!((&missed[0].json()["data"], &again.json()["since"]), (&json!(3), &last.json()["seq"]));
    // By the address too, for who cannot send headers; the header is newer where there are both.
    let which = format!("?since={}", id(&mark));
    assert_eq!(Events::follow(broker.web, &which, None).through_mark().0.len(), 3);
    assert_eq!(Events::follow(broker.web, &which, Some(id(&again))).through_mark().0, []);
    // What is no id of this life is as none.
    for other in ["", "x", "x.1", "1", "other.7"] {
        let (all, mark) = Events::follow(broker.web, "", Some(other)).through_mark();
        assert_eq!((told(&all).len(), &mark.json()["since"]), (2, &Value::Null), "{other:?}");
    }
}

/// A broker with a data folder, where the last one was.
fn start(folder: &ScratchFolder, port: u16) -> (Process, Doors) {
    let mut command = program("thingsbus-broker");
    let port_text = port.to_string();
    command.env(NO_STORE, folder.path("data")).args(["--bind", "127.0.0.1", "--port", &port_text]);
    let mut process = Process::start("thingsbus-broker", &mut command);
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
    until("the web door", || {
        assert!(process.is_running(), "{}", process.said());
        std::net::TcpStream::connect(doors.web).ok()
    });
    (process, doors)
}

#[test]
fn a_restart_is_a_cut_and_a_crash_begins_again() {
    let (folder, port) = (ScratchFolder::new(), free_ports());
    let (mut broker, doors) = start(&folder, port);
    let mut http = Http::connect(doors.web);
    for ns in ["a", "b", "c"] {
        assert_eq!(http.put(&format!("/things/{ns}?ack=disk"), &json!(1)).status, 200);
    }
    let mut events = Events::follow(doors.web, "", None);
    let (_, mark) = events.through_mark();
    say(&mut http, "b", &json!(2));
    let last = events.wait();
    say(&mut http, "c", &json!(2));
    broker.signal("TERM");
    // It ends in good order: with everything that there was.
    let rest: Vec<Event> = std::iter::from_fn(|| events.next()).collect();
    assert_eq!(told(&rest), [(String::new(), "c".to_owned())]);
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());

    let (mut broker, doors) = start(&folder, port);
    let (missed, again) = Events::follow(doors.web, "", Some(id(&rest[0]))).through_mark();
    assert_eq!((told(&missed).len(), &again.json()["since"]), (0, &again.json()["seq"]), "{}", broker.said());
    assert_eq!(again.json()["epoch"], mark.json()["epoch"], "the life goes on");
    // What was forgotten before is not known any more, so who was further behind is told all there is.
    let (all, since) = Events::follow(doors.web, "", Some(id(&last))).through_mark();
    assert_eq!((told(&all).len(), &since.json()["since"]), (3, &Value::Null));
    let mut http = Http::connect(doors.web);
    assert_eq!(http.put("/things/d?ack=disk", &json!(1)).status, 200);
    broker.signal("KILL");
    broker.wait();

    let (_broker, doors) = start(&folder, port);
    let (all, mark) = Events::follow(doors.web, "", Some(id(&again))).through_mark();
    assert_eq!((told(&all).len(), &mark.json()["since"]), (4, &Value::Null), "nobody knows what was lost");
    assert_ne!(mark.json()["epoch"], again.json()["epoch"]);
}

#[test]
fn a_stream_that_begins_amid_updates_misses_none() {
    let broker = TestBroker::start();
    let doors = *broker;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Each when the one before is in, so that the broker sleeps and wakes as often as can be.
            let req = Req::connect(&doors);
            let mut number = 0_u64;
            while !stop.load(Ordering::Relaxed) {
                let say = json!({"type": "thing_update", "ns": "count", "data": number, "ack": "directory"});
                assert_eq!(req.ask(&say)["type"], "thing_ack");
                number += 1;
            }
        });
        let _stop = Stop(&stop);
        until("the first", || doors.things("")["data"]["count"].is_object().then_some(()));
        for _ in 0..300 {
            let mut events = Events::follow(doors.web, "", None);
            let (snapshot, _) = events.through_mark();
            let known = super::number(&snapshot.last().expect("it").json()["data"]);
            // What was not told is told to be merged.
            let (mut merged, mut next) = (0, events.wait());
            while !next.name.is_empty() {
                merged += next.json()["count"].as_u64().unwrap_or_default();
                next = events.wait();
            }
            let next = super::number(&next.json()["data"]);
            assert!(known < next && next <= known + 1 + merged, "{next} after {known}, {merged} merged");
        }
    });
}

#[test]
fn a_web_socket_has_the_stream_and_the_questions() {
    let broker = TestBroker::start();
    let mut http = Http::connect(broker.web);
    say(&mut http, "shop.lamp", &json!(1));
    let mut socket = python::script("web_socket.py", &[&format!("ws://{}/ws?under=shop", broker.web)]);
    let mut next = || parse(socket.line().as_bytes());
    assert_eq!((next()["data"].clone(), next()["type"].clone()), (json!(1), json!("thing_mark")));
    say(&mut http, "shop.lamp", &json!(2));
    assert_eq!(next()["data"], 2);
    for (question, kind) in [
        (json!({"type": "thing_query", "ns": "shop", "tree": true}), "thing_snapshot"),
        (json!({"type": "status_query"}), "status"),
        (json!({"type": "nonsense"}), "error"),
    ] {
        socket.write_line(&question.to_string());
        assert_eq!(parse(socket.line().as_bytes())["type"], kind);
    }
    socket.write_line(
        &json!({"type": "thing_update", "ns": "shop.lamp", "data": 3, "ack": "directory"}).to_string(),
    );
    let both = [(); 2].map(|()| parse(socket.line().as_bytes()));
    assert!(both.iter().any(|message| message["type"] == "thing_ack"), "{both:?}");
    assert!(both.iter().any(|message| message["data"] == 3), "{both:?}");
}

#[test]
fn questions_amid_the_snapshot_lose_nothing_of_it() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    let things: Vec<String> = (0..5_000).map(|number| format!("lab.n{number}")).collect();
    for ns in &things {
        push.send(update(ns, &json!("x".repeat(50))));
    }
    until("the things", || (broker.status()["seq"] == things.len()).then_some(()));
    // The broker has something else to do, so that pages are waited for.
    let script = "import json, sys\nfrom websockets.sync.client import connect\n\
        with connect(sys.argv[1], max_size=None) as socket:\n\
        \x20   for number in range(200):\n\
        \x20       socket.send('{\"type\":\"status_query\"}')\n\
        \x20   things, answers, marks = set(), 0, 0\n\
        \x20   while answers < 200 or not marks:\n\
        \x20       message = json.loads(socket.recv(timeout=30))\n\
        \x20       if message['type'] == 'status': answers += 1\n\
        \x20       elif message['type'] == 'thing_mark': marks += 1\n\
        \x20       elif message['ns'].startswith('lab.'): things.add(message['ns'])\n\
        \x20   print(len(things))";
    let (doors, stop) = (*broker, AtomicBool::new(false));
    std::thread::scope(|scope| {
        for number in 0..3 {
            let stop = &stop;
            scope.spawn(move || {
                let mut http = Http::connect(doors.web);
                while !stop.load(Ordering::Relaxed) {
                    say(&mut http, &format!("busy.n{number}"), &json!(1));
                }
            });
        }
        let _stop = Stop(&stop);
        for _ in 0..3 {
            let mut socket = python::code("questions", script, &[&format!("ws://{}/ws", doors.web)]);
            let printed = socket.stdout.find("");
            assert_eq!(printed.as_deref(), Some("5000"), "{}", socket.said());
        }
    });
}

#[test]
fn a_stream_of_everything_has_what_a_client_has() {
    let broker = TestBroker::start();
    let mut events = Events::follow(broker.web, "", None);
    events.through_mark();
    let push = Push::connect(&broker);
    const UPDATES: u64 = 20_000;
    for number in 0..UPDATES {
        push.send(update(&format!("t{}", number % 50), &json!(number)));
    }
    // In order, each once, or merged and told so.
    let (mut seen, mut merged, mut last) = (0, 0, BTreeMap::new());
    while seen + merged < UPDATES {
        let event = events.wait();
        match event.name.as_str() {
            "merged" => merged += super::number(&event.json()["count"]),
            "mark" => {}
            _ => {
                let message = event.json();
                let (ns, seq) = (message["ns"].as_str().unwrap().to_owned(), super::number(&message["seq"]));
                assert!(last.insert(ns, seq).is_none_or(|before| before < seq), "{message}");
                seen += 1;
            }
        }
    }
    assert_eq!(seen + merged, UPDATES);
}
