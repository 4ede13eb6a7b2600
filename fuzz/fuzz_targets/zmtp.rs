//! A ZeroMQ peer: the first byte says which door and how its bytes are cut, the rest is what it sends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use thingsbus_broker::zmtp::{Connection, Limits, Role};

fuzz_target!(|bytes: &[u8]| {
    let Some((&how, sent)) = bytes.split_first() else { return };
    let role = [Role::Input, Role::Clients, Role::Query][usize::from(how) % 3];
    let whole = events(role, sent, sent.len().max(1));
    let cut = events(role, sent, usize::from(how) / 3 + 1);
    assert_eq!(whole, cut, "events do not depend on how the bytes are cut");
});

/// What is told of `sent` where it comes in pieces of `piece` bytes, and how it ends.
fn events(role: Role, sent: &[u8], piece: usize) -> Vec<String> {
    let mut connection = Connection::new(role, Limits { frame_bytes_max: 4_096 });
    let (mut told, mut unread) = (Vec::new(), Vec::new());
    for piece in sent.chunks(piece) {
        unread.extend_from_slice(piece);
        let mut used_all = 0;
        loop {
            match connection.next(&unread[used_all..]) {
                Ok(Some((used, event))) => {
                    assert!(used > 0 && used <= unread.len() - used_all, "every event is progress");
                    used_all += used;
                    let event = format!("{event:?}");
                    if event != "Nothing" {
                        told.push(event);
                    }
                }
                Ok(None) => break,
                Err(refused) => {
                    told.push(refused.name().to_owned());
                    return told;
                }
            }
        }
        unread.drain(..used_all);
        assert!(unread.len() < connection.unread_bytes_max(), "waits for no more than it says");
        let mut output = Vec::new();
        connection.take_output(&mut output);
        assert!(output.len() < 1_024, "says little of itself");
    }
    told
}
