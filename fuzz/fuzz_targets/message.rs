//! What a broker sends to its clients.
#![no_main]

use libfuzzer_sys::fuzz_target;
use thingsbus_adaptor::wire::{Mark, Message, Scratch, decode_message};
use thingsbus_fuzz::{check_snapshot, check_update};

fuzz_target!(|bytes: &[u8]| {
    let mut scratch = Scratch::default();
    match decode_message(bytes, &mut scratch) {
        Ok(Message::Update(update)) => check_update(&update),
        Ok(Message::Snapshot(snapshot)) => check_snapshot(&snapshot),
        Ok(Message::Mark(mark)) => {
            let mut json = Vec::new();
            mark.push_json(&mut json);
            assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Mark(mark)));
        }
        Ok(Message::Freshness(change)) => {
            let mut json = Vec::new();
            change.push_json(&mut json);
            assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Freshness(change)));
        }
        _ => {}
    }

    // A subscription, as the broker reads it: what is answered begins as was asked.
    if let Some(token) = Mark::asked(bytes) {
        let mut json = Vec::new();
        Mark::new(token, "epoch", 1).push_json(&mut json);
        assert!(json.starts_with(bytes));
    }
});
