//! Answers that are given later: to whom.

use std::net::SocketAddr;

use super::gate::Reply;
use super::query::Envelope;

/// Who is to be answered.
#[derive(Debug)]
pub(crate) enum To {
    /// Who asked at the query door.
    Asker(Envelope),
    /// The sender of a datagram.
    Datagram(SocketAddr),
    /// Another thread of this program.
    Gate(Reply),
}

/// An answer, and who is to get it.
#[derive(Debug)]
pub(crate) struct Late {
    pub(crate) to: To,
    pub(crate) answer: Vec<u8>,
}
