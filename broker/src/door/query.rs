//! The query door: a question in, an answer out, to REQ and DEALER peers alike.

use serde_json::json;
use thingsbus_adaptor::wire::limits::QUERY_BYTES_MAX;
use thingsbus_adaptor::wire::{Ask, QUERY_DOCUMENTATION, QueryError};

use super::peers::{Peer, Then};
use crate::zmtp::{Event, push_frame};

/// A peer that does not read its answers is not read from while this much waits for it, in bytes.
const WAITING_BYTES_MAX: usize = 1024 * 1024;

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
}

impl Peer<Asker> {
    /// Takes what a peer sent. `answer` writes the answer to a question.
    pub(crate) fn event(
        &mut self,
        event: Event<'_>,
        answer: impl FnOnce(Result<Ask, QueryError>, &mut Vec<u8>),
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
            Event::Frame { body, more: false } => self.answer(|out| answer(Ask::decode(body), out)),
            Event::TooLong { bytes, more: false } => {
                let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
                self.answer(|out| answer(Err(QueryError::TooLong { bytes }), out));
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
        self.outbox.bytes() > WAITING_BYTES_MAX
    }

    fn answer(&mut self, answer: impl FnOnce(&mut Vec<u8>)) {
        let envelope = std::mem::take(&mut self.state.envelope);
        if std::mem::take(&mut self.state.spoilt) {
            return; // Whom to answer is not known.
        }
        let mut out = Vec::new();
        for frame in envelope {
            push_frame(&frame, true, &mut out);
        }
        let mut message = Vec::new();
        answer(&mut message);
        push_frame(&message, false, &mut out);
        self.state.answer_bytes += out.len();
        self.outbox.push(out);
    }
}

/// The answer to what is no question.
pub(crate) fn push_error(error: &QueryError, out: &mut Vec<u8>) {
    let answer = json!({
        "type": "error",
        "error": "bad_query",
        "message": error.to_string(),
        "documentation": QUERY_DOCUMENTATION,
    });
    out.extend_from_slice(answer.to_string().as_bytes());
}

/// The longest frame that is let in: a little more than a query, so that what is too long can be told so.
pub(crate) const FRAME_BYTES_MAX: usize = QUERY_BYTES_MAX;
