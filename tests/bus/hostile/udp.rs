//! The senders' door over UDP. What the system drops of a flood is not the broker's to count.

use std::net::UdpSocket;

use serde_json::json;

use super::nonsense::datagram;
use super::{assert_conserved, count, storm};
use crate::support::TestBroker;
use crate::support::good::Good;
use crate::support::peers::{Sub, update};
use crate::support::random::Random;
use crate::support::wait::until;

#[test]
fn every_datagram_that_comes_is_taken_or_rejected() {
    let mut random = Random::new("udp");
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let sent = std::thread::scope(|scope| {
        let floods: Vec<_> = (0..2)
            .map(|_| {
                let (mut random, broker) = (random.split(), &broker);
                scope.spawn(move || {
                    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                    storm(|| {
                        socket.send_to(&datagram(&mut random), broker.input).expect("a datagram can be sent");
                    })
                })
            })
            .collect();
        floods.into_iter().map(|flood| flood.join().expect("a flood")).sum::<u64>()
    });
    let messages = good.finish().messages;
    // The door still works when the flood is over.
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"after""#]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let last = until("a datagram after the flood", || {
        socket.send_to(update("after", &json!(1)).as_bytes(), broker.input).unwrap();
        sub.next_within(std::time::Duration::from_millis(50))
    });
    assert!(!last.is_empty());
    let status = broker.stop();
    assert_conserved(&status);
    assert_eq!(count(&status, "/doors/zmq_in/accepted"), messages);
    let received = count(&status, "/doors/udp_in/received");
    assert!((100..=sent + 1_000).contains(&received), "{received} of {sent}");
    for reason in ["not_msgpack", "not_an_update", "too_deep"] {
        assert!(count(&status, &format!("/doors/udp_in/reasons/{reason}")) > 0, "{status}");
    }
}

#[test]
fn what_is_sent_one_by_one_is_counted_one_by_one() {
    let mut random = Random::new("udp, one by one");
    let broker = TestBroker::start();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for sent in 0..300_u64 {
        let datagram = if sent % 50 == 0 { Vec::new() } else { datagram(&mut random) };
        socket.send_to(&datagram, broker.input).unwrap();
        if sent % 20 == 19 {
            // So that the system has nothing to drop.
            until("the datagrams", || {
                (count(&broker.status(), "/doors/udp_in/received") == sent + 1).then_some(())
            });
        }
    }
    let status = broker.stop();
    assert_conserved(&status);
    assert_eq!(count(&status, "/doors/udp_in/received"), 300);
}

#[test]
fn the_longest_datagram_is_taken_whole() {
    let broker = TestBroker::start();
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"big"#]);
    let fill = 65_507 - update("big", &json!("")).len();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let datagram = update("big", &json!("x".repeat(fill)));
    assert_eq!(socket.send_to(datagram.as_bytes(), broker.input).unwrap(), 65_507);
    assert_eq!(sub.next_json()["data"].as_str().map(str::len), Some(fill));
}
