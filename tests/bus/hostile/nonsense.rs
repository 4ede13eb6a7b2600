//! Bad messages of every kind, and a few good ones among them, all of them outside of the good traffic's namespace.

use serde_json::json;
use thingsbus_adaptor::wire::{Namespace, Timestamp, encode_list, encode_map};

use crate::support::random::Random;

/// A message for an input: JSON, nearly JSON, and nothing of the kind.
pub fn json_message(random: &mut Random) -> Vec<u8> {
    let good = good_json(random);
    match random.below(12) {
        0 => {
            let count = random.below(300);
            random.bytes(count)
        }
        1 => truncated(random, &good),
        2 | 3 => flipped(random, &good),
        4 => spliced(random, &good),
        5 => bomb(random),
        6 => number(random),
        7 => within_data(random, &random_text()),
        8 => [b"{\"type\":\"thing_update\",\"ns\":\"".as_slice(), bad_name(random), b"\",\"data\":1}"].concat(),
        9 => random
            .one_of(&[
                "", " ", "null", "1", "\"x\"", "[]", "{}", "[[]]", "[1,2,3]", "[\"evil\",null,1]",
                "[\"evil\",null,1,null,5]", "{\"type\":\"thing_snapshot\",\"data\":{}}",
                "{\"type\":\"thing_update\"}", "{\"type\":\"thing_update\",\"ns\":\"evil\"}",
                "{\"type\":\"thing_update\",\"ns\":\"evil\",\"data\":1,\"ts\":\"x\"}",
                "{\"type\":\"thing_update\",\"ns\":\"evil\",\"data\":1,\"documentation_url\":5}",
                "{\"ns\":\"evil\",\"ns\":\"evil.two\",\"type\":\"thing_update\",\"data\":NaN,\"data\":\"\\ud800\"}",
                "[\"evil\",1e999,{\"x\":[NaN,Infinity,-Infinity]},null]",
            ])
            .as_bytes()
            .to_vec(),
        10 => {
            let fill = "x".repeat(random.below(60_000));
            within_data(random, &format!("\"{fill}\""))
        }
        _ => good,
    }
}

/// A datagram: the same, and msgpack, nearly msgpack, and lengths that lie.
pub fn datagram(random: &mut Random) -> Vec<u8> {
    let good = good_msgpack(random);
    let mut datagram = match random.below(10) {
        0 | 1 => json_message(random),
        2 => truncated(random, &good),
        3 | 4 => flipped(random, &good),
        5 => spliced(random, &good),
        6 => {
            // A list, a map, text or bytes as long as they claim, and nothing in them.
            let marker = [0xDD, 0xDF, 0xDB, 0xC6, 0xC9, 0xDC, 0xDE, 0xDA][random.below(8)];
            let length = [0xFF, 0xFF, 0xFF, random.next() as u8];
            [b"\x94\xA4evil\xC0".as_slice(), &[marker], &length].concat()
        }
        7 => {
            let (open, depth) = ([0x91, 0x81, 0xDD][random.below(3)], random.below(60_000));
            [b"\x94\xA4evil\xC0".as_slice(), &vec![open; depth]].concat()
        }
        8 => {
            let mut any = vec![0; random.below(65_508)];
            any.iter_mut().step_by(97).for_each(|byte| *byte = random.next() as u8);
            any
        }
        _ => good,
    };
    datagram.truncate(65_507);
    datagram
}

fn evil_ns(random: &mut Random) -> String {
    format!("evil.number{}", random.below(200))
}

fn good_json(random: &mut Random) -> Vec<u8> {
    let ns = evil_ns(random);
    let data = json!({"temperature": random.below(1_000), "text": "Grüße", "list": [1, 2.5, null, true]});
    match random.below(3) {
        0 => json!({"type": "thing_update", "ns": ns, "data": data, "ts": 1.5, "documentation_url": "http://x"}),
        1 => json!([ns, null, data, null]),
        _ => json!({"data": data, "unknown": {"a": [1]}, "ns": ns, "type": "thing_update"}),
    }
    .to_string()
    .into_bytes()
}

fn good_msgpack(random: &mut Random) -> Vec<u8> {
    let ns = Namespace::parse(&evil_ns(random)).expect("a namespace");
    let data = json!({"temperature": random.below(1_000), "text": "Grüße", "list": [1, 2.5, null, true]});
    let ts = Timestamp::from_seconds(1.5);
    let encode = if random.below(2) == 0 { encode_list } else { encode_map };
    encode(&ns, ts, &data, Some("http://x")).expect("it can be encoded")
}

fn within_data(random: &mut Random, data: &str) -> Vec<u8> {
    let ns = evil_ns(random);
    format!(r#"{{"type":"thing_update","ns":"{ns}","data":{data}}}"#).into_bytes()
}

fn truncated(random: &mut Random, good: &[u8]) -> Vec<u8> {
    good[..random.below(good.len())].to_vec()
}

fn flipped(random: &mut Random, good: &[u8]) -> Vec<u8> {
    let mut bytes = good.to_vec();
    for _ in 0..=random.below(8) {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    bytes
}

fn spliced(random: &mut Random, good: &[u8]) -> Vec<u8> {
    let at = random.below(good.len());
    let count = random.below(40);
    let mut bytes = good[..at].to_vec();
    bytes.extend(random.bytes(count));
    bytes.extend(&good[random.below(good.len())..]);
    bytes
}

/// Brackets without end.
fn bomb(random: &mut Random) -> Vec<u8> {
    let open = random.one_of(&["[", "{\"a\":", "[[", "[{\"b\":"]);
    let depth = [10, 63, 64, 65, 130, 1_000, 50_000][random.below(7)];
    match random.below(3) {
        0 => open.repeat(depth).into_bytes(),
        1 => within_data(random, &open.repeat(depth)),
        _ => within_data(random, &format!("{}{}", "[".repeat(depth), "]".repeat(depth))),
    }
}

fn number(random: &mut Random) -> Vec<u8> {
    let digits = "9".repeat(random.below(2_000) + 1);
    let text = match random.below(5) {
        0 => digits,
        1 => format!("1e{digits}"),
        2 => format!("-0.{digits}e-{digits}"),
        3 => format!("0{digits}"),
        _ => format!("{digits}.e+"),
    };
    within_data(random, &text)
}

fn random_text() -> String {
    r#""\ud800 \udfff \u0000 \x \u12""#.to_owned()
}

fn bad_name<'n>(random: &mut Random) -> &'n [u8] {
    let names: [&[u8]; 10] = [
        b"",
        b".",
        b"Evil",
        b"evil..x",
        b"evil.",
        b"9",
        b"ev\xFFil",
        b"evil\\u0000",
        b"evil\n",
        "übel".as_bytes(),
    ];
    names[random.below(names.len())]
}
