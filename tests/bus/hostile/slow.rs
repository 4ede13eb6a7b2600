//! Clients that stop reading: they get last values in place of what they did not take, the others lose nothing, and
//! the memory has its limit.

use serde_json::{Value, json};

use super::count;
use crate::support::TestBroker;
use crate::support::good::NS;
use crate::support::peers::{Push, Sub, parse, update};
use crate::support::raw::{Raw, command};
use crate::support::wait::until;

const KIB: usize = 1024;

/// A client that takes everything and reads nothing, and waits for nothing more before it is back.
fn silent(broker: &TestBroker) -> Raw {
    let mut raw = Raw::ready(broker.clients, "SUB");
    raw.send(&command("SUBSCRIBE", br#"{"ns":"#)).unwrap();
    raw.send(&command("SUBSCRIBE", br#"{"mark":"go""#)).unwrap();
    assert!(raw.read_frame().expect("the mark").1.starts_with(br#"{"mark":"go""#));
    raw
}

/// Sends messages so slowly that who reads has everything at any time, until `done`; how many.
fn send_until(broker: &TestBroker, sub: &mut Sub, done: impl Fn(&Value) -> bool) -> u64 {
    let push = Push::connect(broker);
    let fill = "x".repeat(8 * KIB);
    for number in 1..=4_000 {
        push.send(update(NS, &json!({"number": number, "fill": fill})));
        // The next is sent when this one was read: nothing ever waits for who reads.
        assert_eq!(sub.next_json()["data"]["number"], number);
        if number % 50 == 0 && done(&broker.status()) {
            return number;
        }
    }
    panic!("4,000 messages of 8 KiB, and still: {}", broker.status());
}

#[test]
fn a_client_that_stops_reading_gets_last_values_and_is_told_what_they_stand_for() {
    let broker = TestBroker::with(|config| {
        config.limits.client_queue_bytes_max = 64 * KIB;
        config.limits.client_queues_bytes_max = 128 * KIB;
    });
    let mut reading = Sub::connect(&broker, &[r#"{"ns":"good"#]);
    let mut raw = silent(&broker);
    let sent = send_until(&broker, &mut reading, |status| count(status, "/doors/clients/merged") > 50);
    // One more thing that the slow one does not hear of now.
    let push = Push::connect(&broker);
    push.send(update("good.other", &json!("other")));
    assert_eq!(reading.next_json()["data"], "other");

    let status = broker.status();
    let slow = status["doors"]["clients"]["slow"].as_array().expect("a list");
    assert_eq!(slow.len(), 1, "{status}");
    assert_eq!(slow[0]["peer"], raw.stream.local_addr().unwrap().to_string());
    let waiting = slow[0]["waiting_bytes"].as_u64().unwrap();
    assert!((1..=64 * KIB as u64).contains(&waiting), "{waiting} bytes wait");
    let (kept, merged) = (slow[0]["sent"].as_u64().unwrap(), slow[0]["merged"].as_u64().unwrap());
    assert_eq!(
        kept + merged + 1,
        sent,
        "each update was sent, or a newer one stands for it, or it is the last"
    );
    assert_eq!(merged, count(&status, "/doors/clients/merged"), "nobody else is behind");
    assert!(slow[0]["behind_s"].is_f64(), "{status}");

    // It reads again: what was kept for it, then the last value of each thing, all in one order.
    let mut last_seq = 0;
    let mut next = || {
        let message = parse(&raw.read_frame().expect("a message").1);
        let seq = message["seq"].as_u64().unwrap();
        assert!(seq > last_seq, "{seq} after {last_seq}");
        last_seq = seq;
        message
    };
    for number in 1..=kept {
        let message = next();
        assert_eq!((&message["data"]["number"], &message["merged"]), (&json!(number), &Value::Null));
    }
    let last = next();
    assert_eq!((&last["data"]["number"], &last["merged"]), (&json!(sent), &json!(merged)));
    let other = next();
    assert_eq!((&other["data"], &other["merged"]), (&json!("other"), &json!(0)));
    // It has caught up, and follows the stream.
    until("caught up", || {
        (broker.status()["doors"]["clients"]["slow"][0]["behind_s"] == Value::Null).then_some(())
    });
    push.send(update("good.again", &json!(1)));
    let again = next();
    assert_eq!((&again["ns"], &again["merged"]), (&json!("good.again"), &Value::Null));
}

#[test]
fn a_mark_of_a_client_that_is_behind_counts_what_it_has() {
    let broker = TestBroker::with(|config| {
        config.limits.client_queue_bytes_max = 64 * KIB;
        config.limits.client_queues_bytes_max = 128 * KIB;
    });
    let mut reading = Sub::connect(&broker, &[r#"{"ns":"good"#]);
    let mut raw = silent(&broker);
    let sent = send_until(&broker, &mut reading, |status| count(status, "/doors/clients/merged") > 50);
    raw.send(&command("SUBSCRIBE", br#"{"mark":"late""#)).unwrap();
    let (mut seq, mut marked) = (0, None);
    while seq < sent {
        let message = parse(&raw.read_frame().expect("a message").1);
        match message["type"].as_str() {
            Some("thing_mark") => marked = message["seq"].as_u64(),
            _ => seq = message["seq"].as_u64().unwrap(),
        }
    }
    let marked = marked.expect("the mark comes before what it does not count");
    assert!(marked < sent, "{marked} of {sent}: later ones were still to come");
}

#[test]
fn many_that_stop_reading_share_one_limit() {
    let broker = TestBroker::with(|config| {
        config.limits.client_queue_bytes_max = 1024 * KIB;
        config.limits.client_queues_bytes_max = 1024 * KIB;
    });
    let mut reading = Sub::connect(&broker, &[r#"{"ns":"good"#]);
    let silent: Vec<Raw> = (0..8).map(|_| silent(&broker)).collect();
    let waiting = |status: &Value| -> Vec<u64> {
        let slow = status["doors"]["clients"]["slow"].as_array().expect("a list");
        slow.iter().map(|slow| slow["waiting_bytes"].as_u64().unwrap()).collect()
    };
    // Until the last of them has lost something, and some more.
    send_until(&broker, &mut reading, |status| {
        let waiting = waiting(status);
        let all: u64 = waiting.iter().sum();
        // Each got its share when fewer had to share.
        assert!(all <= 2 * 1024 * KIB as u64, "{all} bytes wait for all: {waiting:?}");
        let slow = status["doors"]["clients"]["slow"].as_array().expect("a list");
        slow.iter().filter(|slow| slow["merged"].as_u64().unwrap() > 200).count() == silent.len()
    });
}

#[test]
fn marks_without_end_and_no_reading_are_held_short() {
    held_short(&command("SUBSCRIBE", br#"{"mark":"again-and-again-and-again-and-again""#), 120);
}

#[test]
fn signs_of_life_without_end_and_no_reading_are_held_short() {
    held_short(&command("PING", b"\x00\x00sixteen bytes in"), 800);
}

/// A client asks for something thousands of times and reads no answer. They are more than the system keeps.
fn held_short(question: &[u8], thousands: usize) {
    let broker = TestBroker::with(|config| {
        config.limits.client_queue_bytes_max = 64 * KIB;
        config.limits.client_queues_bytes_max = 64 * KIB;
    });
    let questions = question.repeat(1_000);
    let mut raw = Raw::ready(broker.clients, "SUB");
    let mut waiting_most = 0;
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            for _ in 0..thousands {
                raw.send(&questions).expect("the broker reads on, whether it answers or not");
            }
            raw.stream.shutdown(std::net::Shutdown::Write).unwrap();
        });
        // When all of it was looked at, the connection is closed.
        until("all of it", || {
            let clients = broker.status()["doors"]["clients"].clone();
            let waiting = clients["slow"][0]["waiting_bytes"].as_u64().unwrap_or(0);
            waiting_most = waiting.max(waiting_most);
            (clients["connections"]["open"] == 0).then_some(())
        });
        asking.join().expect("it could ask");
    });
    assert!(waiting_most <= 129 * KIB as u64, "{waiting_most} bytes waited");
}
