//! The doors: outside bytes to arrivals, outgoing to outside bytes. A door knows its sockets and its peers; it does
//! not know the other doors, and the directory only as what the hub gives.

pub(crate) mod clients;
pub(crate) mod complaints;
pub(crate) mod gate;
pub(crate) mod input;
pub(crate) mod late;
pub(crate) mod listen;
pub(crate) mod outbox;
pub(crate) mod peers;
pub(crate) mod query;
pub(crate) mod subscriptions;
pub(crate) mod udp;
pub(crate) mod web;
