//! Who reads slowly is told last values and how many updates they stand for; nobody else notices.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use serde_json::json;

use super::number;
use crate::support::http::{Event, Events, Http};
use crate::support::peers::{Push, update};
use crate::support::program::BrokerProgram;

const THINGS: u64 = 50;
const UPDATES: u64 = 100_000;

/// What the broker may grow by while 30 MB wait for nobody, in KiB: the buffers of some connections, and generously more.
#[cfg(target_os = "linux")]
const GROWTH_KIB_MAX: u64 = 48 * 1024;

/// Counts events, and sees that no thing's number goes back.
#[derive(Default)]
struct Heard {
    updates: u64,
    merged: u64,
    marks: u64,
    last: BTreeMap<String, (u64, u64)>,
}

impl Heard {
    fn take(&mut self, event: &Event) {
        let message = event.json();
        match event.name.as_str() {
            "mark" => self.marks += 1,
            "freshness" => {}
            "merged" => self.merged += number(&message["count"]),
            "" => {
                self.updates += 1;
                let ns = message["ns"].as_str().expect("a name").to_owned();
                let new = (number(&message["seq"]), number(&message["data"]["number"]));
                let before = self.last.insert(ns, new).unwrap_or_default();
                assert!(before < new, "{before:?} before {new:?}");
            }
            other => panic!("{other}: {message}"),
        }
    }
}

#[test]
fn a_slow_reader_gets_last_values_and_a_fast_one_everything() {
    let mut broker = BrokerProgram::start(&[]);
    let doors = broker.doors();
    let mut http = Http::connect(doors.web);
    for thing in 0..THINGS {
        http.put(&format!("/things/t{thing}"), &json!({"number": 0}));
    }
    let mut slow = Events::follow_with_little_room(doors.web, "", None);
    slow.through_mark();
    #[cfg(target_os = "linux")]
    let before = broker.memory_kib().0;
    let (told, heard) = channel();
    let mut fast = Events::follow(doors.web, "", None);
    fast.through_mark();
    let reader = std::thread::spawn(move || {
        let mut all = Heard::default();
        while all.updates + all.merged < UPDATES {
            all.take(&fast.wait());
            if all.updates % 250 == 0 {
                // Who sends may have failed.
                let _ = told.send(all.updates);
            }
        }
        all
    });
    let push = Push::connect(&doors);
    let fill = "x".repeat(250);
    for sent in 1..=UPDATES {
        push.send(update(&format!("t{}", sent % THINGS), &json!({"number": sent, "fill": fill})));
        if sent % 250 == 0 {
            // Never more under way than has room for one that reads.
            while heard.recv().expect("the fast reader reads") < sent.saturating_sub(250) {}
        }
    }
    let all = reader.join().expect("the fast reader heard everything");
    assert_eq!((all.updates, all.merged, all.marks), (UPDATES, 0, 0));

    let mut late = Heard::default();
    while late.updates + late.merged < UPDATES || late.marks == 0 {
        late.take(&slow.wait());
    }
    eprintln!("slowly: {} updates, {} merged, {} marks", late.updates, late.merged, late.marks);
    assert_eq!(late.last, all.last, "the last value of each");
    assert_eq!(late.updates + late.merged, UPDATES, "{} updates, {} merged", late.updates, late.merged);
    assert!(late.merged > UPDATES / 4, "{} merged, {} marks", late.merged, late.marks);
    // And it is a stream like any other again.
    http.put("/things/t0", &json!({"number": UPDATES + 1}));
    let mut event = slow.wait();
    while event.name == "mark" || event.name == "freshness" {
        event = slow.wait();
    }
    assert_eq!(event.json()["data"]["number"], UPDATES + 1);
    #[cfg(target_os = "linux")]
    {
        let (now, most) = broker.memory_kib();
        assert!(most < before + GROWTH_KIB_MAX, "from {before} to {most} KiB, {now} KiB now");
    }
    assert!(broker.is_running(), "{}", broker.said());
}
