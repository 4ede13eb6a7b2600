//! Everything over real sockets: the broker, and peers of every kind around it. One program, so that it links once.
//!
//! A module is a kind of peer. Still to come, each as a file beside these: `client` (our client library), `adaptor` (our
//! senders), `dns` (zones answered by a server of the test), `tool` (`thingsbus`), `examples`.
//!
//! `THINGSBUS_HOSTILE_S=60` lets each storm in `hostile` blow for a minute; `THINGSBUS_SEED` repeats one.

mod dns;
mod examples;
mod hostile;
mod library;
mod pairings;
mod program;
mod python;
mod stream;
mod support;
