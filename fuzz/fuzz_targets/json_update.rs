//! An update as a sensor sends it over ZeroMQ.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use thingsbus_adaptor::wire::{Scratch, Timestamp, decode_datagram, decode_update};
use thingsbus_fuzz::check_update;

fuzz_target!(|bytes: &[u8]| {
    let mut scratch = Scratch::default();
    let Ok(update) = decode_update(bytes, &mut scratch) else { return };
    check_update(&update);

    // The same in a datagram.
    if bytes.len() <= thingsbus_adaptor::wire::limits::DATAGRAM_BYTES_MAX {
        assert_eq!(decode_datagram(bytes, &mut Scratch::default()), Ok(update));
    }

    // Where serde_json takes it too, it reads the same.
    let Ok(theirs) = serde_json::from_slice::<Value>(bytes) else { return };
    let get = |key: &str, index: usize| match &theirs {
        Value::Array(list) => list[index].clone(),
        object => object[key].clone(),
    };
    assert_eq!(update.repairs(), 0);
    assert_eq!(get("ns", 0), update.ns());
    assert_eq!(get("ts", 1).as_f64(), update.ts().map(Timestamp::seconds));
    assert_eq!(get("data", 2), serde_json::from_str::<Value>(update.data()).expect("the data is JSON"));
    assert_eq!(
        get("documentation_url", 3).as_str().filter(|url| !url.is_empty()),
        update.documentation_url()
    );
});
