//! Against a ROUTER that answers by the protocol, or does not. Each test has an address of its own.

use std::net::TcpListener;

use ::zmq::{Context, SocketType};

use super::*;
use crate::sender::acked::{AckCounters, NotAcked, Receipt};
use crate::sender::zmq::tests::Place;
use crate::wire::{
    AckLevel, AckWanted, Namespace, Numbered, Question, Rejected, Scratch, Update, decode_question,
    push_refused, push_taken,
};

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

impl Place {
    /// In a context of its own: when it is dropped, the port is free.
    fn door(&self) -> Door {
        let context = Context::new();
        let deadline = Instant::now() + LONG;
        loop {
            let socket = context.socket(SocketType::ROUTER).unwrap();
            socket.set_linger(0).unwrap();
            socket.set_rcvtimeo(LONG.as_millis() as i32).unwrap();
            match socket.bind(&self.endpoint) {
                Ok(()) => return Door { socket },
                Err(error) if Instant::now() > deadline => panic!("{}: {error}", self.endpoint),
                Err(_) => std::thread::yield_now(),
            }
        }
    }
}

struct Door {
    socket: Socket,
}

/// What came to the door: whose it is, the envelope, and the number in the update.
struct Asked {
    frames: Vec<Vec<u8>>,
    number: u64,
}

impl Door {
    fn next(&self) -> Asked {
        let frames = self.socket.recv_multipart(0).expect("an update");
        let mut scratch = Scratch::default();
        let Ok(Question::Update(update)) = decode_question(frames.last().unwrap(), &mut scratch) else {
            panic!("no update: {frames:?}")
        };
        let number = update.ack().unwrap().numbered.unwrap().number();
        Asked { number, frames }
    }

    #[track_caller]
    fn check_asked(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<Asked> {
        let check = |number| {
            let asked = self.next();
            assert_eq!(asked.number, number);
            asked
        };
        numbers.into_iter().map(check).collect()
    }

    fn answer(&self, mut asked: Asked, seq: Result<Option<u64>, Rejected>) {
        let question = asked.frames.pop().unwrap();
        let mut scratch = Scratch::default();
        let Ok(Question::Update(update)) = decode_question(&question, &mut scratch) else { panic!() };
        let wanted: AckWanted<'_> = update.ack().unwrap();
        let mut answer = Vec::new();
        match seq {
            Ok(seq) => push_taken(&wanted, seq, &mut answer),
            Err(why) => push_refused(wanted.numbered, why, &mut answer),
        }
        asked.frames.push(answer);
        self.socket.send_multipart(asked.frames, 0).unwrap();
    }
}

fn timing() -> Timing {
    Timing {
        connect_wait: Duration::from_millis(300),
        relookup_after: Duration::from_millis(500),
        lookup_pause_first: Duration::from_millis(5),
        lookup_pause_max: Duration::from_millis(50),
        ..Timing::default()
    }
}

/// It waits for answers for as long as a test may take, where it is not told otherwise.
fn sender_with(places: &[&Place], change: impl FnOnce(&mut Limits)) -> AckedSender {
    let endpoints: Vec<String> = places.iter().map(|place| place.endpoint.clone()).collect();
    let patience = Patience { directory: LONG, disk: LONG, max: LONG };
    let mut limits = Limits { patience, ..limits() };
    change(&mut limits);
    start_with(SenderName::unique(), Box::new(move || Ok(endpoints.clone())), limits, timing()).unwrap()
}

fn sender(places: &[&Place]) -> AckedSender {
    sender_with(places, |_| {})
}

fn send(sender: &AckedSender, count: usize) -> Vec<Receipt> {
    let ns: Namespace = "a.b".parse().unwrap();
    let encode = |numbered: Numbered<'_>| {
        let ack = AckWanted { level: AckLevel::Disk, numbered: Some(numbered) };
        Ok(Update::new(&ns, None, "1", None)?.with_ack(Some(ack)).to_json())
    };
    (0..count).map(|_| sender.send("a.b", AckLevel::Disk, encode).unwrap()).collect()
}

#[track_caller]
fn check_counts(counters: &AckCounters, acked: u64, refused: u64, dropped: u64, waiting: u64) {
    let found = (counters.acked, counters.refused, counters.dropped, counters.waiting);
    assert_eq!(found, (acked, refused, dropped, waiting), "{counters:?}");
    assert_eq!(counters.accepted, acked + refused + dropped + waiting);
}

#[test]
fn each_answer_finds_its_receipt_in_whatever_order_they_come() {
    let place = Place::new();
    let door = place.door();
    let sender = sender(&[&place]);
    let receipts = send(&sender, 3);
    let mut asked = door.check_asked([1, 2, 3]);
    assert_eq!(receipts[0].wait(Duration::ZERO), Err(NotAcked::Waiting));
    assert!(!sender.flush(Duration::from_millis(1)));
    check_counts(&sender.counters(), 0, 0, 0, 3);
    door.answer(asked.pop().unwrap(), Ok(Some(9)));
    assert_eq!(receipts[2].wait(LONG).unwrap().seq, Some(9));
    door.answer(asked.pop().unwrap(), Err(Rejected::NoDisk));
    let why = receipts[1].wait(LONG).unwrap_err();
    assert!(matches!(&why, NotAcked::Refused { reason, .. } if reason == "no_disk"), "{why}");
    door.answer(asked.pop().unwrap(), Ok(None));
    assert_eq!(receipts[0].wait(LONG).unwrap().seq, None);
    assert!(sender.flush(LONG));
    let counters = sender.counters();
    check_counts(&counters, 2, 1, 0, 0);
    assert!(counters.connected);
    let lost = counters.last_lost.unwrap();
    assert_eq!((lost.ns.as_str(), lost.number, lost.why), ("a.b", 2, why));
}

