//! Where a broker is: its host and its four ports, and which broker is meant where nobody says.
//!
//! A broker is named by its *client* port, the one that an SRV record gives. The other doors are counted from
//! it: adaptors send to the next port, questions go to the one after that, browsers to the third.
//!
//! Nothing here opens a socket or asks a name server; `discovery` does the latter.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

mod error;
pub(crate) mod host;
mod name;
mod parse;
#[cfg(test)]
mod tests;

pub use error::AddressError;
pub use name::{BROKER_VARIABLE, BrokerName, Chosen, ChosenBy, ZONE_VARIABLE};

use error::shown;
use host::Host;

/// The client port of a broker that was not told another: clients subscribe here.
pub const PORT_DEFAULT: u16 = 7954;
/// How far the input port lies above the client port. Adaptors send here, by ZeroMQ and by UDP.
pub const INPUT_PORT_OFFSET: u16 = 1;
/// How far the query port lies above the client port.
pub const QUERY_PORT_OFFSET: u16 = 2;
/// How far the HTTP port lies above the client port.
pub const HTTP_PORT_OFFSET: u16 = 3;
/// The highest client port: the HTTP port above it is still a port.
pub const PORT_MAX: u16 = u16::MAX - HTTP_PORT_OFFSET;

/// A broker: a host that can be asked for, and its client port, 1 to [`PORT_MAX`].
///
/// Host names are kept in lower case and IPv6 addresses in their short form (RFC 5952), so two addresses that
/// are written differently and mean the same compare equal. Names are not resolved: that happens where one
/// connects.
///
/// ```
/// use thingsbus_adaptor::Address;
///
/// let broker = Address::parse("broker.example.org")?;
/// assert_eq!(broker.client_endpoint(), "tcp://broker.example.org:7954");
/// assert_eq!(broker.input_endpoint(), "tcp://broker.example.org:7955");
/// assert_eq!(Address::from_input("tcp://broker.example.org:7955")?, broker);
/// # Ok::<(), thingsbus_adaptor::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    host: Host,
    port: u16,
}

impl Address {
    /// The broker on `host` whose client port is `port`.
    ///
    /// `host` is a name, an IPv4 address or an IPv6 address without brackets (`fe80::1%eth0` is understood
    /// too).
    ///
    /// # Errors
    /// [`AddressError::Host`] where `host` is none of these, [`AddressError::PortRange`] where `port` is 0 or
    /// above [`PORT_MAX`].
    pub fn new(host: &str, port: u16) -> Result<Self, AddressError> {
        let Some(parsed) = Host::parse(host) else {
            return Err(AddressError::Host { given: shown(host), host: shown(host) });
        };
        if !(1..=PORT_MAX).contains(&port) {
            return Err(AddressError::PortRange { given: format!("{}:{port}", shown(host)), port });
        }
        Ok(Self { host: parsed, port })
    }

    /// The broker that `given` names by its client port: `HOST`, `HOST:PORT` or `tcp://HOST:PORT`.
    ///
    /// Without a port it is [`PORT_DEFAULT`]. An IPv6 address with a port stands in brackets, `[::1]:7954`;
    /// alone it may do without. `*` is this machine, for those who give a broker's own `tcp://*:7954` to a
    /// client.
    ///
    /// # Errors
    /// What [`Address::new`] refuses, [`AddressError::Empty`], [`AddressError::Scheme`] where another
    /// transport is asked for, and [`AddressError::Port`] where the port is not a number.
    pub fn parse(given: &str) -> Result<Self, AddressError> {
        let (host, port) = parse::split(given)?;
        Self::new(host, port.unwrap_or(PORT_DEFAULT)).map_err(|error| error.about(given))
    }

    /// The broker that `given` names by its *input* port, as `broker_input_url` of Thingsbus 0.2.1 does.
    ///
    /// The same forms as for [`Address::parse`]; without a port it is the input port of [`PORT_DEFAULT`],
    /// 7955.
    ///
    /// # Errors
    /// As for [`Address::parse`]; the input port may be 2 to [`PORT_MAX`] + 1
    /// ([`AddressError::InputPortRange`]).
    pub fn from_input(given: &str) -> Result<Self, AddressError> {
        let (host, port) = parse::split(given)?;
        let input_port = port.unwrap_or(PORT_DEFAULT + INPUT_PORT_OFFSET);
        Self::new(host, input_port.saturating_sub(INPUT_PORT_OFFSET)).map_err(|error| match error {
            AddressError::PortRange { .. } => {
                AddressError::InputPortRange { given: shown(given), port: input_port }
            }
            error => error.about(given),
        })
    }

    /// The broker on this machine: `127.0.0.1`, port [`PORT_DEFAULT`].
    #[must_use]
    pub fn this_machine() -> Self {
        Self { host: Host::THIS_MACHINE, port: PORT_DEFAULT }
    }

    /// The host, as [`std::net::ToSocketAddrs`] takes it beside a port: an IPv6 address has no brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.as_str()
    }

    /// The client port: updates and snapshots come from here.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The port that adaptors send to, by ZeroMQ and by UDP.
    #[must_use]
    pub const fn input_port(&self) -> u16 {
        self.port + INPUT_PORT_OFFSET
    }

    /// The port that answers what is there now.
    #[must_use]
    pub const fn query_port(&self) -> u16 {
        self.port + QUERY_PORT_OFFSET
    }

    /// The port for browsers and curl.
    #[must_use]
    pub const fn http_port(&self) -> u16 {
        self.port + HTTP_PORT_OFFSET
    }

    /// Where a ZeroMQ subscriber connects: `tcp://HOST:PORT`, IPv6 in brackets.
    #[must_use]
    pub fn client_endpoint(&self) -> String {
        self.endpoint(self.port)
    }

    /// Where a ZeroMQ publisher connects: `tcp://HOST:PORT`, IPv6 in brackets.
    #[must_use]
    pub fn input_endpoint(&self) -> String {
        self.endpoint(self.input_port())
    }

    /// Where a ZeroMQ requester connects: `tcp://HOST:PORT`, IPv6 in brackets.
    #[must_use]
    pub fn query_endpoint(&self) -> String {
        self.endpoint(self.query_port())
    }

    /// Where datagrams go: `HOST:PORT`, IPv6 in brackets.
    ///
    /// To resolve it, `(address.host(), address.input_port())` is the better form: the standard library reads
    /// an interface name (`fe80::1%eth0`) in that one only.
    #[must_use]
    pub fn udp_address(&self) -> String {
        format!("{}:{}", self.host, self.input_port())
    }

    fn endpoint(&self, port: u16) -> String {
        format!("tcp://{}:{port}", self.host)
    }
}

/// `HOST:PORT` with the client port, IPv6 in brackets: [`Address::parse`] reads it back.
impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// [`Address::parse`].
impl FromStr for Address {
    type Err = AddressError;

    fn from_str(given: &str) -> Result<Self, AddressError> {
        Self::parse(given)
    }
}
