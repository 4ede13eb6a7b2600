//! How good the words for freshness are: false alarms a week and the time to notice a death, for sensors of many kinds, with
//! time that is simulated: `cargo bench -p thingsbus-broker --bench freshness`; `-- rules` compares other rules.
//!
//! The same numbers in every run. What was recorded is in `benches/recorded/`.

#[path = "freshness/patterns.rs"]
mod patterns;
#[path = "freshness/rules.rs"]
mod rules;

use patterns::{Heard, Pattern, WEEK};
use rules::{Learned, Rule};

/// What came of a pattern under a rule.
#[derive(Default)]
struct Outcome {
    weeks: f64,
    late: u32,
    silent: u32,
    /// False alarms before there was enough to learn from: late, silent.
    while_learning: (u32, u32),
    late_after: Vec<f64>,
    silent_after: Vec<f64>,
}

fn main() {
    // Cargo adds `--bench`.
    if std::env::args().any(|argument| argument == "rules") { compare() } else { table() }
}

/// The rule that the broker has, on everything.
fn table() {
    println!("| pattern | late a week | silent a week | while learning | late after | silent after |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for pattern in patterns::all() {
        let outcome = run(&pattern, &mut Learned::default());
        let (late, silent) = outcome.while_learning;
        println!(
            "| {} | {} | {} | {late}, {silent} | {} | {} |",
            pattern.name,
            pattern.rate(outcome.late, outcome.weeks),
            pattern.rate(outcome.silent, outcome.weeks),
            spread(outcome.late_after),
            spread(outcome.silent_after),
        );
    }
}

/// Every rule on everything, in short.
fn compare() {
    println!("| pattern | rule | late a week | silent a week | late after | silent after |");
    println!("| --- | --- | ---: | ---: | ---: | ---: |");
    for pattern in patterns::all().into_iter().filter(|pattern| !pattern.restarts) {
        for (name, mut rule) in rules::all() {
            let outcome = run(&pattern, rule.as_mut());
            println!(
                "| {} | {name} | {} | {} | {} | {} |",
                pattern.name,
                pattern.rate(outcome.late, outcome.weeks),
                pattern.rate(outcome.silent, outcome.weeks),
                spread(outcome.late_after),
                spread(outcome.silent_after),
            );
        }
    }
}

/// A false alarm is a time of silence after which the thing spoke again. After every update it is noted when the thing would
/// be called late and silent, had that been its last one.
fn run(pattern: &Pattern, rule: &mut dyn Rule) -> Outcome {
    let mut outcome = Outcome { weeks: pattern.weeks, ..Outcome::default() };
    let mut gaps = (pattern.gaps)();
    let learning = pattern.learning_s;
    let end = learning + pattern.weeks * WEEK;
    let mut now = 0.0;
    rule.spoke(now);
    while let Some(heard) = gaps(now) {
        let gap = match heard {
            Heard::After(gap) => gap,
            Heard::Restart { stopped_after, away, spoke_after } => {
                now += stopped_after + away;
                rule.restart(now, stopped_after);
                spoke_after
            }
        };
        now += gap;
        let ttl = pattern.ttl_s.unwrap_or(f64::INFINITY);
        let silent_after = rule.silent_after().min(ttl);
        let late_after = rule.late_after().min(silent_after);
        // After a restart it has what was left of its time.
        let quiet = rule.quiet(now).max(gap);
        let (late, silent) = (u32::from(quiet > late_after), u32::from(quiet > silent_after));
        if now < learning {
            outcome.while_learning.0 += late;
            outcome.while_learning.1 += silent;
        } else {
            outcome.late += late;
            outcome.silent += silent;
            outcome.late_after.push(late_after);
            outcome.silent_after.push(silent_after);
        }
        rule.spoke(now);
        if now >= end {
            break;
        }
    }
    outcome.weeks = ((now - learning) / WEEK).max(f64::MIN_POSITIVE);
    outcome
}

impl Pattern {
    /// So often a week; of a recording, which is shorter, so often in all.
    fn rate(&self, count: u32, weeks: f64) -> String {
        let rate = f64::from(count) / weeks;
        match count {
            0 => "0".to_owned(),
            _ if self.is_recorded => format!("{count} in {}", text(weeks * WEEK)),
            _ if rate >= 10.0 => format!("{rate:.0}"),
            _ => format!("{rate:.2}"),
        }
    }
}

/// Median and worst.
fn spread(mut times: Vec<f64>) -> String {
    times.sort_by(f64::total_cmp);
    let at = |place: usize| times.get(place).map_or_else(|| "never".to_owned(), |time| text(*time));
    let (median, worst) = (at(times.len() / 2), at(times.len().saturating_sub(1)));
    if median == worst { median } else { format!("{median} ({worst})") }
}

fn text(seconds: f64) -> String {
    match seconds {
        ..119.5 => format!("{} s", (seconds * 10.0).round() / 10.0),
        ..7_200.0 => format!("{} min", (seconds / 6.0).round() / 10.0),
        ..172_800.0 => format!("{} h", (seconds / 360.0).round() / 10.0),
        f64::INFINITY => "never".to_owned(),
        _ => format!("{} d", (seconds / 8_640.0).round() / 10.0),
    }
}
