//! One peer of a door, from its first byte to its last: greeting, handshake, traffic.

use std::time::Duration;

use super::command::{self, Command};
use super::frame::{FRAME_HEADER_BYTES_MAX, Header};
use super::greeting;
use super::mechanism::Mechanism;
use super::metadata;
use super::output::{Answer, Output};
use super::refused::Refused;
use super::role::{Role, SocketType};

/// The longest READY. A socket type and an identity take 300 bytes; the rest is for properties of applications, and
/// 10,000 peers that never finish a handshake still hold no more than 40 MB in their owner's buffers.
pub const HANDSHAKE_BYTES_MAX: usize = 4_096;

/// The longest subscription: longer than any namespace, so a longer one could match nothing.
pub const SUBSCRIPTION_BYTES_MAX: usize = 2_048;

/// The longest command in the traffic: a SUBSCRIBE, whose name and its length take ten bytes.
pub const COMMAND_BYTES_MAX: usize = SUBSCRIPTION_BYTES_MAX + 10;

// `Connection::unread_bytes_max` relies on it.
const _: () = assert!(COMMAND_BYTES_MAX <= HANDSHAKE_BYTES_MAX);

/// How to tell the peer that it called at the wrong door (RFC 37, "The NULL Security Mechanism": an error-reason is
/// printable, without spaces). libzmq then gives up instead of coming back ten times a second.
const WRONG_SOCKET_TYPE: &str = "Socket-Type-does-not-fit";

/// What a peer may send; the constants of this module limit the rest.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The longest frame of a message. A door for clients takes subscriptions only and has a limit of its own for them,
    /// [`SUBSCRIPTION_BYTES_MAX`].
    pub frame_bytes_max: usize,
}

/// What [`Connection::next`] found. Borrowed bytes are the owner's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The handshake is over: messages may be sent from now on, after the output.
    Ready,
    /// A frame of a message. Never on a door for clients.
    Frame {
        /// What is in it.
        body: &'a [u8],
        /// Whether more frames of the same message follow.
        more: bool,
    },
    /// The peer wants what starts with this. Subscriptions add up: twice the same needs two [`Event::Cancel`] to undo
    /// (RFC 37, "The Publish-Subscribe Pattern"). Only on a door for clients, as the next.
    Subscribe(&'a [u8]),
    /// The peer takes one such subscription back.
    Cancel(&'a [u8]),
    /// The peer wants a sign of life; a PONG is in the output, with the latest context if more than one PING came since
    /// the output was taken.
    Ping {
        /// After so long a silence the peer wants to be taken for gone; zero if it does not say.
        ttl: Duration,
    },
    /// Something that is well-formed and has no place on this door: a message that is no subscription, told once with
    /// its first frame, or a subscription where there is nothing to subscribe to.
    Stray,
    /// A frame of a message longer than the limit. It is passed over, and not told again.
    TooLong {
        /// The length that it claims, which can be anything.
        bytes: u64,
        /// Whether more frames of the same message follow.
        more: bool,
    },
    /// The same with a command, likely a subscription, longer than [`COMMAND_BYTES_MAX`].
    CommandTooLong {
        /// The length that it claims, which can be anything.
        bytes: u64,
    },
    /// Bytes were used, with nothing to tell: a greeting, a PONG, a command that nobody knows, a part of what is too
    /// long.
    Nothing,
}

/// How far a peer has come.
#[derive(Clone, Copy)]
enum Stage {
    /// Nothing is known of the peer.
    Greeting,
    /// The peer's major version is.
    GreetingRest {
        major: u8,
    },
    Handshake,
    Traffic,
    Refused(Refused),
}

/// What `next` and its parts give.
type Next<'a> = Result<Option<(usize, Event<'a>)>, Refused>;

/// One peer of a bound door. It holds no bytes of the peer's and no memory besides its own: thousands may be idle.
pub struct Connection {
    /// The rest of a frame that was too long.
    skip_bytes: u64,
    /// The longest frame of a message that is let in.
    frame_bytes_max: usize,
    output: Output,
    role: Role,
    stage: Stage,
    mechanism: Mechanism,
    peer_socket_type: Option<SocketType>,
    peer_minor: u8,
    /// Inside a message, between two of its frames.
    in_message: bool,
}

