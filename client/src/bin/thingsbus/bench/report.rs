//! A run's findings, for people: aligned, for 80 columns.

use std::time::Duration;

use anstyle::Style;

use super::findings::{Counts, Findings, PERCENTILES};
use super::limits::Limit;
use super::notes;
use crate::failure::Failure;
use crate::numbers::{bytes_text, counted, grouped};
use crate::output::{ASIDE, HEAD, NOTICE, Output};
use crate::text::wrapped;

/// How wide the names of what is told are.
const NAMES: usize = 12;

/// How wide numbers are.
const NUMBERS: usize = 15;

/// How wide latencies are.
const LATENCIES: usize = 11;

pub(super) fn print(findings: &Findings, output: &mut Output) -> Result<(), Failure> {
    let mut report = Report { findings, output };
    report.setting()?;
    report.messages()?;
    report.latencies()?;
    report.work()?;
    report.notes()
}

struct Report<'r> {
    findings: &'r Findings,
    output: &'r mut Output,
}

impl Report<'_> {
    /// Who did what.
    fn setting(&mut self) -> Result<(), Failure> {
        let Findings { plan, before, .. } = self.findings;
        let version =
            before.get("version").and_then(|version| version.as_str()).unwrap_or("of unknown version");
        self.field(
            "broker",
            &format!("thingsbus-broker {version} at {}", self.findings.address()),
            Style::new(),
        )?;
        let pace = match plan.rate {
            Some(rate) => format!("{}/s", grouped(rate)),
            None => format!("at most {} on their way", grouped(plan.window)),
        };
        let by = if plan.udp { "UDP" } else { "ZeroMQ" };
        let (publishers, subscribers) = (u64::from(plan.publishers), u64::from(plan.subscribers));
        self.field("in", &format!("{} by {by}, {pace}", counted(publishers, "publisher")), Style::new())?;
        self.field("out", &format!("{} by ZeroMQ", counted(subscribers, "subscriber")), Style::new())?;
        let things = format!(
            "of {} bytes, {} of them data, about {}",
            grouped(plan.message_bytes as u64),
            grouped(plan.payload as u64),
            counted(plan.things, "thing")
        );
        self.field("messages", &things, Style::new())
    }

    fn messages(&mut self) -> Result<(), Failure> {
        let findings = self.findings;
        let subscribers = findings.plan.subscribers;
        let Counts { received, lost, repeated, out_of_order, merged } = findings.all();
        let (each, each_per_s) = findings.slowest();
        self.output.line("")?;
        let head = format!("{:NAMES$}  {:>NUMBERS$}{:>NUMBERS$}", "", "messages", "/s");
        let head = self.output.paint(ASIDE, head).to_string();
        self.output.line(head)?;
        self.row("sent", findings.sent(), Some(findings.sent_per_s()), "", Style::new())?;
        let how = match (subscribers, findings.is_whole()) {
            (1, _) => "once and in order".to_owned(),
            (_, true) => format!("by each of {subscribers}, once and in order"),
            (_, false) => format!("by the slowest of {subscribers}"),
        };
        self.row("received", each, Some(each_per_s), &how, HEAD)?;
        if subscribers > 1 {
            self.row("in all", received, Some(findings.delivered_per_s()), "", Style::new())?;
        }
        for (name, count) in
            [("lost", lost), ("repeated", repeated), ("out of order", out_of_order), ("merged", merged)]
        {
            self.row(name, count, None, "", if count > 0 { NOTICE } else { Style::new() })?;
        }
        Ok(())
    }

    fn row(
        &mut self,
        name: &str,
        count: u64,
        per_s: Option<f64>,
        how: &str,
        style: Style,
    ) -> Result<(), Failure> {
        let per_s = per_s.map_or_else(String::new, |rate| grouped(rate.round() as u64));
        let numbers = format!("{:>NUMBERS$}{per_s:>NUMBERS$}", grouped(count));
        let numbers = self.output.paint(style, numbers.trim_end()).to_string();
        let how = if how.is_empty() { String::new() } else { format!("  {how}") };
        self.named(name, &format!("{numbers}{how}"))
    }

    /// From before the send to after the receive.
    fn latencies(&mut self) -> Result<(), Failure> {
        let Some(latencies) = self.findings.latencies() else { return Ok(()) };
        let names: String = PERCENTILES.iter().map(|(name, _)| format!("{name:>LATENCIES$}")).collect();
        let values: String = PERCENTILES
            .iter()
            .map(|(_, percent)| latencies.value_at_percentile(*percent))
            .map(|nanos| format!("{:>LATENCIES$}", latency_text(Duration::from_nanos(nanos))))
            .collect();
        self.output.line("")?;
        let head = self.output.paint(ASIDE, format_args!("{:NAMES$}  {names}", "")).to_string();
        self.output.line(head)?;
        let values = self.output.paint(HEAD, values).to_string();
        self.named("latency", &values)
    }

    /// Who worked how much.
    fn work(&mut self) -> Result<(), Failure> {
        let findings = self.findings;
        let load = &findings.load;
        self.output.line("")?;
        let mut parts = Vec::new();
        let percent = |share: f64| format!("{:.0} %", share * 100.0);
        let cpu = findings.broker_per_message().map(|cpu| format!("{} a message", latency_text(cpu)));
        let share = load.broker().map(|share| format!("{} of a core", percent(share)));
        let broker: Vec<String> = cpu.into_iter().chain(share).collect();
        if !broker.is_empty() {
            parts.push(format!("broker {}", broker.join(", ")));
        }
        if let (Some(publishers), Some(subscribers)) = (load.publishers(), load.subscribers()) {
            let (publishers, subscribers) = (percent(publishers.cores), percent(subscribers.cores));
            parts.push(format!("publishers {publishers}, subscribers {subscribers}"));
        }
        if !parts.is_empty() {
            self.field("CPU", &parts.join("; "), Style::new())?;
        }
        if let Some([before, after, most]) = load.broker_memory() {
            let [before, after, most] = [before, after, most].map(bytes_text);
            let text = format!("broker {after}, {before} before, {most} at the most");
            self.field("memory", &text, Style::new())?;
        }
        let count = |path: &str| findings.counted(path).map(grouped);
        let door = findings.door();
        if let (Some(accepted), Some(rejected), Some(sent), Some(merged)) = (
            count(&format!("/doors/{door}/accepted")),
            count(&format!("/doors/{door}/rejected")),
            count("/doors/clients/sent"),
            count("/doors/clients/merged"),
        ) {
            let text = format!("{accepted} accepted, {rejected} rejected, {sent} sent, {merged} merged");
            self.field("it counted", &text, Style::new())?;
        }
        for (at, limit) in Limit::of(findings).into_iter().enumerate() {
            let style = if limit.is_clients() { NOTICE } else { Style::new() };
            self.field(if at == 0 { "limited by" } else { "" }, &limit.text(findings), style)?;
        }
        Ok(())
    }

    fn notes(&mut self) -> Result<(), Failure> {
        let mut style = NOTICE;
        let mut notes = notes::of(self.findings);
        if notes.is_empty() && self.findings.plan.rate.is_none() {
            style = Style::new();
            notes.push(
                "a full window makes latencies long; with --rate they are those of that rate".to_owned(),
            );
        }
        for (at, note) in notes.iter().enumerate() {
            if at == 0 {
                self.output.line("")?;
            }
            self.field(if at == 0 { "note" } else { "" }, note, style)?;
        }
        Ok(())
    }

    /// Text after its name, in as many lines as it takes.
    fn field(&mut self, name: &str, text: &str, style: Style) -> Result<(), Failure> {
        let columns = self.output.width().saturating_sub(NAMES + 2);
        for (at, line) in wrapped(text, columns).lines().enumerate() {
            let line = self.output.paint(style, line).to_string();
            self.named(if at == 0 { name } else { "" }, &line)?;
        }
        Ok(())
    }

    fn named(&mut self, name: &str, text: &str) -> Result<(), Failure> {
        let name = self.output.paint(ASIDE, format_args!("{name:<NAMES$}")).to_string();
        self.output.line(format_args!("{name}  {text}"))
    }
}

/// In the unit that shows three digits: `0.42 µs`, `31.4 µs`, `2.15 ms`, `1.20 s`.
fn latency_text(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    let (amount, unit) = match micros {
        ..999.5 => (micros, "µs"),
        ..999_500.0 => (micros / 1e3, "ms"),
        _ => (micros / 1e6, "s"),
    };
    match amount {
        ..9.995 => format!("{amount:.2} {unit}"),
        ..99.95 => format!("{amount:.1} {unit}"),
        _ => format!("{amount:.0} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies() {
        let check = |nanos, wanted: &str| assert_eq!(latency_text(Duration::from_nanos(nanos)), wanted);
        check(0, "0.00 µs");
        check(424, "0.42 µs");
        check(9_999, "10.0 µs");
        check(31_449, "31.4 µs");
        check(999_400, "999 µs");
        check(999_600, "1.00 ms");
        check(2_150_000, "2.15 ms");
        check(1_200_000_000, "1.20 s");
        check(120_000_000_000, "120 s");
    }
}