#[test]
fn a_new_connection_begins_with_the_oldest_that_has_no_answer() {
    let place = Place::new();
    let sender = sender(&[&place]);
    drop(send(&sender, 4)); // Nobody has to wait for them.
    for first in [1, 2, 3] {
        let door = place.door();
        let mut asked = door.check_asked(first..first + 4);
        door.answer(asked.remove(0), Ok(Some(first)));
        let answered = |state: &crate::sender::acked::State| state.queue.counts().acked == first;
        drop(sender.shared().wait(Some(Instant::now() + LONG), answered));
        check_counts(&sender.counters(), first, 0, 0, 3);
        drop(door);
        send(&sender, 1);
    }
}

#[test]
fn a_door_that_does_not_answer_is_asked_again_over_another_connection() {
    let place = Place::new();
    let door = place.door();
    let sender = sender_with(&[&place], |limits| limits.patience.disk = Duration::from_millis(50));
    let receipts = send(&sender, 2);
    let first = door.check_asked([1, 2]);
    let again = door.check_asked([1, 2]);
    assert_ne!(first[0].frames[0], again[0].frames[0], "another connection");
    assert!(sender.counters().last_error.unwrap().contains("no answer in time"));
    for asked in again {
        door.answer(asked, Ok(None));
    }
    assert!(receipts.iter().all(|receipt| receipt.wait(LONG).is_ok()));
}

#[test]
fn no_more_than_a_window_is_under_way_and_the_rest_follows() {
    let place = Place::new();
    let door = place.door();
    let sender = sender_with(&[&place], |limits| limits.under_way_max = 3);
    send(&sender, 10);
    let mut asked = door.check_asked([1, 2, 3]);
    for next in 4..=10 {
        door.answer(asked.remove(0), Ok(Some(next)));
        asked.extend(door.check_asked([next]));
    }
}

#[test]
fn without_a_query_door_that_is_told_and_what_is_too_much_is_dropped() {
    let place = Place::new();
    let mut sender = sender_with(&[&place], |limits| limits.updates_max = 4);
    let receipts = send(&sender, 6);
    let told = |state: &crate::sender::acked::State| state.last_error.is_some();
    drop(sender.shared().wait(Some(Instant::now() + LONG), told));
    let counters = sender.counters();
    check_counts(&counters, 0, 0, 2, 4);
    let error = counters.last_error.unwrap();
    assert!(error.contains("0.2.1") && error.contains(&place.endpoint), "{error}");
    assert_eq!(counters.last_lost.unwrap().number, 2);
    assert_eq!(receipts[1].wait(Duration::ZERO), Err(NotAcked::QueueFull));
    let begun = Instant::now();
    sender.close(Duration::from_millis(50));
    assert!(begun.elapsed() < Duration::from_secs(5));
    check_counts(&sender.counters(), 0, 0, 6, 0);
    assert_eq!(receipts[5].wait(LONG), Err(NotAcked::Closed { sent: false }));
    let late = send(&sender, 1);
    assert_eq!(late[0].wait(LONG), Err(NotAcked::Closed { sent: false }));
    check_counts(&sender.counters(), 0, 0, 7, 0);
}

#[test]
fn what_was_sent_and_not_answered_is_told_so_at_the_end() {
    let place = Place::new();
    let door = place.door();
    let mut sender = sender(&[&place]);
    let receipts = send(&sender, 1);
    door.check_asked([1]);
    sender.close(Duration::from_millis(20));
    assert_eq!(receipts[0].wait(LONG), Err(NotAcked::Closed { sent: true }));
}

#[test]
fn other_endpoints_are_fallbacks() {
    let (deserted, silent, good) = (Place::new(), Place::new(), Place::new());
    let _silent = TcpListener::bind(silent.endpoint.trim_start_matches("tcp://")).unwrap();
    let sender = sender(&[&deserted, &silent, &good]);
    let receipts = send(&sender, 2);
    let door = good.door();
    for asked in door.check_asked([1, 2]) {
        door.answer(asked, Ok(Some(1)));
    }
    assert!(receipts[1].wait(LONG).is_ok());
    assert_eq!(sender.counters().endpoint, Some(good.endpoint.clone()));
}

#[test]
fn a_lookup_that_panics_ends_it_and_whoever_waits_is_told() {
    let sender = start(SenderName::unique(), Box::new(|| panic!("on purpose"))).unwrap();
    let receipts = send(&sender, 1);
    assert_eq!(receipts[0].wait(LONG), Err(NotAcked::Closed { sent: false }));
    assert!(sender.flush(LONG), "nothing waits any more");
}
