//! Hear what sensors say: follow a broker's directory, ask for things, and be told what happens.
//!
//! The words are 0.2.1's: a [`Client`] has a [`directory`](Client::directory), from which
//! [`get_thing`](LiveDirectory::get_thing) gives a [`Thing`], which gives its data with its age and can be subscribed
//! to. New is that a client is complete in one round trip and says so, that it can follow a part only, and that
//! whoever is too slow is told what was missed.
//!
//! Features, all on by default: `zmq` (the client itself; builds libzmq, which needs a C++ compiler), `discovery`
//! (finding the broker by DNS SRV), `cli` (the tool `thingsbus`). Without any, [`directory`] and [`mirror`] are left:
//! what a client is made of, without a socket.

#[cfg(feature = "zmq")]
mod ask;
#[cfg(feature = "zmq")]
mod client;
pub mod directory;
#[cfg(feature = "zmq")]
mod error;
#[cfg(feature = "zmq")]
mod event;
#[cfg(feature = "zmq")]
mod feed;
#[cfg(feature = "zmq")]
mod freshness;
#[cfg(feature = "zmq")]
mod history;
#[cfg(feature = "zmq")]
mod link;
pub mod mirror;
#[cfg(feature = "zmq")]
mod python;
#[cfg(feature = "zmq")]
mod rejected;
#[cfg(feature = "zmq")]
mod shared;
#[cfg(feature = "zmq")]
mod thing;

#[cfg(feature = "zmq")]
pub use ask::ask;
#[cfg(feature = "zmq")]
pub use client::{Client, Connection, Parts};
#[cfg(feature = "zmq")]
pub use error::Error;
#[cfg(feature = "zmq")]
pub use event::{Event, Flags};
#[cfg(feature = "zmq")]
pub use feed::{Events, FEED_BYTES_MAX, FEED_EVENTS_MAX};
#[cfg(feature = "zmq")]
pub use freshness::freshness;
#[cfg(feature = "zmq")]
pub use history::{Past, PastThing, PastValue, as_of, history};
#[cfg(feature = "zmq")]
pub use rejected::{RejectedMessage, rejected};
#[cfg(feature = "zmq")]
pub use thing::{Latest, LiveDirectory, Subscription, Thing};
