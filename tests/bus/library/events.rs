//! Events: who gets which, by iterator, stream and callback; and what becomes of who is slow.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use futures_core::Stream;
use serde_json::json;
use thingsbus_client::{Event, Events, FEED_EVENTS_MAX, Flags, Parts};

use super::{adaptor, connect, fill, ready};
use crate::support::TestBroker;
use crate::support::peers::{Push, update};
use crate::support::proxy::Proxy;
use crate::support::wait::PATIENCE;

/// An event, short: `a.b 1`, and `a.b 1 told` where a snapshot told it.
fn short(event: &Event) -> String {
    format!("{} {}{}", event.ns(), event.data(), if event.is_snapshot() { " told" } else { "" })
}

/// The next event; panics where none comes.
fn next(events: &mut Events) -> Event {
    events.next_within(PATIENCE).expect("an event comes")
}

/// All that are there already.
fn rest(events: &mut Events) -> Vec<String> {
    std::iter::from_fn(|| events.try_next()).map(|event| short(&event)).collect()
}

#[test]
fn by_iterator_by_stream_and_by_callback_they_are_the_same() {
    let broker = TestBroker::start();
    let client = ready(&broker, &Parts::All);
    let thing = client.directory().get_thing("lathe").unwrap();
    let iterator = thing.events(Flags::TREE);
    let mut stream = thing.events(Flags::TREE);
    let (call, called) = channel();
    let _subscription = thing.subscribe(move |event| drop(call.send(short(event))), Flags::TREE).unwrap();

    let (iterated, streamed) = std::thread::scope(|scope| {
        let iterated = scope.spawn(|| iterator.map(|event| short(&event)).collect::<Vec<_>>());
        let streamed = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let mut streamed = Vec::new();
                while let Some(event) = poll_fn(|context| Pin::new(&mut stream).poll_next(context)).await {
                    streamed.push(short(&event));
                }
                streamed
            })
        });
        let lathe = adaptor(&broker, "lathe");
        for number in 0..500 {
            lathe.send(&number).unwrap();
            lathe.send_to("spindle", &json!({"n": number})).unwrap();
        }
        let mut last = thing.events(Flags::TREE);
        lathe.send(&"the end").unwrap();
        while next(&mut last).data() != "\"the end\"" {}
        drop(client);
        (iterated.join().unwrap(), streamed.join().unwrap())
    });
    let called: Vec<String> = called.iter().collect();
    let mut wanted: Vec<String> = Vec::new();
    for number in 0..500 {
        wanted.extend([format!("lathe {number}"), format!("lathe.spindle {{\"n\":{number}}}")]);
    }
    wanted.push("lathe \"the end\"".to_owned());
    assert_eq!(iterated, wanted);
    assert_eq!(streamed, wanted);
    assert_eq!(called, wanted);
}

#[test]
fn flags_choose() {
    let broker = TestBroker::start();
    fill(&broker, ["a", "a.b", "a.b.c", "ab"].map(|ns| (ns, json!(1))));
    // Subscribed before anything can be heard.
    let proxy = Proxy::cut_off(&broker);
    let client = connect(&proxy, &Parts::Only(vec![]));
    let listen = |ns: &str, flags| client.directory().get_thing(ns).unwrap().events(flags);
    let mut none = listen("a", Flags::NONE);
    let mut tree = listen("a", Flags::TREE);
    let mut snapshot = listen("a", Flags::SNAPSHOT);
    let mut both = listen("a", Flags::SNAPSHOT | Flags::TREE);
    let mut nobody = listen("nobody", Flags::SNAPSHOT | Flags::TREE);
    let mut root = listen("", Flags::TREE);
    let mut root_alone = listen("", Flags::NONE);
    proxy.mend();
    client.wait_ready(PATIENCE).unwrap();
    fill(&broker, ["a", "a.b", "a.b.c", "ab", ""].map(|ns| (ns, json!(2))));
    assert_eq!([(); 5].map(|()| short(&next(&mut root))), ["a 2", "a.b 2", "a.b.c 2", "ab 2", " 2"]);
    // What one listener has, the others had before or right after.
    assert_eq!(short(&next(&mut root_alone)), " 2");
    assert_eq!(rest(&mut none), ["a 2"]);
    assert_eq!(rest(&mut tree), ["a 2", "a.b 2", "a.b.c 2"]);
    assert_eq!(rest(&mut snapshot), ["a 1 told", "a 2"]);
    let mut both = rest(&mut both);
    both[..3].sort_unstable();
    assert_eq!(both, ["a 1 told", "a.b 1 told", "a.b.c 1 told", "a 2", "a.b 2", "a.b.c 2"]);
    assert_eq!(rest(&mut nobody), [""; 0]);
    assert_eq!(rest(&mut root), [""; 0]);
}

