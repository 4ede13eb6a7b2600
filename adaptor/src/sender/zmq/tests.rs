//! Over real sockets, with libzmq at the other end. Each test has a loopback address of its own, so that a port it
//! has given back is not taken by another one.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc;

use ::zmq::{Context, DONTWAIT, SocketType};

use super::*;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

/// Where a broker may be bound and bound again.
pub(super) struct Place {
    pub(super) endpoint: String,
}

impl Place {
    pub(super) fn new() -> Self {
        static COUNT: AtomicU16 = AtomicU16::new(1);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let host = format!("127.{}.{count}.1", std::process::id() % 250 + 1);
        let port = TcpListener::bind((host.as_str(), 0)).unwrap().local_addr().unwrap().port();
        Self { endpoint: format!("tcp://{host}:{port}") }
    }

    /// Our broker's input.
    fn pull(&self) -> Peer {
        self.bind(SocketType::PULL, |_| {})
    }

    /// A 0.2.1 broker's input.
    fn sub(&self) -> Peer {
        self.bind(SocketType::SUB, |socket| {
            socket.set_subscribe(b"").unwrap();
            socket.set_rcvhwm(1_000_000).unwrap();
        })
    }

    /// In a context of its own: when it is dropped, the port is free.
    fn bind(&self, kind: SocketType, prepare: impl Fn(&Socket)) -> Peer {
        let context = Context::new();
        let deadline = Instant::now() + LONG;
        loop {
            let socket = context.socket(kind).unwrap();
            socket.set_linger(0).unwrap();
            socket.set_rcvtimeo(LONG.as_millis() as i32).unwrap();
            prepare(&socket);
            match socket.bind(&self.endpoint) {
                Ok(()) => return Peer { socket },
                Err(error) if Instant::now() > deadline => panic!("{}: {error}", self.endpoint),
                Err(_) => thread::yield_now(),
            }
        }
    }

    fn sender(&self) -> ZmqSender {
        sender(&[self], Options::default())
    }
}

struct Peer {
    socket: Socket,
}

impl Peer {
    fn number(&self) -> u32 {
        let bytes = self.socket.recv_bytes(0).expect("a message");
        u32::from_le_bytes(*bytes.first_chunk().unwrap())
    }

    #[track_caller]
    fn check_receives(&self, expected: impl IntoIterator<Item = u32>) {
        for expected in expected {
            assert_eq!(self.number(), expected);
        }
    }

    #[track_caller]
    fn check_quiet(&self) {
        assert_eq!(self.socket.recv_bytes(DONTWAIT).err(), Some(::zmq::Error::EAGAIN));
    }
}

/// Impatient, so that tests need not wait.
fn timing() -> Timing {
    Timing {
        connect_wait: Duration::from_millis(300),
        relookup_after: Duration::from_millis(500),
        reconnect_first: Duration::from_millis(5),
        reconnect_max: Duration::from_millis(50),
        lookup_pause_first: Duration::from_millis(5),
        lookup_pause_max: Duration::from_millis(50),
    }
}

fn sender(places: &[&Place], options: Options) -> ZmqSender {
    let endpoints: Vec<String> = places.iter().map(|place| place.endpoint.clone()).collect();
    ZmqSender::start_with(Box::new(move || Ok(endpoints.clone())), options, timing()).unwrap()
}

fn small(queue_messages_max: usize) -> Options {
    Options { queue_messages_max, ..Options::default() }
}

impl ZmqSender {
    fn send_numbers(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.send(number.to_le_bytes().to_vec());
        }
    }

    #[track_caller]
    fn wait_until(&self, is_so: impl Fn(&Counters) -> bool) {
        let counters =
            self.shared.wait(Some(Instant::now() + LONG), |state| is_so(&state.counters())).counters();
        assert!(is_so(&counters), "{counters:?}");
    }
}

#[track_caller]
fn check_conserved(counters: &Counters) {
    assert_eq!(counters.accepted, counters.sent + counters.dropped + counters.queued, "{counters:?}");
}

