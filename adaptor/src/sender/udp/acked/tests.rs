//! Against a socket that answers by the protocol, or does not.

use super::*;
use crate::sender::acked::{NotAcked, Receipt};
use crate::wire::{
    AckLevel, AckWanted, Namespace, Numbered, Scratch, Update, decode_datagram, push_refused, push_taken,
};
use std::net::SocketAddr;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct Door {
    socket: UdpSocket,
}

impl Door {
    fn new() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        Self { socket }
    }

    fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// The next datagram: whose it is, and the answer to it.
    fn next(&self, seq: Result<Option<u64>, Rejected>) -> (u64, SocketAddr, Vec<u8>) {
        let mut buffer = [0; 2_000];
        let (length, from) = self.socket.recv_from(&mut buffer).expect("a datagram");
        let mut scratch = Scratch::default();
        let wanted = decode_datagram(&buffer[..length], &mut scratch).unwrap().ack().unwrap();
        let mut answer = Vec::new();
        match seq {
            Ok(seq) => push_taken(&wanted, seq, &mut answer),
            Err(why) => push_refused(wanted.numbered, why, &mut answer),
        }
        (wanted.numbered.unwrap().number(), from, answer)
    }

    fn answer(&self, number: u64, seq: Result<Option<u64>, Rejected>) {
        let (asked, from, answer) = self.next(seq);
        assert_eq!(asked, number);
        self.socket.send_to(&answer, from).unwrap();
    }
}

fn sender(addresses: Vec<SocketAddr>, patience: Duration) -> AckedSender {
    let patience = Patience { directory: patience, disk: patience, max: LONG };
    let resolve = Box::new(move || Ok(addresses.clone()));
    start_with(SenderName::unique(), resolve, Limits { patience, ..limits() }).unwrap()
}

fn send(sender: &AckedSender, count: usize) -> Vec<Receipt> {
    let ns: Namespace = "a.b".parse().unwrap();
    let encode = |numbered: Numbered<'_>| {
        let ack = AckWanted { level: AckLevel::Directory, numbered: Some(numbered) };
        Ok(Update::new(&ns, None, "1", None)?.with_ack(Some(ack)).to_json())
    };
    (0..count).map(|_| sender.send("a.b", AckLevel::Directory, encode).unwrap()).collect()
}

#[test]
fn one_after_the_other_each_when_the_one_before_is_answered() {
    let door = Door::new();
    let sender = sender(vec![door.address()], LONG);
    let receipts = send(&sender, 3);
    door.answer(1, Ok(Some(7)));
    door.answer(2, Err(Rejected::DirectoryFull));
    let (number, from, answer) = door.next(Ok(Some(8)));
    assert_eq!(number, 3);
    // Another's answers, old ones and nonsense change nothing.
    let sender_name = sender.counters().sender.unwrap();
    let text = String::from_utf8(answer.clone()).unwrap();
    let others = text.replace(&sender_name, "another");
    for nonsense in [&b"\xff"[..], b"{}", others.as_bytes(), text.replace(":3,", ":2,").as_bytes()] {
        door.socket.send_to(nonsense, from).unwrap();
    }
    assert_eq!(receipts[2].wait(Duration::from_millis(20)), Err(NotAcked::Waiting));
    door.socket.send_to(&answer, from).unwrap();
    assert_eq!(receipts[2].wait(LONG).unwrap().seq, Some(8));
    assert_eq!(receipts[0].wait(LONG).unwrap().seq, Some(7));
    assert!(
        matches!(receipts[1].wait(LONG), Err(NotAcked::Refused { reason, .. }) if reason == "directory_full")
    );
    let counters = sender.counters();
    assert_eq!((counters.accepted, counters.acked, counters.refused), (3, 2, 1));
    assert!(counters.connected);
}

#[test]
fn what_is_not_answered_and_what_finds_the_broker_busy_comes_again() {
    let door = Door::new();
    let sender = sender(vec![door.address()], Duration::from_millis(20));
    let receipts = send(&sender, 1);
    let (_, first, _) = door.next(Ok(None));
    door.answer(1, Err(Rejected::Busy));
    let (_, last, answer) = door.next(Ok(None));
    assert_eq!(first, last, "from the same port, so that late answers find it");
    door.socket.send_to(&answer, last).unwrap();
    assert_eq!(receipts[0].wait(LONG).unwrap().seq, None);
    assert!(sender.counters().last_error.is_some());
}

#[test]
fn nobody_there_is_told_and_another_address_tried() {
    let door = Door::new();
    let deserted = Door::new().address();
    let sender = sender(vec![deserted, door.address()], Duration::from_millis(20));
    let receipts = send(&sender, 2);
    door.answer(1, Ok(Some(1)));
    door.answer(2, Ok(Some(2)));
    assert!(receipts[1].wait(LONG).is_ok());
    let counters = sender.counters();
    assert_eq!(counters.endpoint, Some(format!("udp://{}", door.address())));
    assert!(counters.last_error.unwrap().contains("no answer in time"));
}

#[test]
fn a_close_takes_no_longer_than_it_may_and_tells_the_rest() {
    let door = Door::new();
    let mut sender = sender(vec![door.address()], LONG);
    let receipts = send(&sender, 2);
    door.next(Ok(None));
    door.socket.set_nonblocking(true).unwrap();
    assert!(door.socket.recv(&mut [0; 10]).is_err(), "the second one waits for the answer to the first");
    let begun = Instant::now();
    sender.close(Duration::from_millis(20));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(receipts[0].wait(LONG), Err(NotAcked::Closed { sent: true }));
    assert_eq!(receipts[1].wait(LONG), Err(NotAcked::Closed { sent: false }));
    let counters = sender.counters();
    assert_eq!((counters.accepted, counters.dropped, counters.waiting), (2, 2, 0));
}
