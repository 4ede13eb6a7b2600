//! Exactly the limit is taken, one more is not, and what is far beyond costs nothing.

use super::limits::{DATAGRAM_BYTES_MAX, DEPTH_MAX, MESSAGE_BYTES_MAX, SNAPSHOT_BYTES_MAX};
use super::*;

/// `data` that nests `levels` deep, in several ways.
fn deep(levels: usize) -> [String; 6] {
    [
        nested("[", "1", "]", levels),
        nested("[", "", "]", levels),
        nested(r#"{"a":"#, "1", "}", levels),
        nested(r#"{"a":"#, "{}", "}", levels - 1),
        nested(r#"[{"a":"#, "1", "}]", levels / 2) + &" ".repeat(levels % 2),
        format!(r#"[[],{{"x":[1]}},{},0]"#, nested("[ ", r#"{"a":null}"#, "]", levels - 2)),
    ]
}

#[test]
fn json_depth() {
    let check = |data: &str, fits: bool| {
        let scratch = &mut Scratch::default();
        let expected = if fits { None } else { Some(Rejected::TooDeep) };
        let update = with_data(data);
        assert_eq!(decode_update(update.as_bytes(), scratch).err(), expected, "{data}");
        assert_eq!(decode_message(update.as_bytes(), scratch).err(), expected, "{data}");
        let later = format!(r#"{{"data":{data},"ns":"a","type":"thing_update"}}"#);
        assert_eq!(decode_message(later.as_bytes(), scratch).err(), expected, "{data}");
        let list = format!(r#"["a",null,{data},null]"#);
        assert_eq!(decode_update(list.as_bytes(), scratch).err(), expected, "{data}");
        assert_eq!(decode_datagram(list.as_bytes(), scratch).err(), expected, "{data}");
        let ns = "a".parse().unwrap();
        assert_eq!(Update::new(&ns, None, data, None).err(), expected, "{data}");
        let snapshot = format!(r#"{{"type":"thing_snapshot","data":{{"a":{{"ns":"a","data":{data}}}}}}}"#);
        match decode_message(snapshot.as_bytes(), scratch) {
            Ok(Message::Snapshot(snapshot)) => {
                assert!(fits);
                assert_eq!(snapshot.things().next().unwrap().unwrap().data, data.trim());
            }
            other => assert_eq!(other.err(), expected, "{data}"),
        }
    };
    for data in deep(DEPTH_MAX) {
        check(&data, true);
    }
    for data in deep(DEPTH_MAX + 1) {
        check(&data, data.ends_with(' ')); // pairs of levels cannot be 65
    }
    for data in deep(DEPTH_MAX + 2) {
        check(&data, false);
    }
}

#[test]
fn msgpack_depth() {
    let check = |open: &str, innermost: &str, levels: usize, fits: bool| {
        let data = hex(&nested(open, innermost, "", levels));
        let list = [&hex("94 a161 c0")[..], &data, &hex("c0")].concat();
        let map =
            [&hex("83 a474797065 ac7468696e675f757064617465 a26e73 a161 a464617461")[..], &data].concat();
        for message in [list, map] {
            let found = decode_datagram(&message, &mut Scratch::default()).err();
            assert_eq!(found, if fits { None } else { Some(Rejected::TooDeep) }, "{message:02x?}");
        }
    };
    for (open, close) in [("91", "90"), ("8101", "80"), ("dc0001", "c0"), ("df00000001a161", "d4 05 00")] {
        let levels = if close == "c0" { DEPTH_MAX } else { DEPTH_MAX - 1 }; // `close` may be one itself
        check(open, close, levels, true);
        check(open, close, levels + 1, false);
        check(open, close, levels + 2, false);
    }
}

#[test]
fn bombs_are_refused_at_once() {
    let started = std::time::Instant::now();
    on_small_stack(|| {
        let scratch = &mut Scratch::default();
        for open in ["[", r#"{"a":"#, "[{\"a\":", "[\n"] {
            let open = &open.repeat(1_000_000)[..1_000_000];
            for head in [r#"{"type":"thing_update","ns":"a","data":"#, r#"["a",null,"#, "[", ""] {
                let bomb = format!("{head}{open}");
                assert_eq!(decode_update(bomb.as_bytes(), scratch), Err(Rejected::TooDeep), "{head}");
                assert_eq!(decode_message(bomb.as_bytes(), scratch), Err(Rejected::TooDeep), "{head}");
            }
            let ns = "a".parse().unwrap();
            assert_eq!(Update::new(&ns, None, open, None), Err(Rejected::TooDeep));
        }
        for open in [&[0x91_u8][..], &[0x81, 1], &[0x81, 0xa1, b'a'], &[0xdc, 0, 1]] {
            let bomb = [&hex("94 a161 c0")[..], &open.repeat(30_000)[..30_000]].concat();
            assert_eq!(decode_datagram(&bomb, scratch), Err(Rejected::TooDeep));
        }
    });
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed()); // a debug build on a busy machine
}

#[test]
fn lengths() {
    let check = |bytes_max: usize, decode: &dyn Fn(&[u8]) -> Option<Rejected>| {
        let head = r#"{"type":"thing_update","ns":"a","data":""#;
        let json = |bytes: usize| format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2));
        assert_eq!(json(bytes_max).len(), bytes_max);
        assert_eq!(decode(json(bytes_max).as_bytes()), None);
        assert_eq!(decode(json(bytes_max + 1).as_bytes()), Some(Rejected::TooLong));
        assert_eq!(decode(&vec![0; bytes_max + 1]), Some(Rejected::TooLong));
    };
    check(MESSAGE_BYTES_MAX, &|bytes| decode_update(bytes, &mut Scratch::default()).err());
    check(DATAGRAM_BYTES_MAX, &|bytes| decode_datagram(bytes, &mut Scratch::default()).err());
    check(SNAPSHOT_BYTES_MAX, &|bytes| decode_message(bytes, &mut Scratch::default()).err());

    let datagram = |bytes: usize| {
        let text = bytes - 8;
        [&hex("94 a161 c0 da")[..], &(text as u16).to_be_bytes(), &b"x".repeat(text), &[0xc0]].concat()
    };
    let scratch = &mut Scratch::default();
    assert_eq!(datagram(DATAGRAM_BYTES_MAX).len(), DATAGRAM_BYTES_MAX);
    assert_eq!(decode_datagram(&datagram(DATAGRAM_BYTES_MAX), scratch).err(), None);
    assert_eq!(decode_datagram(&datagram(DATAGRAM_BYTES_MAX + 1), scratch).err(), Some(Rejected::TooLong));
}

#[test]
fn no_datagram_becomes_longer_than_a_message() {
    // What grows most when msgpack becomes JSON: extensions, numbers, control characters, floats.
    for item in [&hex("d4 80 00")[..], &hex("d0 80"), &hex("01"), &hex("c2"), &hex("ca 80800000"), &hex("a0")]
    {
        let items = (DATAGRAM_BYTES_MAX - 10) / item.len();
        let len = u16::try_from(items).unwrap();
        let datagram =
            [&hex("94 a161 c0 dc")[..], &len.to_be_bytes(), &item.repeat(items), &hex("c0")].concat();
        let scratch = &mut Scratch::default();
        let update = decode_datagram(&datagram, scratch).unwrap();
        assert!(update.to_json().len() < MESSAGE_BYTES_MAX, "{item:02x?}");
    }
    let datagram = [&hex("94 a161 c0 da ff00")[..], &[1; 0xff00], &hex("c0")].concat();
    let scratch = &mut Scratch::default();
    assert!(decode_datagram(&datagram, scratch).unwrap().to_json().len() < MESSAGE_BYTES_MAX);
}