#[test]
fn a_broker_that_comes_later_gets_everything() {
    let place = Place::new();
    let sender = place.sender();
    sender.send_numbers(0..5_000);
    assert!(!sender.counters().connected);
    assert_eq!(sender.counters().queued, 5_000);
    let broker = place.pull();
    broker.check_receives(0..5_000);
    assert!(sender.flush(LONG));
    let counters = sender.close(LONG);
    assert_eq!((counters.accepted, counters.sent, counters.dropped, counters.queued), (5_000, 5_000, 0, 0));
    assert_eq!(counters.endpoint, Some(place.endpoint));
    broker.check_quiet();
}

#[test]
fn a_broker_that_goes_and_comes_back_gets_what_was_queued_in_order() {
    let place = Place::new();
    let sender = place.sender();
    for from in [0, 1_000, 2_000] {
        let broker = place.pull();
        sender.wait_until(|counters| counters.connected);
        sender.send_numbers(from + 500..from + 1_000);
        broker.check_receives(from.max(500)..from + 1_000);
        drop(broker);
        sender.wait_until(|counters| !counters.connected);
        sender.send_numbers(from + 1_000..from + 1_500);
    }
    let broker = place.pull();
    broker.check_receives(3_000..3_500);
    assert_eq!(sender.counters().dropped, 0);
}

#[test]
fn a_broker_away_for_longer_than_a_lookup_is_found_again() {
    let place = Place::new();
    let broker = place.pull();
    let (asked, asks) = mpsc::channel();
    let endpoint = place.endpoint.clone();
    let lookup = move || {
        asked.send(()).ok();
        Ok(vec![endpoint.clone()])
    };
    let sender = ZmqSender::start_with(Box::new(lookup), Options::default(), timing()).unwrap();
    asks.recv_timeout(LONG).unwrap();
    sender.send_numbers(0..1);
    broker.check_receives(0..1);
    drop(broker);
    sender.wait_until(|counters| !counters.connected);
    sender.send_numbers(1..100);
    for _ in 0..2 {
        asks.recv_timeout(LONG).expect("another lookup");
    }
    place.pull().check_receives(1..100);
}

#[test]
fn with_nobody_there_the_oldest_go_and_nothing_blocks() {
    let place = Place::new();
    let sender = sender(&[&place], small(100));
    let begin = Instant::now();
    let dropped =
        (0..10_000u32).filter(|n| sender.send(n.to_le_bytes().to_vec()) == Sent::OldestDropped).count();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!(dropped, 9_900);
    let counters = sender.counters();
    assert_eq!((counters.accepted, counters.queued, counters.dropped), (10_000, 100, 9_900));
    assert!(!sender.flush(Duration::from_millis(50)));
    let broker = place.pull();
    broker.check_receives(9_900..10_000);
    drop(broker);
    sender.wait_until(|counters| !counters.connected);
    sender.send_numbers(0..10);
    let begin = Instant::now();
    let counters = sender.close(Duration::from_millis(100));
    assert!(begin.elapsed() < Duration::from_millis(600), "{:?}", begin.elapsed());
    assert_eq!((counters.sent, counters.dropped, counters.queued), (100, 9_910, 0));
    check_conserved(&counters);
}

#[test]
fn a_broker_slower_than_we_costs_counted_messages_and_no_others() {
    let place = Place::new();
    let broker = place.bind(SocketType::PULL, |socket| socket.set_rcvhwm(10).unwrap());
    let sender = sender(&[&place], small(200));
    let mut message = vec![0; 2_000];
    let mut number = 0u32;
    while sender.counters().dropped < 1_000 {
        message[..4].copy_from_slice(&number.to_le_bytes());
        sender.send(message.clone());
        number += 1;
    }
    let counters = sender.counters();
    check_conserved(&counters);
    assert!(counters.queued <= 200, "{counters:?}");
    // Receives while the sender closes: the limit is long enough for everything.
    let closer = thread::spawn(move || sender.close(LONG));
    let mut received: Vec<u32> = Vec::new();
    while received.last() != Some(&(number - 1)) {
        received.push(broker.number());
    }
    let counters = closer.join().unwrap();
    assert!(received.is_sorted_by(|one, next| one < next));
    assert_eq!(counters.sent, received.len() as u64);
    assert_eq!((counters.accepted, counters.queued), (u64::from(number), 0));
    check_conserved(&counters);
    broker.check_quiet();
}

