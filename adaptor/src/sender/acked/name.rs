//! What an adaptor calls itself where it numbers its updates.

use std::hash::{BuildHasher, RandomState};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::wire::Numbered;

/// The sender's name, and the number of its first update.
#[derive(Debug, Clone)]
pub(crate) struct SenderName {
    name: String,
    first_number: u64,
}

impl SenderName {
    /// A name that no other has: when it was made, by which process, and 64 bits of chance.
    pub(crate) fn unique() -> Self {
        let micros = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros();
        let chance = RandomState::new().hash_one(micros);
        Self { name: format!("{micros:x}-{:x}-{chance:016x}", std::process::id()), first_number: 1 }
    }

    /// One that the program gives; `None` where it breaks the rule.
    pub(crate) fn given(name: &str, first_number: u64) -> Option<Self> {
        Numbered::new(name, first_number).map(|_| Self { name: name.to_owned(), first_number })
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.name
    }

    pub(crate) fn first_number(&self) -> u64 {
        self.first_number
    }

    /// One of its updates. A name that is here keeps the rule, so there always is one.
    pub(crate) fn numbered(&self, number: u64) -> Option<Numbered<'_>> {
        Numbered::new(&self.name, number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_good_and_no_two_are_the_same() {
        let names: std::collections::HashSet<String> =
            (0..1_000).map(|_| SenderName::unique().as_str().to_owned()).collect();
        assert_eq!(names.len(), 1_000);
        assert!(names.iter().all(|name| Numbered::new(name, 1).is_some()), "{names:?}");
        assert!(SenderName::given("lathe 7", 1).is_none());
        assert_eq!(SenderName::given("lathe-7", 9).unwrap().first_number(), 9);
    }
}
