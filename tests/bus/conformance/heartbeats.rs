//! A peer that wants signs of life gets them, and stays.

use std::time::Duration;

use serde_json::json;

use super::Kind;
use crate::support::TestBroker;
use crate::support::peers::{Sub, socket, update};
use crate::support::proxy::Proxy;
use crate::support::wait::until;

const EVERY: Duration = Duration::from_millis(100);

/// After so long a silence libzmq gives a connection up.
const GIVES_UP_AFTER: Duration = Duration::from_secs(2);

fn ms(time: Duration) -> i32 {
    i32::try_from(time.as_millis()).expect("it is short")
}

/// A socket that asks for signs of life, and is connected.
fn connect(kind: zmq::SocketType, url: &str) -> zmq::Socket {
    let socket = socket(kind);
    socket.set_heartbeat_ivl(ms(EVERY)).unwrap();
    socket.set_heartbeat_timeout(ms(GIVES_UP_AFTER)).unwrap();
    socket.set_heartbeat_ttl(ms(GIVES_UP_AFTER)).unwrap();
    socket.connect(url).unwrap();
    socket
}

#[test]
fn heartbeats_are_answered_at_every_door_and_the_connection_stays() {
    let broker = TestBroker::start();
    let doors = [Kind::Push, Kind::Sub, Kind::Dealer];
    let proxies = doors.map(|_| Proxy::byte_by_byte(&broker));
    let url = |door: usize| doors[door].url(&proxies[door]);
    let push = connect(zmq::PUSH, &url(0));
    let sub = connect(zmq::SUB, &url(1));
    sub.set_subscribe(br#"{"ns":"alive""#).unwrap();
    let dealer = connect(zmq::DEALER, &url(2));
    let wanted = 1 + GIVES_UP_AFTER.as_millis().div_ceil(EVERY.as_millis());
    for (door, proxy) in doors.iter().zip(&proxies) {
        until("signs of life for longer than it would wait", || {
            let recorded = proxy.recorded();
            assert!(recorded.len() <= 1, "{door:?} is connected again");
            let pongs = recorded.first()?.from_broker.windows(5).filter(|bytes| bytes == b"\x04PONG");
            (pongs.count() as u128 > wanted).then_some(())
        });
    }
    // And between them goes what is to go.
    let mut other = Sub::connect(&broker, &[r#"{"ns":"alive""#]);
    push.send(&update("alive", &json!(true)), 0).unwrap();
    assert_eq!(other.next_json()["data"], true);
    assert!(sub.recv_bytes(0).unwrap().starts_with(br#"{"ns":"alive""#));
    dealer.send(r#"{"type":"status_query"}"#, 0).unwrap();
    assert!(dealer.recv_bytes(0).unwrap().starts_with(br#"{"type":"status""#));
    assert!(proxies.iter().all(|proxy| proxy.recorded().len() == 1), "each is still the first connection");
}
