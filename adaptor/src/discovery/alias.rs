//! From a name to its SRV records through the aliases (CNAME) in between.
//!
//! The resolver's own `srv_lookup` cannot do this: hickory 0.26.3 goes on asking for the SRV records of the
//! *target* where an alias stands before them, and ends with no record or an error (`caching_client.rs`,
//! `handle_noerror`).

use std::time::Duration;

use hickory_resolver::proto::rr::{Name, RData, Record as DnsRecord};

use super::choose::Answer;
use super::order::Record;

/// How many aliases in a row are followed: more is a loop, or as good as one.
const ALIASES_MAX: usize = 8;

/// The way from the name asked for to where its SRV records are.
#[derive(Debug)]
pub(super) struct Trail {
    name: Name,
    aliases_left: usize,
    ttl_s: u32,
}

/// What an answer brought.
#[derive(Debug)]
pub(super) enum Step {
    /// The SRV records, none if there are none.
    Arrived(Answer),
    /// An alias of a name that the answer says nothing more about: ask for [`Trail::name`] now.
    AskAgain,
}

impl Trail {
    pub(super) const fn new(name: Name) -> Self {
        Self { name, aliases_left: ALIASES_MAX, ttl_s: u32::MAX }
    }

    /// The name to ask for.
    pub(super) const fn name(&self) -> &Name {
        &self.name
    }

    /// Goes as far as these answers lead; records that do not belong to the trail are not looked at.
    pub(super) fn follow(&mut self, answers: &[DnsRecord]) -> Step {
        let start = self.name.clone();
        loop {
            let records: Vec<Record> = self.here(answers).filter_map(srv).collect();
            let alias = self.here(answers).find_map(|record| match &record.data {
                RData::CNAME(alias) => Some((alias.0.clone(), record.ttl)),
                _ => None,
            });
            match alias {
                Some((target, ttl_s)) if records.is_empty() && self.aliases_left > 0 => {
                    self.aliases_left -= 1;
                    self.name = target;
                    self.ttl_s = self.ttl_s.min(ttl_s);
                }
                None if records.is_empty() && self.name != start => return Step::AskAgain,
                _ => {
                    let ttls_s = self.here(answers).map(|record| record.ttl);
                    let ttl = Duration::from_secs(u64::from(ttls_s.fold(self.ttl_s, u32::min)));
                    return Step::Arrived(Answer { records, ttl });
                }
            }
        }
    }

    fn here<'a>(&self, answers: &'a [DnsRecord]) -> impl Iterator<Item = &'a DnsRecord> {
        answers.iter().filter(move |record| record.name == self.name)
    }
}

fn srv(record: &DnsRecord) -> Option<Record> {
    let RData::SRV(srv) = &record.data else { return None };
    let target = srv.target.to_ascii();
    Some(Record { priority: srv.priority, weight: srv.weight, port: srv.port, target })
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use hickory_resolver::proto::rr::rdata::{CNAME, SRV};

    use super::*;

    fn name(text: &str) -> Name {
        Name::from_str(text).unwrap()
    }

    /// `OWNER TTL CNAME TARGET` or `OWNER TTL SRV TARGET`.
    fn record(text: &str) -> DnsRecord {
        let fields: Vec<&str> = text.split(' ').collect();
        let data = match fields[2] {
            "CNAME" => RData::CNAME(CNAME(name(fields[3]))),
            _ => RData::SRV(SRV::new(0, 0, 7954, name(fields[3]))),
        };
        DnsRecord::from_rdata(name(fields[0]), fields[1].parse().unwrap(), data)
    }

    /// `expected` is `TTL TARGET…`, or `?NAME` where that is to be asked for.
    #[track_caller]
    fn check(answers: &[&str], expected: &str) {
        let answers: Vec<DnsRecord> = answers.iter().map(|text| record(text)).collect();
        let mut trail = Trail::new(name("start."));
        let seen = match trail.follow(&answers) {
            Step::AskAgain => format!("?{}", trail.name()),
            Step::Arrived(answer) => {
                let targets: String =
                    answer.records.iter().map(|record| format!(" {}", record.target)).collect();
                format!("{}{targets}", answer.ttl.as_secs())
            }
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_trail_is_followed() {
        check(&["start. 60 SRV a.", "start. 30 SRV b."], "30 a. b.");
        check(&["START. 60 SRV a."], "60 a.");
        check(&["start. 9 CNAME x.", "x. 60 SRV a."], "9 a.");
        check(&["x. 60 SRV a.", "y. 8 CNAME x.", "start. 9 CNAME y."], "8 a.");
        check(&["start. 9 CNAME x."], "?x.");
        check(&["start. 9 CNAME x.", "x. 9 CNAME y."], "?y.");
    }

    #[test]
    fn what_does_not_belong_to_it_is_not_taken() {
        check(&["start. 60 SRV a.", "other. 1 SRV b."], "60 a.");
        check(&["other. 1 SRV b."], "4294967295");
        check(&["start. 60 SRV a.", "start. 70 CNAME x.", "x. 1 SRV b."], "60 a.");
    }

    #[test]
    fn a_loop_has_an_end() {
        check(&["start. 9 CNAME x.", "x. 7 CNAME start."], "7");
        let mut trail = Trail::new(name("n0."));
        let asked = (0..100).find(|n| {
            let answer = record(&format!("n{n}. 9 CNAME n{}.", n + 1));
            matches!(trail.follow(&[answer]), Step::Arrived(_))
        });
        assert_eq!(asked, Some(ALIASES_MAX));
    }
}
