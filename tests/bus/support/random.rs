//! Chance that can be repeated: a failing test prints its seed, and `THINGSBUS_SEED` runs it again.

use std::time::UNIX_EPOCH;

/// SplitMix64 (Steele, Lea and Flood 2014): one line of state, good enough to write nonsense with.
pub struct Random(u64);

impl Random {
    /// With the seed of `THINGSBUS_SEED` or a new one, which is printed.
    pub fn new(what: &str) -> Self {
        let given = std::env::var("THINGSBUS_SEED").ok();
        let seed = match given {
            Some(given) => given.parse().expect("THINGSBUS_SEED is a number"),
            None => UNIX_EPOCH.elapsed().unwrap().as_micros() as u64,
        };
        eprintln!("{what}: THINGSBUS_SEED={seed}");
        Self(seed)
    }

    /// Another one that goes its own way, for another thread.
    pub fn split(&mut self) -> Self {
        Self(self.next())
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }

    pub fn one_of<'t, T: ?Sized>(&mut self, all: &[&'t T]) -> &'t T {
        all[self.below(all.len())]
    }
}
