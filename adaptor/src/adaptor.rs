//! The adaptor: a namespace, a documentation URL, and a way to the broker.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::address::{Address, BrokerName};
use crate::error::Error;
use crate::sender::{Counters, LookupError, Sender};
use crate::target::Target;
use crate::wire::limits::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::wire::{Namespace, Rejected, Timestamp, Update, encode_list};

/// Sends the values of one thing and of those below it. May be shared between threads.
///
/// Nothing here blocks. Over ZeroMQ up to 10,000 messages wait while there is no broker; after that the oldest is
/// dropped and counted. Over UDP a datagram is sent at once or counted as dropped. When the adaptor is dropped it
/// takes up to a second to send what waits; [`Adaptor::close`] lets that be chosen and says what became of it.
#[derive(Debug)]
pub struct Adaptor {
    ns: Namespace,
    documentation_url: Option<String>,
    sender: Sender,
    /// Datagrams are msgpack, messages are JSON.
    datagrams: bool,
}

impl Adaptor {
    /// Starts an adaptor for `ns`. `documentation_url` says where its values are explained; it may be empty. Does not
    /// wait for the broker, nor for DNS where the target is a ZeroMQ one.
    ///
    /// # Errors
    /// Where the namespace breaks the rule or is the root's, or the target is none that this build has.
    pub fn new(ns: &str, documentation_url: &str, target: Target) -> Result<Self, Error> {
        let ns = Namespace::parse(ns)?;
        if ns.is_root() {
            return Err(Error::NoNamespace);
        }
        let documentation_url = Some(documentation_url.to_owned()).filter(|url| !url.is_empty());
        Update::new(&ns, None, "null", documentation_url.as_deref())?;
        Self::start(ns, documentation_url, target)
    }

    /// Starts an adaptor that has no thing of its own, for programs that pass on what others say: each message names
    /// its thing, by [`Adaptor::send_update`], or by [`Adaptor::send_to`] from the root.
    ///
    /// # Errors
    /// Where the target is none that this build has.
    pub fn relay(target: Target) -> Result<Self, Error> {
        Self::start(Namespace::root(), None, target)
    }

    fn start(ns: Namespace, documentation_url: Option<String>, target: Target) -> Result<Self, Error> {
        let datagrams = matches!(target, Target::Udp(_));
        let sender = match target {
            Target::Zmq(broker) => zmq_sender(broker)?,
            Target::Udp(broker) => udp_sender(broker)?,
        };
        Ok(Self { ns, documentation_url, sender, datagrams })
    }

    /// The adaptor's namespace.
    #[must_use]
    pub fn ns(&self) -> &Namespace {
        &self.ns
    }

