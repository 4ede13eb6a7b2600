//! `thingsbus watch`: updates as they come.

use std::time::{Duration, Instant, SystemTime};

use anstyle::Style;
use thingsbus_adaptor::wire::{Forgotten, FreshnessChange, Namespace, Timestamp};
use thingsbus_client::mirror::Reappraised;
use thingsbus_client::{Client, Event, Events, Flags, Parts};

use crate::age::age_text;
use crate::args::{Global, duration};
use crate::broker::{self, LOOK_EVERY, Patience};
use crate::clock::time_of_day;
use crate::expected::{expected_text, is_to_be_seen};
use crate::failure::Failure;
use crate::json::compact;
use crate::numbers::{counted, seconds_text};
use crate::output::{ASIDE, NAME, NOTICE, Output, tell};
use crate::text::{columns_left, cut, shown};
use crate::things::{aged, named};

/// Print updates as they come, the last values first
///
/// What was there before is told by its age; --live leaves it out. A thing that is late, silent or fresh again has a line,
/// too, which is no update. JSON lines are what the broker sends; updates that were there before have an "age" besides.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus watch shop --count 10")]
pub(crate) struct Options {
    /// This thing and those below it; all where none is given
    #[arg(value_parser = Namespace::parse)]
    ns: Option<Namespace>,
    /// Only what comes from now on
    #[arg(short, long)]
    live: bool,
    /// End after so many updates
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    /// End after this time; with --count, it is a failure (2) if they did not come
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    limit: Option<Duration>,
}

/// Updates are held back up to so many until the last values are complete, so that their columns are even.
const HELD_MAX: usize = 1_000;

/// And as long as this.
const HELD_TIME: Duration = Duration::from_secs(1);

/// As wide as `59 min ago`.
const WHEN_WIDTH: usize = 10;

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let ns = options.ns.clone().unwrap_or_default();
    let deadline = options.limit.and_then(|limit| Instant::now().checked_add(limit));
    let client = broker::connect(global, &Parts::Only(Vec::new()))?;
    let thing = client.directory().get_thing(ns.as_str()).map_err(Failure::usage)?;
    let flags = Flags::TREE | Flags::FORGOTTEN | Flags::FRESHNESS;
    let flags = if options.live { flags } else { flags | Flags::SNAPSHOT };
    let mut events = thing.events(flags);
    let mut lines = Lines { output, names: 0, left: options.count };
    if !begin(&client, global, &mut events, deadline, &mut lines)? {
        return Err(broker::not_ready(&client, global, options.limit.unwrap_or_default()));
    }
    let mut link = Link { up: true, gaps: 0, merged: 0, live: options.live };
    while lines.left != Some(0) {
        let left = deadline.map_or(LOOK_EVERY, |at| at.saturating_duration_since(Instant::now()));
        let mut came = batch(&mut events, left.min(LOOK_EVERY));
        lines.print_all(&mut came)?;
        if left.is_zero() {
            return ended(options, &lines);
        }
        link.look(&client);
    }
    Ok(())
}

/// What came, once something has. It is printed together, so that columns are even.
fn batch(events: &mut Events, limit: Duration) -> Vec<Event> {
    let Some(first) = events.next_within(limit) else { return Vec::new() };
    std::iter::once(first).chain(std::iter::from_fn(|| events.try_next()).take(HELD_MAX)).collect()
}

/// Until the broker is there and what it knows is told; `false` where the time was up before it was there.
fn begin(
    client: &Client,
    global: &Global,
    events: &mut Events,
    deadline: Option<Instant>,
    lines: &mut Lines<'_>,
) -> Result<bool, Failure> {
    let since = Instant::now();
    let mut patience = Patience::new(global);
    let mut held = Vec::new();
    let left = || deadline.map_or(LOOK_EVERY, |at| at.saturating_duration_since(Instant::now()));
    while client.wait_ready(Duration::ZERO).is_err() {
        held.append(&mut batch(events, left().min(Duration::from_millis(20))));
        if held.len() >= HELD_MAX || since.elapsed() > HELD_TIME {
            lines.print_all(&mut held)?;
        }
        if lines.left == Some(0) {
            return Ok(true);
        }
        if left().is_zero() {
            lines.print_all(&mut held)?;
            return Ok(client.connection().connected);
        }
        patience.check(client)?;
    }
    held.append(&mut batch(events, Duration::ZERO));
    if !lines.output.is_json() {
        let things = client.directory().all_things();
        things.iter().filter(|thing| thing.latest().is_some()).for_each(|thing| lines.fit(thing.ns()));
    }
    if held.is_empty() && client.directory().is_empty() && !lines.output.is_json() {
        tell("nothing has spoken yet; waiting for updates");
    }
    lines.print_all(&mut held)?;
    Ok(true)
}

