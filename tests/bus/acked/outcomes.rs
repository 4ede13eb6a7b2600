//! What a program is told of its updates.

use std::time::Duration;

use serde_json::json;
use thingsbus_adaptor::wire::{AckLevel, Namespace, Scratch, Update, decode_datagram};
use thingsbus_adaptor::{Adaptor, Error, NotAcked, Target};
use zmq::{Socket, SocketType};

use super::{check_counts, udp, zmq};
use crate::library::name;
use crate::support::peers::{parse, socket};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker, free_ports, python};

#[test]
fn acknowledged_in_the_directory_and_on_disk_over_both() {
    let folder = ScratchFolder::new();
    let broker =
        TestBroker::with(|config| config.store.data = thingsbus_broker::Data::Folder(folder.path("data")));
    let mut seq = 0;
    for (adaptor, kind) in [(zmq(&broker), "zmq"), (udp(&broker), "udp")] {
        for level in AckLevel::ALL {
            seq += 1;
            let receipt = adaptor.send_acked_to(kind, &json!({"level": level.name()}), level).unwrap();
            assert_eq!(receipt.wait(PATIENCE).expect("it is taken").seq, Some(seq));
            let told = &broker.things("acked")["data"][format!("acked.{kind}")];
            assert_eq!((&told["data"]["level"], &told["seq"]), (&json!(level.name()), &json!(seq)));
        }
        let counters = adaptor.close(PATIENCE);
        assert_eq!((counters.accepted, counters.sent), (0, 0), "those are the plain ones");
        check_counts(&counters.acknowledged, 2);
        assert_eq!(counters.acknowledged.last_error, None);
    }
}

#[test]
fn what_is_refused_is_told_with_the_reason_and_the_others_go_on() {
    let broker = TestBroker::with(|config| config.limits.things_max = 2);
    for (adaptor, first) in [(zmq(&broker), true), (udp(&broker), false)] {
        let send = |child, level| adaptor.send_acked_to(child, &1, level).unwrap();
        let receipts = [
            send("a", AckLevel::Directory),
            send("a", AckLevel::Disk),
            send("b", AckLevel::Directory),
            send("c", AckLevel::Directory),
            send("a", AckLevel::Directory),
        ];
        let told = receipts.each_ref().map(|receipt| match receipt.wait(PATIENCE) {
            Ok(_) => "taken".to_owned(),
            Err(NotAcked::Refused { reason, message }) => {
                assert!(!message.is_empty());
                reason
            }
            Err(why) => panic!("{why}"),
        });
        assert_eq!(told, ["taken", "no_disk", "taken", "directory_full", "taken"], "{first}");
        let counters = adaptor.counters().acknowledged;
        check_counts(&counters, 5);
        assert_eq!((counters.acked, counters.refused), (3, 2));
        let lost = counters.last_lost.unwrap();
        assert_eq!((lost.ns.as_str(), lost.number, lost.why.name()), ("acked.c", 4, "directory_full"));
    }
}

#[test]
fn what_is_sent_before_there_is_a_broker_waits_for_it() {
    let port = free_ports();
    let doors = Doors::at("127.0.0.1".parse().unwrap(), port);
    let adaptors = [zmq(&doors), udp(&doors)];
    let receipts = adaptors.each_ref().map(|adaptor| adaptor.send_acked(&1, AckLevel::Directory).unwrap());
    let trouble = adaptors
        .each_ref()
        .map(|adaptor| until("the trouble to be told", || adaptor.counters().acknowledged.last_error));
    assert!(trouble[0].contains(&doors.query_url()), "{trouble:?}");
    assert_eq!(receipts[0].wait(Duration::from_millis(1)), Err(NotAcked::Waiting));
    let _broker = TestBroker::with(|config| config.port = port);
    assert!(receipts.iter().all(|receipt| receipt.wait(PATIENCE).is_ok()));
}

#[test]
fn an_old_broker_acknowledges_nothing_and_minds_nothing_and_that_is_told() {
    let (_process, old) = python::old_broker(3_600);
    let heard = sub_to_all(&old);
    for adaptor in [zmq(&old), udp(&old)] {
        let receipt = adaptor.send_acked(&"for newer brokers", AckLevel::Disk).unwrap();
        let told = || adaptor.counters().acknowledged.last_error.filter(|told| told.contains("0.2.1"));
        until("it to be told", told);
        assert_eq!(receipt.wait(Duration::ZERO), Err(NotAcked::Waiting));
        until("a plain one to arrive", || {
            adaptor.send_to("plain", &1).unwrap();
            heard.set_rcvtimeo(50).unwrap();
            heard.recv_bytes(0).ok().filter(|message| parse(message)["ns"] == "acked.plain")
        });
        while heard.recv_bytes(0).is_ok() {}
    }
}

