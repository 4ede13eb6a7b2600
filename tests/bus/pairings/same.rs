//! Whoever sends and whoever passes it on: our client and that of 0.2.1 print the same events.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_adaptor::{Adaptor, Target};
use thingsbus_client::{Events, Flags, Parts};

use crate::library::{adaptor, connect, name};
use crate::support::process::Process;
use crate::support::wait::{PATIENCE, within};
use crate::support::{Doors, TestBroker, python};

/// Namespace below the sender's own, time, and data as JSON.
type Said<'a> = (&'a str, f64, &'a str);

/// What is sent by everyone.
const SAID: &[Said<'static>] = &[
    ("spacemon", 1_423_351_104.945, r#"{"busy": 12.0, "light": 31.8}"#),
    ("", 1_423_351_104.0, "\"its own thing\""),
    ("x-y_z9.a.b.c", 0.0, "null"),
    ("time", -1.5, "true"),
    ("time", 0.000_5, "false"),
    ("time", 1_700_000_000.123_456_7, "1"),
    ("time", 4_102_444_800.062_5, "-1"),
    ("time", 1e12, "0"),
    ("number", 1.0, "1.0"),
    ("number", 1.0, "-0.0"),
    ("number", 1.0, "0.1"),
    ("number", 1.0, "100000000000000000.0"),
    ("number", 1.0, "0.00001"),
    ("number", 1.0, "1e300"),
    ("number", 1.0, "5e-324"),
    ("number", 1.0, "123456789.12345679"),
    ("number", 1.0, "9007199254740993"),
    ("number", 1.0, "18446744073709551615"),
    ("number", 1.0, "-9223372036854775808"),
    ("text", 1.0, r#""""#),
    ("text", 1.0, r#""it's""#),
    ("text", 1.0, r#""it's \"it\"""#),
    ("text", 1.0, r#""\\ / \u0000 \u001f \u007f \u0080 \u00a0 \u00ad \r\n\t""#),
    ("text", 1.0, r#""Grüße, 測試, 😀, e\u0301""#),
    ("text", 1.0, r#""\u2028 \u200b \u3000 \ufeff \ufffd \uffff \ue000 \ud83d\ude00 \udb40\udc41""#),
    ("nested", 1.0, "[]"),
    ("nested", 1.0, "{}"),
    ("nested", 1.0, r#"[[], {}, [[1, [2.5, ["x"]]]], {"a": {"b": {"c": null}}}]"#),
    ("nested", 1.0, r#"{"z": 1, "a": 2, "": 3, "with 'quote'": 4, "ünicode": 5}"#),
];

/// What msgpack has no word for, or not the same.
const SAID_IN_JSON: &[Said<'static>] = &[
    ("number", 1.0, "123456789012345678901234567890"),
    ("number", 1.0, "-0"),
    ("number", 1.0, "1E2"),
    ("nested", 1.0, r#"{"twice": 1, "once": 2, "twice": [3]}"#),
];

/// Both kinds of client at one broker.
struct Clients {
    theirs: Process,
    ours: Events,
    _ours: thingsbus_client::Client,
}

impl Clients {
    fn of(doors: &Doors) -> Self {
        let theirs = python::script("old_client.py", &[&doors.clients_url(), "", "tree"]);
        let client = connect(doors, &Parts::All);
        let ours = client.directory().root().events(Flags::TREE);
        Self { theirs, ours, _ours: client }
    }

    /// What both print of what is sent between a greeting that both heard and an end.
    fn print(&mut self, mut send: impl FnMut(Said<'_>), said: &[Said<'_>]) -> [Vec<String>; 2] {
        let mut heard = [false; 2];
        let soon = Duration::from_millis(50);
        within(PATIENCE, || {
            send(("hello", 1.0, "0"));
            heard[0] |= self.theirs.stdout.next_within(soon).is_some();
            heard[1] |= self.ours.next_within(soon).is_some();
            (heard == [true; 2]).then_some(())
        })
        .unwrap_or_else(|| panic!("theirs and ours heard: {heard:?}\n{}", self.theirs.said()));
        said.iter().for_each(|said| send(*said));
        send(("end", 1.0, "\"the end\""));
        let theirs = until_the_end(|| self.theirs.line());
        let ours = until_the_end(|| self.ours.next_within(PATIENCE).expect("an event comes").to_string());
        [theirs, ours]
    }
}

fn until_the_end(mut next: impl FnMut() -> String) -> Vec<String> {
    std::iter::from_fn(|| Some(next()).filter(|line| !line.contains("'the end'")))
        .filter(|line| !line.contains("hello"))
        .collect()
}

/// Compares line by line, so that a difference is seen at once.
#[track_caller]
fn check_same([theirs, ours]: &[Vec<String>; 2], count: usize) {
    for (theirs, ours) in theirs.iter().zip(ours) {
        assert_eq!(theirs, ours, "theirs, and ours");
    }
    assert_eq!((theirs.len(), ours.len()), (count, count), "{theirs:#?} {ours:#?}");
}

/// By our adaptor, and by theirs, through one broker: what both clients print of each.
fn through(doors: &Doors) -> [[Vec<String>; 2]; 2] {
    let all = [SAID, SAID_IN_JSON].concat();
    let mut clients = Clients::of(doors);
    let ours = adaptor(doors, "shop.shopbot");
    let by_ours = clients.print(
        |(ns, ts, data)| {
            let data: &RawValue = serde_json::from_str(data).expect("JSON");
            ours.send_at(ns, data, Timestamp::from_seconds(ts)).expect("it can be sent");
        },
        &all,
    );
    check_same(&by_ours, all.len());
    assert_eq!(ours.counters().dropped, 0);

    let mut theirs = python::script("old_adaptor.py", &[&doors.input_url(), "shop.shopbot", "http://doc"]);
    let by_theirs = clients.print(
        |(ns, ts, data)| {
            let ns = if ns.is_empty() { "null".to_owned() } else { format!("{ns:?}") };
            theirs.write_line(&format!(r#"{{"ns": {ns}, "ts": {ts:?}, "data": {data}}}"#));
        },
        &all,
    );
    check_same(&by_theirs, all.len());
    [by_ours, by_theirs]
}

#[test]
fn every_pairing_prints_the_same() {
    let own = TestBroker::start();
    let (_process, old) = python::old_broker(3_600);
    let (through_own, through_old) = std::thread::scope(|scope| {
        let own = scope.spawn(|| through(&own));
        let old = scope.spawn(|| through(&old));
        (own.join().expect("through our broker"), old.join().expect("through theirs"))
    });
    let first = "ThingEvent<Thing<shop.shopbot.spacemon>, ts=1423351104.945, flags=, data={'busy': 12.0, 'light': 31.8}>";
    assert_eq!(through_own[0][0][0], first);
    let [by_ours, by_theirs] = &through_own;
    assert_eq!(by_ours, by_theirs, "by our adaptor, and by theirs");
    assert_eq!(through_own, through_old, "through our broker, and through theirs");
}

#[test]
fn our_datagrams_too() {
    let own = TestBroker::start();
    let (_process, old) = python::old_broker(3_600);
    let [through_own, through_old] = [*own, old].map(|doors| {
        let udp = Adaptor::new("shop.udp", "http://doc", Target::Udp(name(&doors))).expect("an adaptor");
        let printed = Clients::of(&doors).print(
            |(ns, ts, data)| {
                let data: Value = serde_json::from_str(data).expect("JSON");
                udp.send_at(ns, &data, Timestamp::from_seconds(ts)).expect("it can be sent");
            },
            SAID,
        );
        check_same(&printed, SAID.len());
        printed
    });
    assert_eq!(through_own, through_old);
}
