//! Bytes that others wrote, and bytes that others rely on: a change here breaks somebody in the field.

use std::time::Duration;

use super::*;

/// Written by the `json` module of Python 3.11, from this: `{"dht22_error":"","humidity":float('nan'),
/// "temps":[21.5,-0.0,float('inf'),float('-inf')],"text":"Grüße ☃ 😀","half":"\ud83d","big":2**64,"t":True,"n":None,
/// "l":[],"o":{}}`.
const PYTHON_DATA: &str = r#"{"dht22_error": "", "humidity": NaN, "temps": [21.5, -0.0, Infinity, -Infinity], "text": "Gr\u00fc\u00dfe \u2603 \ud83d\ude00", "half": "\ud83d", "big": 18446744073709551616, "t": true, "n": null, "l": [], "o": {}}"#;
const PYTHON_DATA_MENDED: &str = r#"{"dht22_error": "", "humidity": null, "temps": [21.5, -0.0, null, null], "text": "Gr\u00fc\u00dfe \u2603 \ud83d\ude00", "half": "\ufffd", "big": 18446744073709551616, "t": true, "n": null, "l": [], "o": {}}"#;

/// Written by msgpack-python 0.6.2: the same without `half`, with `big` 2**64-1, `neg` -2**63 and `bytes`
/// `b"\x00\xff"`, `ts` 1423351104.945, `documentation_url` `http://x`.
const PYTHON_MSGPACK: &str = "
    85 a474797065 ac7468696e675f757064617465 a26e73 b473706163656d6f6e2e656c656374726f6e696373 a464617461
    8b ab64687432325f6572726f72 a0 a868756d6964697479 cb7ff8000000000000
    a574656d7073 94 cb4035800000000000 cb8000000000000000 cb7ff0000000000000 cbfff0000000000000
    a474657874 b04772c3bcc39f6520e2988320f09f9880 a3626967 cfffffffffffffffff a174 c3 a16e c0 a16c 90 a16f 80
    a36e6567 d38000000000000000 a56279746573 c40200ff
    a27473 cb41d535a7503c7ae1 b1646f63756d656e746174696f6e5f75726c a8687474703a2f2f78";

/// The same by `use_single_float=True`, as microcontrollers send it, and without `bytes`.
const PYTHON_MSGPACK_F32: &str = "
    85 a474797065 ac7468696e675f757064617465 a26e73 b473706163656d6f6e2e656c656374726f6e696373 a464617461
    8a ab64687432325f6572726f72 a0 a868756d6964697479 ca7fc00000
    a574656d7073 94 ca41ac0000 ca80000000 ca7f800000 caff800000
    a474657874 b04772c3bcc39f6520e2988320f09f9880 a3626967 cfffffffffffffffff a174 c3 a16e c0 a16c 90 a16f 80
    a36e6567 d38000000000000000
    a27473 ca4ea9ad3b b1646f63756d656e746174696f6e5f75726c a8687474703a2f2f78";

/// A datagram of an ESP8266 sensor in the field, from the test suite of 0.2.1.
const ESP8266: &str = "
    94 b3 626f74746c656b69642e70726f746f74797065 c0
    82 ab 64687432325f6572726f72 a0
       a8 6d65746164617461 83 a5 6c6f6f7073 ce0000009a a9 6d7367735f73656e74 ce00000099
                              ac 6d7367735f64726f70706564 ce00000001
    d9 39 68747470733a2f2f6769746875622e636f6d2f6d697374616b65732d636f6e736f727469756d2f
          657370383236362e626f74746c656b696473";
const ESP8266_TOLD: &str = r#"bottlekid.prototype|-|{"dht22_error":"","metadata":{"loops":154,"msgs_sent":153,"msgs_dropped":1}}|https://github.com/mistakes-consortium/esp8266.bottlekids|0"#;

