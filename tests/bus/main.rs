//! Everything over real sockets: the broker, and peers of every kind around it. One program, so that it links once.
//!
//! A module is a kind of peer, or of trouble; `simulated` alone needs no socket.
//!
//! `THINGSBUS_HOSTILE_S=60` lets each storm in `hostile` blow for a minute; `THINGSBUS_SEED` repeats one.

mod acked;
mod bench;
mod browser;
mod conformance;
mod described;
mod dns;
mod examples;
mod forgetting;
mod freshness;
mod guarded;
mod history;
mod hostile;
mod library;
mod newcomers;
mod page;
mod pairings;
mod program;
mod python;
mod rejected;
mod simulated;
mod snapshots;
mod store;
mod stream;
mod support;
mod tool;
mod web;
