//! The query door: a question in, an answer out, at once or later, to REQ and DEALER peers alike.

use serde_json::json;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{QUERY_DOCUMENTATION, QueryError};

use super::peers::{Peer, Peers, Then};
use crate::zmtp::{Event, push_frame};

/// A peer that does not read its answers is not read from while this much waits for it, in bytes.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

/// And not while so much is kept for answers that are to be given later, in bytes.
const LATE_BYTES_MAX: usize = 1024 * 1024;

/// What an answer to be given later takes besides its envelope, in bytes: it is short until it is given.
const LATE_BYTES: usize = 256;

/// How many questions of one peer are answered before the others have their turn.
const QUESTIONS: u32 = 16;

/// And how much is answered, in bytes: long answers take long, and others wait for each.
const ANSWER_BYTES: usize = 16 * 1024;

/// The most frames around a question: a REQ has one, and each proxy on the way adds one.
const ENVELOPE_FRAMES_MAX: usize = 16;

/// The longest of them, in bytes: what ZeroMQ lets an identity have.
const ENVELOPE_FRAME_BYTES_MAX: usize = 255;

/// What the door keeps of who asks.
#[derive(Default)]
pub(crate) struct Asker {
    /// The frames before the question, which go before the answer as they came.
    envelope: Vec<Box<[u8]>>,
    spoilt: bool,
    /// Since the others had their turn.
    questions: u32,
    answer_bytes: usize,
    /// What is kept for answers that are to be given later, in bytes.
    late_bytes: usize,
}

/// What goes around an answer, and to which peer.
#[derive(Debug)]
pub(crate) struct Envelope {
    key: usize,
    number: u64,
    frames: Vec<Box<[u8]>>,
}

impl Envelope {
    /// What it takes, in bytes, and what comes into it.
    fn bytes(&self) -> usize {
        LATE_BYTES + self.frames.iter().map(|frame| frame.len() + size_of::<Box<[u8]>>()).sum::<usize>()
    }

    pub(crate) fn key(&self) -> usize {
        self.key
    }
}

impl Peer<Asker> {
    /// Takes what a peer sent. `answer` gets a question, or what is too long for one, and gives the answer back with
    /// the envelope that it goes in, unless it keeps that for later.
    pub(crate) fn event(
        &mut self,
        key: usize,
        event: Event<'_>,
        answer: impl FnOnce(Result<&[u8], QueryError>, Envelope) -> Option<(Envelope, Vec<u8>)>,
    ) -> Then {
        match event {
            Event::Frame { body, more: true } => {
                if body.len() > ENVELOPE_FRAME_BYTES_MAX || self.state.envelope.len() == ENVELOPE_FRAMES_MAX {
                    self.state.spoilt = true;
                } else {
                    self.state.envelope.push(body.into());
                }
                return Then::GoOn;
            }
            Event::TooLong { more: true, .. } => {
                self.state.spoilt = true;
                return Then::GoOn;
            }
            Event::Frame { body, more: false } => self.answer(key, |envelope| answer(Ok(body), envelope)),
            Event::TooLong { bytes, more: false } => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.answer(key, |envelope| answer(Err(QueryError::TooLong { bytes }), envelope));
            }
            _ => return Then::GoOn,
        }
        self.state.questions += 1;
        if self.state.questions >= QUESTIONS || self.state.answer_bytes >= ANSWER_BYTES || self.is_overfull()
        {
            (self.state.questions, self.state.answer_bytes) = (0, 0);
            Then::Pause
        } else {
            Then::GoOn
        }
    }

    /// Has it more answers waiting than it may ask for?
    pub(crate) fn is_overfull(&self) -> bool {
        self.outbox.bytes() > WAITING_BYTES_MAX || self.state.late_bytes >= LATE_BYTES_MAX
    }

    fn answer(&mut self, key: usize, answer: impl FnOnce(Envelope) -> Option<(Envelope, Vec<u8>)>) {
        let frames = std::mem::take(&mut self.state.envelope);
        if std::mem::take(&mut self.state.spoilt) {
            return; // Whom to answer is not known.
        }
        let envelope = Envelope { key, number: self.number(), frames };
        let bytes = envelope.bytes();
        match answer(envelope) {
            Some((envelope, message)) => self.push_answer(&envelope, &message),
            None => self.state.late_bytes += bytes,
        }
    }

    fn push_answer(&mut self, envelope: &Envelope, message: &[u8]) {
        let mut out = Vec::with_capacity(message.len() + 64);
        for frame in &envelope.frames {
            push_frame(frame, true, &mut out);
        }
        push_frame(message, false, &mut out);
        self.state.answer_bytes += out.len();
        self.outbox.push(out);
    }
}

impl Peers<Asker> {
    /// Gives an answer that was to be given later, to a peer that is still there.
    pub(crate) fn answer_late(&mut self, envelope: &Envelope, message: &[u8]) {
        let peer = self.get_mut(envelope.key).filter(|peer| peer.number() == envelope.number);
        if let Some(peer) = peer {
            peer.state.late_bytes = peer.state.late_bytes.saturating_sub(envelope.bytes());
            peer.push_answer(envelope, message);
        }
    }
}

/// The answer to what is no question.
pub(crate) fn push_error(error: &QueryError, out: &mut Vec<u8>) {
    push_named_error("bad_query", &error.to_string(), out);
}

/// The answer to a question that cannot be answered.
pub(crate) fn push_named_error(name: &str, message: &str, out: &mut Vec<u8>) {
    let answer = json!({
        "type": "error",
        "error": name,
        "message": message,
        "documentation": QUERY_DOCUMENTATION,
    });
    out.extend_from_slice(answer.to_string().as_bytes());
}

/// The longest frame that is let in: an update.
pub(crate) const FRAME_BYTES_MAX: usize = MESSAGE_BYTES_MAX;
