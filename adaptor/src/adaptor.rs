//! The adaptor: a namespace, a documentation URL, and a way to the broker.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;

use crate::address::{Address, BrokerName};
use crate::error::Error;
use crate::sender::acked::{AckCounters, AckedSender, Receipt, SenderName};
use crate::sender::{Counters, LookupError, Sender};
use crate::target::Target;
use crate::wire::limits::{DATAGRAM_BYTES_MAX, MESSAGE_BYTES_MAX, TTL_S_MAX};
use crate::wire::{
    AckLevel, AckWanted, Asks, Namespace, Rejected, Timestamp, Update, encode_asking, encode_list,
};

/// Sends the values of one thing and of those below it. May be shared between threads.
///
/// Nothing here blocks. Over ZeroMQ up to 10,000 messages wait while there is no broker; after that the oldest is
/// dropped and counted. Over UDP a datagram is sent at once or counted as dropped. When the adaptor is dropped it
/// takes up to a second to send what waits, and another for what is to be acknowledged; [`Adaptor::close`] lets that be
/// chosen and says what became of it.
///
/// # Acknowledged updates
///
/// A plain update is lost where a connection breaks, a datagram gets lost or the broker is killed, and nobody is told.
/// What must not be lost is sent by [`Adaptor::send_acked`] and its like: sent again until the broker answers, taken
/// once, in order, and waited for by [`Receipt::wait`]. They go a way of their own, which begins with the first one: a
/// thread, and to the broker's query door a connection, or a socket for datagrams. Plain updates may overtake them, so
/// of one thing all should go the same way.
///
/// Up to 10,000 wait for their acknowledgement. After that the oldest is dropped of those that were not sent yet, which
/// is told by its receipt, in [`Counters::acknowledged`] and in the log. Over ZeroMQ up to 1,000 are under way at once;
/// when the connection breaks, or for 10 s no answer comes, all of them are sent again. Over UDP one is under way, and
/// is sent again after 200 ms (1 s where it is to be on disk), then after twice as long, up to 5 s. A broker of 0.2.1
/// acknowledges nothing: they wait for another one, and `last_error` says so. What a broker acknowledged that is then
/// given up for another one (of the same zone) is not brought to the new one; what it did not acknowledge is, and may
/// then be in both.
#[derive(Debug)]
pub struct Adaptor {
    ns: Namespace,
    documentation_url: Option<String>,
    ttl: Option<Duration>,
    target: Target,
    sender: Sender,
    /// What this adaptor is called where it numbers its updates.
    name: SenderName,
    /// Started by the first update that is to be acknowledged.
    acked: OnceLock<AckedSender>,
    starting: Mutex<()>,
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
        let sender = match target.clone() {
            Target::Zmq(broker) => zmq_sender(broker)?,
            Target::Udp(broker) => udp_sender(broker)?,
        };
        let name = SenderName::unique();
        let (ttl, acked, starting) = (None, OnceLock::new(), Mutex::new(()));
        Ok(Self { ns, documentation_url, ttl, target, sender, name, acked, starting })
    }

    /// The same adaptor, whose things are forgotten where it says nothing newer about them for so long: a sensor that is
    /// gone does not stay in the directory. A 0.2.1 broker takes the updates and forgets nothing.
    ///
    /// # Errors
    /// Where `ttl` is zero or longer than ten years.
    pub fn with_ttl(self, ttl: Duration) -> Result<Self, Error> {
        Ok(Self { ttl: checked_ttl(Some(ttl))?, ..self })
    }

    /// The same adaptor, with a name for its acknowledged updates that the program has chosen, which no other sender
    /// may have, and the number of the first of them, which must be above all that were sent under this name before.
    ///
    /// Without it, an adaptor has a name of its own each time that it is made, and begins at 1. A program that keeps
    /// name and number over its own restarts can send again what it does not know to be acknowledged, with the same
    /// numbers ([`Receipt::number`]), and it is taken once. To be called before the first update is sent.
    ///
    /// # Errors
    /// Where the name is not 1 to 64 of `A-Z a-z 0-9 _ . : -`.
    pub fn with_sender(self, name: &str, first_number: u64) -> Result<Self, Error> {
        let name = SenderName::given(name, first_number)
            .ok_or_else(|| Error::SenderName { name: name.to_owned() })?;
        Ok(Self { name, acked: OnceLock::new(), ..self })
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
        let ns = self.child(child)?;
        let message = self.encode(&ns, data, ts.into())?;
        self.sender.send(message);
        Ok(())
    }

    /// Sends an update of any thing as it is, whatever the adaptor's own namespace. Its value goes out byte for byte,
    /// except in datagrams. Where it has no `ttl`, it has the adaptor's.
    ///
    /// # Errors
    /// Where it cannot be said on the wire. What is lost on the way is counted: [`Adaptor::counters`].
    pub fn send_update(&self, update: &Update<'_>) -> Result<(), Error> {
        let update = self.outgoing(update)?;
        let message = if self.datagrams() {
            let data: serde_json::Value = serde_json::from_str(update.data())?;
            let ns = Namespace::parse(update.ns())?;
            datagram(&ns, update.ts(), &data, update.documentation_url(), update.ttl())?
        } else {
            update.to_json()
        };
        self.sender.send(self.checked(message)?);
        Ok(())
    }

    /// Sends a value of the adaptor's own thing, measured now, until the broker has acknowledged it: in its directory,
    /// or on its disk. Does not block; [`Receipt::wait`] does. Who drops the receipt is not told, and that is all.
    ///
    /// # Errors
    /// Where the value cannot be said on the wire, or the sending side cannot be started.
    pub fn send_acked<T: Serialize + ?Sized>(&self, data: &T, level: AckLevel) -> Result<Receipt, Error> {
        self.send_acked_to("", data, level)
    }

    /// The same of the thing `child` below the adaptor's own.
    ///
    /// # Errors
    /// As [`Adaptor::send_acked`], and where `child` is no namespace.
    pub fn send_acked_to<T: Serialize + ?Sized>(
        &self,
        child: &str,
        data: &T,
        level: AckLevel,
    ) -> Result<Receipt, Error> {
        self.send_acked_at(child, data, Timestamp::from_system_time(SystemTime::now()), level)
    }

    /// The same, measured at `ts`, as [`Adaptor::send_at`] has it.
    ///
    /// # Errors
    /// As [`Adaptor::send_acked_to`].
    pub fn send_acked_at<T: Serialize + ?Sized>(
        &self,
        child: &str,
        data: &T,
        ts: impl Into<Option<Timestamp>>,
        level: AckLevel,
    ) -> Result<Receipt, Error> {
        let ns = self.child(child)?;
        let json = serde_json::to_string(data)?;
        self.ask(&Update::new(&ns, ts.into(), &json, self.documentation_url.as_deref())?, level)
    }

    /// Sends an update of any thing as it is, until the broker has acknowledged it. Its value goes out byte for byte,
    /// also in datagrams.
    ///
    /// # Errors
    /// As [`Adaptor::send_acked`].
    pub fn send_update_acked(&self, update: &Update<'_>, level: AckLevel) -> Result<Receipt, Error> {
        self.ask(update, level)
    }

    /// What became of the messages so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters { acknowledged: self.ack_counters(), ..self.sender.counters() }
    }

    /// Waits until everything that was sent before has been handed to a broker's connection, and what is to be
    /// acknowledged is, or it is known that it will not be; `false` where that took longer than `limit`. For plain
    /// updates over UDP there is nothing to wait for.
    #[must_use = "what was not flushed still waits"]
    pub fn flush(&self, limit: Duration) -> bool {
        let begun = Instant::now();
        let flushed = self.sender.flush(limit);
        let left = limit.saturating_sub(begun.elapsed());
        flushed && self.acked.get().is_none_or(|acked| acked.flush(left))
    }

    /// Sends what waits, and waits for acknowledgements, for as long as `limit`, ends the connections, and says what
    /// became of all messages. Updates without an acknowledgement count as dropped then.
    pub fn close(mut self, limit: Duration) -> Counters {
        let begun = Instant::now();
        // Both go on meanwhile, whichever is waited for first.
        let counters = self.sender.close(limit);
        if let Some(acked) = self.acked.get_mut() {
            acked.close(limit.saturating_sub(begun.elapsed()));
        }
        let acknowledged = self.acked.get().map_or_else(AckCounters::default, AckedSender::counters);
        Counters { acknowledged, ..counters }
    }

    fn ack_counters(&self) -> AckCounters {
        self.acked.get().map_or_else(AckCounters::default, AckedSender::counters)
    }

    fn ask(&self, update: &Update<'_>, level: AckLevel) -> Result<Receipt, Error> {
        let update = self.outgoing(update)?;
        // JSON in datagrams too: every broker that acknowledges reads it.
        self.acked()?.send(update.ns(), level, |numbered| {
            let ack = AckWanted { level, numbered: Some(numbered) };
            self.checked(update.with_ack(Some(ack)).to_json())
        })
    }

    /// Started by the first who needs it.
    fn acked(&self) -> Result<&AckedSender, Error> {
        if let Some(acked) = self.acked.get() {
            return Ok(acked);
        }
        let _starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(acked) = self.acked.get() {
            return Ok(acked);
        }
        let name = self.name.clone();
        let acked = match self.target.clone() {
            Target::Zmq(broker) => zmq_acked(name, broker)?,
            Target::Udp(broker) => udp_acked(name, broker)?,
        };
        Ok(self.acked.get_or_init(|| acked))
    }

    /// What goes out of an update: what the broker adds is its own.
    fn outgoing<'a>(&self, update: &Update<'a>) -> Result<Update<'a>, Error> {
        let ttl = checked_ttl(update.ttl())?.or(self.ttl);
        let (ts, documentation_url) = (update.ts(), update.documentation_url());
        Ok(Update::from_checked(update.ns(), ts, update.data(), documentation_url, None).with_ttl(ttl))
    }

    /// Datagrams are msgpack, messages are JSON.
    fn datagrams(&self) -> bool {
        matches!(self.target, Target::Udp(_))
    }

    /// The adaptor's own namespace, or one below it.
    fn child(&self, child: &str) -> Result<Namespace, Error> {
        if child.is_empty() {
            return Ok(self.ns.clone());
        }
        Ok(self.ns.join(&Namespace::parse(child)?)?)
    }

    fn encode<T: Serialize + ?Sized>(
        &self,
        ns: &Namespace,
        data: &T,
        ts: Option<Timestamp>,
    ) -> Result<Vec<u8>, Error> {
        let documentation_url = self.documentation_url.as_deref();
        let json = serde_json::to_string(data)?;
        let update = Update::new(ns, ts, &json, documentation_url)?.with_ttl(self.ttl);
        let message = if self.datagrams() {
            datagram(ns, ts, data, documentation_url, self.ttl)?
        } else {
            update.to_json()
        };
        Ok(self.checked(message)?)
    }

    /// No broker takes what is longer.
    fn checked(&self, message: Vec<u8>) -> Result<Vec<u8>, Rejected> {
        let bytes_max = if self.datagrams() { DATAGRAM_BYTES_MAX } else { MESSAGE_BYTES_MAX };
        if message.len() > bytes_max { Err(Rejected::TooLong) } else { Ok(message) }
    }
}

