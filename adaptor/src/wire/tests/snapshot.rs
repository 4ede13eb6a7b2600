//! Snapshots as clients read them, and the question for a mark.

use super::*;

/// What a snapshot says of itself, and each of its things as `ns|ts|received|data|documentation_url|seq`, or the
/// reason's name.
#[track_caller]
pub(super) fn check(json: &str, about: &str, things: &[&str]) {
    fn or_none<T: ToString>(value: Option<T>) -> String {
        value.map_or("-".to_owned(), |value| value.to_string())
    }
    let mut scratch = Scratch::default();
    let Ok(Message::Snapshot(snapshot)) = decode_message(json.as_bytes(), &mut scratch) else {
        panic!("{json} is not a snapshot");
    };
    let found = format!(
        "ts {}, epoch {}, seq {}, count {}, next {}",
        or_none(snapshot.ts()),
        or_none(snapshot.epoch()),
        or_none(snapshot.seq()),
        or_none(snapshot.count()),
        or_none(snapshot.next()),
    );
    assert_eq!(found, about);
    let found: Vec<String> = snapshot
        .things()
        .map(|thing| match thing {
            Err(reason) => reason.name().to_owned(),
            Ok(told) => format!(
                "{}|{}|{}|{}|{}|{}",
                told.ns,
                or_none(told.ts),
                or_none(told.received),
                told.data,
                or_none(told.documentation_url),
                or_none(told.seq),
            ),
        })
        .collect();
    assert_eq!(found, things, "{json}");
}

/// As [`check`], of a snapshot that says nothing of itself.
#[track_caller]
fn check_things(data: &str, things: &[&str]) {
    let nothing = "ts -, epoch -, seq -, count -, next -";
    check(&format!(r#"{{"type":"thing_snapshot","data":{data}}}"#), nothing, things);
    check(&format!(r#"{{"data":{data} ,"type":"thing_snapshot"}}"#), nothing, things);
}

#[test]
fn things() {
    check_things("{}", &[]);
    check_things(" { \n } ", &[]);
    check_things(r#"{"a":{"ns":"a","data":1}}"#, &["a|-|-|1|-|-"]);
    check_things(r#"{"any":{"data":{"ns":"x"},"ns":"a"}}"#, &[r#"a|-|-|{"ns":"x"}|-|-"#]);
    check_things(
        "{\n \"a\" :\n{ \"ns\" : \"a\" , \"data\" :\n[ 1 ,\n2 ] }\n, \"b\": {\"ns\":\"b\",\"data\":NaN} }",
        &["a|-|-|[ 1 ,2 ]|-|-", "b|-|-|null|-|-"],
    );
    check_things(
        r#"{"a":{"ns":"\u0061","ts":NaN,"received":1e999,"data":"\ud800","documentation_url":"\u0075","seq":1.5}}"#,
        &[r#"a|-|-|"\ufffd"|u|-"#],
    );
    check_things(
        r#"{"a":{"ns":"a","ts":5,"received":7,"data":"}","documentation_url":"","seq":9,"ts":6,"x":[{}]}}"#,
        &[r#"a|6.0|7.0|"}"|-|9"#],
    );
}

#[test]
fn a_broken_thing_takes_no_other_with_it() {
    check_things(
        r#"{"a":5,"b":[],"c":{},"d":{"ns":"D","data":1},"e":{"ns":5,"data":1},"f":{"ns":"f"},"g":{"ns":"g","data":1,"ts":"x"},"h":{"ns":"h","data":1,"documentation_url":5},"i":"}","j":{"ns":"j","data":{}}}"#,
        &[
            "not_an_update",
            "not_an_update",
            "no_ns",
            "bad_ns",
            "bad_ns",
            "no_data",
            "bad_ts",
            "bad_documentation_url",
            "not_an_update",
            "j|-|-|{}|-|-",
        ],
    );
}

#[test]
fn about() {
    let things = r#""data":{}"#;
    let check = |fields: &str, about: &str| {
        check(&format!(r#"{{"type":"thing_snapshot",{fields},{things}}}"#), about, &[]);
    };
    check(
        r#""ts":1,"epoch":"e","seq":2,"count":3,"next":"a.b""#,
        "ts 1.0, epoch e, seq 2, count 3, next a.b",
    );
    check(r#""ts":null,"epoch":null,"seq":null,"next":null"#, "ts -, epoch -, seq -, count -, next -");
    check(r#""ts":NaN,"epoch":5,"seq":-1,"count":1.0,"next":[]"#, "ts -, epoch -, seq -, count -, next -");
    check(r#""epoch":"a\"b","next":"\u0061""#, "ts -, epoch -, seq -, count -, next -"); // no broker's
    check(r#""epoch":"","next":"""#, "ts -, epoch , seq -, count -, next ");
}

#[test]
fn refused() {
    let check = |json: &str, expected: Rejected| {
        assert_eq!(decode_message(json.as_bytes(), &mut Scratch::default()), Err(expected), "{json}");
    };
    check(r#"{"type":"thing_snapshot"}"#, Rejected::DataMissing);
    for data in ["null", "5", "[]", r#""{}""#, "NaN", r#"[{"ns":"a","data":1}]"#] {
        check(&format!(r#"{{"type":"thing_snapshot","data":{data}}}"#), Rejected::Shape);
    }
    check(r#"{"type":"thing_snapshot","data":{},"ts":"now"}"#, Rejected::Ts);
    check(r#"{"type":"thing_snapshot","data":{"a":{"ns":"a","data":1},}}"#, Rejected::NotJson);
}

#[test]
fn asked_for_a_mark() {
    let check = |subscription: &[u8], expected: Option<&str>| {
        assert_eq!(Mark::asked(subscription), expected, "{}", String::from_utf8_lossy(subscription));
    };
    check(br#"{"mark":"t-1_Z""#, Some("t-1_Z"));
    for other in
        [&b""[..], b"{", br#"{"mark":"t"#, br#"{"mark":"t","#, br#"{"mark":"t t""#, b"{\"mark\":\"\xff\""]
    {
        check(other, None);
    }
    check(br#"{"ns":"a""#, None);
    check(br#"{"mark":"a\u0041""#, None);
}
