//! The broker: takes its ports, then turns until it is told to stop. One thread; the hub is on it.

mod as_of;
mod forgetting;
mod home;
mod loading;
mod middle;
mod questions;
mod rejections;
mod status;
mod turn;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant, SystemTime};

use mio::{Events, Interest, Poll, Token, Waker};
use serde_json::json;
use thingsbus_adaptor::wire::Timestamp;

use crate::config::Config;
use crate::door::gate::Gate;
use crate::door::listen::{self, Sockets};
use crate::door::web;
use crate::error::Error;
use crate::hub::Hub;
use crate::store;
pub(crate) use home::Home;
use middle::Kept;
pub(crate) use questions::{Expected, OnlyIf};
pub(crate) use rejections::EXCERPT_BYTES_MAX;
use turn::Turn;

/// How long a stopping broker goes on sending what waits, and writing what is not on disk yet.
const STOP_TIME: Duration = Duration::from_secs(4);

/// The most events taken from the system at once.
const EVENTS: usize = 1_024;

/// A broker that has its ports and does not turn yet.
pub struct Broker {
    poll: Poll,
    config: Config,
    sockets: Sockets<Option<web::Listening>>,
    hub: Hub,
    store: Option<store::Opened>,
    handle: Handle,
    commands: Receiver<Command>,
    addresses: Addresses,
}

/// Where the doors are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The clients', whose port the other doors' ports follow from.
    pub clients: SocketAddr,
    /// The web door, where there is one.
    pub web: Option<SocketAddr>,
}

impl Addresses {
    /// The senders' door, over TCP and over UDP.
    #[must_use]
    pub fn input(&self) -> SocketAddr {
        self.after(1)
    }

    /// The query door.
    #[must_use]
    pub fn query(&self) -> SocketAddr {
        self.after(2)
    }

    /// As the ports file has it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let port = |address: SocketAddr| address.port();
        let json = json!({
            "address": self.clients.ip().to_string(),
            "clients": port(self.clients),
            "input": port(self.input()),
            "udp": port(self.input()),
            "query": port(self.query()),
            "http": self.web.map(port),
            "pid": std::process::id(),
        });
        format!("{json}\n")
    }

    fn after(&self, offset: u16) -> SocketAddr {
        SocketAddr::new(self.clients.ip(), self.clients.port() + offset)
    }
}

/// Tells a running broker what to do, from any thread.
#[derive(Clone)]
pub struct Handle {
    commands: Sender<Command>,
    waker: Arc<Waker>,
}

enum Command {
    Stop,
    Reconfigure(Box<Config>),
}

impl Handle {
    /// Stop taking, send what waits, and end within five seconds.
    pub fn stop(&self) {
        self.tell(Command::Stop);
    }

    /// Go on with another configuration. What needs a restart to change stays, and is told in the log.
    pub fn reconfigure(&self, config: Config) {
        self.tell(Command::Reconfigure(Box::new(config)));
    }

    fn tell(&self, command: Command) {
        // A broker that is gone does nothing more anyway.
        let _ = self.commands.send(command);
        let _ = self.waker.wake();
    }
}

/// A configuration that is good, and what of it is in files.
fn checked(config: &Config) -> Result<web::Opened, Error> {
    config.check()?;
    web::open(config)
}

impl Broker {
    /// Whether a broker could begin with this, as far as that can be known before it takes a port: values, access keys,
    /// certificates, and whether it would listen where nothing protects it.
    ///
    /// # Errors
    /// What [`Broker::bind`] would say of it.
    pub fn check(config: &Config) -> Result<(), Error> {
        checked(config).map(drop)
    }

    /// Takes all ports. Nothing is accepted before [`Broker::run`]; who calls in between waits.
    ///
    /// # Errors
    /// Where a value is out of range, a port is taken, or the ports file cannot be written.
    pub fn bind(config: Config) -> Result<Self, Error> {
        let web = checked(&config)?;
        let sockets =
            listen::listen(config.bind, config.port, |port| web.listen(port)).map_err(|refused| {
                let listen::Refused { address, protocol, source } = refused;
                Error::Listen { address, protocol, source }
            })?;
        let addresses =
            Addresses { clients: sockets.address, web: sockets.fourth.as_ref().map(web::Listening::address) };
        if sockets.udp_buffer_bytes < listen::UDP_BUFFER_BYTES {
            tracing::info!(
                "datagrams: the system gives a buffer of {} KiB, not the {} KiB asked for; bursts may be too much for \
                 it: sysctl net.core.rmem_max",
                sockets.udp_buffer_bytes / 1024,
                listen::UDP_BUFFER_BYTES / 1024,
            );
        }
        let poll = Poll::new().map_err(Error::Poll)?;
        let waker = Arc::new(Waker::new(poll.registry(), turn::WAKER).map_err(Error::Poll)?);
        let (sender, commands) = channel();
        let mut hub = Hub::new(new_epoch(), config.hub_limits());
        let store = store::open(&config.store, &mut hub)?;
        // Last: who finds it finds a broker.
        if let Some(path) = &config.ports_file {
            write_whole(path, &addresses.to_json())
                .map_err(|source| Error::Write { path: path.clone(), source })?;
        }
        Ok(Self {
            poll,
            config,
            sockets,
            hub,
            store,
            handle: Handle { commands: sender, waker },
            commands,
            addresses,
        })
    }

