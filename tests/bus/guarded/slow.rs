//! Peers that take their time: each is cut, and the others do not notice.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};

use crate::support::program::BrokerProgram;

use super::http::{answer, ask, connect, rest};
use super::origins::UPGRADE;
use crate::support::wait::until;

/// Says this and then nothing; what it is told until it is cut.
fn stall(door: SocketAddr, text: &str) -> String {
    let mut stream = connect(door);
    stream.write_all(text.as_bytes()).expect("it can be sent");
    rest(stream)
}

#[test]
fn a_head_that_does_not_end_is_cut() {
    let broker = BrokerProgram::start(&[]);
    let door = broker.doors().web;
    assert_eq!(stall(door, "GET /things HTTP/1.1\r\nHost: localhost\r\nX-A: b\r\n"), "");
    assert_eq!(ask(door, "GET", "/things", &[]).status, 200);
}

#[test]
fn a_second_head_that_does_not_end_is_cut() {
    let broker = BrokerProgram::start(&[]);
    let mut stream = connect(broker.doors().web);
    stream.write_all(b"HEAD /things HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("it can be sent");
    let mut said = Vec::new();
    while !said.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("an answer");
        said.push(byte[0]);
    }
    assert!(said.starts_with(b"HTTP/1.1 200 OK\r\n"), "{}", said.escape_ascii());
    stream.write_all(b"GET /thi").expect("it can be sent");
    assert_eq!(rest(stream), "");
}

#[test]
fn a_body_that_stops_is_answered_and_cut() {
    let broker = BrokerProgram::start(&[]);
    let mut stream = connect(broker.doors().web);
    stream
        .write_all(b"PUT /things/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n1")
        .expect("it can be sent");
    assert_eq!(answer(stream).status, 400);
}

#[test]
fn a_head_that_is_too_long_is_refused() {
    let broker = BrokerProgram::start(&[]);
    let door = broker.doors().web;
    let mut stream = connect(door);
    // It takes all of it, though it has read enough before that: the answer would be lost else.
    write!(stream, "GET /things HTTP/1.1\r\nHost: localhost\r\nX-A: {}\r\n\r\n", "b".repeat(100_000))
        .expect("it can be sent");
    stream.shutdown(Shutdown::Write).expect("it ends");
    let said = rest(stream);
    assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
    assert_eq!(ask(door, "GET", "/things", &[]).status, 200);
}

#[test]
fn there_are_no_more_connections_than_are_let_in() {
    let mut broker = BrokerProgram::start(&["--set", "web.connections_max=1"]);
    let door = broker.doors().web;
    let mut first = connect(door);
    first.write_all(b"GET /things HTTP/1.1\r\nHost: localhost\r\n").expect("it can be sent");
    // They are accepted in their order.
    assert_eq!(rest(connect(door)), "");
    broker.find_error("web.connections_max");
    first.write_all(b"Connection: close\r\n\r\n").expect("it can be sent");
    assert_eq!(answer(first).status, 200);
}

#[test]
fn a_web_socket_keeps_its_place_and_who_says_nothing_gives_it_back() {
    let broker = BrokerProgram::start(&[]);
    let door = broker.doors().web;
    let are_open = |count: usize| {
        // Whoever asks is one of them.
        let line = format!("thingsbus_connections{{door=\"http\"}} {}\n", count + 1);
        until(&line, || ask(door, "GET", "/metrics", &[]).body.contains(&line).then_some(()));
    };
    for _ in 0..5 {
        drop(connect(door));
    }
    are_open(0);
    let mut socket = connect(door);
    let head = UPGRADE.join("\r\n");
    write!(socket, "GET /ws HTTP/1.1\r\nHost: localhost\r\n{head}\r\n\r\n").expect("it can be sent");
    let mut said = [0; 12];
    socket.read_exact(&mut said).expect("an answer");
    assert_eq!(&said, b"HTTP/1.1 101");
    are_open(1);
    drop(socket);
    are_open(0);
}
