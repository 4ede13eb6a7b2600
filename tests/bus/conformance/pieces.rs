//! Nothing depends on where a stream is cut: peers a byte at a time, and what they said cut at each of its bytes.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

use super::peers::Peer;
use super::talk::{shown, shown_answer, talk, tell_the_rest, values};
use super::{Kind, Library, each_kind};
use crate::support::peers::{Push, Req, Sub, parse};
use crate::support::proxy::{Proxy, Recorded};
use crate::support::raw::{MORE, Raw};
use crate::support::wait::until;
use crate::support::{TestBroker, python};

/// Longer than a short frame, and no longer than it takes: each of its bytes is a connection.
const LONG: usize = 260;

/// What the broker sends before it knows anything of a peer: signature and version.
const GREETING_START_BYTES: usize = 11;

/// The rest of its greeting.
const GREETING_REST_BYTES: usize = 53;

fn check(library: Library) {
    each_kind(library, |kind| {
        let broker = TestBroker::start();
        let proxy = Proxy::byte_by_byte(&broker);
        let mut peer = Peer::connect(library, kind, &kind.url(&proxy));
        let wanted = talk(&mut peer, &broker, LONG);
        drop(peer);
        let stream = only_stream(&proxy);
        let has = |bytes: &[u8]| stream.windows(bytes.len()).any(|window| window == bytes);
        assert!(has(&ready_end(kind)), "{}", stream.escape_ascii());
        assert_eq!(has(b"\x09SUBSCRIBE"), library.subscribes_by_command(kind), "{}", stream.escape_ascii());
        check_cuts(&broker, kind, &stream, &wanted);
    });
}

/// What the broker was sent on the one connection that there was.
fn only_stream(proxy: &Proxy) -> Vec<u8> {
    let [recorded] = <[Recorded; 1]>::try_from(proxy.recorded()).unwrap_or_else(|recorded| {
        panic!("{} connections", recorded.len());
    });
    recorded.to_broker
}

/// Says it all again, cut at each of its bytes.
fn check_cuts(broker: &TestBroker, kind: Kind, stream: &[u8], wanted: &[String]) {
    let mut again = Again::at(broker, kind);
    for at in 0..stream.len() {
        let (front, back) = stream.split_at(at);
        assert_eq!(again.say(front, back), wanted, "cut at {at} of {}", stream.len());
    }
}

/// The socket type as it stands in a READY.
fn ready_end(kind: Kind) -> Vec<u8> {
    [b"Socket-Type\0\0\0", [kind.name().len() as u8].as_slice(), kind.name().as_bytes()].concat()
}

/// Says again what a peer said, and sees what it comes to.
struct Again {
    kind: Kind,
    address: SocketAddr,
    sub: Sub,
    push: Push,
    other: Req,
}

impl Again {
    fn at(broker: &TestBroker, kind: Kind) -> Self {
        let address = match kind {
            Kind::Push | Kind::Pub | Kind::Xpub => broker.input,
            Kind::Sub | Kind::Xsub => broker.clients,
            Kind::Req | Kind::Dealer | Kind::Router => broker.query,
        };
        let sub = Sub::connect(broker, &[r#"{"ns":"#]);
        Self { kind, address, sub, push: Push::connect(broker), other: Req::connect(broker) }
    }

    /// In two parts, of which the broker has read the first before the other comes.
    fn say(&mut self, front: &[u8], back: &[u8]) -> Vec<String> {
        let mut raw = Raw::connect(self.address);
        // It has accepted this connection when it greets; then it reads in the order in which bytes come, and so has
        // read the first part when it answers somebody else who asked later.
        raw.stream.read_exact(&mut [0; GREETING_START_BYTES]).expect("the broker greets");
        raw.send(front).unwrap();
        self.other.ask(&json!({"type": "thing_query", "ns": "nobody"}));
        raw.send(back).unwrap();
        match self.kind {
            Kind::Push | Kind::Pub | Kind::Xpub => {
                raw.finish();
                values(&self.sub.so_far())
            }
            Kind::Sub | Kind::Xsub => self.told(&mut raw),
            Kind::Req | Kind::Dealer | Kind::Router => answers(&mut raw),
        }
    }

    /// What a client is told at once, after which it must be told of what happens.
    fn told(&self, raw: &mut Raw) -> Vec<String> {
        skip_handshake(raw);
        let mut next = || String::from_utf8(raw.read_frame().expect("a message").1).expect("text");
        let told = shown((0..4).map(|_| parse(next().as_bytes())));
        tell_the_rest(&self.push, next);
        told
    }
}

fn answers(raw: &mut Raw) -> Vec<String> {
    skip_handshake(raw);
    let mut answer = || {
        let mut frames = Vec::new();
        loop {
            let (flags, frame) = raw.read_frame().expect("an answer");
            frames.push(String::from_utf8(frame).expect("text"));
            if flags & MORE == 0 {
                return shown_answer(&frames);
            }
        }
    };
    (0..3).map(|_| answer()).collect()
}

fn skip_handshake(raw: &mut Raw) {
    raw.stream.read_exact(&mut [0; GREETING_REST_BYTES]).expect("the broker greets");
    let (_, ready) = raw.read_frame().expect("the broker is ready");
    assert!(ready.starts_with(b"\x05READY"), "{}", ready.escape_ascii());
}

each_library!(check);

#[test]
fn the_programs_of_2015_in_pieces() {
    let broker = TestBroker::start();
    let proxies = [(); 2].map(|()| Proxy::byte_by_byte(&broker));
    let mut sub = Sub::connect(&broker, &[r#"{"ns":"shop."#]);
    let mut client = python::script("old_client.py", &[&proxies[0].clients_url(), "shop", "tree"]);
    let mut adaptor =
        python::script("old_adaptor.py", &[&proxies[1].input_url(), "shop.shopbot", "http://doc"]);
    until("both to be connected", || {
        adaptor.write_line(r#"{"data": "hello"}"#);
        client.stdout.next_within(Duration::from_millis(50))
    });
    for number in 0..5 {
        adaptor.write_line(&json!({"data": {"busy": number}, "ns": "spacemon", "ts": 1.5}).to_string());
        let start = "ThingEvent<Thing<shop.shopbot.spacemon>, ts=1.500, flags=, ";
        assert_eq!(client.find("spacemon"), format!("{start}data={{'busy': {number}}}>"));
    }
    drop(adaptor);
    check_cuts(&broker, Kind::Xpub, &only_stream(&proxies[1]), &values(&sub.so_far()));
}