#[test]
fn closing_waits_for_what_libzmq_holds() {
    let place = Place::new();
    let broker = place.pull();
    let sender = place.sender();
    sender.send_numbers(0..2_000);
    let counters = sender.close(LONG);
    assert_eq!((counters.sent, counters.dropped), (2_000, 0));
    broker.check_receives(0..2_000);
}

#[test]
fn dropping_flushes_too() {
    let place = Place::new();
    let broker = place.pull();
    place.sender().send_numbers(0..100);
    broker.check_receives(0..100);
}

#[test]
fn an_old_broker_gets_everything_from_the_first_message_on() {
    let place = Place::new();
    let sender = place.sender();
    sender.send_numbers(0..5_000);
    let broker = place.sub();
    broker.check_receives(0..5_000);
    sender.send_numbers(5_000..10_000);
    assert!(sender.flush(LONG));
    let counters = sender.close(LONG);
    assert_eq!((counters.sent, counters.dropped), (10_000, 0));
    broker.check_receives(5_000..10_000);
    broker.check_quiet();
}

#[test]
fn an_old_broker_that_restarts_gets_what_was_queued() {
    let place = Place::new();
    let sender = place.sender();
    for from in [0, 1_000, 2_000] {
        sender.send_numbers(from..from + 1_000);
        let broker = place.sub();
        broker.check_receives(from..from + 1_000);
        drop(broker);
        sender.wait_until(|counters| !counters.connected);
    }
    assert_eq!(sender.counters().sent, 3_000);
}

#[test]
fn a_broker_may_be_replaced_by_a_newer_or_an_older_one() {
    let place = Place::new();
    let sender = place.sender();
    for from in [0, 2_000, 4_000] {
        sender.send_numbers(from..from + 1_000);
        let old = place.sub();
        old.check_receives(from..from + 1_000);
        drop(old);
        sender.wait_until(|counters| !counters.connected);
        sender.send_numbers(from + 1_000..from + 2_000);
        let new = place.pull();
        new.check_receives(from + 1_000..from + 2_000);
        drop(new);
        sender.wait_until(|counters| !counters.connected);
    }
    let counters = sender.counters();
    assert_eq!((counters.sent, counters.dropped, counters.queued), (6_000, 0, 0));
}

#[test]
fn an_old_broker_that_never_subscribes_gets_nothing() {
    let place = Place::new();
    let sender = place.sender();
    let broker = place.bind(SocketType::SUB, |_| {});
    sender.send_numbers(0..10);
    assert!(!sender.flush(Duration::from_millis(500)));
    drop(broker);
    let broker = place.sub();
    broker.check_receives(0..10);
}

#[test]
fn other_endpoints_are_fallbacks() {
    let (deserted, silent, rude, good) = (Place::new(), Place::new(), Place::new(), Place::new());
    let tcp = |place: &Place| TcpListener::bind(place.endpoint.trim_start_matches("tcp://")).unwrap();
    let _silent = tcp(&silent);
    let closing = tcp(&rude);
    thread::spawn(move || closing.incoming().for_each(drop));
    let sender = sender(&[&deserted, &silent, &rude, &good], Options::default());
    sender.send_numbers(0..10);
    let broker = good.pull();
    broker.check_receives(0..10);
    sender.wait_until(|counters| counters.connected);
    assert_eq!(sender.counters().endpoint, Some(good.endpoint.clone()));
    drop(broker);
    sender.wait_until(|counters| !counters.connected);
    sender.send_numbers(10..20);
    deserted.pull().check_receives(10..20);
}

