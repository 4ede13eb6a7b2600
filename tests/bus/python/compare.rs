//! The same input through 0.2.1's own broker and through ours: its client must print the same events.

use serde_json::{Value, json};

use crate::support::process::Process;
use crate::support::wait::within;
use crate::support::{Doors, TestBroker, python};

/// What a client of 0.2.1 printed.
#[derive(Debug, PartialEq)]
struct Printed {
    events: Vec<String>,
    /// What `get_data` and the documentation URL were in the end.
    directory: Vec<String>,
}

#[test]
fn a_client_prints_the_same_events_as_with_its_own_broker() {
    let (_process, own) = python::old_broker(3_600);
    let ours = TestBroker::start();
    let (through_own, through_ours) = std::thread::scope(|scope| {
        let own = scope.spawn(|| events_through(&own));
        let ours = scope.spawn(|| events_through(&ours));
        (own.join().expect("0.2.1's broker"), ours.join().expect("our broker"))
    });
    let wanted = adaptor_input().len() + udp_input().len() + plain_input().len();
    assert_eq!(through_own.events.len(), wanted, "{through_own:#?}");
    for (own, ours) in through_own.events.iter().zip(&through_ours.events) {
        assert_eq!(own, ours);
    }
    assert_eq!(through_own, through_ours);
    let first = "ThingEvent<Thing<shop.shopbot.spacemon>, ts=1423351104.945, flags=, data={'busy': 12.0, 'light': 31.8}>";
    assert_eq!(through_ours.events[0], first);
}

/// Sends the same to any broker by 0.2.1's own means.
fn events_through(doors: &Doors) -> Printed {
    let mut client = python::script("old_client.py", &[&doors.clients_url(), "", "tree"]);
    let mut adaptor = python::script(
        "old_adaptor.py",
        &[&doors.input_url(), "shop.shopbot", "http://example.com/Shopbot_Thingsbus_Documentation"],
    );
    let mut udp = python::script("old_udp.py", &[&doors.input.port().to_string()]);
    let mut plain = python::script("publish.py", &["connect", &doors.input_url()]);
    let mut events = Vec::new();
    connect(&mut client, &mut adaptor, &json!({"data": 0, "ns": "hello", "ts": 1.0}));
    connect(&mut client, &mut plain, &update("hello.plain", json!(1.0), &json!(0)));
    for (process, lines) in
        [(&mut adaptor, adaptor_input()), (&mut udp, udp_input()), (&mut plain, bad_and_good_input())]
    {
        lines.iter().for_each(|line| process.write_line(&line.to_string()));
        process.write_line(&end_of(&lines).to_string());
        loop {
            let event = client.line();
            if event.contains("'the end'") {
                break;
            }
            if !event.contains("hello") {
                events.push(event);
            }
        }
    }
    let directory = ["", "shop.shopbot", "shop.shopbot.text", "bottlekid.prototype", "twice", "nobody"]
        .map(|ns| {
            client.write_line(ns);
            client.find("get ")
        })
        .to_vec();
    Printed { events, directory }
}

/// Sends `hello` until it arrives: then both sides are connected.
fn connect(client: &mut Process, sender: &mut Process, hello: &Value) {
    within(crate::support::wait::PATIENCE, || {
        sender.write_line(&hello.to_string());
        client.stdout.next_within(std::time::Duration::from_millis(50))
    })
    .unwrap_or_else(|| panic!("nothing arrives\n{}\n{}", client.said(), sender.said()));
}

/// What ends a list of input, in the form that the list has.
fn end_of(lines: &[Value]) -> Value {
    match lines.last() {
        Some(Value::Array(_)) => json!(["end", 1.0, "the end", null]),
        Some(Value::Object(map)) if map.contains_key("type") => update("end", json!(1.0), &json!("the end")),
        _ => json!({"ns": "end", "ts": 1.0, "data": "the end"}),
    }
}

