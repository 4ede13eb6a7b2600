//! The client: a connection to a broker and a directory that follows it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::Namespace;
use thingsbus_adaptor::{Address, BrokerName, libzmq};

use crate::error::Error;
use crate::link::Link;
use crate::mirror::Kind;
use crate::shared::Shared;
use crate::thing::LiveDirectory;

/// Follows a broker's directory, from a thread of its own. Ends when it is dropped.
///
/// ```no_run
/// use thingsbus_client::{Client, Flags};
/// let client = Client::from_env()?;
/// client.wait_ready(std::time::Duration::from_secs(5))?;
/// let electronics = client.directory().get_thing("spacemon.electronics")?;
/// if let Some((age, data)) = electronics.get_data() {
///     println!("{data}, {} s ago", age.as_secs());
/// }
/// for event in electronics.events(Flags::TREE) {
///     println!("{event}");
/// }
/// # Ok::<(), thingsbus_client::Error>(())
/// ```
pub struct Client {
    shared: Arc<Shared>,
}

/// Which parts of the directory a client follows from the beginning. What is subscribed to later is followed too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Parts {
    /// All of it.
    #[default]
    All,
    /// These things, and with `true` what is below them. The broker sends nothing else.
    Only(Vec<(Namespace, bool)>),
}

/// How a client's connection is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Connection {
    /// Is it up?
    pub connected: bool,
    /// Is the directory complete?
    pub ready: bool,
    /// What kind of broker it is.
    pub kind: Kind,
    /// The broker's life.
    pub epoch: Option<String>,
    /// How often updates were found missing, and asked for.
    pub gaps: u64,
    /// How many updates the broker did not send because this client was too slow for them: newer ones of the same things
    /// stood for them.
    pub merged: u64,
    /// What it is doing, in words.
    pub doing: String,
}

impl Client {
    /// Connects to the broker that `THINGSBUS_BROKER` names, or that of the zone in `THINGSBUS_ZONE`, or this
    /// machine's, and follows everything. Does not wait for it.
    ///
    /// # Errors
    /// Where a variable is set to what is no address, or the system has no thread or socket left.
    pub fn from_env() -> Result<Self, Error> {
        Self::connect(BrokerName::from_env()?.name, &Parts::All)
    }

    /// Connects to the broker of a DNS zone and follows everything. Does not wait for it.
    ///
    /// # Errors
    /// Where the system has no thread or socket left.
    pub fn with_zone(zone: &str) -> Result<Self, Error> {
        Self::connect(BrokerName::Zone(zone.to_owned()), &Parts::All)
    }

    /// Connects to a broker by its clients' port, as 0.2.1's `broker_url`: `tcp://HOST:7954`. Does not wait for it.
    ///
    /// # Errors
    /// Where it is no such URL, or the system has no thread or socket left.
    pub fn with_url(url: &str) -> Result<Self, Error> {
        Self::connect(BrokerName::Address(Address::parse(url)?), &Parts::All)
    }

    /// Connects to a broker and follows `parts` of its directory. Does not wait for it: see [`Client::wait_ready`].
    ///
    /// # Errors
    /// Where the system has no thread or socket left.
    pub fn connect(broker: BrokerName, parts: &Parts) -> Result<Self, Error> {
        let (bell, heard) = libzmq::bell().map_err(|error| Error::Zmq(error.to_string()))?;
        let ring = Box::new(move || {
            // Where the thread is gone nobody is to be woken.
            let _ = bell.send(&b""[..], zmq::DONTWAIT);
        });
        let shared = Arc::new(Shared::new(broker, ring));
        let all = [(Namespace::root(), true)];
        let parts = match parts {
            Parts::All => &all[..],
            Parts::Only(parts) => parts,
        };
        for (ns, tree) in parts {
            shared.lock().mirror.follow(ns, *tree, Instant::now());
        }
        let link = Link::new(shared.clone(), heard);
        let thread = std::thread::Builder::new().name("thingsbus-client".to_owned());
        thread.spawn(move || link.run()).map_err(Error::Thread)?;
        Ok(Self { shared })
    }

    /// What is known. Handles from here stay good as long as the client lives, and show its last state after that.
    #[must_use]
    pub fn directory(&self) -> LiveDirectory {
        LiveDirectory { shared: self.shared.clone() }
    }

    /// Is everything there that the broker has of the parts that are followed? Also where that is nothing.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.shared.lock().mirror.is_ready()
    }

    /// Waits until the directory is complete.
    ///
    /// # Errors
    /// Where that takes longer than `limit`; the error says what was tried and what was seen.
    pub fn wait_ready(&self, limit: Duration) -> Result<(), Error> {
        let deadline = Instant::now().checked_add(limit);
        if self.shared.wait_until(deadline, |state| state.mirror.is_ready()) {
            return Ok(());
        }
        let why = self.connection().doing;
        Err(Error::NotReady { broker: self.shared.broker.clone(), waited: limit, why })
    }

    /// How the connection is.
    #[must_use]
    pub fn connection(&self) -> Connection {
        let state = self.shared.lock();
        let mirror = &state.mirror;
        Connection {
            connected: mirror.is_connected(),
            ready: mirror.is_ready(),
            kind: mirror.kind(),
            epoch: mirror.epoch().map(ToOwned::to_owned),
            gaps: mirror.gaps(),
            merged: mirror.merged(),
            doing: match (mirror.is_connected(), mirror.kind()) {
                (true, Kind::Old) if !mirror.is_ready() => {
                    format!("{}; it is a 0.2.1 broker, which tells it every 15 s", state.doing)
                }
                _ => state.doing.clone(),
            },
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.shared.close();
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client").field("broker", &self.shared.broker).finish_non_exhaustive()
    }
}
