//! What the history costs and how quickly it answers, over a real file, with time that is simulated:
//! `cargo bench -p thingsbus-broker --bench history -- [week|year|small|again]... [go-on] [--seconds N] [--folder PATH]`.

// The engine is no part of the library's interface, so its files are this program's too.
#[path = "../src/store"]
mod store {
    #![allow(dead_code, unused_imports)]
    mod batch;
    pub(crate) mod head;
    pub(crate) mod history;
    mod row;
}

use std::error::Error;
use std::fmt::Write as _;
use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use redb::StorageBackend;
use redb::backends::FileBackend;
use store::history::{End, History, Points, Rule, Rules, Span, Tier};
use thingsbus_adaptor::wire::Timestamp;
use thingsbus_broker::hub;
use thingsbus_client::directory::Value;

const DAY: u64 = 86_400;

/// What a broker would have that says nothing else.
const RULE: Rule =
    Rule { bytes_max: 1 << 30, values_s: 31 * DAY, minutes_s: 366 * DAY, hours_s: 10 * 366 * DAY };

const BEGIN: f64 = 1_700_000_000.0;

/// A file that counts what is written to it.
#[derive(Debug)]
struct Counted(FileBackend, Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    read: AtomicU64,
    written: AtomicU64,
    syncs: AtomicU64,
}

impl StorageBackend for Counted {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }
    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.1.read.fetch_add(out.len() as u64, Ordering::Relaxed);
        self.0.read(offset, out)
    }
    fn set_len(&self, length: u64) -> io::Result<()> {
        self.0.set_len(length)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.1.syncs.fetch_add(1, Ordering::Relaxed);
        self.0.sync_data()
    }
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.1.written.fetch_add(data.len() as u64, Ordering::Relaxed);
        self.0.write(offset, data)
    }
    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// Things that say where they are on their walks.
struct Things {
    random: Random,
    names: Vec<String>,
    walks: Vec<(i64, i64)>,
    seq: u64,
}

impl Things {
    fn new(count: usize) -> Self {
        let names = (0..count).map(|number| format!("plant.hall{}.machine{number}", number % 10)).collect();
        Self { random: Random(1), names, walks: vec![(2_137, 1_200); count], seq: 0 }
    }

    fn say(&mut self, now: f64, points: &mut Points) {
        let mut text = String::new();
        for (name, (temp, rpm)) in self.names.iter().zip(&mut self.walks) {
            *temp += self.random.below(11) as i64 - 5;
            *rpm += self.random.below(21) as i64 - 10;
            text.clear();
            let _ = write!(text, r#"{{"temp":{},"rpm":{rpm}}}"#, *temp as f64 / 100.0);
            self.seq += 1;
            let received = time(now + self.random.below(2_000) as f64 / 1e6);
            let ts = time(received.seconds() - self.random.below(5_000) as f64 / 1e6);
            points.push(name, &Value { data: &text, ts, received, seq: self.seq, documentation_url: None });
        }
    }
}

fn time(seconds: f64) -> Timestamp {
    Timestamp::from_seconds((seconds * 1e6).round() / 1e6).unwrap_or_default()
}

struct Run {
    history: History,
    path: PathBuf,
    counts: Arc<Counts>,
    now: f64,
    /// When this run began, which is later where it goes on.
    began: f64,
    points: u64,
    busy: Duration,
    longest: (Duration, Duration),
}

impl Run {
    /// Begins anew, or goes on where a run ended, however it did: after the last value of this thing.
    fn new(folder: &Path, name: &str, after: Option<&str>) -> Result<Self, Box<dyn Error>> {
        let path = folder.join(format!("history-{name}.redb"));
        let file =
            File::options().read(true).write(true).create(true).truncate(after.is_none()).open(&path)?;
        let counts = Arc::new(Counts::default());
        let backend = Counted(FileBackend::new(file)?, counts.clone());
        let history = History::open(backend, Rules::new(RULE))?;
        let last = match after {
            None => None,
            Some(ns) => history
                .values(ns, Span::up_to(time(f64::from(u32::MAX))), End::Last, 1, 1 << 20)?
                .points
                .pop(),
        };
        let now = last.map_or(BEGIN, |point| point.received.seconds().floor() + 1.0);
        Ok(Self {
            history,
            path,
            counts,
            now,
            began: now,
            points: 0,
            busy: Duration::ZERO,
            longest: Default::default(),
        })
    }

    /// Lets things speak every `every` seconds, and puts what they said there every `batch`.
    fn feed(
        &mut self,
        things: &mut Things,
        every: f64,
        batch: f64,
        seconds: f64,
    ) -> Result<(), Box<dyn Error>> {
        let mut points = Points::default();
        let end = self.now + seconds;
        while self.now < end {
            let until = self.now + batch;
            while self.now < until {
                things.say(self.now, &mut points);
                self.now += every;
            }
            self.points += points.iter().count() as u64;
            let begun = Instant::now();
            self.history.add(&points)?;
            points.clear();
            let added = begun.elapsed();
            self.longest.0 = self.longest.0.max(added);
            let mut step = Instant::now();
            while self.history.tidy(time(self.now))? {
                self.longest.1 = self.longest.1.max(step.elapsed());
                step = Instant::now();
            }
            self.busy += begun.elapsed();
        }
        Ok(())
    }

