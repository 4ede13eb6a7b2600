//! A model of a client that only applies what the stream says ends with the broker's directory, whatever happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use super::number;
use crate::support::http::{Event, Events, Http};
use crate::support::peers::{Push, update};
use crate::support::random::Random;
use crate::support::wait::{PATIENCE, within};
use crate::support::{Doors, TestBroker};

/// The parts that clients follow, and where all that is said is.
const PARTS: [&str; 3] = ["", "shop", "shop.a"];

/// What says that there is nothing more to come, in each part.
const END: &str = "shop.a.end";

/// What a client knows.
#[derive(Default)]
struct Model {
    things: BTreeMap<String, Value>,
    /// Each thing's last number, also of those that are forgotten.
    seqs: BTreeMap<String, u64>,
    /// The things told since the last event with an id, in this order.
    told: Vec<String>,
    last: Option<String>,
    merged: u64,
    is_at_end: bool,
}

impl Model {
    fn take(&mut self, event: &Event) {
        let message = event.json();
        if matches!(event.name.as_str(), "" | "forgotten") {
            let ns = message["ns"].as_str().expect("a name").to_owned();
            let seq = number(&message["seq"]);
            let before = self.seqs.insert(ns.clone(), seq).unwrap_or_default();
            assert!(before <= seq, "{ns} goes back from {before}: {message}");
            self.told.push(ns.clone());
            match event.name.as_str() {
                "" => self.things.insert(ns, message["data"].clone()),
                _ => self.things.remove(&ns),
            };
        }
        match event.name.as_str() {
            "mark" if message["since"].is_null() => {
                // All there is was told, by the last so many events.
                let count = usize::try_from(number(&message["things"])).unwrap();
                let all: BTreeSet<&String> = self.told[self.told.len() - count..].iter().collect();
                self.things.retain(|ns, _| all.contains(ns));
            }
            "merged" => self.merged += number(&message["count"]),
            _ => {}
        }
        if let Some(id) = &event.id {
            self.last = Some(id.clone());
            self.told.clear();
            self.is_at_end = self.things.contains_key(END);
        }
    }
}

/// Follows until the end, cut and slow as chance will have it.
fn follow(doors: &Doors, part: &str, mut random: Random) -> Model {
    let mut model = Model::default();
    let which = if part.is_empty() { String::new() } else { format!("?under={part}") };
    while !model.is_at_end {
        model.told.clear();
        let follow = if random.below(2) == 0 { Events::follow } else { Events::follow_with_little_room };
        let mut events = follow(doors.web, &which, model.last.as_deref());
        let life = 1 + random.below(3_000);
        let pause = random.below(life);
        for number in 0..life {
            if number == pause && random.below(3) == 0 {
                wait_for_more(doors);
            }
            model.take(&events.wait());
            if model.is_at_end {
                break;
            }
        }
    }
    model
}

/// Reads nothing until much has happened, or nothing more does.
fn wait_for_more(doors: &Doors) {
    let seq = || number(&doors.status()["seq"]);
    let begun = seq();
    within(PATIENCE / 30, || (seq() > begun + 3_000).then_some(()));
}

/// Says and forgets by several doors.
fn write(doors: &Doors, mut random: Random, stop: &AtomicBool) {
    let (push, mut http) = (Push::connect(doors), Http::connect(doors.web));
    let fill = "x".repeat(1_000);
    while !stop.load(Ordering::Relaxed) {
        let ns = random.one_of(&["shop", "shop.a", "shop.b", "lab", "shopping"]);
        let ns = format!("{ns}.n{}", random.below(60));
        let value = json!({"value": random.below(1_000_000), "fill": fill});
        match random.below(300) {
            0 => drop(http.ask("DELETE", &format!("/things/{ns}"), &[], b"")),
            1 => drop(doors.ask(&json!({"type": "thing_forget", "ns": ns, "tree": false}))),
            2 if random.below(10) == 0 => drop(http.ask("DELETE", "/things/shop.b?tree=true", &[], b"")),
            3..=30 => assert_eq!(http.put(&format!("/things/{ns}"), &value).status, 200),
            _ => push.send(update(&ns, &value)),
        }
    }
}

fn run(random: &mut Random, updates: u64) {
    let broker = TestBroker::start();
    let doors = *broker;
    let stop = AtomicBool::new(false);
    let models = std::thread::scope(|scope| {
        let followers: Vec<_> = PARTS
            .iter()
            .flat_map(|part| [part; 2])
            .map(|part| {
                let random = random.split();
                (part, scope.spawn(move || follow(&doors, part, random)))
            })
            .collect();
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let (random, stop) = (random.split(), &stop);
                scope.spawn(move || write(&doors, random, stop))
            })
            .collect();
        let is_enough = || (number(&doors.status()["seq"]) > updates).then_some(());
        let enough = within(PATIENCE, is_enough);
        stop.store(true, Ordering::Relaxed);
        for writer in writers {
            writer.join().expect("the writer could write");
        }
        enough.expect("enough happens");
        assert_eq!(Http::connect(doors.web).put(&format!("/things/{END}"), &json!("end")).status, 200);
        followers
            .into_iter()
            .map(|(part, follower)| (part, follower.join().expect("the model holds")))
            .collect::<Vec<_>>()
    });
    let mut http = Http::connect(doors.web);
    for (part, model) in models {
        let all = http.get(&format!("/things?limit=10000&under={part}")).json();
        let things = all["things"].as_array().expect("things").iter();
        let wanted: BTreeMap<String, Value> =
            things.map(|thing| (thing["ns"].as_str().unwrap().to_owned(), thing["data"].clone())).collect();
        let names = |things: &BTreeMap<String, Value>| things.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&model.things), names(&wanted), "below {part:?}");
        assert!(model.things == wanted, "below {part:?}");
        eprintln!("below {part:?}: {} things, {} updates merged", wanted.len(), model.merged);
    }
}

#[test]
fn a_client_that_applies_the_stream_has_the_directory() {
    let mut random = Random::new("web model");
    for _ in 0..4 {
        run(&mut random, 15_000);
    }
}