#[test]
fn canonical_update() {
    let ns = "spacemon.electronics".parse().unwrap();
    let ts = Timestamp::from_seconds(1423351104.945);
    let data = r#"{"door":"open","lux":1.0}"#;
    let update = Update::new(&ns, ts, data, Some("http://example.org/\"a\"")).unwrap();
    let check = |update: Update<'_>, expected: &str| {
        let json = update.to_json();
        assert_eq!(std::str::from_utf8(&json).unwrap(), expected);
        assert_eq!(decode_update(&json, &mut Scratch::default()), Ok(update));
        assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Update(update)));
    };
    check(
        update.stamped(Timestamp::default(), 812),
        r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.945,"data":{"door":"open","lux":1.0},"documentation_url":"http://example.org/\"a\"","seq":812}"#,
    );
    let update = Update::new(&ns, None, "null", None).unwrap();
    check(
        update,
        r#"{"ns":"spacemon.electronics","type":"thing_update","ts":null,"data":null,"documentation_url":null}"#,
    );
    // A broker's clock on the full second: 0.2.1 takes no integer.
    check(
        update.stamped(Timestamp::from_seconds(1423351104.0).unwrap(), 0),
        r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.0,"data":null,"documentation_url":null,"seq":0}"#,
    );
    let root = Namespace::root();
    check(
        Update::new(&root, None, "0", None).unwrap(),
        r#"{"ns":"","type":"thing_update","ts":null,"data":0,"documentation_url":null}"#,
    );
}

