//! How much of the past is kept, and for how long: one rule for everything, and others for single parts of the
//! namespace.

/// How much is kept of what is under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The most bytes on disk: half of them for values, a quarter each for minutes and hours.
    pub(crate) bytes_max: u64,
    /// How long values are kept, in seconds.
    pub(crate) values_s: u64,
    /// How long a line for each minute is.
    pub(crate) minutes_s: u64,
    /// How long a line for each hour is.
    pub(crate) hours_s: u64,
}

/// All rules of a broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The longest prefix first; the last one is for everything, its prefix empty.
    rules: Vec<(String, Rule)>,
}

/// The most rules: each has runs of its own, and each name is held against all of them.
pub(crate) const RULES_MAX: usize = 64;

impl Rules {
    pub(crate) fn new(default: Rule) -> Self {
        Self { rules: vec![(String::new(), default)] }
    }

    /// Adds one for a namespace and everything below it. `false` where there are too many; one that is there already is
    /// replaced.
    pub(crate) fn set(&mut self, prefix: &str, rule: Rule) -> bool {
        if let Some(known) = self.rules.iter_mut().find(|(known, _)| known == prefix) {
            known.1 = rule;
            return true;
        }
        if self.rules.len() >= RULES_MAX {
            return false;
        }
        let at = self.rules.partition_point(|(known, _)| known.len() > prefix.len());
        self.rules.insert(at, (prefix.to_owned(), rule));
        true
    }

    /// Is anything kept of this thing?
    pub(crate) fn keeps(&self, ns: &str) -> bool {
        self.rules.iter().all(|(_, rule)| rule.bytes_max > 0)
            || self.get(self.of(ns)).is_some_and(|rule| rule.bytes_max > 0)
    }

    /// The number of the rule for this thing.
    pub(super) fn of(&self, ns: &str) -> u16 {
        let found = self.rules.iter().position(|(prefix, _)| is_under(ns, prefix));
        found.unwrap_or_default() as u16
    }

    /// The number of the rule that has this prefix, or of the one for everything.
    pub(super) fn of_prefix(&self, prefix: &str) -> u16 {
        let last = self.rules.len().saturating_sub(1);
        self.rules.iter().position(|(known, _)| known == prefix).unwrap_or(last) as u16
    }

    pub(super) fn prefix(&self, number: u16) -> &str {
        self.rules.get(usize::from(number)).map_or("", |(prefix, _)| prefix)
    }

    pub(super) fn get(&self, number: u16) -> Option<&Rule> {
        self.rules.get(usize::from(number)).map(|(_, rule)| rule)
    }

    pub(super) fn numbers(&self) -> impl Iterator<Item = u16> + use<> {
        0..self.rules.len() as u16
    }

    /// Of all rules together.
    pub(super) fn bytes_max(&self) -> u64 {
        self.rules.iter().fold(0, |sum, (_, rule)| rule.bytes_max.saturating_add(sum))
    }
}

fn is_under(ns: &str, prefix: &str) -> bool {
    match ns.strip_prefix(prefix) {
        Some(rest) => prefix.is_empty() || rest.is_empty() || rest.starts_with('.'),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_wins_and_only_at_a_dot() {
        let rule = |bytes_max| Rule { bytes_max, values_s: 1, minutes_s: 1, hours_s: 1 };
        let mut rules = Rules::new(rule(1));
        assert!(rules.set("shop", rule(2)) && rules.set("shop.lathe", rule(3)) && rules.set("shop", rule(4)));
        let of = |ns| rules.get(rules.of(ns)).unwrap().bytes_max;
        assert_eq!(
            ["a", "shop", "shop.a", "shopping", "shop.lathe", "shop.lathe.rpm"].map(of),
            [1, 4, 4, 1, 3, 3]
        );
        assert_eq!(rules.bytes_max(), 8);
        assert_eq!(rules.prefix(rules.of_prefix("shop")), "shop");
        assert_eq!(rules.prefix(rules.of_prefix("gone")), "");
        for number in 0..RULES_MAX {
            assert_eq!(rules.set(&number.to_string(), rule(1)), number < RULES_MAX - 3);
        }
    }
}
