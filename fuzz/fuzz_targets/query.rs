//! What is asked at the query door.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use thingsbus_adaptor::wire::{Ask, limits};

fuzz_target!(|bytes: &[u8]| {
    match Ask::decode(bytes) {
        Err(error) => assert!(!error.to_string().is_empty()),
        Ok(ask) => {
            let theirs: Value = serde_json::from_slice(bytes).expect("a query is JSON");
            assert!(theirs.is_object());
            if let Ask::Things(query) = &ask {
                assert!((1..=limits::PAGE_THINGS_MAX).contains(&query.limit));
                assert_eq!(theirs["type"], "thing_query");
                assert_eq!(theirs["ns"].as_str().unwrap_or_default(), query.ns.as_str());
                assert_eq!(theirs["since"].as_u64(), query.since);
            }
            let json = ask.encode();
            // Written with all its keys, one of nearly the limit may exceed it.
            if json.len() <= limits::QUERY_BYTES_MAX {
                assert_eq!(Ask::decode(&json).expect("what we write can be read"), ask);
            }
        }
    }
});
