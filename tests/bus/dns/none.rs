//! A zone without a broker: whoever asks is told what is wrong, and goes on asking.

use std::net::UdpSocket;
use std::process::Command;

use super::{NameServer, ZONE, by_zone};
use crate::support::process::Process;
use crate::support::program::example;

/// What a program says of a zone. It does not end: a record may come.
#[track_caller]
fn check(command: &mut Command, wanted: &str) {
    let mut client = Process::start("print_all_events", command);
    let error = client.find_error("no directory from zone");
    assert!(error.contains(wanted), "{error}");
    assert!(error.ends_with("still trying") && client.is_running(), "{error}");
}

#[test]
fn no_record() {
    let server = NameServer::with(&[]);
    check(&mut by_zone("print_all_events", &server), "no SRV record _thingsbus._tcp.example.org.: add");
}

#[test]
fn a_dot_says_that_there_is_none() {
    let server = NameServer::with(&["0 0 0 ."]);
    check(&mut by_zone("print_all_events", &server), "this zone says that it has no broker");
}

#[test]
fn another_zone_is_refused() {
    let server = NameServer::with(&[]);
    let mut command = by_zone("print_all_events", &server);
    check(command.args(["-z", "example.com"]), "about _thingsbus._tcp.example.com. failed");
}

#[test]
fn a_record_that_cannot_be_used_is_shown() {
    let server = NameServer::with(&["1 2 65535 a."]);
    check(&mut by_zone("print_all_events", &server), "1 2 65535 a. cannot be used");
}

#[test]
fn a_silent_server_and_one_that_talks_nonsense() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let command = |address: std::net::SocketAddr| {
        let mut command = example("print_all_events");
        command.env("THINGSBUS_DNS", address.to_string()).env("THINGSBUS_ZONE", ZONE);
        command
    };
    check(&mut command(address), &format!("no answer about _thingsbus._tcp.example.org. from {address}"));
    std::thread::spawn(move || {
        let mut question = [0; 4_096];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            // Its number, and then nothing that can be read.
            drop(socket.send_to(&[&question[..2], &[0xff; 40]].concat(), from));
        }
    });
    check(&mut command(address), &format!("asking {address} about _thingsbus._tcp.example.org. failed"));
}

#[test]
fn what_is_no_zone_is_said_at_once() {
    let server = NameServer::with(&[]);
    let mut command = by_zone("print_all_events", &server);
    check(command.args(["-z", "exa mple.org"]), "\"exa mple.org\" is not a DNS zone");
}
