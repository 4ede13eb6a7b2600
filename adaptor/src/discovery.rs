//! Find the brokers of a DNS zone by their SRV records (RFC 2782).
//!
//! `_thingsbus._tcp.example.org. 3600 IN SRV 0 0 7954 broker.example.org.` says that the zone `example.org`
//! has a broker, that its client port is 7954, and that this is good for an hour. With more records there are
//! more brokers: the lowest priority first, and among equals a random one, in proportion to the weights.
//!
//! Nothing is kept here. [`Found::valid_for`] says when to look again.

use std::env;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::address::Address;

mod alias;
mod choose;
mod error;
mod order;
mod query;
mod random;
#[cfg(test)]
mod tests;
mod zone;

pub use choose::{RECORDS_MAX, VALID_FOR_MAX, VALID_FOR_MIN};
pub use error::DiscoveryError;
pub use query::{ATTEMPT_TIMEOUT, LOOKUP_TIMEOUT};

/// The environment variable that names the DNS server to ask, `IP:PORT` or `IP`: for tests, and for a zone
/// that the system's name servers do not see. Only the SRV question goes there; the hosts it names are
/// resolved by the system.
pub const DNS_VARIABLE: &str = "THINGSBUS_DNS";

const DNS_PORT: u16 = 53;

/// How to look. [`Options::default`] asks the name servers of this machine.
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Options {
    /// The DNS server to ask, by UDP and where an answer is too long for that, by TCP. `None`: those of this
    /// machine.
    pub server: Option<SocketAddr>,
}

impl Options {
    /// Ask this DNS server.
    #[must_use]
    pub const fn with_server(server: SocketAddr) -> Self {
        Self { server: Some(server) }
    }

    /// What the environment says: the server in [`DNS_VARIABLE`], else, or where it is empty, those of this
    /// machine.
    ///
    /// # Errors
    /// [`DiscoveryError::BadServer`] where the variable has no IP address in it.
    pub fn from_env() -> Result<Self, DiscoveryError> {
        Self::from_variables(|variable| {
            env::var_os(variable).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// [`Options::from_env`] with the environment as an argument: the value of each variable asked for.
    ///
    /// # Errors
    /// As for [`Options::from_env`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, DiscoveryError> {
        let Some(given) = variable(DNS_VARIABLE).filter(|value| !value.is_empty()) else {
            return Ok(Self::default());
        };
        let ip_alone = || given.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, DNS_PORT));
        match given.parse::<SocketAddr>().or_else(|_| ip_alone()) {
            Ok(server) if server.port() != 0 => Ok(Self::with_server(server)),
            _ => Err(DiscoveryError::BadServer { given }),
        }
    }
}

/// The brokers of a zone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// At least one, at most [`RECORDS_MAX`], none twice: the first is the one to use, the others are
    /// fallbacks in the order to try them. The order of brokers with the same priority is drawn anew by each
    /// [`lookup`].
    pub brokers: Vec<Address>,
    /// How long the zone says this stays true, kept between [`VALID_FOR_MIN`] and [`VALID_FOR_MAX`]. Look
    /// again then.
    pub valid_for: Duration,
}

/// Asks DNS for the brokers of `zone`, `example.org`.
///
/// Blocks for one answer's time, and where none comes for [`LOOKUP_TIMEOUT`] at most. It works on a thread of
/// its own, so it may be called from anywhere, also from inside an async runtime (which it blocks like any
/// blocking call). Search domains do not apply: `example.org` is never `example.org.your.domain`.
///
/// # Errors
/// See [`DiscoveryError`]: each variant says what was asked, what came, and what to do.
///
/// ```no_run
/// use thingsbus_adaptor::discovery::{self, Options};
///
/// let found = discovery::lookup("example.org", &Options::from_env()?)?;
/// for broker in &found.brokers {
///     println!("{broker}");
/// }
/// # Ok::<(), discovery::DiscoveryError>(())
/// ```
pub fn lookup(zone: &str, options: &Options) -> Result<Found, DiscoveryError> {
    let name = zone::query_name(zone)?;
    let answer = query::ask(&name, options.server)?;
    let found = choose::choose(&name, answer, random::up_to)?;
    let (brokers, valid_for) = (found.brokers.len(), found.valid_for);
    tracing::debug!(%name, brokers, ?valid_for, "found brokers by DNS");
    Ok(found)
}
