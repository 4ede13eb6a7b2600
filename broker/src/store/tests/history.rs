//! The history over a simulated disk, held against a list of everything that was said.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thingsbus_client::directory::Value;

use super::super::head::Problem;
use super::super::historian;
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
        let mut history = History::open(disk.clone(), rules.clone()).unwrap();
        history.set_step_bytes(10_000);
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
            let span = Span::of(Some(at(from)), Some(at(to)));
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

#[test]
fn what_is_gone_of_a_tier_is_told_by_the_next_one_and_nothing_is_told_twice() {
    let mut random = Random(5);
    let rule = Rule { values_s: 2 * HOUR, minutes_s: 12 * HOUR, ..SOME };
    let mut told = Told::new(Rules::new(rule));
    let begin = told.now;
    for part in 0..6 {
        told.simulate(&mut random, 4, 60.0, 30_000.0);
        told.now += f64::from(part) * 1_000.0;
        told.tidy();
        told.reopen();
        for every in [1, 60, 300, HOUR, DAY] {
            for ns in ["shop.t0", "shop.t3"] {
                let (all, every_us) = (told.of(ns), every as i64 * 1_000_000);
                let whole = |points: &[OwnedPoint]| lines_of(points, "/temp", every_us);
                let span = ((begin / 86_400.0).floor() * 86_400.0 - 86_400.0, told.now + 10.0);
                let mut found = Vec::new();
                let mut from = span.0;
                while from < span.1 {
                    let to = (from + 5_000.0 * every as f64).min(span.1);
                    found.extend(lines(&told.history, ns, "/temp", (from, to), every));
                    from = to;
                }
                let count = |lines: &[Plain]| lines.iter().map(|line| line.1).sum::<u64>();
                assert_eq!(count(&found), count(&whole(&all)), "{ns} {every}: each once");
                if every >= HOUR {
                    assert!(found == whole(&all), "{ns} {every}");
                }
                let kept = if every >= 60 { 11.0 * 3_600.0 } else { 3_600.0 };
                let whole_ones = every.max(HOUR) as f64;
                let from = ((told.now - kept) / whole_ones).ceil() * whole_ones;
                let recent: Vec<OwnedPoint> =
                    all.into_iter().filter(|point| point.received.seconds() >= from).collect();
                let wanted = whole(&recent);
                let found: Vec<Plain> =
                    found.into_iter().filter(|line| line.0 as f64 / 1e6 >= from).collect();
                assert!(found == wanted, "{ns} {every} recently");
            }
        }
    }
    let stats = told.history.stats();
    let oldest = |tier: Tier| (told.now - stats.tiers[tier as usize].oldest.unwrap()) / 3_600.0;
    assert!(
        oldest(Tier::Values) < 5.0 && oldest(Tier::Minutes) < 24.0 && oldest(Tier::Hours) > 40.0,
        "{stats:?}"
    );
}

/// Everything of a thing that there is, as its numbers.
fn seqs(history: &History, ns: &str) -> Vec<u64> {
    let found = history.values(ns, Span::up_to(at(1e12)), End::First, usize::MAX, usize::MAX).unwrap();
    found.points.iter().map(|point| point.seq).collect()
}

