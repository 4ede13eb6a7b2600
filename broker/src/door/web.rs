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
mod docs;
mod guard;
mod keyring;
mod keys;
mod list;
mod live;
mod metrics;
mod origin;
mod pace;
mod page;
mod past;
mod pattern;
mod place;
mod problem;
mod rejected;
mod secret;
mod server;
mod snapshots;
mod thing;
mod time;
mod tls;
mod upload;
mod value;
mod words;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::gate::{Gate, Inside};
use super::listen::{Refused, tcp};
use crate::config::{Config, Web, WebBind};
use crate::error::{ConfigError, Error};
use guard::Guard;
use keyring::Keyring;
pub use keys::{AccessKey, AccessKeys};
pub(crate) use origin::Origins;
use tls::Tls;

/// How long a stopping door waits for answers that are being sent.
const STOP_TIME: std::time::Duration = std::time::Duration::from_secs(1);

/// What the door opens with.
pub(crate) struct Opened {
    addresses: Vec<IpAddr>,
    keyring: Arc<Keyring>,
    tls: Option<Arc<Tls>>,
}

/// A door that has its port and answers nobody yet.
pub(crate) struct Listening {
    sockets: Vec<TcpListener>,
    address: SocketAddr,
    keyring: Arc<Keyring>,
    tls: Option<Arc<Tls>>,
}

/// A door that answers.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    config: watch::Sender<Web>,
    thread: JoinHandle<()>,
}

/// Reads keys and certificates, and finds where it is to listen.
///
/// # Errors
/// Where it is to listen beyond the loopback with nothing that protects it, or a file cannot be read or is wrong.
pub(crate) fn open(config: &Config) -> Result<Opened, Error> {
    if !config.web.enabled {
        return Ok(Opened { addresses: Vec::new(), keyring: Keyring::open(None)?, tls: None });
    }
    let keyring = Keyring::open(AccessKeys::place(config))?;
    let addresses = addresses(config, keyring.is_locked())?;
    Ok(Opened { addresses, keyring, tls: Tls::open(&config.web)?.map(Arc::new) })
}

fn addresses(config: &Config, has_keys: bool) -> Result<Vec<IpAddr>, ConfigError> {
    let may_be_reached = has_keys || config.web.insecure_http;
    match config.web.bind {
        WebBind::Auto if may_be_reached || is_loopback(config.bind) => Ok(vec![config.bind]),
        WebBind::Auto => Ok(vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]),
        WebBind::Address(address) if may_be_reached || is_loopback(address) => Ok(vec![address]),
        WebBind::Address(address) => Err(ConfigError::Value {
            key: "web.bind",
            value: address.to_string(),
            why: "whoever reaches it could do everything, because there are no access keys: `thingsbus-broker key add \
                  NAME` makes one, and --insecure-http does without",
        }),
    }
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
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
        let (keyring, tls) = (self.keyring.clone(), self.tls.clone());
        Ok(Some(Listening { sockets, address, keyring, tls }))
    }
}

impl Listening {
    /// Where.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Are requests to show a key?
    pub(crate) fn has_keys(&self) -> bool {
        self.keyring.is_locked()
    }

    /// Answers from now on, on a thread of its own.
    pub(crate) fn start(self, config: &Config, gate: Gate, inside: &mut Inside) -> io::Result<Running> {
        let Self { sockets, keyring, tls, .. } = self;
        let web = &config.web;
        let (stop, stopped) = watch::channel(false);
        let (sender, changed) = watch::channel(web.clone());
        let app = app::App::new(config, gate);
        let (batches, given) = tokio::sync::mpsc::unbounded_channel();
        // Bounded by the gate; a door that is gone gets nothing.
        inside.set_follow(move |batch| drop(batches.send(batch)));
        let live = app.clone().give_out(given);
        let scheme = if tls.is_some() { "https" } else { "http" };
        // A configuration that cannot be parsed was refused before.
        let origins = Origins::parse(&web.origins).unwrap_or_default();
        let guard = Guard { app: app.clone(), keyring: keyring.clone(), origins, scheme };
        let router = guard.before(app.clone().router());
        let (uploads, connections_max) = (upload::Uploads::default(), web.connections_max);
        let server = server::Server { app, router, keyring, tls, uploads, connections_max };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let thread = std::thread::Builder::new().name("web".to_owned()).spawn(move || {
            runtime.spawn(live);
            runtime.block_on(server::serve(sockets, server, stopped, changed));
        })?;
        Ok(Running { stop, config: sender, thread })
    }
}

impl Running {
    /// Reads certificates and keys again, on its own thread. What else is another now takes a restart.
    pub(crate) fn reload(&self, config: &Config) {
        self.config.send_replace(config.web.clone());
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_reached_from_elsewhere_with_keys_or_where_that_is_asked_for() {
        let check = |bind: &str, web_bind: &str, has_keys: bool, insecure_http: bool, wanted: &[&str]| {
            let mut config = Config { bind: bind.parse().unwrap(), ..Config::default() };
            config.web.bind = web_bind.to_owned().try_into().unwrap();
            config.web.insecure_http = insecure_http;
            let addresses = addresses(&config, has_keys).map_err(|error| error.to_string());
            let addresses = addresses.unwrap_or_else(|error| {
                assert!(error.starts_with("web.bind = ") && error.contains("--insecure-http"), "{error}");
                Vec::new()
            });
            let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
            assert_eq!(addresses, wanted, "{bind} {web_bind} {has_keys} {insecure_http}");
        };
        check("::", "auto", false, false, &["127.0.0.1", "::1"]);
        check("192.0.2.1", "auto", false, false, &["127.0.0.1", "::1"]);
        check("127.0.0.2", "auto", false, false, &["127.0.0.2"]);
        check("::", "auto", true, false, &["::"]);
        check("192.0.2.1", "auto", false, true, &["192.0.2.1"]);
        check("::", "127.0.0.1", false, false, &["127.0.0.1"]);
        check("::", "::ffff:127.0.0.1", false, false, &["::ffff:127.0.0.1"]);
        for wide in ["0.0.0.0", "::", "192.0.2.1"] {
            check("127.0.0.1", wide, false, false, &[]);
            check("127.0.0.1", wide, true, false, &[wide]);
            check("127.0.0.1", wide, false, true, &[wide]);
        }
    }
}