#[test]
fn a_broker_that_moves_is_looked_up_again() {
    let (first, second) = (Place::new(), Place::new());
    let endpoint = Arc::new(Mutex::new(first.endpoint.clone()));
    let answer = Arc::clone(&endpoint);
    let lookup = move || Ok(vec![answer.lock().unwrap().clone()]);
    let sender = ZmqSender::start_with(Box::new(lookup), Options::default(), timing()).unwrap();
    let broker = first.pull();
    sender.send_numbers(0..10);
    broker.check_receives(0..10);
    *endpoint.lock().unwrap() = second.endpoint.clone();
    drop(broker);
    sender.wait_until(|counters| !counters.connected);
    sender.send_numbers(10..20);
    second.pull().check_receives(10..20);
}

#[test]
fn a_lookup_that_fails_is_tried_again() {
    let place = Place::new();
    let broker = place.pull();
    let endpoint = place.endpoint.clone();
    let mut failures = 3;
    let lookup = move || {
        if failures > 0 {
            failures -= 1;
            return Err("no name server".into());
        }
        Ok(vec!["tcp://no\0sense".to_owned(), endpoint.clone()])
    };
    let sender = ZmqSender::start_with(Box::new(lookup), Options::default(), timing()).unwrap();
    sender.send_numbers(0..10);
    broker.check_receives(0..10);
    assert!(sender.counters().last_error.unwrap().contains("no name server"));
}

#[test]
fn a_lookup_that_hangs_does_not_hold_up_the_close() {
    let (release, released) = mpsc::channel::<()>();
    let lookup = move || {
        released.recv().ok();
        Ok(Vec::new())
    };
    let sender = ZmqSender::start(Box::new(lookup), Options::default()).unwrap();
    sender.send_numbers(0..10);
    let begin = Instant::now();
    let counters = sender.close(Duration::from_millis(50));
    assert!(begin.elapsed() < Duration::from_millis(550), "{:?}", begin.elapsed());
    assert_eq!((counters.dropped, counters.queued), (10, 0));
    drop(release);
}

#[test]
fn a_lookup_that_panics_ends_the_sender_and_nothing_else() {
    let sender = ZmqSender::start(Box::new(|| panic!("on purpose")), Options::default()).unwrap();
    drop(sender.shared.wait(Some(Instant::now() + LONG), |state| state.ended));
    assert_eq!(sender.send(vec![1]), Sent::Dropped);
    assert!(sender.flush(LONG), "nothing is queued any more");
    check_conserved(&sender.close(LONG));
}

#[test]
fn many_threads_may_send_and_the_order_of_each_is_kept() {
    const THREADS: u32 = 4;
    const EACH: u32 = 5_000;
    let place = Place::new();
    let broker = place.pull();
    let sender = sender(&[&place], small(100_000));
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let sender = &sender;
            scope.spawn(move || sender.send_numbers(thread * EACH..(thread + 1) * EACH));
        }
    });
    let mut next: Vec<u32> = (0..THREADS).map(|thread| thread * EACH).collect();
    for _ in 0..THREADS * EACH {
        let number = broker.number();
        let next = &mut next[(number / EACH) as usize];
        assert_eq!(number, *next);
        *next += 1;
    }
    broker.check_quiet();
}

#[test]
fn many_senders_share_little() {
    let place = Place::new();
    let broker = place.pull();
    let senders: Vec<ZmqSender> = (0..50).map(|_| place.sender()).collect();
    for (number, sender) in (0..).zip(&senders) {
        sender.send_numbers(number..number + 1);
    }
    let mut received: Vec<u32> = senders.iter().map(|_| broker.number()).collect();
    received.sort_unstable();
    assert!(received.into_iter().eq(0..50));
    for sender in senders {
        assert_eq!(sender.close(LONG).sent, 1);
    }
}