/// Things go wrong at a random moment, 300 times: the power goes, or the disk fails and the file is opened anew.
#[test]
fn what_an_add_has_written_outlives_power_cuts_and_faults() {
    let mut random = Random(6);
    let mut told = Told::new(Rules::new(SOME));
    let things = 6;
    let mut sure: Vec<Vec<u64>> = vec![Vec::new(); things];
    let mut unsure = sure.clone();
    let (mut went_wrong, mut flushed) = (0, 0);
    let mut data = 0;
    while went_wrong < 300 {
        // Whatever went wrong before, the file opens, and what is sure is there.
        let history = History::open(Disk::with(told.disk.bytes()), told.rules.clone()).unwrap();
        let mut there = Vec::new();
        for thing in 0..things {
            let found = seqs(&history, &format!("shop.t{thing}"));
            let mut with_unsure = sure[thing].clone();
            with_unsure.extend(&unsure[thing]);
            assert!(found == sure[thing] || found == with_unsure, "{went_wrong}: {thing}");
            if !unsure[thing].is_empty() {
                there.push(found == with_unsure);
            }
            let lines = lines(&history, &format!("shop.t{thing}"), "", (1e9, told.now + 10.0), DAY);
            assert_eq!(lines.iter().map(|line| line.1).sum::<u64>(), found.len() as u64);
        }
        // All of a batch is there, or nothing.
        let is_there = there.contains(&true);
        assert!(!(is_there && there.contains(&false)), "{went_wrong}");
        for (sure, unsure) in sure.iter_mut().zip(&mut unsure) {
            if is_there {
                sure.append(unsure);
            }
            unsure.clear();
        }
        let fault = [Fault::PowerCut, Fault::Error, Fault::Full][random.below(3)];
        told.disk.fail_at(1 + random.below(150) as u64, fault);
        let opened = History::open(told.disk.clone(), told.rules.clone());
        if let Ok(history) = opened {
            told.history = history;
            told.history.set_step_bytes(50);
            loop {
                for _ in 0..1 + random.below(40) {
                    let thing = random.below(things);
                    data += 1;
                    told.say(&format!("shop.t{thing}"), data.to_string(), told.now);
                    unsure[thing].push(told.seq);
                    told.now += random.below(40) as f64;
                }
                let added = told.history.add(&told.points);
                told.points.clear();
                if added.is_err() {
                    break;
                }
                for (sure, unsure) in sure.iter_mut().zip(&mut unsure) {
                    sure.append(unsure);
                }
                let before = told.history.stats().tiers[0].runs;
                let steps = random.below(6);
                let tidied = (0..steps).try_for_each(|_| told.history.tidy(at(told.now)).map(drop));
                if tidied.is_err() {
                    break;
                }
                flushed += u64::from(told.history.stats().tiers[0].runs != before);
            }
        }
        // Whoever has the file lets go of it, before what is on the disk is looked at.
        told.history = History::open(Disk::default(), told.rules.clone()).unwrap();
        told.disk = match fault {
            Fault::PowerCut => told.disk.after_power_cut(|end| random.below(end)),
            _ => Disk::with(told.disk.bytes()),
        };
        went_wrong += 1;
    }
    // Nothing is left of what was begun and not ended.
    told.reopen();
    told.tidy();
    assert_eq!(told.history.stats().going_bytes, 0);
    assert!(data > 6_000 && flushed > 100, "{data} {flushed}");
}

/// The disk fails once, at each operation in turn; it is tried again with what is left to do, as the thread does it.
#[test]
fn what_was_forgotten_does_not_come_back_whatever_fails() {
    for fault in [Fault::Error, Fault::Full] {
        let mut failed = 0;
        for operation in 1.. {
            let mut told = Told::new(Rules::new(SOME));
            told.say("shop.a", "1".to_owned(), told.now);
            told.say("shop.b", "2".to_owned(), told.now);
            told.add();
            told.say("shop.a", "3".to_owned(), told.now);
            told.say("shop.b", "4".to_owned(), told.now);
            told.say("shop.a", "5".to_owned(), told.now);
            let mut forgotten = [("shop.a".to_owned(), 3)].into();
            told.disk.fail_at(operation, fault);
            let before = told.disk.operations();
            let is_over = loop {
                if historian::add(&mut told.history, &mut told.points, &mut forgotten).is_ok() {
                    break told.disk.operations() < before + operation;
                }
                failed += 1;
                told.reopen();
            };
            told.reopen();
            let there = ["shop.a", "shop.b"].map(|ns| {
                let mut seqs = seqs(&told.history, ns);
                seqs.dedup(); // Where the disk said no to what it had done, it is there twice.
                seqs
            });
            assert_eq!(there, [vec![5], vec![2, 4]], "{fault:?} {operation}");
            if is_over && failed > 0 && operation > 60 {
                break;
            }
        }
        assert!(failed > 10, "{failed}");
    }
}

/// A page of things as they were asks for each of them, with as much open as there ever is.
#[test]
fn a_page_of_things_does_not_look_through_all_that_is_open_for_each_of_them() {
    let mut told = Told::new(Rules::new(SOME));
    for number in 0..30_000 {
        told.say(&format!("shop.t{}", number % 500), number.to_string(), told.now);
    }
    told.add();
    let begun = Instant::now();
    for thing in 0..500 {
        let found = told.history.as_of(&format!("shop.t{thing}"), at(told.now)).unwrap().unwrap();
        assert_eq!(found.seq, 29_501 + thing);
    }
    // It was 7 s; much room for a machine that does other things too.
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    println!("a page of 500 things: {:?}", begun.elapsed());
}

