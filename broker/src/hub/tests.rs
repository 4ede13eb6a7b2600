//! The hub, asked and told without a socket.

use thingsbus_adaptor::wire::{
    Message, Namespace, Query, Rejected, Scratch, Timestamp, Update, decode_message,
};

use super::{Hub, HubLimits};

const LIMITS: HubLimits = HubLimits { things_max: 1_000_000, directory_bytes_max: 1 << 30 };

fn hub() -> Hub {
    Hub::new("life".to_owned(), LIMITS)
}

fn at(seconds: f64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn take(hub: &mut Hub, ns: &str, data: &str, now: f64) -> Result<String, Rejected> {
    let ns: Namespace = ns.parse().unwrap();
    let update = Update::new(&ns, None, data, Some("http://x")).unwrap();
    let mut out = Vec::new();
    hub.take(&update, at(now), &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

/// Asks page after page; the names in the order told, and the number of pages.
fn ask(hub: &Hub, query: &Query) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut query) = (Vec::new(), 0, query.clone());
    loop {
        let mut out = Vec::new();
        hub.answer(&query, at(50.0), &mut out);
        pages += 1;
        let mut scratch = Scratch::default();
        let Ok(Message::Snapshot(snapshot)) = decode_message(&out, &mut scratch) else {
            panic!("{}", String::from_utf8_lossy(&out))
        };
        assert_eq!((snapshot.epoch(), snapshot.seq()), (Some("life"), Some(hub.seq())));
        let before = names.len();
        names.extend(snapshot.things().map(|told| told.unwrap().ns.into_owned()));
        assert_eq!(snapshot.count(), Some((names.len() - before) as u64));
        match snapshot.next() {
            Some(next) => query.after = Some(next.parse().unwrap()),
            None => return (names, pages),
        }
    }
}

#[test]
fn an_update_is_numbered_stamped_and_passed_on_in_canonical_order() {
    let mut hub = hub();
    assert_eq!(
        take(&mut hub, "a.b", r#"{"x": 1.0}"#, 7.0).unwrap(),
        r#"{"ns":"a.b","type":"thing_update","ts":7.0,"data":{"x": 1.0},"documentation_url":"http://x","seq":1}"#
    );
    assert!(take(&mut hub, "a.c", "2", 8.0).unwrap().ends_with(r#""seq":2}"#));
    assert_eq!(hub.directory().get("a.b").unwrap().received(), at(7.0));
}

#[test]
fn a_page_at_a_time_everything_is_told_once_and_in_order() {
    let mut hub = hub();
    for number in 0..100 {
        take(&mut hub, &format!("a.n{number:03}"), "1", 1.0).unwrap();
    }
    take(&mut hub, "b", "1", 1.0).unwrap();
    take(&mut hub, "a", "1", 1.0).unwrap();
    for limit in [1, 7, 100, 1_000] {
        let query = Query { ns: "a".parse().unwrap(), limit, ..Query::default() };
        let (names, pages) = ask(&hub, &query);
        assert_eq!(names.len(), 101);
        assert!(names.is_sorted(), "{names:?}");
        assert_eq!(pages, 101usize.div_ceil(limit));
    }
}

#[test]
fn since_tells_what_changed_and_only_in_the_same_life() {
    let mut hub = hub();
    for ns in ["a", "b", "c", "b"] {
        take(&mut hub, ns, "1", 1.0).unwrap();
    }
    let since =
        |since, epoch: &str| Query { since: Some(since), epoch: Some(epoch.to_owned()), ..Query::default() };
    assert_eq!(ask(&hub, &since(2, "life")).0, ["b", "c"]);
    assert_eq!(ask(&hub, &since(4, "life")).0, [""; 0]);
    assert_eq!(ask(&hub, &since(2, "another")).0, ["a", "b", "c"]);
}

#[test]
fn after_many_updates_since_walks_the_names_instead() {
    let mut hub = hub();
    for _ in 0..super::page::LOOKED_AT_MAX {
        take(&mut hub, "busy", "1", 1.0).unwrap();
    }
    take(&mut hub, "quiet", "1", 1.0).unwrap();
    let query = Query { since: Some(0), epoch: Some("life".to_owned()), ..Query::default() };
    assert_eq!(ask(&hub, &query).0, ["busy", "quiet"]);
}

#[test]
fn snapshots_for_old_clients_leave_out_what_was_not_heard_of() {
    let mut hub = hub();
    take(&mut hub, "old", "1", 1.0).unwrap();
    take(&mut hub, "new", "2", 100.0).unwrap();
    let mut out = Vec::new();
    assert_eq!(hub.snapshot_part(None, at(50.0), at(101.0), &mut out), None);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        concat!(
            r#"{"type":"thing_snapshot","ts":101.0,"data":{"new":{"ns":"new","ts":100.0,"data":2,"#,
            r#""documentation_url":"http://x","seq":2}}}"#
        )
    );
}

#[test]
fn a_snapshot_comes_in_parts_of_bounded_size() {
    let mut hub = hub();
    let data = format!("\"{}\"", "x".repeat(10_000));
    for number in 0..100 {
        take(&mut hub, &format!("a.n{number}"), &data, 1.0).unwrap();
    }
    let (mut after, mut parts, mut things) = (None, 0, 0);
    loop {
        let mut out = Vec::new();
        after = hub.snapshot_part(after.as_deref(), at(0.0), at(2.0), &mut out);
        parts += 1;
        assert!(out.len() < thingsbus_adaptor::wire::limits::PAGE_BYTES_MAX + 20_000);
        let mut scratch = Scratch::default();
        let Ok(Message::Snapshot(snapshot)) = decode_message(&out, &mut scratch) else { panic!() };
        things += snapshot.things().count();
        if after.is_none() {
            break;
        }
    }
    assert_eq!((things, parts), (100, 50));
}

#[test]
fn a_full_directory_takes_no_new_thing_and_goes_on_with_those_it_has() {
    let mut hub = Hub::new("life".to_owned(), HubLimits { things_max: 2, ..LIMITS });
    take(&mut hub, "a", "1", 1.0).unwrap();
    take(&mut hub, "b", "1", 1.0).unwrap();
    assert_eq!(take(&mut hub, "c", "1", 1.0), Err(Rejected::DirectoryFull));
    take(&mut hub, "a", "\"longer\"", 1.0).unwrap();
    hub.set_limits(HubLimits { things_max: 3, directory_bytes_max: hub.directory().bytes() });
    assert_eq!(take(&mut hub, "c", "1", 1.0), Err(Rejected::DirectoryFull));
    assert_eq!(take(&mut hub, "a", "\"longer!\"", 1.0), Err(Rejected::DirectoryFull));
    take(&mut hub, "a", "1", 1.0).unwrap();
    assert_eq!((hub.seq(), hub.directory().len()), (4, 2));
}
