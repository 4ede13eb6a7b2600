//! In which order the targets of SRV records are to be tried (RFC 2782, "The format of the SRV RR", Weight).

use std::fmt::{self, Display, Formatter};

/// One SRV record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// The lowest is tried first.
    pub(super) priority: u16,
    /// The chance to be first among those of the same priority, in proportion.
    pub(super) weight: u16,
    /// The broker's client port.
    pub(super) port: u16,
    /// The broker's host, with the last dot that DNS gives it.
    pub(super) target: String,
}

/// As in a zone file.
impl Display for Record {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.priority, self.weight, self.port, self.target)
    }
}

/// All of `records`, in the order to try them.
///
/// `random(n)` gives a number from 0 to n, both included, each as likely as the other.
pub(super) fn order(mut records: Vec<Record>, mut random: impl FnMut(u32) -> u32) -> Vec<Record> {
    // Both sorts are stable: what has weight 0 goes before its equals, what is equal stays as the zone has
    // it.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    for equals in records.chunk_by(|a, b| a.priority == b.priority) {
        let mut left = equals.to_vec();
        while !left.is_empty() {
            let drawn = draw(&left, &mut random);
            ordered.push(left.remove(drawn));
        }
    }
    ordered
}

/// The place of the next one in `left`, which must not be empty and has the records of weight 0 at its
/// beginning.
///
/// "Choose a uniform random number between 0 and the sum computed (inclusive), and select the RR whose
/// running sum value is the first in the selected order which is greater than or equal to the random number
/// selected."
fn draw(left: &[Record], random: &mut impl FnMut(u32) -> u32) -> usize {
    // No overflow: a DNS message of 64 KiB has less than 2^12 SRV records, of less than 2^16 each.
    let sum = left.iter().map(|record| u32::from(record.weight)).sum();
    let chosen = random(sum);
    let mut running_sum = 0;
    left.iter()
        .position(|record| {
            running_sum += u32::from(record.weight);
            running_sum >= chosen
        })
        .unwrap_or(left.len() - 1)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// A record as a zone file has it: `PRIORITY WEIGHT PORT TARGET`.
    pub(in crate::discovery) fn record(text: &str) -> Record {
        let fields: Vec<&str> = text.split(' ').collect();
        let number = |place: usize| fields[place].parse().unwrap();
        Record { priority: number(0), weight: number(1), port: number(2), target: fields[3].to_owned() }
    }

    fn records(texts: &[&str]) -> Vec<Record> {
        texts.iter().map(|text| record(text)).collect()
    }

    fn targets(ordered: &[Record]) -> String {
        ordered.iter().map(|record| record.target.as_str()).collect()
    }

    /// How often each target comes first, over every number that can be drawn first, once each.
    #[track_caller]
    fn check_first(texts: &[&str], expected: &[(&str, u32)]) {
        let sum: u32 = records(texts).iter().map(|record| u32::from(record.weight)).sum();
        let mut times = BTreeMap::new();
        for number in 0..=sum {
            let mut numbers = Some(number).into_iter();
            let ordered = order(records(texts), |max| numbers.next().unwrap_or(max));
            *times.entry(ordered[0].target.clone()).or_insert(0) += 1;
        }
        let expected = expected.iter().map(|(target, times)| ((*target).to_owned(), *times));
        assert_eq!(times, expected.collect());
    }

    #[test]
    fn the_first_is_drawn_by_weight() {
        // The 0 that can be drawn goes to whoever stands first: RFC 2782 has it so.
        check_first(&["0 10 1 a", "0 30 1 b", "0 60 1 c"], &[("a", 11), ("b", 30), ("c", 60)]);
        check_first(&["0 1 1 a", "0 65535 1 b"], &[("a", 2), ("b", 65_535)]);
        check_first(&["5 7 1 a"], &[("a", 8)]);
    }

    #[test]
    fn weight_0_is_drawn_by_0_only() {
        check_first(&["0 10 1 a", "0 0 1 b"], &[("b", 1), ("a", 10)]);
        check_first(&["0 10 1 a", "0 0 1 b", "0 0 1 c"], &[("b", 1), ("a", 10)]);
        check_first(&["0 0 1 a", "0 0 1 b"], &[("a", 1)]);
    }

    #[test]
    fn priority_comes_before_weight() {
        check_first(&["10 100 1 a", "5 1 1 b", "20 0 1 c"], &[("b", 102)]);
        let ordered = order(records(&["65535 9 1 d", "10 0 1 b", "0 0 1 a", "10 5 1 c"]), |_| 0);
        assert_eq!(targets(&ordered), "abcd");
    }

    #[test]
    fn who_is_drawn_is_not_drawn_again() {
        let mut asked = Vec::new();
        let ordered = order(records(&["0 1 1 a", "0 2 1 b", "0 4 1 c"]), |max| {
            asked.push(max);
            max
        });
        assert_eq!(targets(&ordered), "cba");
        assert_eq!(asked, [7, 3, 1]);
    }

    #[test]
    fn whole_orders_come_as_often_as_the_weights_say() {
        let mut numbers = splitmix64(2782);
        let mut times: BTreeMap<String, u32> = BTreeMap::new();
        const RUNS: u32 = 60_000;
        for _ in 0..RUNS {
            let draw = |max: u32| (numbers() % (u64::from(max) + 1)) as u32;
            let ordered = order(records(&["0 100 1 a", "0 200 1 b", "0 300 1 c"]), draw);
            *times.entry(targets(&ordered)).or_default() += 1;
        }
        // P(abc) = 100/600 * 200/500, and so on; half a point of slack is ten times what is seen, and covers
        // the 0.
        for (whole, percent) in
            [("abc", 6.7), ("acb", 10.0), ("bac", 8.3), ("bca", 25.0), ("cab", 16.7), ("cba", 33.3)]
        {
            let seen = f64::from(times[whole]) * 100.0 / f64::from(RUNS);
            assert!((seen - percent).abs() < 0.5, "{whole} came in {seen} %, not in {percent} %");
        }
    }

    #[test]
    fn a_random_source_that_says_too_much_picks_the_last() {
        assert_eq!(targets(&order(records(&["0 1 1 a", "0 2 1 b"]), |_| u32::MAX)), "ba");
    }

    #[test]
    fn nothing_stays_nothing() {
        assert_eq!(order(Vec::new(), |_| 0), []);
    }

    /// Numbers that are the same in every run: <https://prng.di.unimi.it/splitmix64.c>.
    fn splitmix64(mut state: u64) -> impl FnMut() -> u64 {
        move || {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            mixed ^ (mixed >> 31)
        }
    }
}
