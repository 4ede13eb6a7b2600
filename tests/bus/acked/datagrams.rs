//! Datagrams that are lost, come twice, and come late.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use thingsbus_adaptor::wire::AckLevel;

use super::{check_each_once, listener, udp};
use crate::support::random::Random;
use crate::support::wait::until;
use crate::support::{Doors, TestBroker, free_ports};

/// Each that is lost costs the adaptor's patience of 200 ms, so there are not thousands.
const UPDATES: usize = 250;

/// Of a hundred datagrams, each way, so many are lost;
const LOST: usize = 6;
/// and of so many a copy comes again, after some of those behind it.
const DOUBLED: usize = 40;

#[test]
fn what_is_lost_doubled_and_late_is_taken_once_and_in_order() {
    let mut random = Random::new("datagrams");
    let broker = TestBroker::start();
    let mut heard = listener(&broker);
    let doors = relay(&broker, &mut random);
    let adaptor = udp(&doors);
    let receipts: Vec<_> = (1..=UPDATES)
        .map(|number| adaptor.send_acked(&number, AckLevel::Directory).expect("it is taken in"))
        .collect();
    check_each_once(adaptor, &receipts, &mut heard);
    let repeated = broker.status()["doors"]["udp_in"]["repeated"].clone();
    assert!(repeated.as_u64() > Some(UPDATES as u64 / 10), "there was some trouble: {repeated}");
}

/// A bad way to the broker's input.
fn relay(broker: &Doors, random: &mut Random) -> Doors {
    let (doors, outside) = until("a free port", || {
        let doors = Doors::at(broker.input.ip(), free_ports());
        Some((doors, UdpSocket::bind(doors.input).ok()?))
    });
    let inside = UdpSocket::bind((broker.input.ip(), 0)).expect("a port");
    inside.connect(broker.input).expect("an address");
    let sender: Arc<Mutex<Option<SocketAddr>>> = Arc::default();
    let clone = |socket: &UdpSocket| socket.try_clone().expect("a socket can be cloned");
    let (from_outside, to_outside, to_inside) = (clone(&outside), outside, clone(&inside));
    let (known, mut up, mut down) = (Arc::clone(&sender), Way::new(random), Way::new(random));
    std::thread::spawn(move || {
        let mut bytes = [0; 2_000];
        while let Ok((length, from)) = from_outside.recv_from(&mut bytes) {
            *known.lock().expect("a sender") = Some(from);
            up.carry(&bytes[..length], |datagram| drop(to_inside.send(datagram)));
        }
    });
    std::thread::spawn(move || {
        let mut bytes = [0; 2_000];
        while let Ok(length) = inside.recv(&mut bytes) {
            let to = sender.lock().expect("a sender").expect("who is answered has asked");
            down.carry(&bytes[..length], |datagram| drop(to_outside.send_to(datagram, to)));
        }
    });
    doors
}

/// One direction.
struct Way {
    random: Random,
    late: Vec<Vec<u8>>,
}

impl Way {
    fn new(random: &mut Random) -> Self {
        Self { random: random.split(), late: Vec::new() }
    }

    fn carry(&mut self, datagram: &[u8], mut send: impl FnMut(&[u8])) {
        if self.random.below(100) < DOUBLED {
            self.late.push(datagram.to_vec());
        }
        if self.random.below(100) >= LOST {
            send(datagram);
        }
        while self.random.below(3) == 0 && !self.late.is_empty() {
            let one = self.random.below(self.late.len());
            send(&self.late.swap_remove(one));
        }
    }
}
