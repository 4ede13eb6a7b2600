//! Peers at our doors with nothing in between, and messages up to the longest.

use serde_json::json;

use super::peers::Peer;
use super::talk::talk;
use super::{Kind, Library, each_kind};
use crate::support::TestBroker;
use crate::support::peers::{Sub, update};

/// Longer than any buffer on the way takes at once.
const LONG: usize = 200_000;

/// The longest message is 1 MiB.
const TOO_LONG: usize = 1024 * 1024 + 1;

fn check(library: Library) {
    each_kind(library, |kind| {
        let broker = TestBroker::start();
        let mut peer = Peer::connect(library, kind, &kind.url(&broker));
        talk(&mut peer, &broker, LONG);
        if matches!(kind, Kind::Push | Kind::Pub | Kind::Xpub) {
            let mut sub = Sub::connect(&broker, &[r#"{"ns":"after""#]);
            peer.send(&[&"x".repeat(TOO_LONG)]);
            peer.send(&[&update("after", &json!(true))]);
            assert_eq!(sub.next_json()["data"], true);
            let counted = &broker.status()["doors"]["zmq_in"];
            assert_eq!(counted["reasons"], json!({"multipart": 1, "too_long": 1}), "{counted}");
        }
        let status = broker.status();
        let refused = ["zmq_in", "clients", "query"]
            .map(|door| status["doors"][door]["connections"]["refused"].as_u64().expect("a number"));
        assert_eq!(refused, [0; 3], "{status}");
    });
}

each_library!(check);
