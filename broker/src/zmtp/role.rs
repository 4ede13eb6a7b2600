//! Which socket types exist, and which of them meet at which door (RFC 23, "The Socket-Type Property").

/// What a door is to its peers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Takes updates: SUB to PUB and XPUB peers, PULL to PUSH peers.
    Input,
    /// Gives updates: XPUB to SUB and XSUB peers.
    Clients,
    /// Answers questions: ROUTER to REQ, DEALER and ROUTER peers.
    Query,
}

impl Role {
    /// The type that this door has for such a peer; `None` if the two do not fit.
    pub(super) const fn facing(self, peer: SocketType) -> Option<SocketType> {
        use SocketType::{Dealer, Pub, Pull, Push, Req, Router, Sub, Xpub, Xsub};
        match (self, peer) {
            (Self::Input, Pub | Xpub) => Some(Sub),
            (Self::Input, Push) => Some(Pull),
            (Self::Clients, Sub | Xsub) => Some(Xpub),
            (Self::Query, Req | Dealer | Router) => Some(Router),
            _ => None,
        }
    }
}

/// The socket types of RFC 23. The later ones of RFC 37 (CLIENT, RADIO, ...) fit no door and are not told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The names are ZeroMQ's own.
pub enum SocketType {
    Req,
    Rep,
    Dealer,
    Router,
    Pub,
    Xpub,
    Sub,
    Xsub,
    Push,
    Pull,
    Pair,
}

impl SocketType {
    const ALL: [Self; 11] = {
        use SocketType::{Dealer, Pair, Pub, Pull, Push, Rep, Req, Router, Sub, Xpub, Xsub};
        [Req, Rep, Dealer, Router, Pub, Xpub, Sub, Xsub, Push, Pull, Pair]
    };

    /// The type of this name, which is written in capitals.
    pub(super) fn parse(name: &[u8]) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name().as_bytes() == name)
    }

    /// The name as it stands in a READY command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Req => "REQ",
            Self::Rep => "REP",
            Self::Dealer => "DEALER",
            Self::Router => "ROUTER",
            Self::Pub => "PUB",
            Self::Xpub => "XPUB",
            Self::Sub => "SUB",
            Self::Xsub => "XSUB",
            Self::Push => "PUSH",
            Self::Pull => "PULL",
            Self::Pair => "PAIR",
        }
    }
}
