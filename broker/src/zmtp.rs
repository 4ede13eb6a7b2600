//! The ZeroMQ protocol (ZMTP 3.x) of one bound door, without sockets, clocks or threads: bytes in, events out.
//!
//! A [`Connection`] is one peer. Its owner hands [`Connection::next`] the bytes that came and were not used yet, acts on
//! the [`Event`], and writes to the socket what [`Connection::take_output`] gives. A connection holds no bytes of the
//! peer: what `next` waits for stays in the owner's buffer, and `next` never waits for more than
//! [`Connection::unread_bytes_max`].
//!
//! What the owner keeps an eye on, for nothing here has a clock or counts: how long a handshake may take, how long a
//! peer may be silent (see [`Event::Ping`]), how many frames one message and how many subscriptions one peer may have.
//! A [`Refused`] connection is to be closed, after its output was offered to the socket once.
//!
//! Spoken are [RFC 23] (ZMTP 3.0) and [RFC 37] (ZMTP 3.1), the NULL mechanism alone; `mechanism` is where CURVE would
//! come in. ZMTP 1.0 and 2.0 (libzmq before 4.0, 2013) are refused with that reason.
//!
//! [RFC 23]: https://rfc.zeromq.org/spec/23/
//! [RFC 37]: https://rfc.zeromq.org/spec/37/

mod command;
mod connection;
mod frame;
mod greeting;
mod mechanism;
mod metadata;
mod output;
mod refused;
mod role;
#[cfg(test)]
mod tests;

pub use command::{PING_CONTEXT_BYTES_MAX, push_ping};
pub use connection::{
    COMMAND_BYTES_MAX, Connection, Event, HANDSHAKE_BYTES_MAX, Limits, SUBSCRIPTION_BYTES_MAX,
};
pub use frame::{FRAME_HEADER_BYTES_MAX, frame_header, push_frame};
pub use greeting::GREETING_BYTES;
pub use refused::Refused;
pub use role::{Role, SocketType};
