//! What the protocol itself has to say to a peer and has not said yet, in a few bytes.

use super::command::{self, PingContext};
use super::frame;
use super::greeting;
use super::mechanism::Mechanism;
use super::role::SocketType;

/// A subscription to everything, as a message: every PUB since ZMTP 3.0 takes it so (RFC 23, "The Publish-Subscribe
/// Pattern"), and libzmq's take it so in 3.1 too.
const SUBSCRIBE_ALL: &[u8] = &[1];

/// What goes out next. One PONG at most: a peer that sends PINGs and does not read must not fill our memory.
pub(super) struct Output {
    greeting_start: bool,
    greeting_rest: bool,
    answer: Option<Answer>,
    pong: Option<PingContext>,
}

/// What a handshake is answered with.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// We are this, and the connection stands.
    Ready(SocketType),
    /// It does not stand. The reason is printable and has no spaces.
    Error(&'static str),
}

impl Output {
    /// At first, the part of our greeting that tells the version.
    pub(super) const fn new() -> Self {
        Self { greeting_start: true, greeting_rest: false, answer: None, pong: None }
    }

    /// The rest of the greeting, for a peer that speaks our version. Were it sent at once, as it may be, a libzmq peer
    /// with CURVE or PLAIN would see our NULL and go without a word, and nobody would learn why; so we do as RFC 37,
    /// "Detecting ZMTP 2.0 Peers", and libzmq itself do.
    pub(super) const fn rest_of_greeting(&mut self) {
        self.greeting_rest = true;
    }

    pub(super) const fn answer(&mut self, answer: Answer) {
        self.answer = Some(answer);
    }

    pub(super) const fn pong(&mut self, context: PingContext) {
        self.pong = Some(context);
    }

    #[inline]
    pub(super) const fn is_empty(&self) -> bool {
        !self.greeting_start && !self.greeting_rest && self.answer.is_none() && self.pong.is_none()
    }

    /// Appends everything and forgets it.
    pub(super) fn take(&mut self, mechanism: Mechanism, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.greeting_start) {
            greeting::push_start(out);
        }
        if std::mem::take(&mut self.greeting_rest) {
            greeting::push_rest(mechanism, out);
        }
        match self.answer.take() {
            Some(Answer::Ready(ours)) => {
                mechanism.push_ready(ours, out);
                if ours == SocketType::Sub {
                    frame::push_frame(SUBSCRIBE_ALL, false, out);
                }
            }
            Some(Answer::Error(reason)) => mechanism.push_error(reason, out),
            None => {}
        }
        if let Some(context) = self.pong.take() {
            command::push_pong(&context, out);
        }
    }
}
