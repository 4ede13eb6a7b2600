//! Random numbers that are good enough to spread load.

use std::hash::{BuildHasher, RandomState};

/// A number from 0 to `max`, both included.
///
/// The standard library seeds its hash maps from the system and gives each a key of its own; the hash of
/// nothing under such a key is as random as this needs. Nobody gains by guessing it: it says which broker is
/// asked first.
pub(super) fn up_to(max: u32) -> u32 {
    let numbers = u64::from(max) + 1;
    let drawn = RandomState::new().hash_one(()) % numbers;
    u32::try_from(drawn).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_comes_about_as_often() {
        assert_eq!(up_to(0), 0);
        let mut times = [0_u32; 4];
        for _ in 0..40_000 {
            times[up_to(3) as usize] += 1;
        }
        // 10,000 expected, 87 the standard deviation: ten of them do not happen by chance.
        assert!(times.iter().all(|seen| seen.abs_diff(10_000) < 870), "{times:?}");
    }
}
