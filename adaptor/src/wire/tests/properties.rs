//! What holds of every message, however odd.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Number, Value};

use super::limits::{DEPTH_MAX, DOCUMENTATION_URL_BYTES_MAX};
use super::scan::{Scanner, mend};
use super::*;

/// What must hold of any update that was decoded, whatever it was decoded from.
fn assert_good(update: &Update<'_>) {
    let ns = Namespace::parse(update.ns()).unwrap();
    let data: Value = serde_json::from_str(update.data()).unwrap();
    assert!(
        update.documentation_url().is_none_or(|url| (1..=DOCUMENTATION_URL_BYTES_MAX).contains(&url.len()))
    );
    let again = Update::new(&ns, update.ts(), update.data(), update.documentation_url()).unwrap();
    assert_eq!(Update { seq: update.seq, repairs: update.repairs, ..again }, *update);

    let json = update.to_json();
    assert!(!json.iter().any(|byte| *byte < 0x20 && *byte != b'\t'), "{json:?}");
    let written: Value = serde_json::from_slice(&json).unwrap();
    let expected = Update { repairs: 0, ..*update };
    assert_eq!(decode_update(&json, &mut Scratch::default()), Ok(expected));
    assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Update(expected)));
    let mut fields = serde_json::json!({
        "ns": update.ns(),
        "type": "thing_update",
        "ts": update.ts().map(Timestamp::seconds),
        "data": data,
        "documentation_url": update.documentation_url(),
    });
    if let Some(seq) = update.seq() {
        fields["seq"] = seq.into();
    }
    assert_eq!(written, fields);
}

/// Gives `bytes` to every decoder: none panics, and what one takes is good.
fn decode_all(bytes: &[u8]) {
    let scratch = &mut Scratch::default();
    if let Ok(update) = decode_update(bytes, scratch) {
        assert_good(&update);
        // A leading space takes the canonical form's short way away: the long one must say the same.
        let spaced = [b" ", bytes].concat();
        if spaced.len() <= limits::MESSAGE_BYTES_MAX {
            assert_eq!(decode_update(&spaced, &mut Scratch::default()), Ok(update));
        }
    }
    if let Ok(update) = decode_datagram(bytes, scratch) {
        assert_good(&update);
    }
    match decode_message(bytes, scratch) {
        Ok(Message::Update(update)) => assert_good(&update),
        Ok(Message::Snapshot(snapshot)) => assert_good_snapshot(&snapshot),
        Ok(Message::Mark(mark)) => {
            let mut json = Vec::new();
            mark.push_json(&mut json);
            assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Mark(mark)));
        }
        Ok(Message::Forgotten(forgotten)) => {
            let mut json = Vec::new();
            forgotten.push_json(&mut json);
            assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Forgotten(forgotten)));
        }
        Ok(Message::Freshness(change)) => {
            let mut json = Vec::new();
            change.push_json(&mut json);
            assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Freshness(change)));
        }
        Ok(Message::Other) | Err(_) => {}
    }
    if let Ok(ask) = Ask::decode(bytes) {
        let json = ask.encode();
        if json.len() <= limits::QUERY_BYTES_MAX {
            assert_eq!(Ask::decode(&json).unwrap(), ask);
        }
    }
}

/// What can be read of a snapshot can be written, and read again.
fn assert_good_snapshot(snapshot: &Snapshot<'_>) {
    let things: Vec<Told<'_>> = snapshot.things().filter_map(Result::ok).collect();
    let mut json = Vec::new();
    for thing in &things {
        let mut out = Vec::new();
        let mut writer = SnapshotWriter::begin(&mut out, Timestamp::default());
        let url = thing.documentation_url.as_deref();
        let update = Update::from_checked(&thing.ns, thing.ts, thing.data, url, thing.seq);
        assert_good(&update);
        writer.thing(&update, thing.received, thing.expected.as_ref());
        let (epoch, next) = (snapshot.epoch().unwrap_or("e"), snapshot.next());
        let forgotten: Vec<&str> = snapshot.forgotten().collect();
        let since = snapshot.since();
        writer.end(Some(Page { epoch, seq: 1, since, forgotten: &forgotten, next }));
        json = out;
        let scratch = &mut Scratch::default();
        let Ok(Message::Snapshot(again)) = decode_message(&json, scratch) else { panic!("{json:?}") };
        assert_eq!((again.epoch(), again.next(), again.count()), (Some(epoch), next, Some(1)));
        assert_eq!(again.things().collect::<Vec<_>>(), [Ok(thing.clone())]);
        assert_eq!((again.since(), again.forgotten().collect::<Vec<_>>()), (since, forgotten));
    }
    assert!(json.is_empty() || serde_json::from_slice::<Value>(&json).is_ok());
}