    /// Where the doors are.
    #[must_use]
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// Are the web door's requests to show an access key?
    #[must_use]
    pub fn has_access_keys(&self) -> bool {
        self.sockets.fourth.as_ref().is_some_and(web::Listening::has_keys)
    }

    /// By which another thread tells it what to do.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Turns until [`Handle::stop`]. Blocks; gives back what was counted.
    ///
    /// # Errors
    /// Where the system no longer lets it wait for sockets.
    pub fn run(self) -> Result<serde_json::Value, Error> {
        let Self { mut poll, config, sockets, hub, store, commands, handle, .. } = self;
        let every = Duration::from_secs(config.store.every_s);
        let history = store.as_ref().filter(|_| config.history.enabled);
        let history =
            history.map(|opened| opened.start_history(&config.history, every, handle.waker.clone()));
        let history = history.transpose().map_err(Error::Thread)?;
        let store = store.map(|opened| opened.start(&hub, &config.store, handle.waker.clone()));
        let store = store.transpose().map_err(Error::Thread)?;
        let kept = Kept { store, history };
        let home = Home::new(Hub::new(String::new(), config.hub_limits()));
        let (gate, mut inside) = Gate::new(handle.waker.clone(), home.clone());
        let (sockets, web) = sockets.split();
        let web = web.map(|web| web.start(&config, gate, &mut inside));
        let web = web.transpose().map_err(Error::Thread)?;
        let mut turn = Turn::new(config, sockets, hub, kept, inside, poll.registry()).map_err(Error::Poll)?;
        let mut events = Events::with_capacity(EVENTS);
        'turning: loop {
            let timeout = turn.timeout(Instant::now());
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                wait(&mut poll, &mut events, timeout)?;
            } else {
                turn.swap_hub(&home);
                let waited = wait(&mut poll, &mut events, timeout);
                turn.swap_hub(&home);
                waited?;
            }
            turn.turn(&events, poll.registry(), Instant::now(), now());
            // All of them: the system makes one event of several wakings.
            while let Ok(command) = commands.try_recv() {
                match command {
                    Command::Reconfigure(config) => {
                        if let Some(web) = &web {
                            web.reload(&config);
                        }
                        turn.reconfigure(*config);
                    }
                    Command::Stop => break 'turning,
                }
            }
        }
        let deadline = Instant::now() + STOP_TIME;
        if let Some(web) = &web {
            web.stop();
        }
        turn.close_gate();
        drain(&mut poll, &mut turn, deadline)?;
        turn.finish_store(deadline);
        if let Some(web) = web {
            web.join();
        }
        Ok(turn.status(Instant::now(), now()))
    }
}

/// Waits for events. A signal ends the waiting with none.
fn wait(poll: &mut Poll, events: &mut Events, timeout: Option<Duration>) -> Result<(), Error> {
    match poll.poll(events, timeout) {
        Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {
            events.clear();
            Ok(())
        }
        other => other.map_err(Error::Poll),
    }
}

/// Sends what waits, for as long as clients take it and `deadline` allows.
fn drain(poll: &mut Poll, turn: &mut Turn, deadline: Instant) -> Result<(), Error> {
    let mut events = Events::with_capacity(EVENTS);
    while !turn.flush_all() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            tracing::warn!("some clients did not take everything that waited for them");
            break;
        }
        wait(poll, &mut events, Some(left))?;
    }
    Ok(())
}

/// A name for this life of the broker that no other life has: when it began, and which process it is.
fn new_epoch() -> String {
    let since_1970 = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    format!("{:x}-{:x}", since_1970.as_micros(), std::process::id())
}

/// The wall clock.
fn now() -> Timestamp {
    Timestamp::from_system_time(SystemTime::now())
}

/// Writes a file so that who reads it sees all of it or none.
fn write_whole(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    std::fs::write(&beside, text)?;
    std::fs::rename(&beside, path)
}

fn register(
    registry: &mio::Registry,
    source: &mut impl mio::event::Source,
    token: Token,
) -> std::io::Result<()> {
    registry.register(source, token, Interest::READABLE)
}