/// The time is up.
fn ended(options: &Options, lines: &Lines<'_>) -> Result<(), Failure> {
    let (Some(count), Some(left @ 1..), Some(limit)) = (options.count, lines.left, options.limit) else {
        return Ok(());
    };
    let (came, limit) = (counted(count - left, "update"), seconds_text(limit));
    Err(Failure::nothing(format_args!("{came} of {count} within {limit}")))
}

/// What is printed of updates.
struct Lines<'o> {
    output: &'o mut Output,
    /// The width of the names' column: that of the longest so far, within reason.
    names: usize,
    /// How many more are wanted.
    left: Option<u64>,
}

impl Lines<'_> {
    fn print_all(&mut self, events: &mut Vec<Event>) -> Result<(), Failure> {
        events.iter().for_each(|event| self.fit(event.ns()));
        for event in events.drain(..) {
            self.print(&event)?;
        }
        self.output.flush()
    }

    fn print(&mut self, event: &Event) -> Result<(), Failure> {
        match &mut self.left {
            Some(0) => return Ok(()),
            Some(left) => *left -= u64::from(event.freshness().is_none()),
            None => {}
        }
        if event.missed() > 0 {
            self.output.flush()?;
            let missed = counted(event.missed(), "update");
            tell(format_args!("{missed} left out: they came faster than they were printed"));
        }
        if self.output.is_json() {
            return if let Some(Reappraised { was, expected }) = event.freshness() {
                let (ns, seq) = (event.ns().as_str(), event.seq().unwrap_or_default());
                let ts = Timestamp::from_system_time(SystemTime::now());
                let mut json = Vec::new();
                FreshnessChange { ns, ts, was, expected, seq }.push_json(&mut json);
                self.output.bytes(&json)
            } else if event.is_forgotten() {
                let (ns, ts, seq) = (event.ns().as_str(), event.ts(), event.seq().unwrap_or_default());
                let mut json = Vec::new();
                Forgotten { ns, ts, seq, merged: None }.push_json(&mut json);
                self.output.bytes(&json)
            } else if event.is_snapshot() {
                self.output.bytes(&aged(&event.update(), event.age().as_secs_f64()))
            } else {
                self.output.bytes(&event.update().to_json())
            };
        }
        let when = if event.is_snapshot() && !event.is_forgotten() {
            format!("{} ago", age_text(event.age()))
        } else {
            time_of_day()
        };
        let name = named(event.ns());
        let space = self.names.saturating_sub(name.len()) + 2;
        let used = WHEN_WIDTH.max(when.len()) + 2 + name.len() + space;
        let value = match event.freshness() {
            Some(Reappraised { expected, .. }) => expected_text(&expected),
            None if event.is_forgotten() => "forgotten".to_owned(),
            None => compact(event.data()),
        };
        let value = shown(&value);
        let value = cut(&value, columns_left(self.output.width(), used));
        let is_to_be_seen = event.freshness().is_some_and(|new| is_to_be_seen(&new.expected));
        let style = match event.is_forgotten() || event.freshness().is_some() {
            _ if is_to_be_seen => NOTICE,
            true => ASIDE,
            false => Style::new(),
        };
        let value = self.output.paint(style, value).to_string();
        let when = self.output.paint(ASIDE, format_args!("{when:>WHEN_WIDTH$}")).to_string();
        let name = self.output.paint(NAME, name).to_string();
        self.output.line(format!("{when}  {name}{:space$}{value}", "").trim_end())
    }

    /// Makes the names' column as wide as the name, unless little would be left for the values.
    fn fit(&mut self, ns: &Namespace) {
        let names_max = self.output.width().saturating_sub(WHEN_WIDTH + 4) / 2;
        let name = named(ns).len();
        if name <= names_max {
            self.names = self.names.max(name);
        }
    }
}

/// How the connection was when it was looked at.
struct Link {
    up: bool,
    gaps: u64,
    merged: u64,
    /// Only live updates are printed.
    live: bool,
}

impl Link {
    /// Tells what has changed.
    fn look(&mut self, client: &Client) {
        let now = client.connection();
        if self.up != now.connected {
            self.up = now.connected;
            match (now.connected, self.live) {
                (true, false) => tell("connected again; what changed meanwhile follows"),
                (true, true) => tell("connected again"),
                (false, _) => tell(format_args!("{}; trying again", now.doing)),
            }
        }
        if self.merged != now.merged {
            let merged = counted(now.merged.saturating_sub(self.merged), "update");
            self.merged = now.merged;
            tell(format_args!(
                "{merged} left out by the broker, for newer ones of the same things: we are too slow"
            ));
        }
        if self.gaps != now.gaps {
            self.gaps = now.gaps;
            let then = if self.live { "" } else { "; the last values of those things follow" };
            tell(format_args!("updates were missed on the way{then}"));
        }
    }
}
