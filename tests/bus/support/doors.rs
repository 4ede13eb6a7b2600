//! Where a broker is, whoever runs it: ours in this process, ours as a program, or 0.2.1's.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

use serde_json::{Value, json};

use super::peers::Req;

/// Where a broker is.
#[derive(Clone, Copy, Debug)]
pub struct Doors {
    pub clients: SocketAddr,
    pub input: SocketAddr,
    pub query: SocketAddr,
    pub web: SocketAddr,
}

impl Doors {
    /// At `host`, with the ports as they follow from the clients'.
    pub fn at(host: IpAddr, port: u16) -> Self {
        let door = |offset: u16| SocketAddr::new(host, port + offset);
        Self { clients: door(0), input: door(1), query: door(2), web: door(3) }
    }

    pub fn clients_url(&self) -> String {
        format!("tcp://{}", self.clients)
    }

    pub fn input_url(&self) -> String {
        format!("tcp://{}", self.input)
    }

    pub fn query_url(&self) -> String {
        format!("tcp://{}", self.query)
    }

    /// An address of the web door.
    pub fn http_url(&self, path: &str) -> String {
        format!("http://{}{path}", self.web)
    }

    /// The answer to one question.
    pub fn ask(&self, question: &Value) -> Value {
        Req::connect(self).ask(question)
    }

    /// How the broker is.
    pub fn status(&self) -> Value {
        self.ask(&json!({"type": "status_query"}))
    }

    /// Everything below `ns`, in one page.
    pub fn things(&self, ns: &str) -> Value {
        self.ask(&json!({"type": "thing_query", "ns": ns, "tree": true}))
    }
}

/// The first of four ports that are free, for what cannot choose by itself. Below those that systems give out and those
/// that a broker chooses, so that nobody gets one in between by chance, and no two calls in a run give the same.
pub fn free_ports() -> u16 {
    const FIRST: u16 = 5_000;
    const BLOCKS: u16 = 1_200;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap_or_default();
    let is_free = |port: u16| {
        let at = SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
        TcpListener::bind(at).is_ok() && UdpSocket::bind(at).is_ok()
    };
    for _ in 0..BLOCKS {
        let port = FIRST + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS * 4;
        if (port..port + 4).all(is_free) {
            return port;
        }
    }
    panic!("no four ports in a row are free between {FIRST} and {}", FIRST + 4 * BLOCKS)
}
