//! A proxy between peers and a broker: counts and records the bytes that go through, cuts them small, and can be cut.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::wait::until;
use super::{Doors, free_ports};

/// Three doors in a row, like a broker's. Lives on until the test's end.
pub struct Proxy {
    doors: Doors,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    /// Hands on one byte at a time, and records it.
    is_byte_by_byte: bool,
    recorded: Mutex<Vec<Recorded>>,
    input: AtomicU64,
    clients: AtomicU64,
    query: AtomicU64,
}

/// What went over one connection.
#[derive(Clone, Default)]
pub struct Recorded {
    pub to_broker: Vec<u8>,
    pub from_broker: Vec<u8>,
}

/// How many bytes the broker's side sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bytes {
    /// On the clients' port.
    pub clients: u64,
    /// As answers.
    pub query: u64,
}

impl Bytes {
    pub fn total(self) -> u64 {
        self.clients + self.query
    }
}

impl Proxy {
    pub fn to(broker: &Doors) -> Self {
        let proxy = Self::cut_off(broker);
        proxy.mend();
        proxy
    }

    /// Hands each byte on by itself, both ways, and records it.
    pub fn byte_by_byte(broker: &Doors) -> Self {
        let proxy = Self::open(broker, true);
        proxy.mend();
        proxy
    }

    /// Lets nobody through before [`Proxy::mend`].
    pub fn cut_off(broker: &Doors) -> Self {
        Self::open(broker, false)
    }

    fn open(broker: &Doors, is_byte_by_byte: bool) -> Self {
        let (doors, [clients, input, query]) = listen();
        let shared = Arc::new(Shared { is_cut: AtomicBool::new(true), is_byte_by_byte, ..Shared::default() });
        open(clients, broker.clients, &shared, |shared| &shared.clients);
        open(input, broker.input, &shared, |shared| &shared.input);
        open(query, broker.query, &shared, |shared| &shared.query);
        Self { doors, shared }
    }

    /// Ends all connections and lets no new one through.
    pub fn cut(&self) {
        self.shared.is_cut.store(true, Ordering::SeqCst);
        for stream in self.shared.streams().drain(..) {
            // It may have been ended by its peer.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Lets connections through again.
    pub fn mend(&self) {
        self.shared.is_cut.store(false, Ordering::SeqCst);
    }

    /// What went over each connection so far, in the order in which they were made.
    pub fn recorded(&self) -> Vec<Recorded> {
        self.shared.recorded().clone()
    }

    /// How many bytes came from the broker so far.
    pub fn bytes(&self) -> Bytes {
        let count = |count: &AtomicU64| count.load(Ordering::SeqCst);
        Bytes { clients: count(&self.shared.clients), query: count(&self.shared.query) }
    }
}

impl Deref for Proxy {
    type Target = Doors;

    fn deref(&self) -> &Doors {
        &self.doors
    }
}

impl Shared {
    fn streams(&self) -> MutexGuard<'_, Vec<TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recorded(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn record(&self, number: usize, way: fn(&mut Recorded) -> &mut Vec<u8>, bytes: &[u8]) {
        if self.is_byte_by_byte {
            way(&mut self.recorded()[number]).extend_from_slice(bytes);
        }
    }
}

/// A port that was seen to be free can still be taken for a moment: a program that another test starts right then has
/// inherited the socket by which it was seen.
fn listen() -> (Doors, [TcpListener; 3]) {
    until("three free ports", || {
        let doors = Doors::at(IpAddr::V4(Ipv4Addr::LOCALHOST), free_ports());
        let [clients, input, query] = [doors.clients, doors.input, doors.query].map(TcpListener::bind);
        Some((doors, [clients.ok()?, input.ok()?, query.ok()?]))
    })
}

fn open(listener: TcpListener, to: SocketAddr, shared: &Arc<Shared>, count: fn(&Shared) -> &AtomicU64) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        for here in listener.incoming().map_while(Result::ok) {
            let mut streams = shared.streams();
            if shared.is_cut.load(Ordering::SeqCst) {
                continue;
            }
            let Ok(there) = TcpStream::connect(to) else { continue };
            for stream in [&here, &there] {
                stream.set_nodelay(true).expect("a stream can be told");
                streams.push(stream.try_clone().expect("a stream can be cloned"));
            }
            let (here_again, there_again) =
                (here.try_clone().expect("a stream"), there.try_clone().expect("a stream"));
            let mut recorded = shared.recorded();
            let number = recorded.len();
            recorded.push(Recorded::default());
            let (to_broker, from_broker) = (Arc::clone(&shared), Arc::clone(&shared));
            std::thread::spawn(move || {
                carry(here, there, to_broker.is_byte_by_byte, |bytes| {
                    to_broker.record(number, |recorded| &mut recorded.to_broker, bytes);
                });
            });
            std::thread::spawn(move || {
                carry(there_again, here_again, from_broker.is_byte_by_byte, |bytes| {
                    count(&from_broker).fetch_add(bytes.len() as u64, Ordering::SeqCst);
                    from_broker.record(number, |recorded| &mut recorded.from_broker, bytes);
                });
            });
        }
    });
}

/// Carries bytes until one side ends, and ends the other. `note` has each before it goes on.
fn carry(mut from: TcpStream, mut to: TcpStream, is_byte_by_byte: bool, note: impl Fn(&[u8])) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        note(&bytes[..length]);
        let piece_bytes = if is_byte_by_byte { 1 } else { length };
        if bytes[..length].chunks(piece_bytes).any(|piece| to.write_all(piece).is_err()) {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
