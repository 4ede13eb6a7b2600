//! Decoding what senders write, and encoding what clients get.

use std::hint::black_box;

use thingsbus_adaptor::wire::{Namespace, Rejected, Scratch, Timestamp, Update};
use thingsbus_adaptor::wire::{decode_datagram, decode_update, encode_list};

use crate::{Case, Work};

/// 186 bytes, as this project's adaptor writes them.
const CANONICAL: &str = r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.945,"data":{"luminance":114.361669921875,"ratio_busy":0.14315257352941177},"documentation_url":"http://example.org/sp"}"#;
/// As 0.2.1 writes it: other order, spaces.
const PYTHON: &str = r#"{"documentation_url": "http://example.org/sp", "type": "thing_update", "data": {"ratio_busy": 0.14315257352941177, "luminance": 114.361669921875}, "ns": "spacemon.electronics", "ts": 1423351104.945}"#;
const LIST: &str = r#"["spacemon.electronics",1423351104.945,{"luminance":114.361669921875,"ratio_busy":0.14315257352941177},"http://example.org/sp"]"#;
const NAN: &str = r#"{"ns":"spacemon.electronics","type":"thing_update","ts":1423351104.945,"data":{"luminance":NaN,"ratio_busy":0.14315257352941177},"documentation_url":"http://example.org/sp"}"#;

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
    let mut out = Vec::new();
    let ts = Timestamp::from_seconds(1423351104.945);
    let data = r#"{"luminance":114.361669921875,"ratio_busy":0.14315257352941177}"#;
    Box::new(move || {
        out.clear();
        let url = Some("http://example.org/sp");
        Update::from_checked("spacemon.electronics", ts, black_box(data), url, Some(12_345_678))
            .push_json(&mut out);
        black_box(&out);
    })
}

/// The same update in a datagram, as 0.2.1's sensors send it.
fn msgpack() -> Vec<u8> {
    let ns = Namespace::parse("spacemon.electronics").unwrap();
    let data = serde_json::json!({"luminance": 114.361669921875, "ratio_busy": 0.14315257352941177});
    let ts = Timestamp::from_seconds(1423351104.945);
    encode_list(&ns, ts, &data, Some("http://example.org/sp")).unwrap()
}
