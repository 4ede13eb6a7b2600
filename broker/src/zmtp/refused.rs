//! Why a peer's connection is not carried on.

use super::role::SocketType;

/// Why a peer was refused. Small and without text of the peer: [`Refused::name`] is a counter's key, the display a log
/// line's.
///
/// A peer that breaks the protocol is closed, as RFC 37, "Error Handling", has it; a frame that is merely too long is
/// no reason for that ([`Event::TooLong`](super::Event::TooLong)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The first bytes are no ZMTP signature: HTTP, TLS, a telnet, or a ZMTP 1.0 peer that gives no version.
    #[error("does not speak ZMTP")]
    NotZmtp,
    /// A peer from before ZMTP 3.0, which came with libzmq 4.0.
    #[error("speaks ZMTP {major}.0, and 3.0 (libzmq 4.0) is the oldest that is understood")]
    OldZmtp {
        /// 1 or 2.
        major: u8,
    },
    /// The peer asks for another security mechanism than NULL.
    #[error("asks for a security mechanism other than NULL")]
    Mechanism,
    /// The peer's socket type has no business at this door; an ERROR command tells the peer so.
    #[error("its socket type ({}) does not fit this door", .peer.map_or("unknown", SocketType::name))]
    SocketType {
        /// What the peer said it is, if it is one of RFC 23's types.
        peer: Option<SocketType>,
    },
    /// The handshake began with a message, or with another command than READY.
    #[error("sent something else where READY was due")]
    NoReady,
    /// A READY whose properties cannot be read, or without a Socket-Type.
    #[error("sent a READY command that cannot be read")]
    BadReady,
    /// A command without a name, or one whose content is not as its RFC says.
    #[error("sent a command that cannot be read")]
    BadCommand,
    /// A frame with reserved flags set, or a command that says more frames follow.
    #[error("sent a frame with flags that ZMTP does not know")]
    BadFlags,
    /// A handshake command longer than [`HANDSHAKE_BYTES_MAX`](super::HANDSHAKE_BYTES_MAX).
    #[error("sent a handshake command that is too long")]
    CommandTooLong,
    /// The peer ended the connection with an ERROR command.
    #[error("ended the connection with an ERROR command")]
    PeerError,
}

impl Refused {
    /// A short name that stays the same, for counters.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotZmtp => "not_zmtp",
            Self::OldZmtp { .. } => "old_zmtp",
            Self::Mechanism => "mechanism",
            Self::SocketType { .. } => "socket_type",
            Self::NoReady => "no_ready",
            Self::BadReady => "bad_ready",
            Self::BadCommand => "bad_command",
            Self::BadFlags => "bad_flags",
            Self::CommandTooLong => "command_too_long",
            Self::PeerError => "peer_error",
        }
    }
}
