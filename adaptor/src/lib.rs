//! Say what a sensor measured: the sending side of Thingsbus, and its wire format.
//!
//! ```no_run
//! use thingsbus_adaptor::{Adaptor, Target};
//! let adaptor = Adaptor::new("shop.lathe", "http://example.org/lathe", Target::from_env()?)?;
//! adaptor.send(&serde_json::json!({"rpm": 1200, "load": 0.3}))?;
//! adaptor.send_to("spindle", &21.5)?; // as shop.lathe.spindle
//! # Ok::<(), thingsbus_adaptor::Error>(())
//! ```
//!
//! What must not be lost is sent by [`Adaptor::send_acked`]: again and again until the broker says that it has it, on disk
//! if that is wanted, and taken once.
//!
//! Without a [`Target`] of its own, a program finds the broker by `THINGSBUS_BROKER`, then by `THINGSBUS_ZONE` (the
//! DNS SRV record `_thingsbus._tcp.ZONE`), then on this machine.
//!
//! Features, all on by default: `zmq` sends over ZeroMQ (and builds libzmq, which needs a C++ compiler), `udp` sends
//! datagrams and needs nothing, `discovery` looks zones up.

#[cfg(any(feature = "zmq", feature = "udp"))]
mod adaptor;
mod address;
#[cfg(feature = "discovery")]
pub mod discovery;
mod error;
#[cfg(feature = "zmq")]
#[doc(hidden)]
pub mod libzmq;
#[cfg(any(feature = "zmq", feature = "udp"))]
mod sender;
#[cfg(any(feature = "zmq", feature = "udp"))]
mod target;
pub mod wire;

#[cfg(any(feature = "zmq", feature = "udp"))]
pub use adaptor::Adaptor;
pub use address::{
    Address, AddressError, BROKER_VARIABLE, BrokerName, Chosen, ChosenBy, HTTP_PORT_OFFSET,
    INPUT_PORT_OFFSET, PORT_DEFAULT, PORT_MAX, QUERY_PORT_OFFSET, ZONE_VARIABLE,
};
pub use error::Error;
#[cfg(any(feature = "zmq", feature = "udp"))]
pub use sender::Counters;
#[cfg(any(feature = "zmq", feature = "udp"))]
pub use sender::acked::{AckCounters, Acked, Lost, NotAcked, Receipt};
#[cfg(any(feature = "zmq", feature = "udp"))]
pub use target::Target;
