//! A proxy between a client and a broker: counts the bytes that go through its three doors, and can be cut.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::support::{Doors, free_ports};

/// Three doors in a row, like a broker's. Lives on until the test's end.
pub struct Proxy {
    doors: Doors,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    is_cut: AtomicBool,
    streams: Mutex<Vec<TcpStream>>,
    clients: AtomicU64,
    query: AtomicU64,
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

    /// Lets nobody through before [`Proxy::mend`].
    pub fn cut_off(broker: &Doors) -> Self {
        let doors = Doors::at(IpAddr::V4(Ipv4Addr::LOCALHOST), free_ports());
        let shared = Arc::new(Shared { is_cut: AtomicBool::new(true), ..Shared::default() });
        open(doors.clients, broker.clients, &shared, |shared| &shared.clients);
        open(doors.query, broker.query, &shared, |shared| &shared.query);
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
    fn streams(&self) -> std::sync::MutexGuard<'_, Vec<TcpStream>> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn open(at: SocketAddr, to: SocketAddr, shared: &Arc<Shared>, count: fn(&Shared) -> &AtomicU64) {
    let listener = TcpListener::bind(at).expect("a free port is free");
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
            std::thread::spawn(move || carry(here, there, &AtomicU64::new(0)));
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || carry(there_again, here_again, count(&shared)));
        }
    });
}

/// Carries bytes until one side ends, and ends the other.
fn carry(mut from: TcpStream, mut to: TcpStream, count: &AtomicU64) {
    let mut bytes = [0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        count.fetch_add(length as u64, Ordering::SeqCst);
        if to.write_all(&bytes[..length]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
