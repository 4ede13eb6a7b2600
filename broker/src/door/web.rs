//! The web door: REST, live streams and metrics over HTTP. It has a thread of its own and reaches the broker through the
//! gate, with the questions of the query door.

// utoipa's macros name what they are given by its whole path.
#![allow(unused_qualifications)]

mod access;
mod answer;
mod app;
mod ask;
mod body;
mod counters;
mod keys;
mod list;
mod past;
mod pattern;
mod place;
mod problem;
mod server;
mod snapshots;
mod thing;
mod value;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::gate::{Gate, Inside};
use super::listen::{Refused, tcp};
use crate::config::{Config, WebBind};
use crate::error::Error;
pub use keys::{AccessKey, AccessKeys};

/// How long a stopping door waits for answers that are being sent.
const STOP_TIME: std::time::Duration = std::time::Duration::from_secs(1);

/// What the door opens with.
pub(crate) struct Opened {
    addresses: Vec<IpAddr>,
}

/// A door that has its port and answers nobody yet.
pub(crate) struct Listening {
    sockets: Vec<TcpListener>,
    address: SocketAddr,
}

/// A door that answers.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    thread: JoinHandle<()>,
}

/// Where it is to listen, by the configuration.
///
/// # Errors
/// Where it is to listen beyond the loopback with nothing that protects it.
pub(crate) fn open(config: &Config) -> Result<Opened, Error> {
    let loopback = || vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    let addresses = match config.web.bind {
        _ if !config.web.enabled => Vec::new(),
        WebBind::Auto if config.web.insecure_http => vec![config.bind],
        WebBind::Auto => loopback(),
        WebBind::Address(address) => vec![address],
    };
    Ok(Opened { addresses })
}

impl Opened {
    /// Takes the port. The loopback of one family is enough where the machine does not have both.
    pub(crate) fn listen(&self, port: u16) -> Result<Option<Listening>, Refused> {
        let Some((first, others)) = self.addresses.split_first() else { return Ok(None) };
        let address = SocketAddr::new(*first, port);
        let mut sockets = vec![tcp(address)?];
        for other in others {
            match tcp(SocketAddr::new(*other, port)) {
                Ok(socket) => sockets.push(socket),
                Err(refused) if refused.source.kind() == io::ErrorKind::AddrInUse => return Err(refused),
                Err(_) => {}
            }
        }
        Ok(Some(Listening { sockets, address }))
    }
}

impl Listening {
    /// Where.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, on a thread of its own.
    pub(crate) fn start(self, config: &Config, gate: Gate, inside: &mut Inside) -> io::Result<Running> {
        let (stop, stopped) = watch::channel(false);
        let app = app::App::new(config, gate, inside);
        let connections_max = config.web.connections_max;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
            runtime.block_on(server::serve(self.sockets, app, connections_max, stopped));
        })?;
        Ok(Running { stop, thread })
    }
}

impl Running {
    /// Takes nobody new, and ends the connections.
    pub(crate) fn stop(&self) {
        // Where the thread is gone there is nothing to end.
        let _ = self.stop.send(true);
    }

    /// Waits for that.
    pub(crate) fn join(self) {
        let _ = self.thread.join();
    }
}
