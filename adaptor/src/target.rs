//! Where an adaptor sends to, and how.

use crate::address::{Address, AddressError, BrokerName};

/// Where an adaptor sends to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// To a broker over ZeroMQ: what it does not take at once waits, up to a limit.
    Zmq(BrokerName),
    /// To a broker in datagrams: sent or lost at once.
    Udp(BrokerName),
}

impl Target {
    /// Over ZeroMQ to the broker that `THINGSBUS_BROKER` names, or that of the zone in `THINGSBUS_ZONE`, or this
    /// machine's.
    ///
    /// # Errors
    /// Where a variable is set to what is no address.
    pub fn from_env() -> Result<Self, AddressError> {
        Ok(Self::Zmq(BrokerName::from_env()?.name))
    }

    /// Over ZeroMQ to the broker of a DNS zone.
    #[must_use]
    pub fn zone(zone: &str) -> Self {
        Self::Zmq(BrokerName::Zone(zone.to_owned()))
    }

    /// Over ZeroMQ to a broker's *input*, as 0.2.1's `broker_input_url`: `tcp://HOST:7955`.
    ///
    /// # Errors
    /// Where it is no such URL.
    pub fn input_url(url: &str) -> Result<Self, AddressError> {
        Ok(Self::Zmq(BrokerName::Address(Address::from_input(url)?)))
    }

    /// In datagrams to a broker's *input*: `HOST:7955`.
    ///
    /// # Errors
    /// Where it is no such address.
    pub fn udp(address: &str) -> Result<Self, AddressError> {
        Ok(Self::Udp(BrokerName::Address(Address::from_input(address)?)))
    }
}