#[test]
fn a_name_that_the_program_keeps_is_taken_once_over_its_restarts() {
    let broker = TestBroker::start();
    let start = |number| zmq(&broker).with_sender("lathe-7f3a", number).unwrap();
    let before = start(5);
    let receipts = [1, 2].map(|value| before.send_acked(&value, AckLevel::Directory).unwrap());
    assert_eq!(receipts.each_ref().map(|receipt| receipt.number()), [5, 6]);
    assert!(before.flush(PATIENCE));
    drop(before);
    // It does not know about the last one, and sends it again; then there is another.
    let after = start(6);
    let seqs = [2, 3]
        .map(|value| after.send_acked(&value, AckLevel::Directory).unwrap().wait(PATIENCE).unwrap().seq);
    assert_eq!(seqs, [None, Some(3)]);
    assert_eq!(after.counters().acknowledged.sender.as_deref(), Some("lathe-7f3a"));
    assert!(matches!(after.with_sender("no name", 1), Err(Error::SenderName { .. })));
}

#[test]
fn a_ttl_goes_with_every_update() {
    let doors = Doors::at("127.0.0.1".parse().unwrap(), free_ports());
    let ttl = Duration::from_secs(60);
    let ns: Namespace = "other".parse().unwrap();
    let own = Update::new(&ns, None, "1", None).unwrap().with_ttl(Some(Duration::from_secs(5)));
    let input = socket(SocketType::PULL);
    input.bind(&doors.input_url()).unwrap();
    let query = socket(SocketType::ROUTER);
    query.bind(&doors.query_url()).unwrap();
    let adaptor = zmq(&doors).with_ttl(ttl).unwrap();
    adaptor.send(&1).unwrap();
    adaptor.send_update(&own).unwrap();
    let wanted = [json!(60.0), json!(5.0)];
    assert_eq!([0; 2].map(|flags| parse(&input.recv_bytes(flags).unwrap())["ttl"].clone()), wanted);
    adaptor.send_acked(&1, AckLevel::Disk).unwrap();
    adaptor.send_update_acked(&own, AckLevel::Disk).unwrap();
    let asked =
        [0; 2].map(|flags| parse(query.recv_multipart(flags).unwrap().last().unwrap())["ttl"].clone());
    assert_eq!(asked, wanted);
    let input = std::net::UdpSocket::bind(doors.input).unwrap();
    input.set_read_timeout(Some(PATIENCE)).unwrap();
    let adaptor = udp(&doors).with_ttl(ttl).unwrap();
    adaptor.send(&1.5).unwrap();
    adaptor.send_update(&own).unwrap();
    for wanted in [60, 5] {
        let mut buffer = [0; 1_000];
        let length = input.recv(&mut buffer).unwrap();
        let mut scratch = Scratch::default();
        let update = decode_datagram(&buffer[..length], &mut scratch).unwrap();
        assert_eq!(update.ttl(), Some(Duration::from_secs(wanted)));
    }
    for wrong in [Duration::ZERO, Duration::MAX] {
        assert!(matches!(udp(&doors).with_ttl(wrong), Err(Error::Refused(_))));
        let update = own.with_ttl(Some(wrong));
        assert!(matches!(adaptor.send_update_acked(&update, AckLevel::Disk), Err(Error::Refused(_))));
    }
}

#[test]
fn a_queue_that_is_full_drops_the_oldest_and_tells_its_receipt() {
    const QUEUE: u64 = 10_000;
    let doors = Doors::at("127.0.0.1".parse().unwrap(), free_ports());
    let adaptor = Adaptor::new("full", "", Target::Zmq(name(&doors))).unwrap();
    let receipts: Vec<_> =
        (0..QUEUE + 3).map(|number| adaptor.send_acked(&number, AckLevel::Disk).unwrap()).collect();
    let counters = adaptor.counters().acknowledged;
    check_counts(&counters, QUEUE + 3);
    assert_eq!((counters.dropped, counters.waiting), (3, QUEUE));
    assert_eq!(receipts[2].wait(Duration::ZERO), Err(NotAcked::QueueFull));
    assert_eq!(receipts[3].wait(Duration::ZERO), Err(NotAcked::Waiting));
    let counters = adaptor.close(Duration::from_millis(1)).acknowledged;
    check_counts(&counters, QUEUE + 3);
    assert_eq!(counters.dropped, QUEUE + 3);
    assert_eq!(receipts[3].wait(Duration::ZERO), Err(NotAcked::Closed { sent: false }));
}

/// Who hears everything from an old broker, which knows no marks.
fn sub_to_all(broker: &Doors) -> Socket {
    let sub = socket(SocketType::SUB);
    sub.set_subscribe(b"").unwrap();
    sub.connect(&broker.clients_url()).unwrap();
    sub
}
