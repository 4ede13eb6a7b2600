//! A connection that is cut is made again by the peer, and what was subscribed to is subscribed to again.

use std::time::Duration;

use serde_json::json;

use super::peers::Peer;
use super::{Kind, Library, each_kind};
use crate::support::TestBroker;
use crate::support::peers::{Push, Sub, parse, update};
use crate::support::proxy::Proxy;
use crate::support::wait::until;

fn check(library: Library) {
    each_kind(library, |kind| match kind {
        Kind::Sub | Kind::Xsub => a_client(library, kind),
        // The `zeromq` crate connects its SUB and XSUB again, and nothing else.
        Kind::Push | Kind::Pub | Kind::Xpub if library != Library::ZeromqRs => a_sender(library, kind),
        // A question that is lost with its connection is the asker's affair.
        _ => {}
    });
}

fn a_client(library: Library, kind: Kind) {
    let broker = TestBroker::start();
    let push = Push::connect(&broker);
    push.send(update("known", &json!(1)));
    until("the value", || (broker.status()["seq"] == 1).then_some(()));
    let proxy = Proxy::to(&broker);
    let mut peer = Peer::connect(library, kind, &kind.url(&proxy));
    peer.subscribe(r#"{"ns":"known""#);
    for _ in 0..3 {
        // The last value, which comes once for each time that it subscribes.
        assert_eq!(parse(peer.receive_one().as_bytes())["ns"], "known");
        proxy.cut();
        proxy.mend();
    }
}

fn a_sender(library: Library, kind: Kind) {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"said""#]);
    let proxy = Proxy::to(&broker);
    let mut peer = Peer::connect(library, kind, &kind.url(&proxy));
    for round in 0..3 {
        until("its word", || {
            peer.send(&[&update("said", &json!(round))]);
            let said = sub.next_within(Duration::from_millis(50))?;
            (parse(&said)["data"] == round).then_some(())
        });
        proxy.cut();
        proxy.mend();
    }
}

each_library!(check);