/// Lines of a second for ten years in which a thing said little are a few pages, from whatever tier.
#[test]
fn times_in_which_nothing_was_said_are_no_pages() {
    let mut told = Told::new(Rules::new(Rule { values_s: 10 * DAY, minutes_s: 100 * DAY, ..SOME }));
    let first = told.now;
    let mut said = 0;
    for days in [0.0, 0.01, 3.0, 40.0, 41.0, 200.0, 300.0] {
        told.now = first + days * 86_400.0;
        told.say("shop.a", "1.5".to_owned(), told.now);
        said += 1;
        for other in 0..20 {
            told.say("shop.other", "2".to_owned(), told.now + f64::from(other) * 3_000.0);
        }
        told.add();
        for is_tidied in [false, true] {
            if is_tidied {
                told.now += 70_000.0;
                told.tidy();
            }
            let years = 5.0 * YEAR as f64;
            let (mut from, to) = (first - years, told.now + years);
            let (mut count, mut pages) = (0, 0);
            let mut before = i64::MIN;
            loop {
                let found =
                    told.history.buckets("shop.a", None, at(from), at(to), Duration::from_secs(1)).unwrap();
                pages += 1;
                for line in found.paths.into_values().flatten() {
                    assert!(line.start >= before);
                    before = line.start + 1;
                    count += line.count;
                }
                let Some(rest) = found.rest else { break };
                assert!(rest > before);
                from = rest as f64 / 1e6;
            }
            assert_eq!(count, said, "{days} {is_tidied}");
            assert!(pages <= said, "{days} {is_tidied}: {pages}");
        }
    }
    let stats = told.history.stats();
    assert!(stats.tiers.iter().all(|tier| tier.runs > 0), "{stats:?}");
    let none = told.history.buckets("shop.b", None, at(0.0), at(told.now), Duration::from_secs(1)).unwrap();
    assert_eq!(none.rest, None);
}

/// Things come and go; some speak again, just before or while their names are looked for.
#[test]
fn names_of_which_nothing_is_left_go_and_no_others() {
    let mut random = Random(11);
    let rule = Rule { values_s: 6 * HOUR, minutes_s: 12 * HOUR, hours_s: DAY, ..SOME };
    let mut told = Told::new(Rules::new(rule));
    told.history.set_step_bytes(20_000);
    let name = |thing: usize| format!("shop.{thing}.{}", "long".repeat(20));
    let mut most = 0;
    for round in 0..60 {
        for _ in 0..40 {
            // Texts, of which there are no lines, and numbers; of these and those days.
            let thing = round * 40 + random.below(100);
            let data = if random.below(2) == 0 { "1" } else { "\"on\"" };
            told.say(&name(thing), data.to_owned(), told.now);
        }
        told.say("shop.always", "1".to_owned(), told.now);
        told.add();
        told.now += 7.0 * 3_600.0;
        let mut steps = 0;
        while told.history.tidy(at(told.now)).unwrap() {
            steps += 1;
            if steps % 5 == 0 {
                let thing = name((round * 40).saturating_sub(random.below(400)));
                told.say(&thing, "3".to_owned(), told.now);
                told.add();
            }
        }
        if round % 7 == 0 {
            told.say("shop.always", "1".to_owned(), told.now); // What was done for later is on disk with it.
            told.add();
            told.reopen();
            told.history.set_step_bytes(20_000);
        }
        // What is young enough to be there for sure is there.
        for thing in told.all.keys() {
            let wanted: Vec<OwnedPoint> = told.of(thing);
            let wanted = wanted.iter().filter(|point| point.received.seconds() > told.now - 5.0 * 3_600.0);
            let wanted: Vec<u64> = wanted.map(|point| point.seq).collect();
            assert!(seqs(&told.history, thing).ends_with(&wanted), "{round} {thing}");
            let young = told.now - 20.0 * 3_600.0;
            let all = told.of(thing);
            let numbers =
                all.iter().filter(|point| point.received.seconds() > young && point.data != "\"on\"");
            let numbers = numbers.count() as u64;
            let found = lines(&told.history, thing, "", (young - 3_600.0, told.now + 10.0), HOUR);
            assert!(found.iter().map(|line| line.1).sum::<u64>() >= numbers, "{round} {thing}");
        }
        most = most.max(told.history.stats().names_bytes);
    }
    let all: usize = told.all.keys().map(|name| 2 * name.len()).sum();
    assert!(most < all as u64 / 3, "{most} of {all}");
    // In the end there is nothing.
    told.now += 10.0 * DAY as f64;
    told.tidy();
    told.now += DAY as f64;
    told.tidy();
    assert_eq!(told.history.stats().names_bytes, 0);
    told.say(&name(0), "4".to_owned(), told.now);
    told.add();
    assert_eq!(seqs(&told.history, &name(0)), [told.seq]);
}

