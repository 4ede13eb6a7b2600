//! What senders ask to be told, and what they are told.

use std::time::Duration;

use super::*;

const UPDATE: &str = r#"{"ns":"a.b","type":"thing_update","ts":1.5,"data":{"t":1},"documentation_url":null,"ttl":60.0,"ack":"disk","sender":"esp-7f:3a","number":17}"#;

fn wanted() -> AckWanted<'static> {
    AckWanted { level: AckLevel::Disk, numbered: Numbered::new("esp-7f:3a", 17) }
}

#[test]
fn asked_in_json_and_msgpack() {
    let ns: Namespace = "a.b".parse().unwrap();
    let ts = Timestamp::from_seconds(1.5);
    let (ttl, ack) = (Some(Duration::from_secs(60)), Some(wanted()));
    let update = Update::new(&ns, ts, r#"{"t":1}"#, None).unwrap().with_ttl(ttl).with_ack(ack);
    assert_eq!(String::from_utf8(update.to_json()).unwrap(), UPDATE);
    assert_eq!(decode_update(UPDATE.as_bytes(), &mut Scratch::default()), Ok(update));
    let data = serde_json::json!({"t": 1});
    let datagram = encode_asking(&ns, ts, &data, None, Asks { ttl, ack }).unwrap();
    assert_eq!(decode_datagram(&datagram, &mut Scratch::default()), Ok(update));
    // What is between a sender and the broker goes no further.
    let told = String::from_utf8(update.stamped(Timestamp::default(), 9).to_json()).unwrap();
    assert!(told.ends_with(r#""documentation_url":null,"seq":9}"#), "{told}");
}

#[test]
fn asked_wrongly() {
    let check = |fields: &str, expected: &str| {
        check_update(format!(r#"{{"ns":"a","type":"thing_update","data":1,{fields}}}"#), expected);
    };
    let taken = "a|-|1|-|0";
    check(r#""ack":"directory""#, taken);
    check(r#""ack":null,"ttl":null,"sender":7"#, taken);
    check(r#""sender":"Ü","number":"x""#, taken);
    check(r#""ack":"disc""#, "bad_ack");
    check(r#""ack":1"#, "bad_ack");
    check(r#""ack":"disk","sender":"s""#, "bad_ack");
    check(r#""ack":"disk","number":1"#, "bad_ack");
    check(r#""ack":"disk","sender":"s","number":-1"#, "bad_ack");
    check(r#""ack":"disk","sender":"a b","number":1"#, "bad_ack");
    check(r#""ack":"disk","sender":"","number":1"#, "bad_ack");
    check(&format!(r#""ack":"disk","sender":"{}","number":1"#, "s".repeat(SENDER_BYTES_MAX)), taken);
    check(&format!(r#""ack":"disk","sender":"{}","number":1"#, "s".repeat(SENDER_BYTES_MAX + 1)), "bad_ack");
    check(r#""ttl":0.1"#, taken);
    check(r#""ttl":0"#, "bad_ttl");
    check(r#""ttl":-1"#, "bad_ttl");
    check(r#""ttl":"60""#, "bad_ttl");
    check(r#""ttl":1e300"#, "bad_ttl");
    check(r#""ttl":NaN"#, "bad_ttl");
}

#[test]
fn told() {
    let check = |written: &[u8], json: &str, expected: Acknowledged| {
        assert_eq!(std::str::from_utf8(written).unwrap(), json);
        assert_eq!(Acknowledged::decode(written), Some(expected));
    };
    let acknowledged =
        |outcome| Acknowledged { sender: Some("esp-7f:3a".to_owned()), number: Some(17), outcome };
    let level = AckLevel::Disk;
    let mut out = Vec::new();
    push_taken(&wanted(), Some(812), &mut out);
    let json = r#"{"type":"thing_ack","ack":"disk","sender":"esp-7f:3a","number":17,"seq":812}"#;
    check(&out, json, acknowledged(Outcome::Taken { level, seq: Some(812) }));
    out.clear();
    push_taken(&wanted(), None, &mut out);
    let json = r#"{"type":"thing_ack","ack":"disk","sender":"esp-7f:3a","number":17,"seq":null}"#;
    check(&out, json, acknowledged(Outcome::Taken { level, seq: None }));
    out.clear();
    push_refused(wanted().numbered, Rejected::DirectoryFull, &mut out);
    let json = r#"{"type":"thing_ack","sender":"esp-7f:3a","number":17,"error":"directory_full","message":"the thing is new and the directory is full"}"#;
    let (reason, message) = ("directory_full".to_owned(), Rejected::DirectoryFull.to_string());
    check(&out, json, acknowledged(Outcome::Refused { reason, message }));
    out.clear();
    push_taken(&AckWanted { level: AckLevel::Directory, numbered: None }, Some(1), &mut out);
    let outcome = Outcome::Taken { level: AckLevel::Directory, seq: Some(1) };
    let json = r#"{"type":"thing_ack","ack":"directory","seq":1}"#;
    check(&out, json, Acknowledged { sender: None, number: None, outcome });
    assert_eq!(Acknowledged::decode(br#"{"type":"status","ack":"disk"}"#), None);
    assert_eq!(Acknowledged::decode(b"[]"), None);
}

#[test]
fn a_question_is_told_from_an_update() {
    let mut scratch = Scratch::default();
    assert!(matches!(decode_question(UPDATE.as_bytes(), &mut scratch), Ok(Question::Update(_))));
    let status = br#"{"type":"status_query"}"#;
    assert!(matches!(decode_question(status, &mut scratch), Ok(Question::Ask(Ask::Status))));
    assert!(decode_question(br#"{"type":"other"}"#, &mut scratch).is_err());
    assert!(decode_question(br#"{"type":"thing_update","ns":"a""#, &mut scratch).is_err());
    let bad = UPDATE.replace("a.b", "A");
    let Ok(Question::Refused(refused)) = decode_question(bad.as_bytes(), &mut scratch) else { panic!() };
    assert_eq!(refused, RefusedUpdate { why: Rejected::Ns, numbered: wanted().numbered });
}

#[test]
fn a_refused_datagram_is_told_where_it_asks_for_that() {
    let mut scratch = Scratch::default();
    let why = Rejected::Ns;
    let bad = UPDATE.replace("a.b", "A");
    let expected = Some(RefusedUpdate { why, numbered: wanted().numbered });
    assert_eq!(refused_datagram(bad.as_bytes(), why, &mut scratch), expected);
    let msgpack =
        rmp_serde::to_vec_named(&serde_json::json!({"ns": "A", "ack": "disc", "number": 1})).unwrap();
    let expected = Some(RefusedUpdate { why, numbered: None });
    assert_eq!(refused_datagram(&msgpack, why, &mut scratch), expected);
    assert_eq!(refused_datagram(br#"{"ns":"A"}"#, why, &mut scratch), None);
    assert_eq!(refused_datagram(br#"["A",null,1,null]"#, why, &mut scratch), None);
    assert_eq!(refused_datagram(b"\xc1", why, &mut scratch), None);
}
