//! The history over a simulated disk, held against a list of everything that was said.

use std::collections::BTreeMap;
use std::time::Duration;

use thingsbus_client::directory::Value;

use super::super::head::Problem;
use super::super::history::{End, History, OwnedPoint, Points, Rule, Rules, Span, Tier};
use super::disk::{Disk, Fault};
use super::{Random, at};

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
const YEAR: u64 = 365 * DAY;

/// Some bytes, so that runs are written often.
const SOME: Rule = Rule { bytes_max: 64 << 20, values_s: YEAR, minutes_s: YEAR, hours_s: YEAR };

/// A history, and a list of everything that it was told.
struct Told {
    disk: Disk,
    history: History,
    rules: Rules,
    all: BTreeMap<String, Vec<OwnedPoint>>,
    points: Points,
    now: f64,
    seq: u64,
}

impl Told {
    fn new(rules: Rules) -> Self {
        let disk = Disk::default();
        let history = History::open(disk.clone(), rules.clone()).unwrap();
        let (all, points) = (BTreeMap::new(), Points::default());
        Self { disk, history, rules, all, points, now: 1_423_351_104.0, seq: 0 }
    }

    fn say(&mut self, ns: &str, data: String, received: f64) {
        self.seq += 1;
        let point = OwnedPoint { data, received: at(received), ts: at(received - 0.001_5), seq: self.seq };
        self.points.push(ns, &value(&point));
        self.all.entry(ns.to_owned()).or_default().push(point);
    }

    fn add(&mut self) {
        self.history.add(&self.points).unwrap();
        self.points.clear();
    }

    /// Does all that is to be done; how many steps that were.
    fn tidy(&mut self) -> usize {
        (0..100_000).find(|_| !self.history.tidy(at(self.now)).unwrap()).unwrap()
    }

    fn reopen(&mut self) {
        let disk = Disk::with(self.disk.bytes());
        self.history = History::open(disk.clone(), self.rules.clone()).unwrap();
        self.disk = disk;
    }

    /// `things` things say something every `every` seconds, for this long; some of it comes late.
    fn simulate(&mut self, random: &mut Random, things: usize, every: f64, seconds: f64) {
        let mut until = self.now + 7.0 * every;
        let end = self.now + seconds;
        while self.now < end {
            for thing in 0..things {
                let number = random.below(4_000) as f64 / 4.0 - 500.0;
                let data = match random.below(20) {
                    0 => format!("{number}"),
                    1 => r#"{"is":"down"}"#.to_owned(),
                    _ => format!(
                        r#"{{"temp":{number},"rpm":{},"list":[true,{}]}}"#,
                        1_200 + thing,
                        random.below(3)
                    ),
                };
                let late = if random.below(10) == 0 { 3.37 * every } else { 0.0 };
                let received = ((self.now - late) * 1e6 + random.below(1_000) as f64).round() / 1e6;
                self.say(&format!("shop.t{thing}"), data, received);
            }
            self.now += every;
            if self.now > until {
                until = self.now + 7.0 * every;
                self.add();
                self.tidy();
            }
        }
        self.add();
    }

    fn of(&self, ns: &str) -> Vec<OwnedPoint> {
        let mut points = self.all.get(ns).cloned().unwrap_or_default();
        points.sort_by(|one, other| {
            one.received.seconds().total_cmp(&other.received.seconds()).then(one.seq.cmp(&other.seq))
        });
        points
    }
}

fn value(point: &OwnedPoint) -> Value<'_> {
    let OwnedPoint { data, received, ts, seq } = point;
    Value { data, ts: *ts, received: *received, seq: *seq, documentation_url: None }
}

/// Reads a span page by page.
fn pages(history: &History, ns: &str, span: Span, end: End, count: usize) -> Vec<OwnedPoint> {
    let mut points: Vec<OwnedPoint> = Vec::new();
    let mut rest = Some(span);
    while let Some(span) = rest {
        let found = history.values(ns, span, end, count, 1_000).unwrap();
        assert!(found.rest.is_none() || !found.points.is_empty());
        match end {
            End::First => points.extend(found.points),
            End::Last => drop(points.splice(0..0, found.points)),
        }
        rest = found.rest;
    }
    points
}