fn number() -> impl Strategy<Value = Number> {
    prop_oneof![
        any::<u64>().prop_map(Number::from),
        any::<i64>().prop_map(Number::from),
        any::<i8>().prop_map(Number::from),
        any::<f64>().prop_filter_map("not finite", Number::from_f64),
        any::<f32>().prop_filter_map("not finite", |float| Number::from_f64(f64::from(float))),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        number().prop_map(Value::Number),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 8, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..8).prop_map(Value::Array),
            vec((any::<String>(), inner), 0..8).prop_map(|entries| Value::Object(Map::from_iter(entries))),
        ]
    })
}

fn namespace() -> impl Strategy<Value = String> {
    vec("[a-z][a-z0-9_-]{0,63}", 0..=8).prop_map(|parts| parts.join("."))
}

fn ts() -> impl Strategy<Value = Option<f64>> {
    proptest::option::of(prop_oneof![
        1.0e9..2.0e9,
        any::<f64>().prop_filter("not finite", |ts| ts.is_finite())
    ])
}

/// Values that everybody takes.
const GOOD: &str = r#"null true false 0 -0 1 -1 1.5 1e5 1E-5 1e+05 1e308 1e-999 0e999 0.1e-400 1.7976931348623157e308
    18446744073709551616 "" "a" "é😀" "\n\"\\\/" "\u0041" "\ud83d\ude00" "NaN" [] {} "#;

/// Values that become something else.
const MENDED: &str = r#"NaN Infinity -Infinity 1e309 2e308 -1e999 1.7976931348623159e308 "\ud83d" "\ude00\ud83d"
    "\ud83d\ud83d\ude00" "\ud83dx" "\ud83d\n" "#;

/// What nobody takes.
const BAD: &str = r#"nan nul True 01 1. .5 1e 1e+ - +1 -NaN "\u12" "\x" " 'a' /**/ [,] {,} "#;

fn one_of(words: &'static str) -> impl Strategy<Value = String> {
    select(words.split_ascii_whitespace().collect::<Vec<_>>()).prop_map(str::to_owned)
}

/// JSON as Python, serde and people write it, and what is almost that.
fn jsonlike() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        60 => one_of(GOOD),
        10 => one_of(MENDED),
        1 => one_of(BAD),
        1 => "\"[\t\n\u{0}\u{7f}]\"",
        2 => (300_usize..320).prop_map(|digits| "9".repeat(digits)),
        10 => value().prop_map(|value| value.to_string()),
    ];
    let space = prop_oneof![50 => "|||[ \t\r\n]{1,3}", 1 => "[\u{b}\u{a0}]"];
    leaf.prop_recursive(6, 60, 6, move |inner| {
        let spaced = (space.clone(), inner, space.clone()).prop_map(|(before, it, after)| [before, it, after].concat());
        let key = prop_oneof![
            60 => one_of(r#""a" "ns" "" "\ud800" "\u006es" "#),
            1 => one_of("a 1 null ' \""),
            20 => any::<String>().prop_map(|key| Value::from(key).to_string()),
        ];
        let levels = prop_oneof![4 => 1_usize..4, 1 => 50_usize..70];
        prop_oneof![
            3 => vec(spaced.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            3 => vec((key, spaced.clone()), 0..6).prop_map(|entries| {
                let entries: Vec<String> = entries.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
                format!("{{{}}}", entries.join(","))
            }),
            1 => (levels.clone(), spaced.clone()).prop_map(|(levels, inner)| nested("[", &inner, "]", levels)),
            1 => (levels, spaced).prop_map(|(levels, inner)| nested("{\"a\":", &inner, "}", levels)),
        ]
    })
}

/// One change to a text: something in, out, or in the place of something.
fn mutated(texts: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let bits = "[]{}:,\"\\/-+.eE019 \n\tntfNIu\u{1}é";
    let bits: Vec<String> =
        bits.chars().map(String::from).chain(["\\u".to_owned(), "\\ud83d".to_owned()]).collect();
    (texts, vec((any::<Index>(), 0_usize..3, select(bits)), 0..3)).prop_map(|(text, changes)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (place, out, into) in changes {
            let place = place.index(chars.len() + 1);
            let end = chars.len().min(place + out);
            chars.splice(place..end, into.chars().take(if out == 2 { 0 } else { 9 }));
        }
        chars.into_iter().collect()
    })
}