/// The short form, where that has a place for everything.
fn datagram<T: Serialize + ?Sized>(
    ns: &Namespace,
    ts: Option<Timestamp>,
    data: &T,
    documentation_url: Option<&str>,
    ttl: Option<Duration>,
) -> Result<Vec<u8>, Error> {
    Ok(match ttl {
        None => encode_list(ns, ts, data, documentation_url)?,
        Some(_) => encode_asking(ns, ts, data, documentation_url, Asks { ttl, ack: None })?,
    })
}

/// A broker refuses the others.
fn checked_ttl(ttl: Option<Duration>) -> Result<Option<Duration>, Rejected> {
    let is_good = |ttl: Duration| !ttl.is_zero() && ttl <= Duration::from_secs(TTL_S_MAX);
    if ttl.is_none_or(is_good) { Ok(ttl) } else { Err(Rejected::Ttl) }
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

/// By the same lookup, to the door beside the input.
#[cfg(feature = "zmq")]
fn zmq_acked(name: SenderName, broker: BrokerName) -> Result<AckedSender, Error> {
    let endpoints = move || Ok(brokers(&broker)?.iter().map(Address::query_endpoint).collect());
    let sender = crate::sender::zmq::acked::start(name, Box::new(endpoints));
    sender.map_err(|error| Error::Start(error.into()))
}

#[cfg(not(feature = "zmq"))]
fn zmq_acked(_: SenderName, _: BrokerName) -> Result<AckedSender, Error> {
    Err(Error::NoFeature { feature: "zmq" })
}

#[cfg(not(feature = "zmq"))]
fn zmq_sender(_: BrokerName) -> Result<Sender, Error> {
    Err(Error::NoFeature { feature: "zmq" })
}

#[cfg(feature = "udp")]
fn udp_sender(broker: BrokerName) -> Result<Sender, Error> {
    use crate::sender::udp::UdpSender;
    UdpSender::start(resolver(broker)).map(Sender::Udp).map_err(|error| Error::Start(error.into()))
}

#[cfg(feature = "udp")]
fn udp_acked(name: SenderName, broker: BrokerName) -> Result<AckedSender, Error> {
    let sender = crate::sender::udp::acked::start(name, resolver(broker));
    sender.map_err(|error| Error::Start(error.into()))
}

#[cfg(feature = "udp")]
fn resolver(broker: BrokerName) -> crate::sender::udp::Resolve {
    use std::net::ToSocketAddrs;

    Box::new(move || {
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
    })
}

#[cfg(not(feature = "udp"))]
fn udp_sender(_: BrokerName) -> Result<Sender, Error> {
    Err(Error::NoFeature { feature: "udp" })
}

#[cfg(not(feature = "udp"))]
fn udp_acked(_: SenderName, _: BrokerName) -> Result<AckedSender, Error> {
    Err(Error::NoFeature { feature: "udp" })
}
