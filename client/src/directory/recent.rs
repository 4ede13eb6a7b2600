//! The order of last updates: a doubly linked list over places, so that "what changed since" is a walk from the
//! newest back to the first that did not, and bookmarks in it, from which to go on towards the newest. Everything but
//! such a walk is a few steps, however long the list is.

/// No node.
const NONE: u32 = u32::MAX;

/// Nodes from here on are bookmarks.
const BOOKMARKS: u32 = 1 << 31;

#[derive(Clone, Copy)]
struct Links {
    older: u32,
    newer: u32,
}

const LOOSE: Links = Links { older: NONE, newer: NONE };

/// A place between two updates: all before it are behind, all after it are ahead, however often things are updated.
#[derive(Debug, PartialEq, Eq)]
pub struct Bookmark(u32);

/// Places, the last touched one last, and bookmarks between them.
pub(super) struct Recent {
    places: Vec<Links>,
    bookmarks: Vec<Links>,
    unused_bookmarks: Vec<u32>,
    oldest: u32,
    newest: u32,
}

impl Default for Recent {
    fn default() -> Self {
        let (places, bookmarks, unused_bookmarks) = Default::default();
        Self { places, bookmarks, unused_bookmarks, oldest: NONE, newest: NONE }
    }
}

impl Recent {
    /// Adds a place that is not in the list, as the newest. It is one that was taken out, or the next one, from 0.
    pub(super) fn add(&mut self, place: u32) {
        if place as usize == self.places.len() {
            self.places.push(LOOSE);
        }
        self.put_after(self.newest, place);
    }

    /// Makes `place` the newest.
    pub(super) fn touch(&mut self, place: u32) {
        if place != self.newest {
            self.take_out(place);
            self.put_after(self.newest, place);
        }
    }

    /// All places, the last touched one first.
    pub(super) fn newest_first(&self) -> impl Iterator<Item = u32> {
        let some = |node: u32| (node != NONE).then_some(node);
        let older = move |&node: &u32| self.links(node).and_then(|links| some(links.older));
        std::iter::successors(some(self.newest), older).filter(|node| *node < BOOKMARKS)
    }

    /// A bookmark with the newest place ahead of it, and everything else behind.
    pub(super) fn bookmark_before_newest(&mut self) -> Bookmark {
        let node = self.unused_bookmarks.pop().unwrap_or_else(|| {
            self.bookmarks.push(LOOSE);
            // One for each slow client, so there are few.
            BOOKMARKS | (self.bookmarks.len() as u32 - 1)
        });
        let newest_place = self.newest_first().next().unwrap_or(NONE);
        let before = self.links(newest_place).map_or(self.newest, |links| links.older);
        self.put_after(before, node);
        Bookmark(node)
    }

    /// The next place ahead of the bookmark, which is behind it then.
    pub(super) fn advance(&mut self, bookmark: &Bookmark) -> Option<u32> {
        let mut at = bookmark.0;
        loop {
            at = self.links(at)?.newer;
            if at == NONE {
                return None;
            }
            if at < BOOKMARKS {
                self.take_out(bookmark.0);
                self.put_after(at, bookmark.0);
                return Some(at);
            }
        }
    }

    pub(super) fn remove(&mut self, bookmark: Bookmark) {
        self.take_out(bookmark.0);
        self.unused_bookmarks.push(bookmark.0);
    }

    /// Takes a place, or a bookmark, out of the list.
    pub(super) fn take_out(&mut self, node: u32) {
        let Some(Links { older, newer }) = self.links(node) else { return };
        match self.links_mut(older) {
            Some(links) => links.newer = newer,
            None => self.oldest = newer,
        }
        match self.links_mut(newer) {
            Some(links) => links.older = older,
            None => self.newest = older,
        }
    }

    /// Puts a loose node in; after none is at the oldest end.
    fn put_after(&mut self, older: u32, node: u32) {
        let newer = match self.links_mut(older) {
            Some(links) => std::mem::replace(&mut links.newer, node),
            None => std::mem::replace(&mut self.oldest, node),
        };
        match self.links_mut(newer) {
            Some(links) => links.older = node,
            None => self.newest = node,
        }
        if let Some(links) = self.links_mut(node) {
            *links = Links { older, newer };
        }
    }

    fn links(&self, node: u32) -> Option<Links> {
        match node {
            NONE => None,
            node if node < BOOKMARKS => self.places.get(node as usize).copied(),
            node => self.bookmarks.get((node - BOOKMARKS) as usize).copied(),
        }
    }

    fn links_mut(&mut self, node: u32) -> Option<&mut Links> {
        match node {
            NONE => None,
            node if node < BOOKMARKS => self.places.get_mut(node as usize),
            node => self.bookmarks.get_mut((node - BOOKMARKS) as usize),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Touch(u32),
        TakeOut(u32),
        Bookmark,
        Advance(usize),
        Remove(usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0..6u32).prop_map(Step::Touch),
            1 => (0..6u32).prop_map(Step::TakeOut),
            1 => Just(Step::Bookmark),
            4 => (0..4usize).prop_map(Step::Advance),
            1 => (0..4usize).prop_map(Step::Remove),
        ]
    }

    proptest! {
        /// Against a list of updates, and for each bookmark the time up to which it has seen them.
        #[test]
        fn a_bookmark_sees_each_place_once_with_its_last_update(steps in prop::collection::vec(step(), 0..80)) {
            let mut recent = Recent::default();
            let mut touched: Vec<(u32, usize)> = Vec::new(); // place and time, the newest last
            let mut bookmarks: Vec<(Bookmark, usize)> = Vec::new(); // and the time up to which it saw everything
            for (time, step) in steps.into_iter().enumerate() {
                match step {
                    Step::Touch(place) => {
                        let place = place.min(recent.places.len() as u32);
                        if touched.iter().any(|(other, _)| *other == place) {
                            recent.touch(place);
                        } else {
                            recent.add(place);
                        }
                        touched.retain(|(other, _)| *other != place);
                        touched.push((place, time));
                    }
                    Step::TakeOut(place) if touched.iter().any(|(other, _)| *other == place) => {
                        recent.take_out(place);
                        touched.retain(|(other, _)| *other != place);
                    }
                    Step::Bookmark => {
                        let newest = touched.last().map_or(0, |(_, time)| *time);
                        bookmarks.push((recent.bookmark_before_newest(), newest));
                    }
                    Step::Advance(index) if index < bookmarks.len() => {
                        let (bookmark, seen) = &mut bookmarks[index];
                        let ahead = touched.iter().find(|(_, time)| *time >= *seen).copied();
                        prop_assert_eq!(recent.advance(bookmark), ahead.map(|(place, _)| place));
                        if let Some((_, time)) = ahead {
                            *seen = time + 1;
                        }
                    }
                    Step::Remove(index) if index < bookmarks.len() => recent.remove(bookmarks.remove(index).0),
                    _ => {}
                }
                let newest_first: Vec<u32> = touched.iter().rev().map(|(place, _)| *place).collect();
                prop_assert_eq!(recent.newest_first().collect::<Vec<_>>(), newest_first);
            }
        }
    }
}