/// A good message of any form, as bytes.
fn message() -> impl Strategy<Value = Vec<u8>> {
    (namespace(), ts(), value(), proptest::option::of(any::<String>()), 0..6).prop_map(
        |(ns, ts, data, url, form)| {
            let ns = Namespace::parse(&ns).unwrap();
            let ts = ts.and_then(Timestamp::from_seconds);
            let text = data.to_string();
            let update = Update::new(&ns, ts, &text, url.as_deref()).unwrap();
            let mut json = Vec::new();
            match form {
                0 => update.push_json(&mut json),
                1 => json = encode_list(&ns, ts, &data, url.as_deref()).unwrap(),
                2 => json = encode_map(&ns, ts, &data, url.as_deref()).unwrap(),
                3 => {
                    let list = (ns.as_str(), ts.map(Timestamp::seconds), data, url);
                    json = serde_json::to_vec_pretty(&list).unwrap();
                }
                4 => Mark { mark: "t", epoch: "e", seq: 5 }.push_json(&mut json),
                _ => {
                    let mut writer = SnapshotWriter::begin(&mut json, Timestamp::default());
                    writer.thing(&update, ts, None);
                    writer.thing(&update, None, None);
                    let (next, forgotten) = (Some(ns.as_str()), &[ns.as_str(), "b"]);
                    writer.end(Some(Page { epoch: "e", seq: 3, since: Some(2), forgotten, next }));
                }
            }
            json
        },
    )
}

/// Our scanner's word on `text`: the text mended and in how many places, or the reason.
fn scanned(text: &str) -> Result<(String, u32), Rejected> {
    let mut scanner = Scanner::new(text, DEPTH_MAX);
    let value = scanner.value()?;
    scanner.end()?;
    let mut out = String::new();
    let repairs = mend(value.text, &mut out);
    assert_eq!(value.needs_mending, out != value.text, "{text:?}");
    assert!(!out.contains(['\n', '\r']), "{out:?}");
    Ok((out, repairs))
}