type Plain = (i64, u64, f64, f64, f64, f64);

/// Lines as one computes them from a list of points; of numbers that stay exact in any order.
fn lines_of(points: &[OwnedPoint], path: &str, every: i64) -> Vec<Plain> {
    let mut lines: BTreeMap<i64, Plain> = BTreeMap::new();
    for point in points {
        let data: serde_json::Value = serde_json::from_str(&point.data).unwrap();
        let Some(number) = data.pointer(path).and_then(serde_json::Value::as_f64) else { continue };
        let start = ((point.received.seconds() * 1e6).round() as i64).div_euclid(every) * every;
        let line = lines.entry(start).or_insert((start, 0, number, number, 0.0, number));
        line.1 += 1;
        line.2 = line.2.min(number);
        line.3 = line.3.max(number);
        line.4 += number;
        line.5 = number;
    }
    lines.into_values().collect()
}

fn lines(history: &History, ns: &str, path: &str, (from, to): (f64, f64), every: u64) -> Vec<Plain> {
    let found = history.buckets(ns, Some(path), at(from), at(to), Duration::from_secs(every)).unwrap();
    assert_eq!(found.rest, None);
    let lines = found.paths.into_values().next().unwrap_or_default();
    lines.iter().map(|line| (line.start, line.count, line.min, line.max, line.sum, line.last)).collect()
}

/// Everything that can be asked is as in the list, all of it being there.
fn is_as_told(told: &Told, random: &mut Random) {
    for ns in ["shop.t0", "shop.t3", "shop"] {
        let all = told.of(ns);
        let time = |random: &mut Random| match random.below(all.len() + 2) {
            0 => 0.0,
            number if number > all.len() => told.now + 1e9,
            number => all[number - 1].received.seconds(),
        };
        for _ in 0..8 {
            let (from, to) = (time(random), time(random));
            let span = Span::new(at(from), at(to));
            let wanted: Vec<OwnedPoint> =
                all.iter().filter(|point| (from..to).contains(&point.received.seconds())).cloned().collect();
            for end in [End::First, End::Last] {
                let count = 1 + random.below(50);
                assert!(pages(&told.history, ns, span, end, count) == wanted, "{ns} {from} {to} {end:?}");
            }
            let found = told.history.as_of(ns, at(from)).unwrap();
            let wanted = all.iter().rfind(|point| point.received.seconds() <= from);
            assert_eq!(found.as_ref(), wanted, "{ns} {from}");
        }
        for (every, seconds) in [(1, 3_000), (60, HOUR * 7), (90, HOUR), (HOUR, DAY * 400), (DAY, YEAR)] {
            let every_us = every as i64 * 1_000_000;
            let from = ((told.now as u64).saturating_sub(seconds) / every * every) as f64;
            let recent: Vec<OwnedPoint> =
                all.iter().filter(|point| point.received.seconds() >= from).cloned().collect();
            for path in ["/temp", "/list/1", "", "/none"] {
                let wanted = lines_of(&recent, path, every_us);
                let found = lines(&told.history, ns, path, (from, told.now + 10.0), every);
                if found != wanted {
                    let pair = found.iter().zip(&wanted).find(|(one, other)| one != other);
                    panic!("{ns} {path} {every}: {} {} {pair:?}", found.len(), wanted.len());
                }
            }
        }
    }
}

#[test]
fn values_lines_and_moments_are_as_told_from_whatever_tier() {
    let mut random = Random(4);
    let mut told = Told::new(Rules::new(SOME));
    is_as_told(&told, &mut random);
    for (things, every, seconds) in
        [(5, 1.0, 300.0), (40, 2.0, 2_000.0), (5, 30.0, 40_000.0), (4, 240.0, 900_000.0)]
    {
        told.simulate(&mut random, things, every, seconds);
        is_as_told(&told, &mut random);
        told.tidy();
        is_as_told(&told, &mut random);
        told.reopen();
        is_as_told(&told, &mut random);
    }
    let stats = told.history.stats();
    assert!(stats.tiers.iter().all(|tier| tier.runs > 0 && tier.rows > 0), "{stats:?}");
    let runs: u64 = stats.tiers.iter().map(|tier| tier.runs).sum();
    assert!(runs < 200, "they are merged: {stats:?}");
}