    fn tell(&self) -> Result<(), Box<dyn Error>> {
        let points = self.points as f64;
        let file = std::fs::metadata(&self.path)?;
        let written = self.counts.written.load(Ordering::Relaxed);
        let stats = self.history.stats();
        println!(
            "{:.2} days, {} points, {:.0} points/s taken; longest add {:?}, longest step {:?}",
            (self.now - BEGIN) / DAY as f64,
            self.points,
            points / self.busy.as_secs_f64(),
            self.longest.0,
            self.longest.1
        );
        for tier in Tier::ALL {
            let it = stats.tiers.get(tier as usize).copied().unwrap_or_default();
            let hours = it.oldest.map_or(0.0, |oldest| (self.now - oldest) / 3_600.0);
            println!(
                "  {tier:?}: {} rows, {:.1} MB, {:.2} bytes each, {} runs, {hours:.1} hours",
                it.rows,
                it.bytes as f64 / 1e6,
                it.bytes as f64 / it.rows.max(1) as f64,
                it.runs
            );
        }
        println!(
            "  open {} points; file {:.1} MB, {:.1} MB of it on disk; written {:.1} MB, {:.1} bytes a point, {:.1} MB \
             a day, {} syncs; {} MB of memory at the most",
            stats.open,
            file.len() as f64 / 1e6,
            file.blocks() as f64 * 512.0 / 1e6,
            written as f64 / 1e6,
            written as f64 / points,
            written as f64 / 1e6 / ((self.now - self.began) / DAY as f64),
            self.counts.syncs.load(Ordering::Relaxed),
            memory()
        );
        Ok(())
    }

    fn ask(&self, ns: &str) -> Result<(), Box<dyn Error>> {
        let hour = Span::of(Some(time(self.now - 3_600.0)), Some(time(self.now)));
        for (from, how) in [(hour, "the last hour"), (Span::up_to(time(self.now)), "the last 1,000")] {
            let begun = Instant::now();
            let end = if how == "the last hour" { End::First } else { End::Last };
            let count = if how == "the last hour" { 100_000 } else { 1_000 };
            let found = self.history.values(ns, from, end, count, 1 << 24)?;
            println!("  {how} as values: {} in {:?}", found.points.len(), begun.elapsed());
        }
        let begun = Instant::now();
        let found = self.history.as_of(ns, time(self.now - 3_000.5))?;
        println!("  as of 50 minutes ago: {} in {:?}", found.is_some(), begun.elapsed());
        for (seconds, buckets) in [
            (3_600.0, 60),
            (3_600.0, 1_000),
            (DAY as f64, 1_000),
            (30.0 * DAY as f64, 1_000),
            (365.0 * DAY as f64, 1_000),
        ] {
            let begun = Instant::now();
            let every = Duration::from_secs_f64(seconds / f64::from(buckets));
            let found = self.history.buckets(ns, None, time(self.now - seconds), time(self.now), every)?;
            let count: usize = found.paths.values().map(Vec::len).sum();
            println!(
                "  {:.2} days in {buckets} lines: {count} in {:?}",
                seconds / DAY as f64,
                begun.elapsed()
            );
        }
        Ok(())
    }
}

/// The most memory that the process had, in MB.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok()).unwrap_or(0) / 1_000
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let folder = after("--folder").map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = after("--seconds").and_then(|seconds| seconds.parse::<f64>().ok());
    let is_wanted = |name: &str| {
        let named = ["week", "year", "small"].iter().any(|name| arguments.iter().any(|it| it == name));
        !named || arguments.iter().any(|argument| argument == name)
    };
    if arguments.iter().any(|argument| argument == "again") {
        let path = folder.join("history-week.redb");
        let counts = Arc::new(Counts::default());
        let file = File::options().read(true).write(true).open(&path)?;
        let backend = Counted(FileBackend::new(file)?, counts.clone());
        let begun = Instant::now();
        let history = History::open(backend, Rules::new(RULE))?;
        let (took, read) = (begun.elapsed(), counts.read.load(Ordering::Relaxed));
        println!("{} opened again in {took:?}, {:.1} MB of it read", path.display(), read as f64 / 1e6);
        println!("  {:?}", history.stats());
        return Ok(());
    }
    if is_wanted("small") {
        println!("10 things, each every 10 seconds, written every 10 seconds");
        let mut run = Run::new(&folder, "small", None)?;
        let mut things = Things::new(10);
        run.feed(&mut things, 10.0, 10.0, seconds.unwrap_or(DAY as f64))?;
        run.tell()?;
        run.ask("plant.hall3.machine3")?;
    }
    if is_wanted("year") {
        println!("one thing every 10 seconds, for a year, written every 10 minutes");
        let mut run = Run::new(&folder, "year", None)?;
        let mut things = Things::new(1);
        run.feed(&mut things, 10.0, 600.0, seconds.unwrap_or(365.0 * DAY as f64))?;
        run.tell()?;
        run.ask("plant.hall0.machine0")?;
    }
    if is_wanted("week") {
        println!("10,000 things, each every second, written every 5 seconds");
        let is_on = arguments.iter().any(|argument| argument == "go-on");
        let mut run = Run::new(&folder, "week", is_on.then_some("plant.hall3.machine4563"))?;
        let mut things = Things::new(10_000);
        let end = BEGIN + seconds.unwrap_or(7.0 * DAY as f64);
        let part = (end - BEGIN) / 20.0;
        things.seq = ((run.now - BEGIN) * 10_000.0) as u64;
        while run.now < end {
            run.feed(&mut things, 1.0, 5.0, part.min(end - run.now))?;
            run.tell()?;
            run.ask("plant.hall3.machine4563")?;
        }
    }
    Ok(())
}
