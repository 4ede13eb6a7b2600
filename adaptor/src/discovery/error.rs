//! What can go wrong between a zone and its brokers.

use std::error::Error;
use std::time::Duration;

use super::zone::ZONE_CHARS_MAX;
use crate::address::AddressError;

/// Why no broker was found. Each message says what was asked, what came, and what to do.
///
/// `name` is the name asked for, `_thingsbus._tcp.example.org.`; `servers` says who was asked, for people to
/// read.
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// What was given cannot be a zone. Nobody was asked.
    #[error(
        "{zone:?} is not a DNS zone: write it as example.org (parts of 1 to 63 letters, digits, '-' or '_', \
         {ZONE_CHARS_MAX} characters in all, other letters in their xn-- form)"
    )]
    BadZone {
        /// What came.
        zone: String,
    },
    /// The environment names a DNS server by something that is not an IP address. Nobody was asked.
    #[error(
        "environment variable {variable} is {given:?}: write IP:PORT or IP, as in 192.0.2.53:53",
        variable = super::DNS_VARIABLE
    )]
    BadServer {
        /// What came.
        given: String,
    },
    /// This machine does not say which name servers it uses. Nobody was asked.
    #[error(
        "cannot look up {name}: this machine's name servers are unknown ({source}): name one with \
         THINGSBUS_DNS=IP:PORT, or name the broker itself (--broker HOST, or THINGSBUS_BROKER=HOST)"
    )]
    NoServer {
        /// The name to ask for.
        name: String,
        /// What the system said.
        source: Box<dyn Error + Send + Sync>,
    },
    /// No SRV record there: the zone has none, or there is no such zone.
    #[error(
        "no SRV record {name}: add \"{name} 3600 IN SRV 0 0 7954 HOST.\" to the zone, or name the broker \
         itself (--broker HOST, or THINGSBUS_BROKER=HOST)"
    )]
    NoRecord {
        /// The name asked for.
        name: String,
    },
    /// The zone says that it has no broker, by an SRV record whose target is `.` (RFC 2782).
    #[error(
        "the SRV record {name} has the target \".\": this zone says that it has no broker: use another zone, \
         or name the broker itself (--broker HOST, or THINGSBUS_BROKER=HOST)"
    )]
    NotAvailable {
        /// The name asked for.
        name: String,
    },
    /// There are SRV records, and none of them names a broker that one could connect to. This is the first.
    #[error("the SRV record {name} {record} cannot be used: {source}: correct it in the zone")]
    BadRecord {
        /// The name asked for.
        name: String,
        /// `PRIORITY WEIGHT PORT TARGET`, as in a zone file.
        record: String,
        /// What is wrong with its port or its target.
        source: AddressError,
    },
    /// No name server answered in time, or none with anything that can be read.
    #[error(
        "no answer about {name} from {servers} within {timeout:.1?}: see whether the name server can be \
         reached, name another with THINGSBUS_DNS=IP:PORT, or name the broker itself (--broker HOST, or \
         THINGSBUS_BROKER=HOST)"
    )]
    NoAnswer {
        /// The name asked for.
        name: String,
        /// Who was asked.
        servers: String,
        /// How long was waited.
        timeout: Duration,
    },
    /// The name server refused or failed, or the network did.
    #[error(
        "asking {servers} about {name} failed: {source}: try again, name another server with \
         THINGSBUS_DNS=IP:PORT, or name the broker itself (--broker HOST, or THINGSBUS_BROKER=HOST)"
    )]
    Dns {
        /// The name asked for.
        name: String,
        /// Who was asked.
        servers: String,
        /// What came.
        source: Box<dyn Error + Send + Sync>,
    },
}
