//! The directory against the simplest thing that could be right: a sorted map and a list.

use std::collections::BTreeMap;

use proptest::prelude::*;
use thingsbus_adaptor::wire::Timestamp;

use super::{Directory, Place, Scope, Value};

fn value(data: &str, seq: u64) -> Value<'_> {
    let now = Timestamp::default();
    Value { data, ts: now, received: now, seq, documentation_url: None }
}

fn names(directory: &Directory, scope: Scope<'_>, after: Option<&str>) -> Vec<String> {
    directory.things(scope, after).map(|record| record.ns().to_owned()).collect()
}

#[test]
fn a_subtree_is_its_thing_and_what_has_its_dot() {
    let mut directory = Directory::new();
    for ns in ["a", "a-b", "a.b", "a.b.c", "a0", "ab", "b", "", "a.b-c"] {
        assert_eq!(directory.put(ns, &value("1", 1)).before, None);
    }
    let tree = |ns| Scope { ns, tree: true };
    assert_eq!(names(&directory, tree("a"), None), ["a", "a.b", "a.b-c", "a.b.c"]);
    assert_eq!(names(&directory, tree("a"), Some("a")), ["a.b", "a.b-c", "a.b.c"]);
    assert_eq!(names(&directory, tree("a"), Some("a.b-c")), ["a.b.c"]);
    assert_eq!(names(&directory, tree("a"), Some("zzz")), [""; 0]);
    assert_eq!(names(&directory, Scope { ns: "a", tree: false }, None), ["a"]);
    assert_eq!(names(&directory, tree("nobody"), None), [""; 0]);
    assert_eq!(names(&directory, tree(""), None), ["", "a", "a-b", "a.b", "a.b-c", "a.b.c", "a0", "ab", "b"]);
    assert_eq!(names(&directory, tree(""), Some("a0")), ["ab", "b"]);
    for ns in ["a", "a.b", "ab", ""] {
        for scope in [tree("a"), tree(""), Scope { ns: "a", tree: false }] {
            assert_eq!(
                scope.holds(ns),
                names(&directory, scope, None).contains(&ns.to_owned()),
                "{ns} {scope:?}"
            );
        }
    }
}

#[test]
fn a_thing_keeps_its_last_documentation_url_and_its_last_value() {
    let mut directory = Directory::new();
    directory.put("a", &Value { documentation_url: Some("http://x"), ..value("1", 1) });
    let put = directory.put("a", &value("22", 2));
    assert_eq!((put.before, Some(put.place)), (Some(1), directory.place_of("a")));
    assert_eq!(Place::of_index(put.place.index()), put.place);
    let record = directory.get("a").unwrap();
    assert_eq!((record.data(), record.documentation_url(), record.seq()), ("22", Some("http://x"), 2));
    assert_eq!(directory.len(), 1);
}

#[test]
fn names_are_found_by_how_they_begin() {
    let mut directory = Directory::new();
    for ns in ["a", "a-b", "a.b", "a.b.c", "ab", "b"] {
        directory.put(ns, &value("1", 1));
    }
    let check = |beginning: &str, after: Option<&str>, wanted: &[&str]| {
        let found: Vec<&str> = directory.starting_with(beginning, after).map(super::Record::ns).collect();
        assert_eq!(found, wanted, "{beginning} {after:?}");
    };
    check("", None, &["a", "a-b", "a.b", "a.b.c", "ab", "b"]);
    check("a.", None, &["a.b", "a.b.c"]);
    check("a.", Some("a.b"), &["a.b.c"]);
    check("a", Some("a.b.c"), &["ab"]);
    check("b", Some("a"), &["b"]);
    check("c", None, &[]);
}

#[test]
fn a_new_url_each_time_makes_nothing_grow() {
    let mut directory = Directory::new();
    for number in 0..1_000 {
        let url = format!("http://{number}");
        directory.put("a", &Value { documentation_url: Some(&url), ..value("1", 1) });
    }
    assert!(directory.documentation_urls.len() <= 3, "{}", directory.documentation_urls.len());
}

