//! What a plain SUB socket is sent when it subscribes: what there is now, and only what it asked for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::TestBroker;
use crate::support::peers::{Push, Sub, parse, update};
use crate::support::raw::{Raw, command};
use crate::support::wait::until;

/// A broker that knows `names`.
fn broker_of(names: &[String]) -> TestBroker {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    for name in names {
        push.send(update(name, &json!(name)));
    }
    until("all of them", || (broker.status()["things"] == names.len()).then_some(()));
    broker
}

/// A client that has not asked for a mark, and so is told last values.
fn subscribe(broker: &TestBroker, prefix: &str) -> Raw {
    let mut raw = Raw::ready(broker.clients, "SUB");
    raw.send(&command("SUBSCRIBE", prefix.as_bytes())).unwrap();
    raw
}

fn next(raw: &mut Raw) -> Value {
    parse(&raw.read_frame().expect("a message").1)
}

#[test]
fn who_subscribes_to_a_part_has_its_last_values_at_once_and_nothing_else() {
    let names: Vec<String> = ["a", "a-b", "a.b", "a.b.c", "ab", "b"].map(ToOwned::to_owned).to_vec();
    let broker = broker_of(&names);
    let check = |prefix: &str, wanted: &[&str]| {
        let mut raw = subscribe(&broker, prefix);
        let told: Vec<Value> = wanted.iter().map(|_| next(&mut raw)).collect();
        let told_names: Vec<&str> = told.iter().map(|told| told["ns"].as_str().unwrap()).collect();
        assert_eq!(told_names, wanted, "{prefix}");
        for told in &told {
            assert_eq!((&told["data"], &told["type"]), (&told["ns"], &json!("thing_update")));
            assert!(told["seq"].is_u64() && told["merged"].is_null(), "{told}");
        }
        // After them comes what is asked for next, so there was nothing else.
        raw.send(&command("SUBSCRIBE", br#"{"mark":"end""#)).unwrap();
        assert_eq!(next(&mut raw)["mark"], "end", "{prefix}");
    };
    check(r#"{"ns":"a.b""#, &["a.b"]);
    check(r#"{"ns":"a.b","type":"#, &["a.b"]);
    check(r#"{"ns":"a."#, &["a.b", "a.b.c"]);
    check(r#"{"ns":"#, &["a", "a-b", "a.b", "a.b.c", "ab", "b"]);
    check(r#"{"n"#, &["a", "a-b", "a.b", "a.b.c", "ab", "b"]);
    check(r#"{"ns":"nobody""#, &[]);
    check(r#"{"ts":"#, &[]);
}

#[test]
fn who_asks_for_marks_is_told_no_last_values() {
    let broker = broker_of(&["a".to_owned()]);
    let mut raw = Raw::ready(broker.clients, "SUB");
    for prefix in [r#"{"mark":"first""#, r#"{"ns":"a""#, r#"{"mark":"last""#] {
        raw.send(&command("SUBSCRIBE", prefix.as_bytes())).unwrap();
    }
    assert_eq!(next(&mut raw)["mark"], "first");
    assert_eq!(next(&mut raw)["mark"], "last");
}

#[test]
fn ten_thousand_last_values_come_while_others_hear_what_happens() {
    let names: Vec<String> = (0..10_000).map(|number| format!("many.n{number}")).collect();
    let broker = broker_of(&names);
    let mut raw = subscribe(&broker, r#"{"ns":"many."#);
    let mut other = Sub::connect(&broker, &[r#"{"ns":"live"#]);
    let push = Push::connect(&broker);
    for number in 0..100 {
        push.send(update("live", &json!(number)));
        assert_eq!(other.next_json()["data"], number);
    }
    let told: BTreeSet<String> =
        (0..names.len()).map(|_| next(&mut raw)["ns"].as_str().unwrap().to_owned()).collect();
    assert_eq!(told, names.into_iter().collect::<BTreeSet<_>>());
}

#[test]
fn a_value_is_never_followed_by_an_older_one() {
    let names: Vec<String> = (0..2_000).map(|number| format!("many.n{number}")).collect();
    let broker = broker_of(&names);
    let push = Push::connect(&broker);
    let mut raw = subscribe(&broker, r#"{"ns":"many."#);
    // All change while the newcomer is told of them.
    for name in &names {
        push.send(update(name, &json!("new")));
    }
    let mut seqs = std::collections::BTreeMap::new();
    let mut new = BTreeSet::new();
    while new.len() < names.len() {
        let message = next(&mut raw);
        let (name, seq) = (message["ns"].as_str().unwrap().to_owned(), message["seq"].as_u64().unwrap());
        let before = seqs.insert(name.clone(), seq).unwrap_or(0);
        assert!(seq >= before, "{name}: {seq} after {before}");
        if message["data"] == "new" {
            new.insert(name);
        }
    }
}
