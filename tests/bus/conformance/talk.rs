//! What is said at each door, and that it is understood: the same for every peer.

use std::time::Duration;

use serde_json::{Value, json};

use super::Kind;
use super::peers::Peer;
use crate::support::TestBroker;
use crate::support::peers::{Push, Sub, parse, update};
use crate::support::wait::until;

/// What there is before a client comes, and what it is told at once when it subscribes to it.
const KNOWN: &str = "known";

/// Subscribed to twice and taken back once, which leaves one.
const TWICE: &str = "twice";

/// Subscribed to and taken back.
const GONE: &str = "gone";

/// Never subscribed to.
const OTHER: &str = "other";

/// Has a talk with a broker that knows nothing yet. `long` is how long the longest value is.
///
/// Gives what it came to: the updates that a sender brought, the marks and last values that a client was told, the
/// answers to a question.
pub(super) fn talk(peer: &mut Peer, broker: &TestBroker, long: usize) -> Vec<String> {
    match peer.kind {
        Kind::Push | Kind::Pub | Kind::Xpub => send(peer, broker, long),
        Kind::Sub | Kind::Xsub => listen(peer, broker, long),
        Kind::Req | Kind::Dealer | Kind::Router => ask(peer, broker, long),
    }
}

fn send(peer: &mut Peer, broker: &TestBroker, long: usize) -> Vec<String> {
    let mut sub = Sub::connect(broker, &[r#"{"ns":"#]);
    let mut said = Vec::new();
    match peer.kind {
        Kind::Xpub => assert_eq!(peer.receive_one(), "\u{1}", "the broker subscribes to everything"),
        // Drops what it sends before the broker's subscription has come back, and does not tell when that is.
        Kind::Pub => said.push(until("a PUB to be heard", || {
            peer.send(&[&update("hello", &Value::Null)]);
            sub.next_within(Duration::from_millis(50))
        })),
        _ => {}
    }
    peer.send(&[&update("said.short", &json!(1))]);
    peer.send(&[&update("said.long", &json!("x".repeat(long)))]);
    peer.send(&[&update("said.in.two", &Value::Null), "of which none is taken"]);
    peer.send(&[&update("said.last", &json!([]))]);
    while said.last().is_none_or(|last| parse(last)["ns"] != "said.last") {
        said.push(sub.next());
    }
    let said = values(&said);
    let [.., short, long_one, last] = said.as_slice() else { panic!("{said:?}") };
    assert_eq!((short.as_str(), last.as_str()), ("said.short 1", "said.last []"));
    assert_eq!(long_one.len(), "said.long ".len() + long + 2);
    let counted = &broker.status()["doors"]["zmq_in"];
    assert_eq!(counted["reasons"], json!({"multipart": 1}), "{counted}");
    said
}

fn listen(peer: &mut Peer, broker: &TestBroker, long: usize) -> Vec<String> {
    let push = Push::connect(broker);
    push.send(update(KNOWN, &json!("before")));
    until("the first value", || (broker.status()["seq"] == 1).then_some(()));
    let mut told = Vec::new();
    peer.subscribe(&updates_of(KNOWN));
    told.push(peer.receive_one());
    let mut mark = |peer: &mut Peer, name: &str| {
        peer.subscribe(&format!(r#"{{"mark":"{name}""#));
        let mark = peer.receive_one();
        assert_eq!(parse(mark.as_bytes())["mark"], name);
        told.push(mark);
    };
    mark(peer, "first");
    let long_name = long_name();
    for ns in [TWICE, &long_name, GONE, TWICE] {
        peer.subscribe(&updates_of(ns));
    }
    peer.cancel(&updates_of(TWICE));
    mark(peer, "second");
    let value = json!("x".repeat(long));
    tell(&push, &value, || peer.receive_one(), &[TWICE, &long_name, GONE, KNOWN]);
    peer.cancel(&updates_of(GONE));
    mark(peer, "third");
    tell_the_rest(&push, || peer.receive_one());
    // Nothing else was even sent: a SUB would have hidden it.
    assert_eq!(broker.status()["doors"]["clients"]["sent"], 1 + 4 + 3);
    shown(told.iter().map(|told| parse(told.as_bytes())))
}

/// What a client that said all the above is still told of.
pub(super) fn tell_the_rest(push: &Push, next: impl FnMut() -> String) {
    tell(push, &json!(0), next, &[TWICE, &long_name(), KNOWN]);
}

/// Sends an update of each thing, the known one last, and sees that a client is told of those that are wanted.
fn tell(push: &Push, value: &Value, mut next: impl FnMut() -> String, wanted: &[&str]) {
    [OTHER, TWICE, &long_name(), GONE, KNOWN].iter().for_each(|ns| push.send(update(ns, value)));
    for ns in wanted {
        let told = parse(next().as_bytes());
        assert_eq!((&told["ns"], &told["data"]), (&json!(ns), value));
    }
}

fn ask(peer: &mut Peer, broker: &TestBroker, long: usize) -> Vec<String> {
    let push = Push::connect(broker);
    push.send(update("asked", &json!("x".repeat(long))));
    until("the value", || (broker.status()["seq"] == 1).then_some(()));
    let questions = [
        json!({"type": "thing_query", "ns": "asked"}),
        json!({"type": "no_query"}),
        json!({"type": "thing_query", "tree": true, "ignored": "x".repeat(300)}),
    ]
    .map(|question| question.to_string());
    let mut answers = Vec::new();
    if peer.kind == Kind::Req {
        for question in &questions {
            peer.send(&[question]);
            answers.push([vec![String::new()], peer.receive()].concat());
        }
    } else {
        for (number, question) in questions.iter().enumerate() {
            peer.send(&[&number.to_string(), "", question]);
        }
        answers.extend(questions.iter().map(|_| peer.receive()));
        for (number, answer) in answers.iter().enumerate() {
            assert_eq!(answer[..2], [number.to_string(), String::new()], "{answer:?}");
        }
    }
    let [first, error, page] =
        [0, 1, 2].map(|number| parse(answers[number].last().expect("a frame").as_bytes()));
    assert_eq!(first["data"]["asked"]["data"].as_str().map(str::len), Some(long), "{first}");
    assert_eq!(error["error"], "bad_query", "{error}");
    assert_eq!(page["data"], first["data"]);
    answers.iter().map(|answer| shown_answer(answer)).collect()
}

/// An answer's frames, without the time at which it was given.
pub(super) fn shown_answer(frames: &[String]) -> String {
    let (answer, envelope) = frames.split_last().expect("a frame");
    let mut answer = parse(answer.as_bytes());
    answer.as_object_mut().expect("an object").remove("ts");
    format!("{envelope:?} {answer}")
}

/// Names and values of updates.
pub(super) fn values(updates: &[Vec<u8>]) -> Vec<String> {
    let updates = updates.iter().map(|update| parse(update));
    updates.map(|update| format!("{} {}", update["ns"].as_str().expect("a name"), update["data"])).collect()
}

/// What a client was told when it subscribed, in no order: last values come when the broker has time for them.
pub(super) fn shown(told: impl IntoIterator<Item = Value>) -> Vec<String> {
    let name = |told: Value| told["mark"].as_str().or_else(|| told["ns"].as_str()).map(ToOwned::to_owned);
    let mut names: Vec<String> =
        told.into_iter().map(|told| name(told).expect("a mark or an update")).collect();
    names.sort_unstable();
    names
}

fn updates_of(ns: &str) -> String {
    format!(r#"{{"ns":"{ns}""#)
}

/// So long that its subscription is a long frame.
fn long_name() -> String {
    vec!["long".repeat(15); 5].join(".")
}
