//! The order of last updates: a doubly linked list over places, so that "what changed since" is a walk from the
//! end that stops at the first thing that did not.

/// No place.
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Links {
    older: u32,
    newer: u32,
}

/// Places, the last touched one last.
pub(super) struct Recent {
    links: Vec<Links>,
    newest: u32,
}

impl Default for Recent {
    fn default() -> Self {
        Self { links: Vec::new(), newest: NONE }
    }
}

impl Recent {
    /// Makes `place` the newest. Places are added in order, from 0.
    pub(super) fn touch(&mut self, place: u32) {
        if place == self.newest {
            return;
        }
        match self.links.get(place as usize).copied() {
            Some(Links { older, newer }) => {
                self.set_newer(older, newer);
                self.set_older(newer, older);
            }
            None => self.links.push(Links { older: NONE, newer: NONE }),
        }
        self.set_newer(self.newest, place);
        if let Some(links) = self.links.get_mut(place as usize) {
            *links = Links { older: self.newest, newer: NONE };
        }
        self.newest = place;
    }

    /// All places, the last touched one first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = u32> {
        let some = |place: u32| (place != NONE).then_some(place);
        std::iter::successors(some(self.newest), move |&place| {
            self.links.get(place as usize).and_then(|links| some(links.older))
        })
    }

    fn set_newer(&mut self, place: u32, newer: u32) {
        if let Some(links) = self.links.get_mut(place as usize) {
            links.newer = newer;
        }
    }

    fn set_older(&mut self, place: u32, older: u32) {
        if let Some(links) = self.links.get_mut(place as usize) {
            links.older = older;
        }
    }
}
