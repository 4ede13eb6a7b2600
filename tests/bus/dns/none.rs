//! A zone without a broker: whoever asks is told what is wrong, and goes on asking.

use std::net::{SocketAddr, UdpSocket};

use super::{NameServer, ZONE};
use crate::support::process::Process;
use crate::support::program::example;

/// A client that asks this server for this zone, and what it is to say.
struct Case {
    client: Process,
    wanted: String,
}

impl Case {
    fn of(server: SocketAddr, zone: &str, wanted: impl Into<String>) -> Self {
        let mut command = example("print_all_events");
        command.args(["-z", zone]).env("THINGSBUS_DNS", server.to_string());
        Self { client: Process::start("print_all_events", &mut command), wanted: wanted.into() }
    }

    #[track_caller]
    fn check(mut self) {
        let error = self.client.find_error("no directory from zone");
        assert!(error.contains(&self.wanted), "{error}");
        // A record may still come.
        assert!(error.ends_with("still trying") && self.client.is_running(), "{error}");
    }
}

#[test]
fn what_is_wrong_with_a_zone_is_said() {
    let asked = "_thingsbus._tcp.example.org.";
    let empty = NameServer::with(&[]);
    let dot = NameServer::with(&["0 0 0 ."]);
    let unusable = NameServer::with(&["1 2 65535 a."]);
    let (silent, broken) = (silent(), broken());
    // Each takes some seconds, so all of them at once.
    let cases = [
        Case::of(empty.address(), ZONE, format!("no SRV record {asked}: add")),
        Case::of(empty.address(), "example.com", "about _thingsbus._tcp.example.com. failed"),
        Case::of(empty.address(), "exa mple.org", "\"exa mple.org\" is not a DNS zone"),
        Case::of(dot.address(), ZONE, "this zone says that it has no broker"),
        Case::of(unusable.address(), ZONE, format!("the SRV record {asked} 1 2 65535 a. cannot be used")),
        Case::of(silent.1, ZONE, format!("no answer about {asked} from {}", silent.1)),
        Case::of(broken, ZONE, format!("asking {broken} about {asked} failed")),
    ];
    cases.into_iter().for_each(Case::check);
}

/// A server that takes questions and says nothing, for as long as its socket is there.
fn silent() -> (UdpSocket, SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    (socket, address)
}

/// A server whose answers have the question's number, and then nothing that can be read.
fn broken() -> SocketAddr {
    let (socket, address) = silent();
    std::thread::spawn(move || {
        let mut question = [0; 4_096];
        while let Ok((_, from)) = socket.recv_from(&mut question) {
            drop(socket.send_to(&[&question[..2], &[0xff; 40]].concat(), from));
        }
    });
    address
}