    /// Sends a value of the adaptor's own thing, measured now.
    ///
    /// # Errors
    /// Where the value cannot be said on the wire. What is lost on the way is counted: [`Adaptor::counters`].
    pub fn send<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), Error> {
        self.send_at("", data, Timestamp::from_system_time(SystemTime::now()))
    }

    /// Sends a value of the thing `child` below the adaptor's own, measured now.
    ///
    /// # Errors
    /// As [`Adaptor::send`], and where `child` is no namespace.
    pub fn send_to<T: Serialize + ?Sized>(&self, child: &str, data: &T) -> Result<(), Error> {
        self.send_at(child, data, Timestamp::from_system_time(SystemTime::now()))
    }

    /// Sends a value of the thing `child` below the adaptor's own (of its own where `child` is empty), measured at
    /// `ts`. Without a `ts` the broker sets its own time, for sensors that have no clock.
    ///
    /// # Errors
    /// As [`Adaptor::send_to`].
    pub fn send_at<T: Serialize + ?Sized>(
        &self,
        child: &str,
        data: &T,
        ts: impl Into<Option<Timestamp>>,
    ) -> Result<(), Error> {
        let joined;
        let ns = if child.is_empty() {
            &self.ns
        } else {
            joined = self.ns.join(&Namespace::parse(child)?)?;
            &joined
        };
        let message = self.encode(ns, data, ts.into())?;
        self.sender.send(message);
        Ok(())
    }

    /// Sends an update of any thing as it is, whatever the adaptor's own namespace. Its value goes out byte for byte,
    /// except in datagrams.
    ///
    /// # Errors
    /// Where it cannot be said on the wire. What is lost on the way is counted: [`Adaptor::counters`].
    pub fn send_update(&self, update: &Update<'_>) -> Result<(), Error> {
        let (ts, documentation_url) = (update.ts(), update.documentation_url());
        let message = if self.datagrams {
            let data: serde_json::Value = serde_json::from_str(update.data())?;
            encode_list(&Namespace::parse(update.ns())?, ts, &data, documentation_url)?
        } else {
            Update::from_checked(update.ns(), ts, update.data(), documentation_url, None).to_json()
        };
        self.sender.send(self.checked(message)?);
        Ok(())
    }

    /// What became of the messages so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.sender.counters()
    }

    /// Waits until everything that was sent before has been handed to a broker's connection; `false` where that took
    /// longer than `limit`. Over UDP there is nothing to wait for.
    #[must_use = "what was not flushed still waits"]
    pub fn flush(&self, limit: Duration) -> bool {
        self.sender.flush(limit)
    }

    /// Sends what waits, for as long as `limit`, ends the connection, and says what became of all messages.
    pub fn close(self, limit: Duration) -> Counters {
        self.sender.close(limit)
    }

    fn encode<T: Serialize + ?Sized>(
        &self,
        ns: &Namespace,
        data: &T,
        ts: Option<Timestamp>,
    ) -> Result<Vec<u8>, Error> {
        let documentation_url = self.documentation_url.as_deref();
        let json = serde_json::to_string(data)?;
        let update = Update::new(ns, ts, &json, documentation_url)?;
        let message =
            if self.datagrams { encode_list(ns, ts, data, documentation_url)? } else { update.to_json() };
        self.checked(message)
    }

    /// No broker takes what is longer.
    fn checked(&self, message: Vec<u8>) -> Result<Vec<u8>, Error> {
        let bytes_max = if self.datagrams { DATAGRAM_BYTES_MAX } else { MESSAGE_BYTES_MAX };
        if message.len() > bytes_max { Err(Rejected::TooLong.into()) } else { Ok(message) }
    }
}

/// The brokers that a name stands for now, the best first. Blocks where it is a zone.
fn brokers(broker: &BrokerName) -> Result<Vec<Address>, LookupError> {
    match broker {
        BrokerName::Address(address) => Ok(vec![address.clone()]),
        #[cfg(feature = "discovery")]
        BrokerName::Zone(zone) => {
            let options = crate::discovery::Options::from_env()?;
            Ok(crate::discovery::lookup(zone, &options)?.brokers)
        }
        #[cfg(not(feature = "discovery"))]
        BrokerName::Zone(zone) => Err(Error::NoDiscovery { zone: zone.clone() }.into()),
    }
}

#[cfg(feature = "zmq")]
fn zmq_sender(broker: BrokerName) -> Result<Sender, Error> {
    use crate::sender::zmq::{Options, ZmqSender};
    let endpoints = move || Ok(brokers(&broker)?.iter().map(Address::input_endpoint).collect());
    let sender = ZmqSender::start(Box::new(endpoints), Options::default());
    sender.map(Sender::Zmq).map_err(|error| Error::Start(error.into()))
}

#[cfg(not(feature = "zmq"))]
fn zmq_sender(_: BrokerName) -> Result<Sender, Error> {
    Err(Error::NoFeature { feature: "zmq" })
}

#[cfg(feature = "udp")]
fn udp_sender(broker: BrokerName) -> Result<Sender, Error> {
    use std::net::ToSocketAddrs;

    use crate::sender::udp::UdpSender;
    let resolve = move || {
        let mut addresses = Vec::new();
        let mut last_error = None;
        for broker in brokers(&broker)? {
            match (broker.host(), broker.input_port()).to_socket_addrs() {
                Ok(found) => addresses.extend(found),
                Err(error) => last_error = Some(error),
            }
        }
        match last_error {
            Some(error) if addresses.is_empty() => Err(error.into()),
            _ => Ok(addresses),
        }
    };
    UdpSender::start(Box::new(resolve)).map(Sender::Udp).map_err(|error| Error::Start(error.into()))
}

#[cfg(not(feature = "udp"))]
fn udp_sender(_: BrokerName) -> Result<Sender, Error> {
    Err(Error::NoFeature { feature: "udp" })
}
