//! A UDP datagram: msgpack, or JSON.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use thingsbus_adaptor::wire::{
    Namespace, Scratch, decode_datagram, encode_list, encode_map, limits, name_in_refused,
};
use thingsbus_fuzz::check_update;

fuzz_target!(|bytes: &[u8]| {
    let mut scratch = Scratch::default();
    if decode_datagram(bytes, &mut scratch).is_err() {
        let _ = name_in_refused(bytes, &mut scratch);
        return;
    }
    let Ok(update) = decode_datagram(bytes, &mut scratch) else { return };
    check_update(&update);
    assert!(update.to_json().len() <= limits::MESSAGE_BYTES_MAX, "a client takes what it becomes");

    // Sent again by our own adaptor, it arrives as the same.
    let ns = Namespace::parse(update.ns()).expect("the namespace keeps the rule");
    let data: Value = serde_json::from_str(update.data()).expect("the data is JSON");
    let (ts, url) = (update.ts(), update.documentation_url());
    for datagram in [encode_list(&ns, ts, &data, url), encode_map(&ns, ts, &data, url)] {
        let datagram = datagram.expect("a value can be written");
        if datagram.len() > limits::DATAGRAM_BYTES_MAX {
            continue; // base64 and the like made it longer
        }
        let mut scratch = Scratch::default();
        let again = decode_datagram(&datagram, &mut scratch).expect("what we write can be read");
        assert_eq!((again.ns(), again.ts(), again.documentation_url()), (update.ns(), ts, url));
        assert_eq!(again.repairs(), 0);
        assert_eq!(serde_json::from_str::<Value>(again.data()).expect("the data is JSON"), data);
    }
});
