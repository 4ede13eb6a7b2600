//! Updates that their senders number, and senders that wait until theirs is on disk. Such things go with the very next
//! batch, and their senders' numbers with the last of them, so no number is on disk before what it speaks of. What comes
//! while these are written waits for its own turn, so nobody waits for those after.

use std::collections::HashSet;

use thingsbus_client::directory::Place;

use super::batch::Batch;
use super::row::Kept;
use crate::door::late::Late;
use crate::hub::Hub;

/// The most answers that wait for the disk. With what goes around it, one is at most some thousand bytes.
const WAITING_MAX: usize = 65_536;

/// So many things are reason enough to write, also where nobody waits.
const PLACES_MAX: usize = 16_384;

/// What is to go with the next batch, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// Things whose last update was numbered, or is waited for. Each goes to disk before, or with, the number.
    places: HashSet<Place>,
    waiting: Vec<Late>,
    cut: Cut,
    /// Those for whom the batch that is being written is the one.
    under_way: Vec<Late>,
}

/// What goes to disk together, in as many batches as it needs.
#[derive(Debug, Default)]
struct Cut {
    places: Vec<Place>,
    /// As they were when it was cut: what came after is not in it.
    senders: Vec<(Box<str>, Option<u64>)>,
    waiting: Vec<Late>,
}

impl Cut {
    fn is_empty(&self) -> bool {
        self.places.is_empty() && self.senders.is_empty() && self.waiting.is_empty()
    }
}

impl Acks {
    /// The thing is to go with the next batch.
    pub(super) fn add(&mut self, place: Place) {
        self.places.insert(place);
    }

    /// Somebody waits until everything that was taken up to now is on disk.
    pub(super) fn wait(&mut self, late: Late) {
        self.waiting.push(late);
    }

    /// Is the next batch to be written at once?
    pub(super) fn is_urgent(&self) -> bool {
        !self.waiting.is_empty() || !self.cut.is_empty() || self.places.len() >= PLACES_MAX
    }

    /// Do as many wait as there is room for?
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() + self.cut.waiting.len() + self.under_way.len() >= WAITING_MAX
    }

    /// Puts what must go with the next batch into it: as many things as fit, and where those are all, the numbers.
    pub(super) fn fill(&mut self, batch: &mut Batch, hub: &mut Hub) {
        if self.cut.is_empty() {
            self.cut = Cut {
                places: self.places.drain().collect(),
                senders: hub.senders.changed().collect(),
                waiting: std::mem::take(&mut self.waiting),
            };
        }
        while !batch.is_full() {
            let Some(place) = self.cut.places.pop() else {
                batch.senders.append(&mut self.cut.senders);
                self.under_way.append(&mut self.cut.waiting);
                return;
            };
            if let Some(record) = hub.directory().at(place) {
                batch.push(record, &Kept::of(hub, place));
            }
        }
    }

    /// The batch is on disk: who waited for it.
    pub(super) fn written(&mut self) -> Vec<Late> {
        std::mem::take(&mut self.under_way)
    }
}
