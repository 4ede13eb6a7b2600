//! The clients' door: clients that say what no client says, and too much of it.

use super::{count, storm};
use crate::support::TestBroker;
use crate::support::good::Good;
use crate::support::random::Random;
use crate::support::raw::{COMMAND, MORE, Raw, command, frame, header};
use crate::support::wait::until;

#[test]
fn subscriptions_of_every_kind_do_no_harm() {
    let mut random = Random::new("clients");
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    std::thread::scope(|scope| {
        for socket_type in ["SUB", "XSUB"] {
            let (mut random, broker) = (random.split(), &broker);
            scope.spawn(move || {
                storm(|| {
                    let mut raw = Raw::ready(broker.clients, socket_type);
                    for _ in 0..random.below(300) {
                        if raw.send(&wish(&mut random)).is_err() {
                            break;
                        }
                    }
                    raw.finish();
                });
            });
        }
    });
    good.finish();
    until("all of them to be gone", || {
        (count(&broker.status(), "/doors/clients/connections/open") == 0).then_some(())
    });
    let status = broker.stop();
    assert_eq!(count(&status, "/doors/clients/connections/refused"), 0, "{status}");
}

/// A subscription, the end of one that never was, a mark, a message, a sign of life, something too long.
fn wish(random: &mut Random) -> Vec<u8> {
    let count = random.below(60);
    let prefix = match random.below(4) {
        0 => random.bytes(count),
        1 => format!("{{\"ns\":\"evil.{}", random.below(50)).into_bytes(),
        2 => b"{\"ns\":\"good.sensor".to_vec(),
        _ => vec![b'{'; random.below(2_048)],
    };
    match random.below(12) {
        0..3 => command("SUBSCRIBE", &prefix),
        3 | 4 => command("CANCEL", &prefix),
        5 => frame(0, &[&[1], prefix.as_slice()].concat()),
        6 => frame(0, &[&[0], prefix.as_slice()].concat()),
        7 => frame(0, &prefix),
        8 => [frame(MORE, &prefix), frame(0, &prefix)].concat(),
        9 => command("PING", b"\x00\x01are you there"),
        10 => command("SUBSCRIBE", format!("{{\"mark\":\"{}\"", random.next()).as_bytes()),
        _ => {
            let length = 3_000 + random.below(100_000);
            [header(COMMAND * (random.below(2) as u8), length as u64), vec![b'x'; length]].concat()
        }
    }
}

#[test]
fn a_client_with_too_many_subscriptions_keeps_those_it_has() {
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let mut raw = Raw::ready(broker.clients, "SUB");
    for number in 0..10_500 {
        raw.send(&command("SUBSCRIBE", format!("{{\"ns\":\"evil{number}.").as_bytes())).unwrap();
    }
    raw.send(&command("SUBSCRIBE", br#"{"mark":"all""#)).unwrap();
    let (_, mark) = raw.read_frame().expect("the mark");
    assert!(mark.starts_with(br#"{"mark":"all""#));
    let push = crate::support::peers::Push::connect(&broker);
    for number in [10_400, 9_999] {
        push.send(crate::support::peers::update(&format!("evil{number}.x"), &serde_json::json!(1)));
    }
    let (_, heard) = raw.read_frame().expect("an update");
    assert!(heard.starts_with(br#"{"ns":"evil9999.x""#), "{}", heard.escape_ascii());
    good.finish();
}

#[test]
fn a_peer_is_taken_at_its_word_how_long_it_may_be_silent() {
    let broker = TestBroker::start();
    let all = command("SUBSCRIBE", b"{\"ns\":");
    let tenth_of_a_second = command("PING", b"\x00\x01there?");
    let mut patient = Raw::ready(broker.clients, "SUB");
    patient.send(&[all.clone(), command("PING", b"\x00\x00there?")].concat()).unwrap();
    for door in [broker.clients, broker.input, broker.query] {
        let socket_type = if door == broker.clients {
            "SUB"
        } else if door == broker.input {
            "PUSH"
        } else {
            "DEALER"
        };
        let mut silent = Raw::ready(door, socket_type);
        if door == broker.clients {
            silent.send(&all).unwrap();
        }
        silent.send(&tenth_of_a_second).unwrap();
        let (flags, pong) = silent.read_frame().unwrap();
        assert_eq!((flags, pong.as_slice()), (COMMAND, b"\x04PONGthere?".as_slice()));
        assert!(silent.read_frame().is_err(), "the connection is over");
    }
    until("the broker to have forgotten it", || {
        (count(&broker.status(), "/doors/clients/connections/open") == 1).then_some(())
    });
    assert_eq!(patient.read_frame().unwrap().1, b"\x04PONGthere?");
    let good = Good::start(&broker);
    assert!(patient.read_frame().unwrap().1.starts_with(b"{\"ns\":"));
    good.finish();
}
