//! The directory: putting values, cutting pages, finding what changed.

use std::fmt::Write;
use std::hint::black_box;

use thingsbus_adaptor::wire::Timestamp;
use thingsbus_client::directory::{Directory, Scope, Value};

use crate::{Case, Work};

pub const CASES: &[Case] = &[
    ("directory/put/known_of_1000", || putting(1_000)),
    ("directory/put/known_of_1000000", || putting(1_000_000)),
    ("directory/put/new", adding),
    ("directory/subtree_of_1000_in_100000", walking_a_subtree),
    ("directory/newest_1000_of_100000", walking_the_newest),
];

const DATA: &str = r#"{"luminance":114.361669921875,"ratio_busy":0.14315257352941177}"#;

/// The things are updated in no order that a cache could guess.
fn putting(things: usize) -> Work {
    let names: Vec<String> = (0..things).map(name).collect();
    let mut directory = filled(things);
    let mut place = 0;
    let mut seq = things as u64;
    Box::new(move || {
        place = (place + 611_953) % names.len(); // A prime: all things come.
        seq += 1;
        black_box(directory.put(&names[place], &value(seq)));
    })
}

/// With its share of dropping a directory of 100,000 things.
fn adding() -> Work {
    let mut directory = Directory::new();
    let mut ns = String::new();
    Box::new(move || {
        if directory.len() == 100_000 {
            directory = Directory::new();
        }
        ns.clear();
        let _ = write!(ns, "new.thing{}", directory.len());
        black_box(directory.put(&ns, &value(1)));
    })
}

fn walking_a_subtree() -> Work {
    let directory = filled(100_000);
    Box::new(move || {
        let scope = Scope { ns: black_box("bench.group42"), tree: true };
        assert_eq!(directory.things(scope, None).filter(|record| !record.data().is_empty()).count(), 1_000);
    })
}

fn walking_the_newest() -> Work {
    let directory = filled(100_000);
    Box::new(move || {
        let changed = directory.newest_first().take_while(|record| record.seq() > black_box(99_000));
        assert_eq!(changed.count(), 1_000);
    })
}

/// Things in groups of 1,000.
pub fn name(thing: usize) -> String {
    format!("bench.group{}.thing{}", thing / 1_000, thing % 1_000)
}

fn filled(things: usize) -> Directory {
    let mut directory = Directory::new();
    for thing in 0..things {
        directory.put(&name(thing), &value(thing as u64 + 1));
    }
    directory
}

fn value(seq: u64) -> Value<'static> {
    let now = Timestamp::default();
    Value { data: DATA, ts: now, received: now, seq, documentation_url: Some("http://example.org/sp") }
}
