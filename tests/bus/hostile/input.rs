//! The senders' door over TCP: every message that was sent is counted, once.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::nonsense::json_message;
use super::{assert_conserved, count, storm};
use crate::support::TestBroker;
use crate::support::good::Good;
use crate::support::peers::{Push, Sub, update};
use crate::support::random::Random;
use crate::support::raw::{MORE, Raw, command, frame, header};

#[test]
fn every_message_is_taken_or_rejected_and_counted_once() {
    let mut random = Random::new("input");
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let sent = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for socket_type in ["PUSH", "PUB"] {
            let (mut random, sent, broker) = (random.split(), &sent, &broker);
            scope.spawn(move || {
                storm(|| {
                    let mut raw = Raw::ready(broker.input, socket_type);
                    let messages = 1 + random.below(200);
                    for _ in 0..messages {
                        raw.send(&message(&mut random)).expect("the broker reads");
                    }
                    sent.fetch_add(messages as u64, Ordering::Relaxed);
                    raw.finish();
                });
            });
        }
    });
    let messages = good.finish().messages + sent.into_inner();
    let status = broker.stop();
    assert_conserved(&status);
    assert_eq!(count(&status, "/doors/zmq_in/received"), messages, "{status}");
    assert!(count(&status, "/doors/zmq_in/rejected") > 100, "{status}");
    assert_eq!(count(&status, "/doors/zmq_in/connections/refused"), 0, "{status}");
}

/// One message, in one frame or in several, and now and then something between messages.
fn message(random: &mut Random) -> Vec<u8> {
    let mut bytes = Vec::new();
    match random.below(20) {
        0 => bytes.extend(command("PING", b"\x00\x05context")),
        1 => bytes.extend(command("SUBSCRIBE", b"nothing to subscribe to")),
        2 => bytes.extend(command("NOBODY", b"knows this")),
        _ => {}
    }
    if random.below(20) == 0 {
        for _ in 0..=random.below(5) {
            bytes.extend(frame(MORE, &json_message(random)));
        }
    }
    bytes.extend(frame(0, &json_message(random)));
    bytes
}

#[test]
fn a_hundred_megabytes_are_passed_over() {
    const LENGTH: usize = 100 << 20;
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let mut raw = Raw::ready(broker.input, "PUSH");
    // Said and not done: the message is as good as never sent, and nothing was kept free for it.
    let mut liar = Raw::ready(broker.input, "PUSH");
    liar.send(&header(0, u64::MAX)).unwrap();
    liar.send(b"{").unwrap();
    let mut other = Raw::ready(broker.input, "PUSH");
    other.send(&header(0, 1 << 20)).unwrap();
    other.finish();
    // Said and done, and what comes behind it is taken again.
    raw.send(&header(0, LENGTH as u64)).unwrap();
    let megabyte = vec![b'['; 1 << 20];
    for _ in 0..100 {
        raw.send(&megabyte).expect("the broker reads on");
    }
    raw.send(&frame(0, update("behind", &json!(1)).as_bytes())).unwrap();
    raw.finish();
    liar.finish();
    let good = good.finish();
    assert_eq!(broker.things("behind")["data"]["behind"]["data"], 1);
    let status = broker.stop();
    assert_conserved(&status);
    assert_eq!(status["doors"]["zmq_in"]["reasons"], json!({"too_long": 2}));
    assert_eq!(count(&status, "/doors/zmq_in/received"), good.messages + 3);
}

#[test]
fn the_longest_message_is_taken_and_one_byte_more_is_not() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"big"#]);
    let push = Push::connect(&broker);
    let of_length = |length: usize| {
        let fill = length - update("big", &json!("")).len();
        update("big", &json!("x".repeat(fill)))
    };
    push.send(of_length(1 << 20));
    push.send(of_length((1 << 20) + 1));
    push.send(update("big", &json!("last")));
    assert!(sub.next().len() > 1 << 20);
    assert_eq!(sub.next_json()["data"], "last");
    let status = broker.stop();
    assert_eq!(status["doors"]["zmq_in"]["reasons"], json!({"too_long": 1}));
}

#[test]
fn one_busy_sender_does_not_starve_the_others() {
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let flood = frame(0, update("evil.flood", &json!({"a": 1})).as_bytes()).repeat(500);
    let sent = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut raw = Raw::ready(broker.input, "PUSH");
                    let times = storm(|| raw.send(&flood).expect("the broker reads"));
                    raw.finish();
                    times * 500
                })
            })
            .collect();
        floods.into_iter().map(|flood| flood.join().expect("a flood")).sum::<u64>()
    });
    let messages = good.finish().messages;
    let status = broker.stop();
    assert_eq!(count(&status, "/doors/zmq_in/accepted"), messages + sent);
    assert_conserved(&status);
}
