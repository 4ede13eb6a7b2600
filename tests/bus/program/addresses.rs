//! Where it listens, and what it says of that.

use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};

use serde_json::json;

use crate::support::peers::{Push, Sub, update};
use crate::support::program::{BrokerProgram, NO_STORE, program};
use crate::support::scratch::ScratchFolder;
use crate::support::wait::until;
use crate::support::{Doors, free_ports, raw};

#[test]
fn by_default_it_is_reached_by_ipv6_and_ipv4_at_every_door() {
    let broker = BrokerProgram::start_command(&mut program("thingsbus-broker"), "127.0.0.1");
    let hosts: Vec<IpAddr> = ["127.0.0.1", "::1"]
        .map(|host| host.parse::<IpAddr>().expect("an address"))
        .into_iter()
        .filter(|host| host.is_ipv4() || TcpListener::bind(SocketAddr::new(*host, 0)).is_ok())
        .collect();
    eprintln!("this machine has {hosts:?}");
    let mut sub = Sub::connect(&broker.doors(), &[r#"{"ns":"#]);
    let mut seq = 0;
    for host in hosts {
        let doors = Doors::at(host, broker.doors().clients.port());
        let mut own = Sub::connect(&doors, &[r#"{"ns":"#]);
        let push = Push::connect(&doors);
        let udp = UdpSocket::bind(SocketAddr::new(host, 0)).unwrap();
        for (by, send) in [("zmq", true), ("udp", false)] {
            let message = update(by, &json!(host.to_string()));
            if send {
                push.send(message);
            } else {
                udp.send_to(message.as_bytes(), doors.input).unwrap();
            }
            seq += 1;
            for sub in [&mut sub, &mut own] {
                let heard = sub.next_json();
                assert_eq!((&heard["ns"], &heard["data"]), (&json!(by), &json!(host.to_string())));
            }
        }
        assert_eq!(doors.status()["seq"], seq, "the query door at {host}");
    }
}

#[test]
fn one_address_is_one_address() {
    let mut broker = BrokerProgram::start(&[]);
    let doors = broker.doors();
    assert_eq!(doors.status()["type"], "status");
    broker.find_error(&format!("clients:  tcp://{}", doors.clients));
    let senders = broker.find_error("senders:");
    assert!(senders.contains(&format!("tcp://{}", doors.input)), "{senders}");
    assert!(senders.contains(&format!("udp://{}", doors.input)), "{senders}");
    broker.find_error(&format!("queries:  tcp://{}", doors.query));
    let other = SocketAddr::new("127.0.0.2".parse().expect("an address"), doors.clients.port());
    assert!(std::net::TcpStream::connect(other).is_err(), "nobody listens at {other}");
}

#[test]
fn the_start_lines_say_what_runs_and_what_is_not_protected() {
    let folder = ScratchFolder::new();
    let mut command = program("thingsbus-broker");
    command.env_remove(NO_STORE).env("XDG_DATA_HOME", folder.path("data"));
    let mut broker = BrokerProgram::start_command(&mut command, "127.0.0.1");
    broker.find_error(&format!("thingsbus-broker {}", env!("CARGO_PKG_VERSION")));
    broker.find_error("configuration: --port, --ports-file");
    broker.find_error(&format!("store: {} with 0 things", folder.path("data").join("thingsbus").display()));
    broker.find_error("on all addresses");
    broker.find_error("not protected");
}

#[test]
fn a_variable_sets_the_port_and_a_flag_is_stronger() {
    let port = free_ports();
    let mut command = program("thingsbus-broker");
    command.args(["--bind", "127.0.0.1"]).env("THINGSBUS_PORT", port.to_string());
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
    {
        let mut process = crate::support::process::Process::start("thingsbus-broker", &mut command);
        process.find_error("queries:");
        assert_eq!(doors.status()["type"], "status");
        process.signal("TERM");
        assert_eq!(process.wait().code(), Some(0), "{}", process.said());
    }
    // `start_command` adds --port 0.
    let broker = BrokerProgram::start_command(&mut command, "127.0.0.1");
    assert_ne!(broker.doors().clients.port(), port);
    assert_eq!(broker.doors().status()["type"], "status");
}

#[test]
fn it_starts_again_at_the_same_ports_at_once() {
    let port = free_ports().to_string();
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port.parse().expect("a port"));
    let mut epochs = Vec::new();
    for _ in 0..3 {
        let mut command = program("thingsbus-broker");
        command.args(["--bind", "127.0.0.1", "--port", &port]);
        let mut process = crate::support::process::Process::start("thingsbus-broker", &mut command);
        process.find_error("queries:");
        // A connection that the broker closes: its end of it lingers in the system.
        let peer = raw::Raw::ready(doors.clients, "SUB");
        until("the peer", || (doors.status()["doors"]["clients"]["connections"]["open"] == 1).then_some(()));
        epochs.push(doors.status()["epoch"].clone());
        process.signal("INT");
        assert_eq!(process.wait().code(), Some(0), "{}", process.said());
        drop(peer);
    }
    epochs.dedup();
    assert_eq!(epochs.len(), 3, "each life has a name of its own: {epochs:?}");
}
