//! Peers made of libzmq: what subscribes, what sends, what asks. None of them waits forever.

use std::collections::VecDeque;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use zmq::{Context, Socket, SocketType};

use super::Doors;
use super::wait::PATIENCE;

const FIRST_MARK: &[u8] = br#"{"mark":"first""#;

const WORD: &[u8] = br#","type":"thing_freshness","#;

/// A socket that reaches both IP families, loses nothing by a high-water mark, waits at most [`PATIENCE`] and leaves
/// nothing behind.
pub fn socket(kind: SocketType) -> Socket {
    static CONTEXT: OnceLock<Context> = OnceLock::new();
    let socket = CONTEXT.get_or_init(Context::new).socket(kind).expect("a socket");
    let patience = i32::try_from(PATIENCE.as_millis()).unwrap_or(i32::MAX);
    socket.set_ipv6(true).unwrap();
    socket.set_sndhwm(0).unwrap();
    socket.set_rcvhwm(0).unwrap();
    socket.set_rcvtimeo(patience).unwrap();
    socket.set_sndtimeo(patience).unwrap();
    socket.set_linger(0).unwrap();
    socket
}

/// A client that subscribes to the beginnings of messages. That things are late, as they are in every test that takes its
/// time, only those hear who say so.
pub struct Sub {
    socket: Socket,
    hears_words: bool,
    /// What came before a mark did.
    waiting: VecDeque<Vec<u8>>,
}

impl Sub {
    /// Connects; the subscriptions are active when it is back.
    pub fn connect(doors: &Doors, prefixes: &[&str]) -> Self {
        let socket = socket(SocketType::SUB);
        // Who asks for a mark first is sent no last values: what it hears is what happens. libzmq tells the broker its
        // subscriptions in the order of their bytes.
        socket.set_subscribe(FIRST_MARK).unwrap();
        for prefix in prefixes {
            socket.set_subscribe(prefix.as_bytes()).unwrap();
        }
        socket.connect(&doors.clients_url()).unwrap();
        let mut sub = Self { socket, hears_words: false, waiting: VecDeque::new() };
        sub.mark();
        sub
    }

    /// The same, and it hears how fresh things are.
    pub fn with_words(doors: &Doors, prefixes: &[&str]) -> Self {
        Self { hears_words: true, ..Self::connect(doors, prefixes) }
    }

    /// Waits until everything is here that the broker had sent when it was asked, and gives the mark that says so.
    pub fn mark(&mut self) -> Value {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let asked = format!("{{\"mark\":\"m{}\"", NUMBER.fetch_add(1, Ordering::Relaxed));
        self.socket.set_subscribe(asked.as_bytes()).unwrap();
        loop {
            let message = self.receive(PATIENCE).expect("the mark is answered");
            if message.starts_with(asked.as_bytes()) {
                self.socket.set_unsubscribe(asked.as_bytes()).unwrap();
                return parse(&message);
            }
            if !message.starts_with(FIRST_MARK) {
                self.waiting.push_back(message);
            }
        }
    }

    /// Everything that the broker sent up to now.
    pub fn so_far(&mut self) -> Vec<Vec<u8>> {
        self.mark();
        self.drain()
    }

    /// Everything that came before the last mark.
    pub fn drain(&mut self) -> Vec<Vec<u8>> {
        self.waiting.drain(..).collect()
    }

    /// The next message; panics where none comes.
    pub fn next(&mut self) -> Vec<u8> {
        self.next_within(PATIENCE).expect("a message comes")
    }

    pub fn next_within(&mut self, time: Duration) -> Option<Vec<u8>> {
        self.waiting.pop_front().or_else(|| self.receive(time))
    }

    /// The next message, as JSON.
    pub fn next_json(&mut self) -> Value {
        parse(&self.next())
    }

    fn receive(&self, time: Duration) -> Option<Vec<u8>> {
        self.socket.set_rcvtimeo(i32::try_from(time.as_millis()).unwrap_or(i32::MAX)).unwrap();
        loop {
            let message = self.socket.recv_bytes(0).ok()?;
            // It stands after the longest name there can be.
            let beginning = &message[..message.len().min(1_100)];
            let is_word = beginning.windows(WORD.len()).any(|part| part == WORD);
            if self.hears_words || !is_word {
                return Some(message);
            }
        }
    }
}

/// A sender. A PUSH, so that nothing is lost that is sent before the connection stands.
pub struct Push {
    socket: Socket,
}

impl Push {
    pub fn connect(doors: &Doors) -> Self {
        let socket = socket(SocketType::PUSH);
        socket.connect(&doors.input_url()).unwrap();
        Self { socket }
    }

    pub fn send(&self, message: impl AsRef<[u8]>) {
        self.socket.send(message.as_ref(), 0).expect("a message can be sent");
    }
}

/// Who asks at the query door.
pub struct Req {
    socket: Socket,
}

impl Req {
    pub fn connect(doors: &Doors) -> Self {
        let socket = socket(SocketType::REQ);
        socket.connect(&doors.query_url()).unwrap();
        Self { socket }
    }

    pub fn ask(&self, question: &Value) -> Value {
        self.ask_bytes(question.to_string().as_bytes())
    }

    pub fn ask_bytes(&self, question: &[u8]) -> Value {
        let asked = Instant::now();
        self.socket.send(question, 0).expect("a question can be sent");
        let answer = self.socket.recv_bytes(0);
        parse(&answer.unwrap_or_else(|error| panic!("no answer in {:?}: {error}", asked.elapsed())))
    }
}

/// An update as JSON, without `ts`.
pub fn update(ns: &str, data: &Value) -> String {
    format!(r#"{{"type":"thing_update","ns":"{ns}","data":{data}}}"#)
}

/// What the broker sent: always JSON.
pub fn parse(message: &[u8]) -> Value {
    serde_json::from_slice(message)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(message)))
}
