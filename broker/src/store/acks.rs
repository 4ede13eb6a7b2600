//! Updates that their senders number, and senders that wait until theirs is on disk. Such things go with the very next
//! batch, and their senders' numbers with the last of them, so no number is on disk before what it speaks of.

use thingsbus_client::directory::Place;

use super::batch::Batch;
use crate::door::late::Late;
use crate::hub::Hub;

/// The most answers that wait for the disk. One is some hundred bytes.
const WAITING_MAX: usize = 65_536;

/// What is to go with the next batch, and who waits for that.
#[derive(Debug, Default)]
pub(super) struct Acks {
    /// Things whose last update was numbered, or is waited for. Each goes to disk before, or with, the number.
    places: Vec<Place>,
    waiting: Vec<Late>,
    /// Those for whom the batch that is being written is the one.
    under_way: Vec<Late>,
}

impl Acks {
    /// The thing is to go with the next batch.
    pub(super) fn add(&mut self, place: Place) {
        if self.places.last() != Some(&place) {
            self.places.push(place);
        }
    }

    /// Somebody waits until everything that was taken up to now is on disk.
    pub(super) fn wait(&mut self, late: Late) {
        self.waiting.push(late);
    }

    /// Is the next batch to be written at once?
    pub(super) fn is_urgent(&self) -> bool {
        !self.waiting.is_empty() || self.places.len() >= WAITING_MAX
    }

    /// Do as many wait as there is room for?
    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() + self.under_way.len() >= WAITING_MAX
    }

    /// Puts what must go with the next batch into it: as many things as fit, and where those are all, the numbers.
    pub(super) fn fill(&mut self, batch: &mut Batch, hub: &mut Hub) {
        while !batch.is_full() {
            let Some(place) = self.places.pop() else {
                batch.senders.extend(hub.senders.changed());
                self.under_way.append(&mut self.waiting);
                return;
            };
            if let Some(record) = hub.directory().at(place) {
                batch.push(record, hub.ttls.of(place));
            }
        }
    }

    /// The batch is on disk: who waited for it.
    pub(super) fn written(&mut self) -> Vec<Late> {
        std::mem::take(&mut self.under_way)
    }
}
