//! Clients that stop reading: they lose what they do not take, the others lose nothing, and the memory has its limit.

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
fn a_client_that_stops_reading_loses_its_own_and_is_named() {
    let broker = TestBroker::with(|config| {
        config.limits.client_queue_bytes_max = 64 * KIB;
        config.limits.client_queues_bytes_max = 128 * KIB;
    });
    let mut reading = Sub::connect(&broker, &[r#"{"ns":"good"#]);
    let mut raw = silent(&broker);
    let sent = send_until(&broker, &mut reading, |status| count(status, "/doors/clients/dropped") > 50);
    let status = broker.status();
    let slow = status["doors"]["clients"]["slow"].as_array().expect("a list");
    assert_eq!(slow.len(), 1, "{status}");
    assert_eq!(slow[0]["peer"], raw.stream.local_addr().unwrap().to_string());
    let waiting = slow[0]["waiting_bytes"].as_u64().unwrap();
    assert!((1..=64 * KIB as u64).contains(&waiting), "{waiting} bytes wait");
    let (kept, dropped) = (slow[0]["sent"].as_u64().unwrap(), slow[0]["dropped"].as_u64().unwrap());
    assert_eq!(kept + dropped, sent, "each message was sent or dropped");
    assert_eq!(dropped, count(&status, "/doors/clients/dropped"), "nobody else lost anything");
    assert!(slow[0]["dropping_s"].is_u64(), "{status}");

    // It reads again: what was kept for it comes whole and in order, and then what is new.
    let mut last = 0;
    for _ in 0..kept {
        let number = parse(&raw.read_frame().expect("a message").1)["data"]["number"].as_u64().unwrap();
        assert!(number > last, "{number} after {last}");
        last = number;
    }
    until("nothing to wait", || {
        (broker.status()["doors"]["clients"]["slow"][0]["waiting_bytes"] == 0).then_some(())
    });
    let push = Push::connect(&broker);
    push.send(update("good.again", &json!(1)));
    assert_eq!(parse(&raw.read_frame().expect("what is new").1)["ns"], "good.again");
    let status = broker.status();
    assert_eq!(status["doors"]["clients"]["slow"][0]["dropping_s"], Value::Null, "{status}");
    assert_eq!(status["doors"]["clients"]["slow"][0]["dropped"], dropped);
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
        slow.iter().filter(|slow| slow["dropped"].as_u64().unwrap() > 200).count() == silent.len()
    });
}

#[test]
fn marks_without_end_and_no_reading_are_held_short() {
    held_short(&command("SUBSCRIBE", br#"{"mark":"again-and-again-and-again-and-again""#), 120);
}

#[test]
fn signs_of_life_without_end_and_no_reading_are_held_short() {
    held_short(&command("PING", b"\x00\x00sixteen bytes in"), 300);
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