impl Connection {
    /// A peer that has just connected. There is output already: our greeting's first part.
    pub const fn new(role: Role, limits: Limits) -> Self {
        let frame_bytes_max = match role {
            Role::Clients => SUBSCRIPTION_BYTES_MAX + 1, // A byte says whether it is one, or takes one back.
            Role::Input | Role::Query => limits.frame_bytes_max,
        };
        Self {
            skip_bytes: 0,
            frame_bytes_max,
            output: Output::new(),
            role,
            stage: Stage::Greeting,
            mechanism: Mechanism::Null,
            peer_socket_type: None,
            peer_minor: 0,
            in_message: false,
        }
    }

    /// Looks at `bytes`, all that the peer sent and that was not used yet, from the oldest: how many of them are used
    /// now (at least one), and what they say. `Ok(None)` asks for more bytes, and has used none.
    ///
    /// # Errors
    /// The peer is to be closed. Every later call says the same again.
    #[inline]
    pub fn next<'a>(&mut self, bytes: &'a [u8]) -> Result<Option<(usize, Event<'a>)>, Refused> {
        let next = match self.stage {
            Stage::Traffic => self.traffic(bytes),
            Stage::Greeting => self.greeting(bytes),
            Stage::GreetingRest { major } => self.greeting_rest(bytes, major),
            Stage::Handshake => self.handshake(bytes),
            Stage::Refused(refused) => Err(refused),
        };
        if let Err(refused) = next {
            self.stage = Stage::Refused(refused);
        }
        next
    }

    /// Appends what the protocol itself wants sent now, and forgets it here: greeting, READY and the subscription to a
    /// publisher, PONG, ERROR. What waits here stays small however long it is left, so a peer that does not read can be
    /// left alone; it must go out before any message of the owner's, and not within one.
    pub fn take_output(&mut self, out: &mut Vec<u8>) {
        self.output.take(self.mechanism, out);
    }

    /// Whether [`Connection::take_output`] has something.
    #[inline]
    pub const fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Whether the handshake went well and messages may go both ways.
    pub const fn is_ready(&self) -> bool {
        matches!(self.stage, Stage::Traffic)
    }

    /// What the peer says it is, once it has said so.
    pub const fn peer_socket_type(&self) -> Option<SocketType> {
        self.peer_socket_type
    }

    /// The minor version that is spoken with the peer: 0, or 1 for a peer that knows 3.1 and PING. 0 before its greeting.
    pub const fn peer_minor(&self) -> u8 {
        self.peer_minor
    }

    /// With this many bytes, `next` never asks for more: the owner's buffer need not be longer.
    pub const fn unread_bytes_max(&self) -> usize {
        let mut longest = self.frame_bytes_max;
        if longest < HANDSHAKE_BYTES_MAX {
            longest = HANDSHAKE_BYTES_MAX; // The longest of what does not depend on the door.
        }
        longest.saturating_add(FRAME_HEADER_BYTES_MAX)
    }

    fn greeting<'a>(&mut self, bytes: &'a [u8]) -> Next<'a> {
        let Some((used, major)) = greeting::read_start(bytes)? else { return Ok(None) };
        self.output.rest_of_greeting();
        self.stage = Stage::GreetingRest { major };
        Ok(Some((used, Event::Nothing)))
    }

    fn greeting_rest<'a>(&mut self, bytes: &'a [u8], major: u8) -> Next<'a> {
        let Some((used, minor)) = greeting::read_rest(bytes, major, self.mechanism)? else { return Ok(None) };
        self.peer_minor = minor;
        self.stage = Stage::Handshake;
        Ok(Some((used, Event::Nothing)))
    }

    /// The peer's READY is awaited before ours is sent, as RFC 37, "The NULL Security Mechanism", has it for the side
    /// that binds: what we are depends on what the peer is.
    fn handshake<'a>(&mut self, bytes: &'a [u8]) -> Next<'a> {
        let Some((header, rest)) = Header::read(bytes)? else { return Ok(None) };
        if !header.is_command() {
            return Err(Refused::NoReady);
        }
        if header.body_bytes > HANDSHAKE_BYTES_MAX as u64 {
            return Err(Refused::CommandTooLong);
        }
        let Some(body) = header.body(rest) else { return Ok(None) };
        let metadata = self.mechanism.peer_metadata(Command::read(body)?)?;
        self.peer_socket_type = metadata::read(metadata)?;
        let Some(ours) = self.peer_socket_type.and_then(|peer| self.role.facing(peer)) else {
            self.output.answer(Answer::Error(WRONG_SOCKET_TYPE));
            return Err(Refused::SocketType { peer: self.peer_socket_type });
        };
        self.output.answer(Answer::Ready(ours));
        self.stage = Stage::Traffic;
        Ok(Some((header.bytes().saturating_add(body.len()), Event::Ready)))
    }

    #[inline]
    fn traffic<'a>(&mut self, bytes: &'a [u8]) -> Next<'a> {
        if self.skip_bytes > 0 {
            return Ok(self.skip(bytes).map(|used| (used, Event::Nothing)));
        }
        let Some((header, rest)) = Header::read(bytes)? else { return Ok(None) };
        let body_bytes_max = if header.is_command() { COMMAND_BYTES_MAX } else { self.frame_bytes_max };
        if header.body_bytes > body_bytes_max as u64 {
            return Ok(Some(self.too_long(header, rest)));
        }
        let Some(body) = header.body(rest) else { return Ok(None) };
        let event = match self.role {
            _ if header.is_command() => self.command(Command::read(body)?)?,
            Role::Clients => self.subscription(body, header.more()),
            Role::Input | Role::Query => Event::Frame { body, more: header.more() },
        };
        Ok(Some((header.bytes().saturating_add(body.len()), event)))
    }

    /// Commands that nobody knows are passed over, as libzmq does: newer peers may have more of them.
    fn command<'a>(&mut self, command: Command<'a>) -> Result<Event<'a>, Refused> {
        Ok(match (command.name, self.role) {
            (b"SUBSCRIBE", Role::Clients) => Event::Subscribe(command.data),
            (b"CANCEL", Role::Clients) => Event::Cancel(command.data),
            (b"SUBSCRIBE" | b"CANCEL", _) => Event::Stray,
            (b"PING", _) => {
                let (ttl, context) = command::read_ping(command.data)?;
                self.output.pong(context);
                Event::Ping { ttl }
            }
            (b"ERROR", _) => return Err(Refused::PeerError),
            _ => Event::Nothing,
        })
    }

    /// ZMTP 3.0's way to subscribe, by a message of one frame (RFC 23, "The Publish-Subscribe Pattern"). An XSUB of
    /// libzmq does it so in 3.1 as well.
    fn subscription<'a>(&mut self, body: &'a [u8], more: bool) -> Event<'a> {
        if std::mem::replace(&mut self.in_message, more) {
            return Event::Nothing;
        }
        match body.split_first() {
            Some((1, prefix)) if !more => Event::Subscribe(prefix),
            Some((0, prefix)) if !more => Event::Cancel(prefix),
            _ => Event::Stray,
        }
    }

    #[cold]
    fn too_long<'a>(&mut self, header: Header, rest: &'a [u8]) -> (usize, Event<'a>) {
        let bytes = header.body_bytes;
        self.skip_bytes = bytes;
        let skipped = self.skip(rest).unwrap_or(0);
        let event = if header.is_command() {
            Event::CommandTooLong { bytes }
        } else {
            self.in_message = header.more();
            Event::TooLong { bytes, more: header.more() }
        };
        (header.bytes().saturating_add(skipped), event)
    }

    /// Passes over what is there of a frame that is too long.
    #[cold]
    fn skip(&mut self, bytes: &[u8]) -> Option<usize> {
        let skipped = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX).min(bytes.len());
        self.skip_bytes = self.skip_bytes.saturating_sub(skipped as u64);
        (skipped > 0).then_some(skipped)
    }
}
