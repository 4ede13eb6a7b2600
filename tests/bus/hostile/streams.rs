//! Connections that are not what they should be: no ZMTP, other ZMTP, ZMTP with bits turned, none of it in time.

use std::io::Read;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};

use super::nonsense::json_message;
use super::{assert_conserved, count, storm};
use crate::support::good::Good;
use crate::support::program::{BrokerProgram, program};
use crate::support::random::Random;
use crate::support::raw::{COMMAND, Raw, command, frame, greeting, header, ready};
use crate::support::wait::{PATIENCE, until};
use crate::support::{Doors, TestBroker};

const HTTP: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
const TLS: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";

/// Each TCP door, by its name in the status and a type that fits it.
fn tcp_doors(doors: &Doors) -> [(&'static str, SocketAddr, &'static str); 3] {
    [("zmq_in", doors.input, "PUSH"), ("clients", doors.clients, "SUB"), ("query", doors.query, "REQ")]
}

#[test]
fn what_speaks_no_zmtp_is_closed_and_counted() {
    let broker = TestBroker::start();
    let mut other_version = greeting();
    other_version[10] = 1;
    let mut curve = greeting();
    curve[12..17].copy_from_slice(b"CURVE");
    let with_greeting = |rest: &[u8]| [&greeting(), rest].concat();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("HTTP", HTTP.to_vec()),
        ("TLS", TLS.to_vec()),
        ("telnet", b"hello\r\n".to_vec()),
        ("ZMTP 2.0", other_version.to_vec()),
        ("CURVE", curve.to_vec()),
        ("a message before READY", with_greeting(&frame(0, b"{}"))),
        ("another command", with_greeting(&command("HELLO", b""))),
        ("a READY without a type", with_greeting(&command("READY", b""))),
        ("a READY that lies", with_greeting(&command("READY", b"\x0BSocket-Type\xFF\xFF\xFF\xFFSUB"))),
        ("a READY without end", with_greeting(&header(COMMAND, 1 << 40))),
        ("a type that does not fit", with_greeting(&ready("PAIR"))),
        ("a type that nobody knows", with_greeting(&ready("RADIO"))),
        ("flags that nobody knows", with_greeting(b"\xF8\x00")),
    ];
    for (door, address, socket_type) in tcp_doors(&broker) {
        let pointer = format!("/doors/{door}/connections/refused");
        for (number, (name, bytes)) in cases.iter().enumerate() {
            let mut raw = Raw::connect(address);
            raw.send(bytes).unwrap();
            // At once, and not because its time is over.
            assert!(raw.is_closed_within(Duration::from_secs(3)), "{name} at {door}");
            assert_eq!(count(&broker.status(), &pointer), number as u64 + 1, "{name} at {door}");
        }
        // The same after a good handshake.
        for bytes in [b"\xF8\x00".as_slice(), &command("ERROR", b"\x04gone"), &frame(COMMAND, b"\xFFx")] {
            let mut raw = Raw::ready(address, socket_type);
            raw.send(bytes).unwrap();
            assert!(raw.is_closed(), "{} at {door}", bytes.escape_ascii());
        }
        assert_eq!(count(&broker.status(), &pointer), cases.len() as u64 + 3);
    }
}

#[test]
fn a_handshake_has_five_seconds_and_others_do_not_wait_for_it() {
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    let began = Instant::now();
    let mut slow: Vec<(Raw, usize)> = Vec::new();
    for (_, address, _) in tcp_doors(&broker) {
        // One says nothing, one stops in the middle, one is slow all the time.
        slow.extend([0, 40, 1].map(|bytes| (Raw::connect(address), bytes)));
    }
    for (raw, bytes) in &mut slow {
        raw.send(&greeting()[..*bytes]).unwrap();
    }
    let connected = |open: u64| {
        let status = broker.status();
        tcp_doors(&broker)
            .iter()
            .all(|(door, ..)| count(&status, &format!("/doors/{door}/connections/refused")) == open)
    };
    let mut said = 1;
    until("the end of their patience", || {
        if said < 60 && began.elapsed() > Duration::from_millis(80) * said {
            for (raw, _) in slow.iter_mut().filter(|(_, bytes)| *bytes == 1) {
                let _ = raw.send(&greeting()[said as usize..][..1]);
            }
            said += 1;
        }
        connected(3).then_some(())
    });
    let took = began.elapsed();
    assert!((Duration::from_millis(4_900)..Duration::from_secs(10)).contains(&took), "{took:?}");
    for (mut raw, _) in slow {
        assert!(raw.is_closed());
    }
    good.finish();
}

