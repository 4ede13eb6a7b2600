//! Decoding what senders write, and encoding what clients get.

use std::hint::black_box;

use thingsbus_adaptor::wire::{Rejected, Scratch, Timestamp, Update};
use thingsbus_adaptor::wire::{decode_datagram, decode_update, encode_list};

use crate::{Case, Work};

/// 186 bytes, as this project's adaptor writes them.
const CANONICAL: &str = r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.945,"data":{"luminance":114.361669921875,"ratio_busy":0.14315257352941177},"documentation_url":"http://example.org/space"}"#;
/// As 0.2.1 writes it: other order, spaces.
const PYTHON: &str = r#"{"documentation_url": "http://example.org/space", "type": "thing_update", "data": {"ratio_busy": 0.14315257352941177, "luminance": 114.361669921875}, "ns": "spacemon.electronics", "ts": 1423351104.945}"#;
const LIST: &str = r#"["spacemon.electronics",1423351104.945,{"luminance":114.361669921875,"ratio_busy":0.14315257352941177},"http://example.org/space"]"#;
const NAN: &str = r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.945,"data":{"luminance":NaN,"ratio_busy":0.14315257352941177},"documentation_url":"http://example.org/space"}"#;

pub const CASES: &[Case] = &[
    ("codec/decode_update/canonical", || decoding(CANONICAL.into(), decode_update)),
    ("codec/decode_update/python_0.2.1", || decoding(PYTHON.into(), decode_update)),
    ("codec/decode_update/list", || decoding(LIST.into(), decode_update)),
    ("codec/decode_update/nan", || decoding(NAN.into(), decode_update)),
    ("codec/decode_datagram/msgpack", || decoding(msgpack(), decode_datagram)),
    ("codec/decode_datagram/json", || decoding(CANONICAL.into(), decode_datagram)),
    ("codec/push_json", pushing),
];

type Decode = for<'a> fn(&'a [u8], &'a mut Scratch) -> Result<Update<'a>, Rejected>;

fn decoding(message: Vec<u8>, decode: Decode) -> Work {
    let mut scratch = Scratch::default();
    assert!(decode(&message, &mut scratch).is_ok());
    Box::new(move || {
        let _ = black_box(decode(black_box(&message), &mut scratch));
    })
}

fn pushing() -> Work {
    let mut scratch = Scratch::default();
    let mut out = Vec::new();
    let text: &'static [u8] = CANONICAL.as_bytes();
    Box::new(move || {
        out.clear();
        // Decoded anew, because an update borrows; what that costs is a line of its own above.
        let update = decode_update(black_box(text), &mut scratch).unwrap();
        update.stamped(Timestamp::default(), 12_345_678).push_json(&mut out);
        black_box(&out);
    })
}

fn msgpack() -> Vec<u8> {
    let mut data = std::collections::BTreeMap::new();
    data.insert("luminance", 114.361669921875);
    data.insert("ratio_busy", 0.14315257352941177);
    let mut scratch = Scratch::default();
    let update = decode_update(CANONICAL.as_bytes(), &mut scratch).unwrap();
    todo!("{update:?}{data:?}{}", encode_list as usize)
}
