//! Connections that break after any byte.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use thingsbus_adaptor::wire::AckLevel;

use super::{check_each_once, listener, zmq};
use crate::support::random::Random;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, free_ports};

/// How often the connection is cut.
const CUTS: usize = 1_000;

/// A connection carries so many bytes at most before it is cut, either way: none at all, a part of the handshake, a
/// part of an update or of an answer, or some dozen of them.
const BYTES_MAX: usize = 4_000;

/// How many updates wait at most, so that there always are some and none is dropped.
const WAITING_MAX: u64 = 2_000;

#[test]
fn a_thousand_cuts_and_each_is_taken_once_and_in_order() {
    let mut random = Random::new("cuts");
    let broker = TestBroker::start();
    let mut heard = listener(&broker);
    let (doors, cuts) = cutter(&broker, &mut random);
    let adaptor = zmq(&doors);
    let mut receipts = Vec::new();
    while cuts.load(Ordering::SeqCst) < CUTS {
        if adaptor.counters().acknowledged.waiting < WAITING_MAX {
            let number = receipts.len() + 1;
            receipts.push(adaptor.send_acked(&number, AckLevel::Directory).expect("it is taken in"));
        } else {
            until("some to be acknowledged", || {
                (adaptor.counters().acknowledged.waiting < WAITING_MAX).then_some(())
            });
        }
    }
    check_each_once(adaptor, &receipts, &mut heard);
    let updates = &broker.status()["doors"]["query"]["updates"];
    let repeated = updates["repeated"].as_u64().expect("a number");
    assert!(repeated > CUTS as u64 / 2, "much was sent again: {updates}");
}

/// A way to the broker's query door on which each connection is cut at a random place, until there were enough cuts.
fn cutter(broker: &Doors, random: &mut Random) -> (Doors, Arc<AtomicUsize>) {
    let (doors, listener) = until("a free port", || {
        let doors = Doors::at(broker.query.ip(), free_ports());
        Some((doors, TcpListener::bind(doors.query).ok()?))
    });
    let cuts = Arc::new(AtomicUsize::new(0));
    let (to, mut random, counted) = (broker.query, random.split(), Arc::clone(&cuts));
    std::thread::spawn(move || {
        for here in listener.incoming().map_while(Result::ok) {
            let bytes_max = || if counted.load(Ordering::SeqCst) < CUTS { BYTES_MAX } else { usize::MAX };
            let limits = [random.below(bytes_max()), random.below(bytes_max())];
            connect(here, to, limits, &counted);
        }
    });
    (doors, cuts)
}

fn connect(here: TcpStream, to: SocketAddr, [up_bytes, down_bytes]: [usize; 2], cuts: &Arc<AtomicUsize>) {
    let there = TcpStream::connect(to).expect("the broker is there");
    for stream in [&here, &there] {
        stream.set_nodelay(true).expect("a stream can be told");
    }
    let (here_again, there_again) =
        (here.try_clone().expect("a stream"), there.try_clone().expect("a stream"));
    for (from, to, bytes) in [(here, there, up_bytes), (there_again, here_again, down_bytes)] {
        let cuts = Arc::clone(cuts);
        std::thread::spawn(move || {
            if carry(&from, &to, bytes) {
                cuts.fetch_add(1, Ordering::SeqCst);
            }
            let _ = from.shutdown(Shutdown::Both);
            let _ = to.shutdown(Shutdown::Both);
        });
    }
}

/// Carries so many bytes, or until one side ends; was it the bytes?
fn carry(mut from: &TcpStream, mut to: &TcpStream, mut left: usize) -> bool {
    let mut bytes = [0; 16 * 1024];
    while left > 0 {
        let Ok(length @ 1..) = from.read(&mut bytes) else { return false };
        let length = length.min(left);
        if to.write_all(&bytes[..length]).is_err() {
            return false;
        }
        left -= length;
    }
    true
}