#[test]
fn python_json() {
    let check = |message: String| {
        for url in ["null", "\"\"", r#""http://example.org/a""#] {
            let message = message.replace("URL", url);
            let expected = format!(
                "spacemon.electronics|1423351104.945|{PYTHON_DATA_MENDED}|{}|4",
                match url {
                    r#""http://example.org/a""# => "http://example.org/a",
                    _ => "-",
                }
            );
            check_update(&message, &expected);
            check_datagram(&message, &expected);
        }
    };
    // Python before 3.6 wrote the keys in any order.
    check(format!(
        r#"{{"type": "thing_update", "ns": "spacemon.electronics", "data": {PYTHON_DATA}, "ts": 1423351104.945, "documentation_url": URL}}"#
    ));
    check(format!(
        r#"{{"documentation_url": URL, "data": {PYTHON_DATA}, "ts": 1423351104.945, "type": "thing_update", "ns": "spacemon.electronics"}}"#
    ));
    check(format!(
        r#"{{"ts":1423351104.945,"data":{PYTHON_DATA},"ns":"spacemon.electronics","documentation_url":URL,"type":"thing_update"}}"#
    ));
    check(format!(r#"["spacemon.electronics", 1423351104.945, {PYTHON_DATA}, URL]"#));

    // `ensure_ascii=False`
    check_update(
        "{\"documentation_url\": \"\", \"ts\": 1423351104, \"data\": \"Grüße ☃ 😀\u{2028}\x7f\\u0001\\\"\\\\/\\n\", \"ns\": \"a\", \"type\": \"thing_update\"}",
        "a|1423351104.0|\"Grüße ☃ 😀\u{2028}\x7f\\u0001\\\"\\\\/\\n\"|-|0",
    );
    // `indent=2`
    check_update(
        "{\n  \"type\": \"thing_update\",\n  \"ns\": \"a.b\",\n  \"data\": {\n    \"x\": [\n      1,\n      2\n    ],\n    \"y\": \"a\\nb\"\n  },\n  \"ts\": 1.5\n}",
        r#"a.b|1.5|{    "x": [      1,      2    ],    "y": "a\nb"  }|-|0"#,
    );
}

#[test]
fn python_msgpack() {
    let data = |bytes: &str| {
        format!(
            r#"{{"dht22_error":"","humidity":null,"temps":[21.5,-0.0,null,null],"text":"Grüße ☃ 😀","big":18446744073709551615,"t":true,"n":null,"l":[],"o":{{}},"neg":-9223372036854775808{bytes}}}"#
        )
    };
    let bytes = r#","bytes":"AP8=""#;
    check_datagram(
        hex(PYTHON_MSGPACK),
        &format!("spacemon.electronics|1423351104.945|{}|http://x|3", data(bytes)),
    );
    check_datagram(
        hex(PYTHON_MSGPACK_F32),
        &format!("spacemon.electronics|1423351200.0|{}|http://x|3", data("")),
    );
}

#[test]
fn esp8266() {
    check_datagram(hex(ESP8266), ESP8266_TOLD);
    // The same by msgpack-python 0.6.2 with `use_bin_type=False`: no str8, other widths of integers.
    check_datagram(
        hex(
            "94b3626f74746c656b69642e70726f746f74797065c082ab64687432325f6572726f72a0a86d6574616461746183a56c6f6f7073cc9aa96d7367735f73656e74cc99ac6d7367735f64726f7070656401da003968747470733a2f2f6769746875622e636f6d2f6d697374616b65732d636f6e736f727469756d2f657370383236362e626f74746c656b696473",
        ),
        ESP8266_TOLD,
    );
    // And out of a buffer of fixed size.
    let mut buffer = hex(ESP8266);
    buffer.resize(256, 0);
    check_datagram(buffer, &ESP8266_TOLD.replace("|0", "|1"));
}

#[test]
fn encoded_msgpack() {
    let ns = "a.b".parse().unwrap();
    let ts = Timestamp::from_seconds(1.5);
    let data = serde_json::json!({"x": 1});
    assert_eq!(
        encode_list(&ns, ts, &data, Some("u")).unwrap(),
        hex("94 a3612e62 cb3ff8000000000000 81 a178 01 a175")
    );
    assert_eq!(encode_list(&ns, None, &data, None).unwrap(), hex("94 a3612e62 c0 81 a178 01 c0"));
    assert_eq!(
        encode_map(&ns, ts, &data, None).unwrap(),
        hex("85 a474797065 ac7468696e675f757064617465 a26e73 a3612e62 a27473 cb3ff8000000000000
             b1646f63756d656e746174696f6e5f75726c c0 a464617461 81 a178 01")
    );
}

#[test]
fn old_brokers_snapshot() {
    // Written by Python 3.11 as the broker of 0.2.1 does.
    let json = r#"{"type": "thing_snapshot", "ts": 1423351104.945, "data": {"a.b": {"ns": "a.b", "ts": 1423351100.5, "data": {"x": NaN}, "documentation_url": null}, "": {"ns": "", "ts": 1.0, "data": 0, "documentation_url": "http://x"}}}"#;
    snapshot::check(
        json,
        "ts 1423351104.945, epoch -, seq -, count -, next -",
        &[r#"a.b|1423351100.5|-|{"x": null}|-|-"#, "|1.0|-|0|http://x|-"],
    );
}

#[test]
fn our_snapshots() {
    let ts = Timestamp::from_seconds(1423351104.0).unwrap();
    let (a, root) = ("a.b".parse().unwrap(), Namespace::root());
    let first = Update::new(&a, Timestamp::from_seconds(1.5), r#"{"x":1.0}"#, Some("http://x"));
    let first = first.unwrap().stamped(ts, 7);
    let second = Update::new(&root, None, "null", None).unwrap();
    let write = |received: Option<Timestamp>, page: Option<Page<'_>>, things: &[Update<'_>]| {
        let mut out = b"before ".to_vec();
        let mut writer = SnapshotWriter::begin(&mut out, ts);
        for thing in things {
            writer.thing(thing, received, None);
        }
        assert_eq!(writer.count(), things.len() as u64);
        let bytes = writer.bytes();
        writer.end(page);
        let json = String::from_utf8(out.split_off("before ".len())).unwrap();
        assert!(json.len() > bytes);
        json
    };

    // The periodic one, for 2015's clients.
    let json = write(None, None, &[first, second]);
    assert_eq!(
        json,
        r#"{"type":"thing_snapshot","ts":1423351104.0,"data":{"a.b":{"ns":"a.b","ts":1.5,"data":{"x":1.0},"documentation_url":"http://x","seq":7},"":{"ns":"","ts":null,"data":null,"documentation_url":null}}}"#
    );
    snapshot::check(
        &json,
        "ts 1423351104.0, epoch -, seq -, count -, next -",
        &[r#"a.b|1.5|-|{"x":1.0}|http://x|7"#, "|-|-|null|-|-"],
    );

    // A page of the query door.
    let page = Page { epoch: "e-1", seq: 812, since: None, forgotten: &[], next: Some("a.b") };
    let json = write(Timestamp::from_seconds(9.25), Some(page), &[first]);
    assert_eq!(
        json,
        r#"{"type":"thing_snapshot","ts":1423351104.0,"data":{"a.b":{"ns":"a.b","ts":1.5,"data":{"x":1.0},"documentation_url":"http://x","received":9.25,"seq":7}},"epoch":"e-1","seq":812,"since":null,"count":1,"forgotten":[],"next":"a.b"}"#
    );
    snapshot::check(
        &json,
        "ts 1423351104.0, epoch e-1, seq 812, count 1, next a.b",
        &[r#"a.b|1.5|9.25|{"x":1.0}|http://x|7"#],
    );

    // The last one, with nothing on it.
    let json = write(None, Some(Page { next: None, since: Some(7), forgotten: &["a.c", "b"], ..page }), &[]);
    assert_eq!(
        json,
        r#"{"type":"thing_snapshot","ts":1423351104.0,"data":{},"epoch":"e-1","seq":812,"since":7,"count":0,"forgotten":["a.c","b"],"next":null}"#
    );
    snapshot::check(&json, "ts 1423351104.0, epoch e-1, seq 812, count 0, next -", &[]);
}

#[test]
fn forgotten() {
    let ts = Timestamp::from_seconds(1423351104.0).unwrap();
    let forgotten = Forgotten { ns: "a.b", ts, seq: 812, merged: None };
    let check = |forgotten: Forgotten<'_>, expected: &str| {
        let mut json = Vec::new();
        forgotten.push_json(&mut json);
        assert_eq!(std::str::from_utf8(&json).unwrap(), expected);
        assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Forgotten(forgotten)));
    };
    check(forgotten, r#"{"ns":"a.b","type":"thing_forgotten","ts":1423351104.0,"seq":812}"#);
    let late = Forgotten { merged: Some(3), ..forgotten };
    check(late, r#"{"ns":"a.b","type":"thing_forgotten","ts":1423351104.0,"seq":812,"merged":3}"#);
}

#[test]
fn freshness() {
    let rhythm = Rhythm {
        interval: Duration::from_millis(30_040),
        deviation: Duration::from_secs(2),
        rate: 0.033,
        late_after: Duration::from_millis(2_506),
    };
    let expected = Expected { freshness: Freshness::Late, rhythm: Some(rhythm) };
    let (ts, was) = (Timestamp::from_seconds(1423351104.0).unwrap(), Freshness::Fresh);
    let change = FreshnessChange { ns: "a.b", ts, was, expected, seq: 812 };
    let check = |change: FreshnessChange<'_>, wanted: &str| {
        let mut json = Vec::new();
        change.push_json(&mut json);
        assert_eq!(std::str::from_utf8(&json).unwrap(), wanted);
        assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Freshness(change)));
    };
    check(
        change,
        r#"{"ns":"a.b","type":"thing_freshness","ts":1423351104.0,"freshness":"late","interval":30.04,"deviation":2.0,"rate":0.033,"late_after":2.506,"was":"fresh","seq":812}"#,
    );
    check(
        FreshnessChange { was: Freshness::Silent, expected: Expected::default(), ..change },
        r#"{"ns":"a.b","type":"thing_freshness","ts":1423351104.0,"freshness":"fresh","interval":null,"deviation":null,"rate":null,"late_after":null,"was":"silent","seq":812}"#,
    );
    let refused = [
        r#"{"ns":"a.b","type":"thing_freshness","ts":1.0,"freshness":"late","seq":812}"#,
        r#"{"ns":"a.b","type":"thing_freshness","ts":1.0,"freshness":"stale","was":"fresh","seq":812}"#,
        r#"{"ns":"a.b","type":"thing_freshness","ts":1.0,"freshness":"late","was":"fresh"}"#,
    ];
    for json in refused {
        assert_eq!(decode_message(json.as_bytes(), &mut Scratch::default()), Err(Rejected::Shape), "{json}");
    }

    // In a page, of those who asked for it.
    let update = Update::from_checked("a.b", Timestamp::from_seconds(1.5), "1", None, Some(7));
    let mut json = Vec::new();
    let mut writer = SnapshotWriter::begin(&mut json, ts);
    writer.thing(&update, Some(ts), Some(&expected));
    writer.end(Some(Page { epoch: "e", seq: 7, since: None, forgotten: &[], next: None }));
    let text = String::from_utf8_lossy(&json);
    let wanted =
        r#""seq":7,"freshness":"late","interval":30.04,"deviation":2.0,"rate":0.033,"late_after":2.506}}"#;
    assert!(text.contains(wanted), "{text}");
    let mut scratch = Scratch::default();
    let Ok(Message::Snapshot(page)) = decode_message(&json, &mut scratch) else { panic!("{text}") };
    assert_eq!(page.things().next().unwrap().unwrap().expected, Some(expected));
}

#[test]
fn mark() {
    let mark = Mark { mark: "t-1", epoch: "e-1", seq: 812 };
    let mut json = Vec::new();
    mark.push_json(&mut json);
    assert_eq!(
        String::from_utf8_lossy(&json),
        r#"{"mark":"t-1","type":"thing_mark","epoch":"e-1","seq":812}"#
    );
    assert!(json.starts_with(br#"{"mark":"t-1""#)); // what the client subscribed to
    assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Mark(mark)));
}