#[test]
fn what_is_forgotten_and_speaks_again_makes_nothing_grow() {
    let mut directory = Directory::new();
    for (seq, ns) in (1..).zip(["first", "a"]) {
        directory.put(ns, &value("1", seq));
    }
    // The first one stays forgotten, before all the others.
    directory.forget("first", 3, Timestamp::default());
    for seq in (10..20_000).step_by(2) {
        directory.forget("a", seq, Timestamp::default());
        directory.put("a", &value("1", seq + 1));
        directory.remove_forgotten(10, u64::MAX);
    }
    assert!(directory.forgotten.len() < 2 * super::SPOKE_AGAIN_MAX, "{}", directory.forgotten.len());
    assert_eq!((directory.len(), directory.forgotten_now), (1, 1));
}

proptest! {
    #[test]
    fn it_agrees_with_a_map_and_a_list(
        puts in prop::collection::vec(("[a-c](\\.[a-c]){0,2}", 0..100u32, 0..4u32), 0..60), keep in 0..3usize,
    ) {
        let mut directory = Directory::new();
        let mut map = BTreeMap::new();
        let mut list: Vec<String> = Vec::new();
        let mut forgotten: Vec<(String, u64)> = Vec::new();
        for (seq, (ns, number, kind)) in puts.iter().enumerate() {
            let seq = seq as u64 + 1;
            if *kind == 0 {
                let is_there = map.remove(ns).is_some();
                prop_assert_eq!(directory.forget(ns, seq, Timestamp::default()).is_some(), is_there);
                if is_there {
                    list.retain(|other| other != ns);
                    list.insert(0, ns.clone());
                    forgotten.push((ns.clone(), seq));
                }
                // All that may go but for the last ones, and but for this one.
                let go = forgotten.len().saturating_sub(keep);
                let gone: Vec<_> = forgotten.iter().take(go).take_while(|(_, at)| *at < seq).cloned().collect();
                let removed = directory.remove_forgotten(keep, seq - 1);
                prop_assert_eq!(removed, gone.last().map(|(_, seq)| *seq));
                forgotten.drain(..gone.len());
                list.retain(|ns| !gone.iter().any(|(other, _)| other == ns));
                continue;
            }
            let was_forgotten = forgotten.iter().any(|(other, _)| other == ns);
            forgotten.retain(|(other, _)| other != ns);
            let data = number.to_string();
            let put = directory.put(ns, &value(&data, seq));
            prop_assert_eq!(put.before.is_some(), map.insert(ns.clone(), data).is_some() || was_forgotten);
            list.retain(|other| other != ns);
            list.insert(0, ns.clone());
        }
        let all: Vec<_> = directory.things(Scope::ALL, None).map(|r| (r.ns().to_owned(), r.data().to_owned())).collect();
        prop_assert_eq!(all, map.clone().into_iter().collect::<Vec<_>>());
        let newest: Vec<_> = directory.newest_first().map(|r| r.ns().to_owned()).collect();
        prop_assert_eq!(newest, list);
        prop_assert_eq!(directory.len(), map.len());
        let text: usize = map.iter().map(|(ns, data)| ns.len() + data.len()).sum();
        let names_bytes: usize = forgotten.iter().map(|(ns, _)| ns.len()).sum();
        let records = map.len() + forgotten.len();
        prop_assert_eq!(directory.bytes(), text + names_bytes + records * super::THING_BYTES);
        for (ns, seq) in &forgotten {
            prop_assert!(directory.get(ns).is_none() && directory.seq_of(ns) == *seq);
        }
        for after in map.keys() {
            let page = names(&directory, Scope::ALL, Some(after));
            let wanted: Vec<_> = map.keys().filter(|ns| *ns > after).cloned().collect();
            prop_assert_eq!(page, wanted);
        }
    }
}
