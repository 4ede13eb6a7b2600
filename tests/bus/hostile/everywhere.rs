//! Everything at once against the program, whose memory is watched from outside.

use std::io::Write;
use std::net::UdpSocket;

use super::nonsense::{datagram, json_message};
use super::{assert_conserved, storm, storm_time};
use crate::support::good::Good;
use crate::support::program::BrokerProgram;
use crate::support::random::Random;
use crate::support::raw::{Raw, command, frame, greeting, header};

/// What the program may grow by, in KiB: its limits below, buffers of the connections, and generously more.
const GROWTH_KIB_MAX: u64 = 96 * 1024;

const LIMITS: [&str; 6] = [
    "--set",
    "limits.client_queue_bytes_max=1048576",
    "--set",
    "limits.client_queues_bytes_max=4194304",
    "--set",
    "limits.directory_bytes_max=16777216",
];

#[test]
fn all_doors_at_once_and_the_memory_stays_bounded() {
    let mut random = Random::new("everywhere");
    let mut broker = BrokerProgram::start(&LIMITS);
    let doors = broker.doors();
    let good = Good::start(&doors);
    let before = memory(&broker);
    let attacks: [fn(&crate::support::Doors, &mut Random); 7] =
        [messages, claims, datagrams, pings, marks, questions, strangers];
    std::thread::scope(|scope| {
        for attack in attacks {
            let mut random = random.split();
            scope.spawn(move || storm(|| attack(&doors, &mut random)));
        }
    });
    let good = good.finish();
    let (now, most) = memory(&broker);
    eprintln!("{:?}: {good:?}; {before:?} KiB before, {now} KiB after, {most} KiB at the most", storm_time());
    assert!(most < before.1 + GROWTH_KIB_MAX, "grew from {before:?} to {most} KiB, {now} KiB now");
    assert_conserved(&doors.status());
    broker.signal("TERM");
    assert_eq!(broker.wait().code(), Some(0), "{}", broker.said());
    assert!(!broker.said().contains("panicked"), "{}", broker.said());
}

fn messages(doors: &crate::support::Doors, random: &mut Random) {
    let mut raw = Raw::ready(doors.input, "PUSH");
    for _ in 0..100 {
        raw.send(&frame(0, &json_message(random))).expect("the broker reads");
    }
}

/// Lengths that lie, and a hundred megabytes that do not.
fn claims(doors: &crate::support::Doors, random: &mut Random) {
    let mut liars: Vec<Raw> = (0..50).map(|_| Raw::ready(doors.input, "PUSH")).collect();
    for raw in &mut liars {
        raw.send(&header(0, random.next())).unwrap();
        raw.send(&vec![b'['; 10_000]).unwrap();
    }
    let mut raw = Raw::ready(doors.input, "PUSH");
    raw.send(&header(0, 100 << 20)).unwrap();
    let megabyte = vec![b'['; 1 << 20];
    for _ in 0..100 {
        raw.send(&megabyte).expect("the broker reads on");
    }
}

fn datagrams(doors: &crate::support::Doors, random: &mut Random) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    for _ in 0..1_000 {
        let _ = socket.send_to(&datagram(random), doors.input);
    }
}

/// Signs of life wanted at every door, and not one of them read.
fn pings(doors: &crate::support::Doors, random: &mut Random) {
    let (address, socket_type) =
        [(doors.input, "PUB"), (doors.clients, "SUB"), (doors.query, "REQ")][random.below(3)];
    flood(&mut Raw::ready(address, socket_type), &command("PING", b"\x00\x00").repeat(1_000));
}

fn marks(doors: &crate::support::Doors, _: &mut Random) {
    flood(&mut Raw::ready(doors.clients, "SUB"), &command("SUBSCRIBE", br#"{"mark":"x""#).repeat(1_000));
}

fn questions(doors: &crate::support::Doors, _: &mut Random) {
    flood(&mut Raw::ready(doors.query, "DEALER"), &frame(0, br#"{"type":"status_query"}"#).repeat(1_000));
}

/// Writes for as long as it is read, up to some megabytes.
fn flood(raw: &mut Raw, bytes: &[u8]) {
    raw.stream.set_write_timeout(Some(std::time::Duration::from_millis(50))).unwrap();
    for _ in 0..200 {
        // A part may have gone out: what follows is nonsense then, which is just as well.
        if raw.stream.write_all(bytes).is_err() {
            return;
        }
    }
}

/// What is no ZMTP, and connections that are gone before they are there.
fn strangers(doors: &crate::support::Doors, random: &mut Random) {
    for address in [doors.clients, doors.input, doors.query] {
        let mut raw = Raw::connect(address);
        let count = random.below(500);
        let _ = match random.below(4) {
            0 => raw.send(b"GET / HTTP/1.1\r\n\r\n"),
            1 => raw.send(&random.bytes(count)),
            2 => raw.send(&greeting()),
            _ => Ok(()),
        };
    }
}

/// How much the program holds and held at the most, in KiB.
#[cfg(target_os = "linux")]
fn memory(broker: &BrokerProgram) -> (u64, u64) {
    broker.memory_kib()
}

/// Where there is no /proc, only the rest is seen.
#[cfg(not(target_os = "linux"))]
fn memory(_: &BrokerProgram) -> (u64, u64) {
    (0, 0)
}