/// How much of a file was ever written.
fn written(disk: &Disk) -> u64 {
    let bytes = disk.bytes();
    bytes.chunks(4_096).filter(|page| page.iter().any(|byte| *byte != 0)).count() as u64 * 4_096
}

#[test]
fn each_rule_keeps_within_its_bytes_and_only_the_oldest_goes() {
    let mut random = Random(7);
    let mut rules = Rules::new(Rule { bytes_max: 4 << 20, ..SOME });
    assert!(rules.set("shop.t1", Rule { bytes_max: 2 << 20, ..SOME }));
    let mut told = Told::new(rules.clone());
    for part in 0..8 {
        told.simulate(&mut random, 20, 2.0, 3_000.0);
        for thing in 0..300 {
            told.say(
                "shop.t1.deep",
                format!(r#"{{"a":{thing}.5,"b":"{}"}}"#, random.below(1 << 40)),
                told.now,
            );
        }
        told.add();
        told.tidy();
        let stats = told.history.stats();
        assert!(stats.tiers[0].bytes <= 3 << 20 && stats.tiers[1].bytes <= 3 << 19, "{part}: {stats:?}");
        assert!(written(&told.disk) <= 6 << 20, "{part}: {} {stats:?}", written(&told.disk));
        for ns in ["shop.t0", "shop.t1", "shop.t1.deep"] {
            let all: Vec<u64> = told.of(ns).iter().map(|point| point.seq).collect();
            let found = seqs(&told.history, ns);
            assert!(all.ends_with(&found) || ns != "shop.t1.deep", "{ns}");
            assert!(!found.is_empty(), "{part} {ns} {stats:?}");
        }
    }
    let all = told.of("shop.t0").len();
    assert!(seqs(&told.history, "shop.t0").len() < all, "something went");
}

#[test]
fn what_was_forgotten_is_not_told_and_goes_from_disk() {
    let mut random = Random(8);
    let mut told = Told::new(Rules::new(SOME));
    told.simulate(&mut random, 3, 2.0, 200.0);
    for is_open in [true, false] {
        if !is_open {
            told.simulate(&mut random, 3, 60.0, 8_000.0);
            told.tidy();
        }
        told.history.forget(["shop.t1"]).unwrap();
        told.history.forget(["shop.never"]).unwrap();
        for is_opened_again in [false, true] {
            if is_opened_again {
                told.reopen();
            }
            assert!(seqs(&told.history, "shop.t1").is_empty());
            assert_eq!(told.history.as_of("shop.t1", at(1e12)).unwrap(), None);
            assert!(lines(&told.history, "shop.t1", "/temp", (told.now - 9_000.0, told.now), 60).is_empty());
            assert_eq!(seqs(&told.history, "shop.t0").len(), told.of("shop.t0").len());
        }
        told.say("shop.t1", "1".to_owned(), told.now);
        told.add();
        assert_eq!(seqs(&told.history, "shop.t1"), [told.seq]);
        told.history.forget(["shop.t1"]).unwrap();
    }
    let all: usize = told.of("shop.t0").len() + told.of("shop.t2").len();
    told.simulate(&mut random, 1, 60.0, 50_000.0);
    told.now += 4_000.0;
    told.tidy();
    let stats = told.history.stats();
    assert!(stats.open == 0 && stats.tiers[0].rows < 1_000 + all as u64 + 200, "{stats:?}");
}

#[test]
fn a_rule_that_is_no_more_leaves_what_it_kept_to_the_one_for_everything() {
    let mut random = Random(9);
    let mut told = Told::new(Rules::new(SOME));
    assert!(told.rules.set("shop.t1", Rule { values_s: HOUR, minutes_s: DAY, ..SOME }));
    told.reopen();
    told.simulate(&mut random, 3, 20.0, 20_000.0);
    told.now += 4_000.0;
    told.tidy();
    let kept = |told: &Told| ["shop.t0", "shop.t1"].map(|ns| seqs(&told.history, ns).len());
    let [all, some] = [told.of("shop.t0").len(), 0];
    assert_eq!(kept(&told), [all, some], "an hour is over for one of them");
    told.simulate(&mut random, 3, 20.0, 2_000.0);
    told.history = History::open(Disk::default(), told.rules.clone()).unwrap();
    told.rules = Rules::new(SOME);
    told.reopen();
    let [more, new] = kept(&told);
    assert!(more > all && new > 0);
    told.now += 3.0 * 3_600.0;
    told.tidy();
    told.reopen();
    assert_eq!(kept(&told), [more, new]);
    told.now += YEAR as f64 + 4_000.0;
    told.tidy();
    assert_eq!(kept(&told), [0, 0]);
    let stats = told.history.stats();
    assert_eq!((stats.going_bytes, stats.tiers.map(|tier| tier.runs)), (0, [0; 3]));
}

/// A byte turns somewhere in the file. What cannot be read says so, and what can is as it was.
#[test]
fn a_file_with_any_byte_turned_tells_nothing_that_was_not_said() {
    let mut random = Random(10);
    let mut told = Told::new(Rules::new(SOME));
    told.simulate(&mut random, 3, 60.0, 10_000.0);
    told.tidy();
    told.simulate(&mut random, 3, 60.0, 1_000.0);
    let file = told.disk.bytes();
    let all = told.of("shop.t1");
    let used: Vec<usize> = (0..file.len()).filter(|&at| file[at] != 0).collect();
    let (mut broken, mut whole) = (0, 0);
    for _ in 0..600 {
        let mut bytes = file.clone();
        bytes[used[random.below(used.len())]] ^= 1 << random.below(8);
        let asked = History::open(Disk::with(bytes), told.rules.clone()).and_then(|mut history| {
            let mut ask = || {
                let found =
                    history.values("shop.t1", Span::up_to(at(1e12)), End::First, usize::MAX, usize::MAX)?;
                let span = (at(1e9), at(told.now), Duration::from_secs(DAY));
                history.buckets("shop.t1", None, span.0, span.1, span.2)?;
                for _ in 0..20 {
                    history.tidy(at(told.now + 4_000.0))?;
                }
                history.add(&told.points)?;
                Ok(found)
            };
            let found = ask();
            history.close().and(found)
        });
        match asked {
            Ok(found) if found.points == all => whole += 1,
            Ok(found) => assert!(found.points.iter().all(|point| all.contains(point))),
            Err(Problem::InUse) => panic!("nobody uses it"),
            Err(_) => broken += 1,
        }
    }
    assert!(broken > 50 && whole > 50, "{broken} {whole}");
}

#[test]
fn what_a_job_has_begun_is_not_told_after_a_crash() {
    let mut told = Told::new(Rules::new(Rule { bytes_max: 8 << 20, ..SOME }));
    for number in 0..60 {
        for thing in 0..400 {
            told.say(&format!("shop.t{thing}"), format!(r#"{{"a":{},"b":1}}"#, number * thing), told.now);
        }
        told.now += 30.0;
        told.add();
    }
    told.now += 4_000.0;
    told.history.set_step_bytes(1_000);
    let mut looked = 0;
    for step in 0..100_000 {
        if !told.history.tidy(at(told.now)).unwrap() {
            break;
        }
        if step % 3 == 0 {
            // What was written for later is on disk with this.
            told.say("shop.other", "1".to_owned(), told.now);
            told.add();
            let after = History::open(Disk::with(told.disk.bytes()), told.rules.clone()).unwrap();
            looked += u64::from(after.stats().going_bytes > 0);
            for ns in ["shop.t0", "shop.t1", "shop.t399"] {
                let all: Vec<u64> = told.of(ns).iter().map(|point| point.seq).collect();
                assert!(seqs(&after, ns) == all, "{ns} {step}");
                let lines = lines(&after, ns, "/a", (1e9, told.now), DAY);
                assert_eq!(lines.iter().map(|line| line.1).sum::<u64>(), 60, "{ns} {step}");
            }
        }
    }
    assert!(looked > 3, "{looked}");
}
