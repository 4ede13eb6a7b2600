//! What libzmq peers see of the broker in this process: order, marks, prefixes, and being told what to do.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::TestBroker;
use crate::support::peers::{Push, Sub, parse, socket, update};
use crate::support::raw::{Raw, frame};
use crate::support::test_broker::{doors, test_config};
use crate::support::wait::until;

#[test]
fn everyone_hears_everything_in_one_order() {
    let broker = TestBroker::start();
    let mut subs: Vec<Sub> = (0..4).map(|_| Sub::connect(&broker, &[r#"{"ns":"#])).collect();
    let senders: Vec<Push> = (0..3).map(|_| Push::connect(&broker)).collect();
    for number in 0..400 {
        for (sender, push) in senders.iter().enumerate() {
            push.send(update(&format!("sender.s{sender}"), &json!(number)));
        }
    }
    let heard = subs.iter_mut().map(|sub| (0..1_200).map(|_| sub.next()).collect::<Vec<_>>());
    let heard: Vec<_> = heard.collect();
    assert!(heard.windows(2).all(|two| two[0] == two[1]), "all heard the same");
    let mut numbers = [0; 3];
    for (index, message) in heard[0].iter().enumerate() {
        let message = parse(message);
        assert_eq!(message["seq"], index + 1);
        let sender = usize::from(message["ns"].as_str().unwrap().as_bytes()[8] - b'0');
        assert_eq!(message["data"], numbers[sender], "each sender's own order is kept");
        numbers[sender] += 1;
    }
}

#[test]
fn a_mark_comes_after_every_update_that_it_counts() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"#]);
    let mut raw = Raw::ready(broker.input, "PUSH");
    // More than the broker reads at once, so that the mark is asked for in the middle of it.
    let updates = frame(0, update("thing", &json!(1)).as_bytes()).repeat(5_000);
    let mut heard = 0;
    for round in 1..=20 {
        raw.send(&updates).unwrap();
        while heard < round * 5_000 {
            let mark = sub.mark()["seq"].as_u64().unwrap();
            heard = sub.drain().last().map_or(heard, |message| parse(message)["seq"].as_u64().unwrap());
            assert_eq!(heard, mark, "the last update that came before the mark, and the last that it counts");
        }
    }
}

#[test]
fn two_subscriptions_that_fit_bring_a_message_once() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &["", "{", r#"{"ns":"a"#, r#"{"ns":"a""#, r#"{"ns":"a""#]);
    let first = sub.next_json();
    assert_eq!(first["type"], "thing_snapshot", "who takes everything is greeted with a snapshot, once");
    let push = Push::connect(&broker);
    push.send(update("a", &json!(1)));
    push.send(update("b", &json!(2)));
    assert_eq!([sub.next_json()["data"].clone(), sub.next_json()["data"].clone()], [json!(1), json!(2)]);
    assert_eq!(sub.so_far(), Vec::<Vec<u8>>::new());
}

#[test]
fn ten_thousand_things_are_told_whole() {
    let broker = TestBroker::with(|config| config.snapshot.every_s = 3_600);
    let push = Push::connect(&broker);
    for number in 0..10_000 {
        push.send(update(&format!("shop.shelf{}.thing{number}", number % 100), &json!({"number": number})));
    }
    until("the things", || (broker.status()["seq"] == 10_000).then_some(()));
    // By the first snapshot, in parts.
    let mut sub = Sub::connect(&broker, &[r#"{"type":"thing_snapshot""#]);
    let mut told = 0;
    while told < 10_000 {
        let part = sub.next();
        assert!(part.len() < 300 * 1024, "a part of {} bytes", part.len());
        told += parse(&part)["data"].as_object().expect("things").len();
    }
    assert_eq!(told, 10_000);
    // By the query door, page by page.
    let mut question = json!({"type": "thing_query", "tree": true});
    let mut numbers: Vec<u64> = Vec::new();
    loop {
        let page = broker.ask(&question);
        numbers.extend(
            page["data"].as_object().unwrap().values().map(|told| told["data"]["number"].as_u64().unwrap()),
        );
        if page["next"].is_null() {
            break;
        }
        question["after"] = page["next"].clone();
    }
    numbers.sort_unstable();
    assert!(numbers.into_iter().eq(0..10_000));
}

#[test]
fn it_stops_at_once_also_right_after_something_else() {
    let broker = TestBroker::start();
    // Both are said before it can have woken up for the first.
    let handle = broker.handle();
    handle.reconfigure(test_config(|config| config.limits.things_max = 5));
    handle.reconfigure(test_config(|config| config.limits.things_max = 6));
    let asked = Instant::now();
    let counted = broker.stop();
    assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
    assert_eq!(counted["limits"]["things_max"], 6);
}

#[test]
fn other_limits_hold_from_then_on() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    push.send(update("a", &json!(1)));
    push.send(update("b", &json!(1)));
    until("both", || (broker.status()["things"] == 2).then_some(()));
    broker.handle().reconfigure(test_config(|config| config.limits.things_max = 2));
    until("the limit", || (broker.status()["limits"]["things_max"] == 2).then_some(()));
    push.send(update("c", &json!(1)));
    push.send(update("b", &json!(2)));
    until("the last", || (broker.things("b")["data"]["b"]["data"] == 2).then_some(()));
    let counted = broker.stop();
    assert_eq!(counted["things"], 2, "what is there is kept, and what is new is not");
    assert_eq!(counted["doors"]["zmq_in"]["reasons"], json!({"directory_full": 1}));
}

#[test]
fn who_calls_before_it_runs_waits() {
    let broker = thingsbus_broker::Broker::bind(test_config(|_| {})).unwrap();
    let (doors, handle) = (doors(&broker), broker.handle());
    let push = Push::connect(&doors);
    push.send(update("early", &json!(1)));
    let asker = socket(zmq::REQ);
    asker.connect(&doors.query_url()).unwrap();
    asker.send(r#"{"type":"status_query"}"#, 0).unwrap();
    let thread = std::thread::spawn(move || broker.run());
    let status: Value = parse(&asker.recv_bytes(0).expect("an answer"));
    assert_eq!(status["type"], "status");
    until("the update", || (doors.status()["seq"] == 1).then_some(()));
    handle.stop();
    thread.join().unwrap().unwrap();
}
