//! The hub: what a message costs between the sockets, and what an answer costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{Namespace, Query, Scratch, Timestamp, Update, decode_update};
use thingsbus_broker::hub::{Hub, HubLimits};

use crate::directory::name;
use crate::{Case, Work};

pub const CASES: &[Case] = &[
    ("hub/take", taking),
    ("hub/take_of_one_that_speaks", taking_what_speaks),
    ("hub/decode_and_take", decoding_and_taking),
    ("hub/answer/one_thing", || answering(Query { ns: ns(4_242), tree: false, ..Query::default() })),
    ("hub/answer/page_of_256_kib", || answering(Query::default())),
    ("hub/answer/100_changed", || answering(Query { since: Some(99_900), ..in_this_life() })),
];

const DATA: &str = r#"{"luminance":114.361669921875,"ratio_busy":0.14315257352941177}"#;

fn taking() -> Work {
    let mut hub = filled(1_000);
    let names: Vec<String> = (0..1_000).map(name).collect();
    let mut out = Vec::new();
    let mut thing = 0;
    Box::new(move || {
        thing = (thing + 1) % names.len();
        out.clear();
        let _ = black_box(hub.take(&update(&names[thing]), Timestamp::default(), &mut out));
    })
}

/// The same, and how it speaks is learned from it. All say something every minute, which is known soon, and come in one turn.
fn taking_what_speaks() -> Work {
    let mut hub = filled(1_000);
    let names: Vec<String> = (0..1_000).map(name).collect();
    let mut out = Vec::new();
    let (mut thing, mut now) = (0, Instant::now());
    Box::new(move || {
        thing = (thing + 1) % names.len();
        if thing == 0 {
            now += Duration::from_secs(60);
        }
        out.clear();
        if let Ok(put) = hub.take(&update(&names[thing]), Timestamp::default(), &mut out) {
            black_box(hub.freshness.spoke(put.place, now));
        }
    })
}

/// All that a message costs the broker but for the sockets.
fn decoding_and_taking() -> Work {
    let mut hub = filled(1_000);
    let messages: Vec<Vec<u8>> = (0..1_000).map(|thing| update(&name(thing)).to_json()).collect();
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    let mut thing = 0;
    Box::new(move || {
        thing = (thing + 1) % messages.len();
        out.clear();
        let update = decode_update(&messages[thing], &mut scratch).unwrap();
        let _ = black_box(hub.take(&update, Timestamp::default(), &mut out));
    })
}

fn answering(query: Query) -> Work {
    let hub = filled(100_000);
    let mut out = Vec::new();
    Box::new(move || {
        out.clear();
        hub.answer(&query, Timestamp::default(), &mut out);
        assert!(out.len() > 100);
    })
}

fn filled(things: usize) -> Hub {
    let limits = HubLimits { things_max: 1_000_000, directory_bytes_max: 1 << 30 };
    let mut hub = Hub::new("epoch".into(), limits);
    let mut out = Vec::new();
    for thing in 0..things {
        out.clear();
        hub.take(&update(&name(thing)), Timestamp::default(), &mut out).unwrap();
    }
    hub
}

fn update(ns: &str) -> Update<'_> {
    let ts = Timestamp::from_seconds(1423351104.945);
    Update::from_checked(ns, ts, DATA, Some("http://example.org/sp"), None)
}

fn ns(thing: usize) -> Namespace {
    Namespace::parse(&name(thing)).unwrap()
}

fn in_this_life() -> Query {
    Query { epoch: Some("epoch".into()), ..Query::default() }
}
