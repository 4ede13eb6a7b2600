//! How many updates a stream did not tell because newer ones of the same things stand for them. Pure.

/// What came by and what was told of it, in updates.
#[derive(Debug, Default)]
pub(super) struct Merged {
    came: u64,
    told: u64,
    said: u64,
}

impl Merged {
    /// So many came.
    pub(super) fn came(&mut self, count: u64) {
        self.came += count;
    }

    /// So many of them were told, which may be before they come.
    pub(super) fn told(&mut self, count: u64) {
        self.told += count;
    }

    /// How many more were merged since this was last asked.
    pub(super) fn say(&mut self) -> Option<u64> {
        let more = self.came.checked_sub(self.told + self.said).filter(|more| *more > 0)?;
        self.said += more;
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_and_was_not_told() {
        let mut merged = Merged::default();
        assert_eq!(merged.say(), None);
        merged.came(5);
        merged.told(2);
        assert_eq!((merged.say(), merged.say()), (Some(3), None));
        // Told before it came.
        merged.told(1);
        assert_eq!(merged.say(), None);
        merged.came(2);
        assert_eq!(merged.say(), Some(1));
    }
}