#[test]
fn streams_with_bits_turned_do_no_harm() {
    let mut random = Random::new("streams");
    let broker = TestBroker::start();
    let good = Good::start(&broker);
    std::thread::scope(|scope| {
        for (door, address, socket_type) in tcp_doors(&broker) {
            let mut random = random.split();
            scope.spawn(move || {
                let times = storm(|| {
                    let mut raw = Raw::connect(address);
                    // The broker may be gone from the middle on.
                    let _ = raw.send(&stream(&mut random, socket_type));
                    if random.below(2) == 0 {
                        raw.finish();
                    }
                });
                assert!(times > 20, "{times} connections at {door}");
            });
        }
    });
    good.finish();
    until("all of them to be gone", || {
        let status = broker.status();
        tcp_doors(&broker)
            .iter()
            // Who asks for the status is connected to one of them.
            .all(|(door, ..)| count(&status, &format!("/doors/{door}/connections/open")) <= 1)
            .then_some(())
    });
    assert_conserved(&broker.stop());
}

/// What a peer might send, with some of it turned, cut off, doubled or left out.
fn stream(random: &mut Random, socket_type: &str) -> Vec<u8> {
    if random.below(8) == 0 {
        let count = random.below(2_000);
        return [if random.below(2) == 0 { greeting().to_vec() } else { Vec::new() }, random.bytes(count)]
            .concat();
    }
    let mut parts = vec![greeting().to_vec(), ready(socket_type)];
    for _ in 0..random.below(20) {
        parts.push(match random.below(5) {
            0 => command("SUBSCRIBE", b"{"),
            1 => command("PING", b"\x00\x05hello"),
            2 => frame(0, b"\x01{\"ns\":\"evil"),
            3 => header(random.below(8) as u8, random.next() >> random.below(64)),
            _ => frame(0, &json_message(random)),
        });
    }
    match random.below(6) {
        0 => parts.swap_remove(random.below(parts.len())),
        1 => parts.remove(random.below(parts.len())),
        _ => Vec::new(),
    };
    let mut bytes = parts.concat();
    for _ in 0..random.below(4) {
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
    }
    bytes.truncate(random.below(bytes.len() * 2));
    bytes
}

#[test]
fn more_connections_than_are_let_in_are_turned_away() {
    let broker = TestBroker::with(|config| config.limits.connections_max = 3);
    let mut open: Vec<Raw> = (0..3).map(|_| Raw::ready(broker.input, "PUSH")).collect();
    assert!(Raw::connect(broker.input).is_closed(), "the fourth");
    open.pop();
    until("a place", || {
        let mut raw = Raw::connect(broker.input);
        (!raw.is_closed_within(Duration::from_millis(100))).then_some(())
    });
    assert!(count(&broker.status(), "/doors/zmq_in/connections/turned_away") >= 1);
}

#[test]
fn who_calls_while_there_are_no_more_files_is_let_in_later() {
    let broker = program("thingsbus-broker");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 48 && exec \"$0\" \"$@\""]).arg(broker.get_program());
    let mut broker = BrokerProgram::start_command(command.args(["--bind", "127.0.0.1"]), "127.0.0.1");
    let doors = broker.doors();
    let crowd: Vec<Raw> = (0..60).map(|_| Raw::connect(doors.input)).collect();
    broker.find_error("ulimit -n");
    let mut waiting = Raw::connect(doors.clients);
    waiting.send(&greeting()).unwrap();
    waiting.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert!(waiting.stream.read(&mut [0; 1]).is_err(), "there is no room for it yet");
    drop(crowd);
    // Nobody else calls, which would bring the broker to look again.
    waiting.stream.set_read_timeout(Some(PATIENCE)).unwrap();
    waiting.stream.read_exact(&mut [0; 64]).expect("it is greeted when there is room");
}
