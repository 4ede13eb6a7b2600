//! Which broker to talk to next, and in which dialect (pure).

use std::collections::HashSet;
use std::net::SocketAddr;

use crate::libzmq::Candidate;

/// The socket that the broker's input is spoken to with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// To a PULL, as our broker has it. Nothing is lost before the connection stands, and a full pipe says so.
    Push,
    /// To a SUB, as a 0.2.1 broker has it. Waits for the subscription before the first message.
    Xpub,
}

impl Dialect {
    fn other(self) -> Self {
        match self {
            Self::Push => Self::Xpub,
            Self::Xpub => Self::Push,
        }
    }
}

/// How a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The peer is not of the kind that this dialect speaks to.
    Protocol,
    /// The peer closed the connection. An old broker does so when it was quicker than we to see the mismatch;
    /// one that is just being stopped does too.
    Closed,
    /// Nothing came, in time.
    Silent,
}

/// What to do after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Connect again now: same place, with [`Course::dialect`].
    Again,
    /// Nothing to be had here: see [`Course::next`].
    Next,
}

/// The list of places, where we are in it, and which of them spoke the old dialect.
#[derive(Debug, Default)]
pub(super) struct Course {
    candidates: Vec<Candidate>,
    at: usize,
    failures: u32,
    old: HashSet<SocketAddr>,
}

impl Course {
    pub(super) fn candidate(&self) -> Option<&Candidate> {
        self.candidates.get(self.at)
    }

    /// Whether there is another place to go to.
    pub(super) fn many(&self) -> bool {
        self.candidates.len() > 1
    }

    /// Whether a round through the places begins here.
    pub(super) fn at_first(&self) -> bool {
        self.at == 0
    }

    pub(super) fn dialect(&self) -> Dialect {
        let old = self.candidate().is_some_and(|candidate| self.old.contains(&candidate.address));
        if old { Dialect::Xpub } else { Dialect::Push }
    }

    /// A new list, from its beginning. True when it is the same one place as before, which is then left as it is.
    pub(super) fn replace(&mut self, candidates: Vec<Candidate>) -> bool {
        let same = candidates == self.candidates && !self.many();
        if !same {
            self.old.retain(|address| candidates.iter().any(|candidate| candidate.address == *address));
            self.candidates = candidates;
            self.at = 0;
            self.failures = 0;
        }
        same
    }

    /// Messages flow.
    pub(super) fn came_up(&mut self) {
        self.failures = 0;
    }

    /// Whoever comes back there may be another: it is asked in the new dialect again.
    pub(super) fn lost_for_good(&mut self) {
        self.speak(Dialect::Push);
        self.failures = 0;
    }

    /// Three failures in a row are both dialects, and one of them twice: enough. A silent place costs time, so
    /// where there are others, its second dialect waits for the next round.
    pub(super) fn handshake_failed(&mut self, failure: Failure) -> Step {
        self.failures += 1;
        if failure != Failure::Closed || self.failures > 1 {
            self.speak(self.dialect().other());
        }
        if self.failures >= 3 {
            self.lost_for_good();
            return Step::Next;
        }
        if failure == Failure::Silent && self.many() { Step::Next } else { Step::Again }
    }

    /// Goes on to the next place; true when that is the first one again: time for a pause.
    pub(super) fn next(&mut self) -> bool {
        self.failures = 0;
        self.at += 1;
        let round = self.at >= self.candidates.len();
        if round {
            self.at = 0;
        }
        round
    }

    fn speak(&mut self, dialect: Dialect) {
        let Some(address) = self.candidate().map(|candidate| candidate.address) else { return };
        match dialect {
            Dialect::Push => self.old.remove(&address),
            Dialect::Xpub => self.old.insert(address),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(ports: &[u16]) -> Course {
        let candidate =
            |&port| Candidate { endpoint: String::new(), address: SocketAddr::from(([127, 0, 0, 1], port)) };
        let mut course = Course::default();
        assert!(!course.replace(ports.iter().map(candidate).collect()));
        course
    }

    #[test]
    fn an_old_broker_is_found_at_once_and_remembered_until_it_is_lost_for_good() {
        let mut course = course(&[1]);
        assert_eq!(course.dialect(), Dialect::Push);
        assert_eq!(course.handshake_failed(Failure::Protocol), Step::Again);
        assert_eq!(course.dialect(), Dialect::Xpub);
        course.came_up();
        assert_eq!(course.dialect(), Dialect::Xpub);
        course.lost_for_good();
        assert_eq!(course.dialect(), Dialect::Push);
    }

    #[test]
    fn a_closed_connection_is_tried_once_more_before_the_dialect_is_doubted() {
        let mut course = course(&[1]);
        let tried: Vec<_> =
            (0..3).map(|_| (course.dialect(), course.handshake_failed(Failure::Closed))).collect();
        let expected =
            [(Dialect::Push, Step::Again), (Dialect::Push, Step::Again), (Dialect::Xpub, Step::Next)];
        assert_eq!(tried, expected);
        assert_eq!(course.dialect(), Dialect::Push);
        assert!(course.next(), "alone: every round has one place");
    }

    #[test]
    fn a_silent_place_does_not_keep_the_others_waiting() {
        let mut course = course(&[1, 2]);
        assert_eq!(course.handshake_failed(Failure::Silent), Step::Next);
        assert!(!course.next());
        assert_eq!(course.candidate().map(|candidate| candidate.address.port()), Some(2));
        assert!(course.next());
        assert_eq!(course.dialect(), Dialect::Xpub, "the first one gets the other dialect next time");
    }
}
