//! The query door: whatever is asked, an answer comes, and who does not read it holds up nobody.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::json;

use super::{count, storm};
use crate::support::TestBroker;
use crate::support::good::Good;
use crate::support::peers::{Push, Req, parse, update};
use crate::support::random::Random;
use crate::support::raw::{MORE, Raw, frame, header};
use crate::support::wait::until;

/// A question, nearly one, or nonsense.
fn question(random: &mut Random) -> Vec<u8> {
    let mut good = json!({
        "type": "thing_query", "ns": "evil", "tree": true, "since": random.below(100), "epoch": "x",
        "limit": random.below(5), "after": "evil.a",
    })
    .to_string()
    .into_bytes();
    match random.below(8) {
        0 => {
            let count = random.below(500);
            random.bytes(count)
        }
        1 => good[..random.below(good.len())].to_vec(),
        2 | 3 => {
            for _ in 0..=random.below(4) {
                let at = random.below(good.len());
                good[at] ^= 1 << random.below(8);
            }
            good
        }
        4 => random.one_of(&["[", "{\"type\":", "{\"a\":["]).repeat(random.below(1_000)).into_bytes(),
        5 => vec![b' '; random.below(20_000)],
        6 => br#"{"type":"status_query"}"#.to_vec(),
        _ => good,
    }
}

#[test]
fn every_question_has_an_answer_and_is_counted_once() {
    let mut random = Random::new("query");
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let asked = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for socket_type in ["REQ", "DEALER"] {
            let (mut random, asked, broker) = (random.split(), &asked, &broker);
            scope.spawn(move || {
                storm(|| {
                    let mut raw = Raw::ready(broker.query, socket_type);
                    for _ in 0..1 + random.below(50) {
                        raw.send(&frame(MORE, b"")).unwrap();
                        raw.send(&frame(0, &question(&mut random))).unwrap();
                        let (flags, empty) = raw.read_frame().expect("the envelope comes back");
                        assert_eq!((flags & MORE, empty.len()), (MORE, 0));
                        let (_, answer) = raw.read_frame().expect("an answer comes");
                        let answer = parse(&answer);
                        let kind = answer["type"].as_str();
                        assert!(matches!(kind, Some("error" | "status" | "thing_snapshot")), "{answer}");
                        asked.fetch_add(1, Ordering::Relaxed);
                    }
                    raw.finish();
                });
            });
        }
    });
    let good = good.finish();
    let status = broker.status();
    let answered = count(&status, "/doors/query/answered") + count(&status, "/doors/query/refused");
    // The good sender asks too, for as long as its last message takes.
    let wanted = good.questions + asked.into_inner();
    assert!((wanted + 1..wanted + 1_000).contains(&answered), "{answered}, and {wanted} were asked");
    assert!(count(&status, "/doors/query/refused") > 50, "{status}");
}

#[test]
fn who_asks_without_reading_holds_up_nobody() {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    for number in 0..2_000 {
        push.send(update(&format!("evil.thing{number}"), &json!("x".repeat(100))));
    }
    until("the things", || (broker.status()["things"] == 2_000).then_some(()));
    let good = Good::start(&broker);
    // Every answer is some 16 KiB, and all of them 160 MiB for each who asks.
    let questions = frame(0, br#"{"type":"thing_query","ns":"evil","tree":true}"#).repeat(10_000);
    let mut silent: Vec<Raw> = (0..2).map(|_| Raw::ready(broker.query, "DEALER")).collect();
    for raw in &mut silent {
        raw.send(&questions).expect("the system keeps so much");
    }
    // After each of its own the broker has looked at theirs, and stops where the system keeps no more answers.
    let req = Req::connect(&broker);
    let mut answered = 0;
    for _ in 0..150 {
        answered = count(&req.ask(&json!({"type": "status_query"})), "/doors/query/answered");
    }
    // A MiB in the broker and what the system keeps at both ends, some 10 MiB, for each of the two.
    let others = 150 + good.finish().questions + 200;
    assert!(answered < others + 2 * 1_500, "{answered} were answered, {others} of them read");
    // When one reads at last, its answers are there and are whole.
    let raw = &mut silent[0];
    raw.stream.set_nonblocking(false).unwrap();
    for _ in 0..50 {
        let (_, answer) = raw.read_frame().expect("an answer");
        let answer = parse(&answer);
        assert!(answer["count"].as_u64().unwrap() > 30, "{}", answer["count"]);
    }
}

#[test]
fn an_envelope_comes_back_and_a_bad_one_is_ignored() {
    let broker = TestBroker::start();
    let mut raw = Raw::ready(broker.query, "DEALER");
    let status = br#"{"type":"status_query"}"#;
    // Sixteen frames of 255 bytes are an envelope; a seventeenth, or one of 256, is none.
    for (frames, bytes) in [(17, 1), (1, 256), (1, 9_000), (16, 255)] {
        for _ in 0..frames {
            raw.send(&frame(MORE, &vec![b'e'; bytes])).unwrap();
        }
        raw.send(&frame(0, status)).unwrap();
    }
    for _ in 0..16 {
        assert_eq!(raw.read_frame().unwrap(), (MORE, vec![b'e'; 255]));
    }
    assert_eq!(parse(&raw.read_frame().unwrap().1)["type"], "status");
    // 100 MB are a question that is too long, and said to be.
    raw.send(&header(0, 100 << 20)).unwrap();
    let answer = parse(&raw.read_frame().unwrap().1);
    assert_eq!(answer["message"], "a query has at most 8192 bytes, this one has 104857600");
    let req = Req::connect(&broker);
    assert_eq!(req.ask_bytes(b"?")["type"], "error");
}