/// A callback that says what it is called with and does not come back before it is told to.
fn stuck() -> (impl FnMut(&Event) + Send + 'static, Receiver<String>, Sender<()>) {
    let (call, called) = channel();
    let (release, released) = channel::<()>();
    let callback = move |event: &Event| {
        // Nobody listens any more where the test is over.
        drop(call.send(short(event)));
        released.recv().ok();
    };
    (callback, called, release)
}

#[test]
fn after_unsubscribe_nothing_is_called() {
    let broker = TestBroker::start();
    let client = ready(&broker, &Parts::All);
    let thing = client.directory().get_thing("a").unwrap();
    let (callback, called, release) = stuck();
    let subscription = thing.subscribe(callback, Flags::NONE).unwrap();
    let mut others = thing.events(Flags::NONE);
    fill(&broker, (0..10).map(|number| ("a", json!(number))));
    assert_eq!(called.recv_timeout(PATIENCE).unwrap(), "a 0");
    assert!((0..10).all(|number| next(&mut others).data() == number.to_string()));
    subscription.unsubscribe();
    drop(release);
    // The thread ends, and with it the callback: nothing else can come.
    assert_eq!(called.recv_timeout(PATIENCE).ok(), None);
    fill(&broker, [("a", json!("more"))]);
    assert_eq!(short(&next(&mut others)), "a \"more\"");
}

#[test]
fn who_is_slow_is_told_what_was_missed_and_nobody_else_is() {
    const MORE: usize = 700;
    let broker = TestBroker::start();
    let client = ready(&broker, &Parts::All);
    let thing = client.directory().get_thing("fast").unwrap();
    let mut slow = thing.events(Flags::NONE);
    let (callback, called, release) = stuck();
    let _stuck = thing.subscribe(callback, Flags::NONE).unwrap();
    let mut quick = thing.events(Flags::NONE);
    let push = Push::connect(&broker);
    push.send(update("fast", &json!(0)));
    // The stuck one has the first in its hands before the others come.
    assert_eq!(called.recv_timeout(PATIENCE).unwrap(), "fast 0");
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            (1..FEED_EVENTS_MAX + MORE).for_each(|number| push.send(update("fast", &json!(number))));
            push
        });
        for number in 0..FEED_EVENTS_MAX + MORE {
            let event = next(&mut quick);
            assert_eq!((event.data(), event.missed()), (number.to_string().as_str(), 0));
        }
        drop(sender.join());
    });
    let first = next(&mut slow);
    assert_eq!((first.data(), first.missed()), (MORE.to_string().as_str(), MORE as u64));
    for number in MORE + 1..FEED_EVENTS_MAX + MORE {
        let event = next(&mut slow);
        assert_eq!((event.data(), event.missed()), (number.to_string().as_str(), 0));
    }
    assert_eq!(slow.try_next(), None);
    assert_eq!(client.connection().gaps, 0);
    release.send(()).unwrap();
    // One was in its hands: one fewer was missed.
    assert_eq!(called.recv_timeout(PATIENCE).unwrap(), format!("fast {MORE}"));
    // The directory has the last value whoever takes events or not.
    assert_eq!(thing.get::<usize>().unwrap(), Some(FEED_EVENTS_MAX + MORE - 1));
}

#[test]
fn events_end_with_the_client_and_not_before_they_are_taken() {
    let broker = TestBroker::start();
    let client = ready(&broker, &Parts::All);
    let thing = client.directory().get_thing("a").unwrap();
    let mut events = thing.events(Flags::NONE);
    assert_eq!(events.next_within(Duration::from_millis(1)), None);
    fill(&broker, (0..5).map(|number| ("a", json!(number))));
    let mut again = thing.events(Flags::NONE);
    fill(&broker, [("a", json!("last"))]);
    while next(&mut again).data() != "\"last\"" {}
    drop(client);
    assert_eq!(events.by_ref().count(), 6);
    assert_eq!(events.next(), None);
    assert_eq!(thing.events(Flags::NONE).next(), None, "a client that is closed tells nobody anything");
    assert_eq!(thing.get::<String>().unwrap().as_deref(), Some("last"), "what was known last is still known");
}
