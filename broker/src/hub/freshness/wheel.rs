//! Which things are to be looked at, and when: a hierarchical timing wheel (Varghese and Lauck, 1987, scheme 7). Each
//! thing is in one slot at most; to put it there, to take it out and to find the next one takes the same few steps however
//! many there are. Pure: times are arguments, in microseconds.

/// A slot of the finest level, as a power of two of microseconds: a quarter of a second.
const TICK: u32 = 18;

/// Slots of a level, as a power of two.
const SLOTS: u32 = 6;

/// With eight levels of 64 slots there is one for every time.
const LEVELS: usize = 8;

/// What is later than some 140,000 years is then.
const LATEST: u64 = 1 << 62;

/// The slot of those that are to be looked at now.
const DUE: usize = LEVELS << SLOTS;

/// No thing.
const NONE: u32 = u32::MAX;

/// In `before`: this is the first one of the slot whose number is in the other bits.
const FIRST: u32 = 1 << 31;

/// Which things are to be looked at, and when.
#[derive(Debug)]
pub(super) struct Wheel {
    /// The first thing of each slot, level after level, and last of those that are due.
    slots: [u32; DUE + 1],
    /// Which slots of each level have any.
    occupied: [u64; LEVELS],
    /// Everything before is in the slot of those that are due.
    tick: u64,
    /// By their places. What comes before a thing in its slot: another one, or the slot itself; `NONE` where it is in none.
    links: Vec<Link>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
}

impl Default for Wheel {
    fn default() -> Self {
        Self { slots: [NONE; DUE + 1], occupied: [0; LEVELS], tick: 0, links: Vec::new() }
    }
}

impl Wheel {
    /// The thing is to be looked at once it is `at`; not any more when it was to be looked at before. Places from 2^31 on are
    /// not kept, which nobody has the memory for.
    pub(super) fn set(&mut self, place: usize, at: u64) {
        self.remove(place);
        let tick = (at.min(LATEST) >> TICK) + 1; // When it is over for sure.
        let slot = if tick <= self.tick { DUE } else { self.slot(tick) };
        self.put(place, slot);
    }

    /// The thing is not to be looked at any more.
    pub(super) fn remove(&mut self, place: usize) {
        let Some(link) = self.links.get_mut(place).filter(|link| link.before != NONE) else { return };
        let Link { before, after } = std::mem::replace(link, Link { before: NONE, after: NONE });
        if before & FIRST != 0 {
            let slot = (before & !FIRST) as usize;
            self.set_first(slot, after);
        } else if let Some(link) = self.links.get_mut(before as usize) {
            link.after = after;
        }
        if let Some(link) = self.links.get_mut(after as usize) {
            link.before = before;
        }
    }

    /// Takes a thing out that is to be looked at by `now`, or in no more than a slot's time has to be sorted in more finely:
    /// it is put back then.
    pub(super) fn pop(&mut self, now: u64) -> Option<usize> {
        let now = now >> TICK;
        while self.first(DUE) == NONE {
            let Some((slot, begins)) = self.next_slot().filter(|(_, begins)| *begins <= now) else {
                self.tick = self.tick.max(now);
                return None;
            };
            self.tick = begins;
            let first = self.first(slot);
            self.set_first(slot, NONE);
            self.set_first(DUE, first);
            if let Some(link) = self.links.get_mut(first as usize) {
                link.before = FIRST | DUE as u32;
            }
        }
        let place = self.first(DUE) as usize;
        self.remove(place);
        Some(place)
    }

    /// When there is something to be looked at, in microseconds; `None` where there is nothing.
    pub(super) fn due(&self) -> Option<u64> {
        if self.first(DUE) != NONE {
            return Some(0);
        }
        self.next_slot().map(|(_, begins)| begins << TICK)
    }

    /// The next slot that has any, and the tick with which it begins. The slots of a level all come before the next ones of
    /// the level above.
    fn next_slot(&self) -> Option<(usize, u64)> {
        let level = self.occupied.iter().position(|occupied| *occupied != 0)?;
        let place = self.occupied.get(level)?.trailing_zeros();
        let shift = SLOTS * level as u32;
        let round = self.tick >> (shift + SLOTS) << (shift + SLOTS);
        Some(((level << SLOTS) + place as usize, round | u64::from(place) << shift))
    }

    /// The slot for a tick that is to come: the level is that of the highest digit in which it differs from now.
    fn slot(&self, tick: u64) -> usize {
        let level = ((tick ^ self.tick).ilog2() / SLOTS) as usize;
        let place = tick >> (SLOTS * level as u32) & ((1 << SLOTS) - 1);
        (level << SLOTS) + place as usize
    }

    fn put(&mut self, place: usize, slot: usize) {
        if place >= FIRST as usize {
            return;
        }
        if place >= self.links.len() {
            self.links.resize(place + 1, Link { before: NONE, after: NONE });
        }
        let after = self.first(slot);
        if let Some(link) = self.links.get_mut(place) {
            *link = Link { before: FIRST | slot as u32, after };
        }
        if let Some(link) = self.links.get_mut(after as usize) {
            link.before = place as u32;
        }
        self.set_first(slot, place as u32);
    }

    fn first(&self, slot: usize) -> u32 {
        self.slots.get(slot).copied().unwrap_or(NONE)
    }

    fn set_first(&mut self, slot: usize, first: u32) {
        if let Some(known) = self.slots.get_mut(slot) {
            *known = first;
        }
        if let Some(occupied) = self.occupied.get_mut(slot >> SLOTS) {
            let bit = 1 << (slot & ((1 << SLOTS) - 1));
            *occupied = if first == NONE { *occupied & !bit } else { *occupied | bit };
        }
    }
}
