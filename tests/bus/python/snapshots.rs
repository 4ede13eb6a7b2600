//! Snapshots for 0.2.1's clients: at once for who comes late, then every so often, and without what is quiet.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::peers::{Push, Sub, update};
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, python};

/// Sends values at a time of their own, and waits until the broker has them.
fn send_values(doors: &Doors, push: &Push, ts: f64) {
    for (number, ns) in ["spacemon.light", "spacemon.electronics", "shop.door"].iter().enumerate() {
        push.send(
            json!({"type": "thing_update", "ns": ns, "ts": ts, "data": {"n": number}, "documentation_url": "http://doc"})
                .to_string(),
        );
    }
    until("the values to arrive", || (doors.status()["things"] == 3).then_some(()));
}

fn snapshot_events(ts: f64) -> BTreeSet<String> {
    [("spacemon.light", 0), ("spacemon.electronics", 1), ("shop.door", 2)]
        .map(|(ns, number)| {
            format!("ThingEvent<Thing<{ns}>, ts={ts:.3}, flags=F_SNAPSHOT, data={{'n': {number}}}>")
        })
        .into()
}

#[test]
fn a_late_client_has_everything_the_moment_it_connects() {
    let broker = TestBroker::with(|config| config.snapshot.every_s = 3_600);
    let push = Push::connect(&broker);
    send_values(&broker, &push, 1_423_351_104.945);
    let mut client = python::script("old_client.py", &[&broker.clients_url(), "", "tree", "snapshot"]);
    let events: BTreeSet<String> = (0..3).map(|_| client.line()).collect();
    assert_eq!(events, snapshot_events(1_423_351_104.945));
    client.write_line("shop.door");
    assert_eq!(client.line(), r#"get shop.door {"n": 2} http://doc"#);

    push.send(update("shop.door", &json!("open")));
    let event = client.line();
    assert!(event.starts_with("ThingEvent<Thing<shop.door>, ts=") && event.ends_with("flags=, data='open'>"));
}

#[test]
fn what_says_nothing_wants_no_snapshot_and_gets_none() {
    let broker = TestBroker::with(|config| config.snapshot.every_s = 1);
    let push = Push::connect(&broker);
    send_values(&broker, &push, 1.5);
    let mut one_part = Sub::connect(&broker, &[r#"{"ns":"shop."#]);
    let mut everything = Sub::connect(&broker, &[""]);
    for _ in 0..3 {
        assert_eq!(everything.next_json()["type"], "thing_snapshot");
    }
    assert_eq!(one_part.so_far(), Vec::<Vec<u8>>::new());
}

#[test]
fn the_periodic_snapshot_is_that_of_its_own_broker() {
    let (_process, own) = python::old_broker(1);
    let ours = TestBroker::with(|config| config.snapshot.every_s = 1);
    // 0.2.1 leaves out what its sender says is a minute old.
    let ts = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs_f64().floor();
    let two_rounds = |doors: &Doors| {
        let mut client = python::script("old_client.py", &[&doors.clients_url(), "", "tree", "snapshot"]);
        // 0.2.1's broker has no query door to ask whether they came, and its SUB takes a PUB only.
        let publish = zmq_pub(doors);
        let mut rounds: Vec<BTreeSet<String>> = Vec::new();
        let mut round = BTreeSet::new();
        let wanted = snapshot_events(ts);
        let began = Instant::now();
        let mut sent_at = None::<Instant>;
        while rounds.len() < 2 {
            assert!(began.elapsed() < PATIENCE, "{} rounds, and {round:?}\n{}", rounds.len(), client.said());
            if sent_at.is_none_or(|at| at.elapsed() > Duration::from_millis(200)) && rounds.is_empty() {
                publish(ts);
                sent_at = Some(Instant::now());
            }
            let Some(event) = client.stdout.next_within(Duration::from_millis(100)) else { continue };
            if event.contains("F_SNAPSHOT") {
                assert!(wanted.contains(&event), "{event} is none of {wanted:#?}");
                round.insert(event);
                if round.len() == wanted.len() {
                    rounds.push(std::mem::take(&mut round));
                }
            }
        }
        rounds
    };
    assert_eq!(two_rounds(&own), two_rounds(&ours));
}

/// Publishes the values by a PUB, which 0.2.1's broker takes.
fn zmq_pub(doors: &Doors) -> impl Fn(f64) + use<> {
    let socket = crate::support::peers::socket(zmq::SocketType::PUB);
    socket.connect(&doors.input_url()).unwrap();
    move |ts| {
        for (number, ns) in ["spacemon.light", "spacemon.electronics", "shop.door"].iter().enumerate() {
            let update = json!({"type": "thing_update", "ns": ns, "ts": ts, "data": {"n": number}});
            socket.send(update.to_string().as_bytes(), 0).unwrap();
        }
    }
}

#[test]
fn a_quiet_thing_leaves_the_snapshots_and_not_the_directory() {
    let broker = TestBroker::with(|config| {
        config.snapshot.every_s = 1;
        config.snapshot.heard_within_s = 1;
    });
    let push = Push::connect(&broker);
    // Its own clock is years ahead; only the broker's counts.
    push.send(r#"{"type":"thing_update","ns":"quiet","ts":4000000000.5,"data":7}"#);
    until("the thing", || (broker.status()["things"] == 1).then_some(()));
    let mut sub = Sub::connect(&broker, &[r#"{"type":"thing_snapshot""#]);
    until("a snapshot without the quiet thing", || (sub.next_json()["data"] == json!({})).then_some(()));
    let told = &broker.things("")["data"]["quiet"];
    assert_eq!((&told["data"], &told["ts"]), (&json!(7), &json!(4_000_000_000.5)));
    let age = broker.things("")["ts"].as_f64().unwrap() - told["received"].as_f64().unwrap();
    assert!((1.0..60.0).contains(&age), "{age} s");

    let mut client = python::script("old_client.py", &[&broker.clients_url(), "", "tree", "snapshot"]);
    let mut late = Sub::connect(&broker, &[""]);
    assert_eq!(late.next_json()["data"], json!({}), "the first snapshot leaves it out as well");
    push.send(r#"{"type":"thing_update","ns":"quiet","ts":1.5,"data":8}"#);
    let back = client.line();
    let (live, told) = ("flags=, data=8>", "flags=F_SNAPSHOT, data=8>");
    assert!(back.ends_with(live) || back.ends_with(told), "{back}");
}