/// What `Adaptor.send` is given.
fn adaptor_input() -> Vec<Value> {
    let mut lines = vec![
        json!({"data": {"busy": 12.0, "light": 31.8}, "ns": "spacemon", "ts": 1_423_351_104.945}),
        json!({"data": {"own": true}, "ts": 1.0}),
    ];
    let values = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.0),
        json!(0.1),
        json!(-0.0),
        json!(1e300),
        json!(5e-324),
        json!(123_456_789.123_456_79),
        json!(9_007_199_254_740_993_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!("plain"),
        json!("quotes \" and \\ and / and \u{0} \u{1f} \u{7f} \r\n\t"),
        json!("Grüße, 測試, \u{1F600}, \u{2028}, \u{FFFF}"),
        json!([]),
        json!({}),
        json!([[], {}, [[1, [2, [3]]]], {"a": {"b": {"c": null}}}]),
        json!({"z": 1, "a": 2, "m": 3, "": 4, "with space": 5, "ünicode": 6}),
        json!({"dht22_error": "bad checksum, DHT22 data: 75:55:77:d5:d5\r\n", "metadata": {"loops": 454}}),
        json!("x".repeat(100_000)),
        json!((0..2_000).collect::<Vec<_>>()),
        (0..60).fold(json!("deep"), |inner, _| json!([inner])),
    ];
    lines.extend(values.into_iter().map(|data| json!({"data": data, "ns": "value", "ts": 1_700_000_000.25})));
    let times = [0.0, -1.5, 0.001, 1_423_351_104.0, 1_700_000_000.123_456_7, 4_102_444_800.5, 1e12];
    lines.extend(times.map(|ts| json!({"data": "time", "ns": "time", "ts": ts})));
    let deep = vec!["a"; 29].join(".");
    let longest = format!("a{}", "b-_9".repeat(15));
    for ns in ["a", "a.b.c", "x-y_z9", "spacemon.electronics", &deep, &longest] {
        lines.push(json!({"data": ns, "ns": ns, "ts": 2.5}));
    }
    lines.push(json!({"data": "same", "ns": "text", "ts": 3.5}));
    lines.push(json!({"data": "same", "ns": "text", "ts": 3.5}));
    lines
}

/// What the UDP example and the sensors of the field send: maps and lists.
fn udp_input() -> Vec<Value> {
    let data = json!({"dht22_error": "", "metadata": {"loops": 154, "msgs_sent": 153, "msgs_dropped": 1}});
    let url = "https://github.com/mistakes-consortium/esp8266.bottlekids";
    vec![
        json!({"type": "thing_update", "ns": "udp.map", "ts": 1.25, "data": data, "documentation_url": url}),
        json!({"documentation_url": null, "data": [1, 2.5, "ü", null], "ns": "udp.map", "type": "thing_update", "ts": 2.0}),
        json!(["bottlekid.prototype", 1.5, data, url]),
        json!(["bottlekid.prototype", 2.5, {"x": [0.1, -7, u64::MAX, "測試"]}, null]),
        json!(["bottlekid.prototype", 3.5, null, ""]),
        json!(["", 4.5, "the root itself", url]),
    ]
}

/// What any program may publish: both forms, keys in any order, keys that nobody knows.
fn plain_input() -> Vec<Value> {
    vec![
        json!(["list", 1.5, {"by": "zmq"}, "http://example.com"]),
        json!({"zzz": [], "data": {"a": 1}, "ts": 1.5, "ns": "twice", "type": "thing_update", "documentation_url": "http://one"}),
        json!({"data": {"a": 2}, "ts": 2.5, "ns": "twice", "type": "thing_update"}),
        json!({"data": {"a": 3}, "ts": 3.5, "ns": "twice", "type": "thing_update", "documentation_url": ""}),
        json!({"type": "thing_update", "ns": "", "ts": 4.5, "data": "root"}),
    ]
}

/// The same among what 0.2.1's broker survives and drops.
fn bad_and_good_input() -> Vec<Value> {
    let bad = [
        json!({"ns": "bad", "data": 1, "ts": 1.5}),
        json!({"type": "thing_snapshot", "ts": 1.5, "data": {"bad": {"ns": "bad", "data": 1, "ts": 1.5}}}),
        json!({"type": "other", "ns": "bad", "data": 1}),
        json!({"type": "thing_update", "data": 1}),
        json!({"type": "thing_update", "ns": "bad"}),
        json!({"type": "thing_update", "ns": "Bad", "data": 1}),
        json!({"type": "thing_update", "ns": "bad..bad", "data": 1}),
        json!({"type": "thing_update", "ns": ".bad", "data": 1}),
        json!({"type": "thing_update", "ns": 5, "data": 1}),
        json!({"type": "thing_update", "ns": "bad", "data": 1, "ts": "now"}),
        json!(["bad", 1.5, 1]),
        json!([]),
        json!("bad"),
        json!(null),
        json!(1),
    ];
    let mut lines: Vec<Value> = bad.to_vec();
    for (good, bad) in plain_input().into_iter().zip(bad.iter().rev()) {
        lines.extend([good, bad.clone()]);
    }
    lines.push(update("hello.again", json!(1.0), &json!(0)));
    lines
}

fn update(ns: &str, ts: Value, data: &Value) -> Value {
    json!({"type": "thing_update", "ns": ns, "ts": ts, "data": data})
}