proptest! {
    #[test]
    fn any_bytes(bytes in vec(any::<u8>(), 0..300)) {
        decode_all(&bytes);
    }

    #[test]
    fn any_msgpack_in_the_short_form(bytes in vec(any::<u8>(), 0..200)) {
        decode_all(&[&[0x94, 0xa1, b'a', 0xc0][..], &bytes].concat());
        decode_all(&[&[0x94, 0xa1, b'a', 0xc0, 0x91][..], &bytes, &[0xc0]].concat());
    }

    #[test]
    fn any_jsonlike_message(text in mutated(jsonlike())) {
        decode_all(text.as_bytes());
        decode_all(with_data(&text).as_bytes());
        decode_all(format!(r#"{{"type":"thing_update",{}"#, text.trim_start_matches('{')).as_bytes());
        decode_all(format!(r#"{{"type":"thing_snapshot","data":{{"a":{{"ns":"a","data":{text}}}}}}}"#).as_bytes());
        decode_all(format!(r#"{{"type":"thing_mark","mark":{text},"epoch":"e","seq":1}}"#).as_bytes());
    }

    /// Ours and serde_json's scanner agree on what is JSON, but for what is mended and what is too deep.
    #[test]
    fn agrees_with_serde_json(text in mutated(jsonlike())) {
        let theirs = serde_json::from_str::<Value>(&text);
        match scanned(&text) {
            Ok((mended, repairs)) => {
                let again = serde_json::from_str::<Value>(&mended).unwrap();
                match theirs {
                    Ok(value) => {
                        assert_eq!(repairs, 0);
                        assert_eq!(again, value);
                    }
                    Err(_) => assert!(repairs > 0),
                }
                assert_eq!(scanned(&mended), Ok((mended, 0)));
            }
            Err(Rejected::TooDeep) => {
                let open = text.bytes().filter(|byte| b"[{".contains(byte)).count();
                assert!(open > DEPTH_MAX);
            }
            Err(_) => assert!(theirs.is_err(), "{text:?} is {theirs:?}"),
        }
    }

    #[test]
    fn strings_are_written_as_they_are(text in any::<String>()) {
        let mut out = Vec::new();
        push_json_string(&mut out, &text);
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
        assert!(scanned(std::str::from_utf8(&out).unwrap()).is_ok_and(|(_, repairs)| repairs == 0));
    }

    #[test]
    fn json_updates_say_what_was_said(
        ns in namespace(),
        ts in ts(),
        data in value(),
        url in proptest::option::of(any::<String>()),
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        spaced in any::<bool>(),
    ) {
        let fields = [
            ("type", Value::from("thing_update")),
            ("ns", Value::from(ns.as_str())),
            ("ts", Value::from(ts)),
            ("data", data.clone()),
            ("documentation_url", Value::from(url.clone())),
        ];
        let object = Map::from_iter(order.map(|index| (fields[index].0.to_owned(), fields[index].1.clone())));
        let json = if spaced { serde_json::to_vec_pretty(&object) } else { serde_json::to_vec(&object) }.unwrap();
        let scratch = &mut Scratch::default();
        let update = decode_update(&json, scratch).unwrap();
        assert_eq!(update.ns(), ns);
        assert_eq!(update.ts().map(Timestamp::seconds), ts);
        assert_eq!(update.documentation_url(), url.as_deref().filter(|url| !url.is_empty()));
        assert_eq!(update.repairs(), 0);
        assert_eq!(serde_json::from_str::<Value>(update.data()).unwrap(), data);
        if !spaced {
            assert_eq!(update.data(), data.to_string());
        }
        assert_good(&update);
    }

    #[test]
    fn msgpack_updates_say_what_was_said(
        ns in namespace(),
        ts in ts(),
        data in value(),
        url in proptest::option::of(any::<String>()),
    ) {
        let ns = Namespace::parse(&ns).unwrap();
        let ts = ts.and_then(Timestamp::from_seconds);
        for datagram in [
            encode_list(&ns, ts, &data, url.as_deref()).unwrap(),
            encode_map(&ns, ts, &data, url.as_deref()).unwrap(),
        ] {
            let scratch = &mut Scratch::default();
            let update = decode_datagram(&datagram, scratch).unwrap();
            assert_eq!((update.ns(), update.ts(), update.repairs()), (ns.as_str(), ts, 0));
            assert_eq!(update.documentation_url(), url.as_deref().filter(|url| !url.is_empty()));
            assert_eq!(serde_json::from_str::<Value>(update.data()).unwrap(), data);
            assert_good(&update);
        }
    }

    #[test]
    fn good_messages_broken(
        message in message(),
        cut in any::<Index>(),
        flips in vec((any::<Index>(), 0_u32..8), 1..6),
        bytes in vec((any::<Index>(), any::<u8>()), 0..4),
    ) {
        decode_all(&message);
        decode_all(&message[..cut.index(message.len() + 1)]);
        decode_all(&message[cut.index(message.len() + 1)..]);
        let mut broken = message.clone();
        for (place, bit) in flips {
            let place = place.index(broken.len());
            broken[place] ^= 1 << bit;
            decode_all(&broken);
        }
        let mut broken = message;
        for (place, byte) in bytes {
            let place = place.index(broken.len());
            broken[place] = byte;
            decode_all(&broken);
        }
    }
}
