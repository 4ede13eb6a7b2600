//! `thingsbus send`: say one thing.

use std::io::Read;

use std::time::Duration;

use clap::ValueEnum;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{AckLevel, Namespace, Timestamp, Update};
use thingsbus_adaptor::{Acked, Adaptor, BrokerName, Counters, NotAcked, Target};

use crate::args::{Global, duration};
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::json;
use crate::numbers::seconds_text;
use crate::output::Output;

/// Send one value
///
/// Ends with 0 when the message was handed to the broker's connection, with 1 when that took longer than --timeout.
/// With --ack it ends with 0 when the broker has acknowledged it, and prints so; with 1 when the broker refuses it or
/// does not answer within --timeout.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: thingsbus send shop.lathe '{\"rpm\": 1200}' --doc http://example.org/lathe --ack disk"
)]
pub(crate) struct Options {
    /// The thing
    #[arg(value_parser = parse_thing)]
    ns: Namespace,
    /// Its value, in JSON; - reads it from standard input
    #[arg(allow_negative_numbers = true)]
    data: String,
    /// The value is text, not JSON
    #[arg(long)]
    text: bool,
    /// Where the value is explained
    #[arg(short, long, value_name = "URL")]
    doc: Option<String>,
    /// When it was, in seconds since 1970 [default: now]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true, value_parser = parse_ts)]
    ts: Option<Timestamp>,
    /// Wait until the broker says that it has it in its directory, or on its disk
    #[arg(long, value_name = "LEVEL")]
    ack: Option<Ack>,
    /// Forget the thing where nothing newer comes for so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    ttl: Option<Duration>,
    /// In a datagram, which without --ack may be lost and nobody knows
    #[arg(long)]
    udp: bool,
}

/// Where an update is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Ack {
    /// In the broker's directory, and on its way to whoever listens
    Directory,
    /// On the broker's disk, there after a power cut
    Disk,
}

impl Ack {
    pub(crate) fn level(self) -> AckLevel {
        match self {
            Self::Directory => AckLevel::Directory,
            Self::Disk => AckLevel::Disk,
        }
    }
}

pub(crate) fn run(options: Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let Options { ns, data, text, doc, ts, ack, ttl, udp } = options;
    let data = value(if data == "-" { read_input()? } else { data.into_bytes() }, text)?;
    let ts = ts.unwrap_or_else(now);
    let update = Update::new(&ns, Some(ts), &data, doc.as_deref()).map_err(Failure::usage)?.with_ttl(ttl);
    let broker = chosen(global)?;
    let target = if udp { Target::Udp(broker.clone()) } else { Target::Zmq(broker.clone()) };
    let adaptor = Adaptor::relay(target).map_err(Failure::failed)?;
    if let Some(ack) = ack {
        return acknowledged(adaptor, &update, ack.level(), &broker, global, output);
    }
    adaptor.send_update(&update).map_err(Failure::usage)?;
    let in_time = adaptor.flush(timeout(global));
    let counters = if in_time { adaptor.close(timeout(global)) } else { adaptor.counters() };
    match (in_time, counters.sent) {
        (true, 1) => Ok(()),
        (true, _) => Err(Failure::failed(format_args!("not sent: {}", why(&counters)))),
        (false, _) => {
            let waited = seconds_text(timeout(global));
            let error = format!("not sent within {waited}: {}", why(&counters));
            Err(Failure::failed(hinted(error, &broker)))
        }
    }
}

/// Sends it until the broker has answered, and prints the answer.
fn acknowledged(
    adaptor: Adaptor,
    update: &Update<'_>,
    level: AckLevel,
    broker: &BrokerName,
    global: &Global,
    output: &mut Output,
) -> Result<(), Failure> {
    let receipt = adaptor.send_update_acked(update, level).map_err(Failure::usage)?;
    let answer = receipt.wait(timeout(global));
    let counters = adaptor.close(Duration::ZERO).acknowledged;
    match answer {
        Ok(Acked { seq, .. }) => {
            let (ns, number) = (update.ns(), seq.map(|seq| seq.to_string()));
            if output.is_json() {
                let seq = number.as_deref().unwrap_or("null");
                return output.line(format_args!(r#"{{"ns":"{ns}","ack":"{level}","seq":{seq}}}"#));
            }
            let place = match level {
                AckLevel::Directory => "in the broker's directory",
                AckLevel::Disk => "on the broker's disk",
            };
            let number = number.map_or_else(String::new, |number| format!(", as its update {number}"));
            output.line(format_args!("{ns} is {place}{number}"))
        }
        Err(NotAcked::Refused { reason, message }) => {
            Err(Failure::failed(format_args!("the broker refuses it: {message} ({reason})")))
        }
        Err(_) => {
            let waited = seconds_text(timeout(global));
            let why = match (counters.last_error, counters.endpoint) {
                (Some(error), _) => error,
                (None, Some(endpoint)) => format!("{endpoint} does not answer"),
                (None, None) => "it is not known where the broker is".to_owned(),
            };
            let error = format!("not acknowledged within {waited}, and perhaps not taken: {why}");
            Err(Failure::failed(hinted(error, broker)))
        }
    }
}

/// What is known of why it did not go out.
pub(crate) fn why(counters: &Counters) -> String {
    match (&counters.last_error, &counters.endpoint) {
        (Some(error), _) => error.clone(),
        (None, Some(endpoint)) => format!("{endpoint} takes nothing"),
        (None, None) => "it is not known where the broker is".to_owned(),
    }
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_system_time(std::time::SystemTime::now())
}

/// A thing that can be sent: the root is none.
pub(crate) fn parse_thing(text: &str) -> Result<Namespace, String> {
    match Namespace::parse(text) {
        Ok(ns) if ns.is_root() => Err("write a namespace, such as shop.lathe".to_owned()),
        Ok(ns) => Ok(ns),
        Err(error) => Err(error.to_string()),
    }
}

fn parse_ts(text: &str) -> Result<Timestamp, &'static str> {
    let seconds = text.parse().map_err(|_| "write a number of seconds since 1970, such as 1423351104.945")?;
    Timestamp::from_seconds(seconds).ok_or("it must be finite")
}

fn value(given: Vec<u8>, is_text: bool) -> Result<String, Failure> {
    if is_text {
        let text = String::from_utf8(given).map_err(|_| Failure::usage("the text is not UTF-8"))?;
        return Ok(json::string(text.strip_suffix('\n').unwrap_or(&text)));
    }
    match json::checked(&given) {
        Ok((json, 0)) => Ok(json),
        result => Err(not_json(&String::from_utf8_lossy(&given), result.err().map(|why| why.to_string()))),
    }
}

fn not_json(given: &str, why: Option<String>) -> Failure {
    let start: String = given.chars().take(40).collect();
    let start = if start.len() < given.len() { format!("{start}…") } else { start };
    if given.trim_start().starts_with(['{', '[']) {
        // It was meant to be JSON. The shell takes away quotes that do not stand in other quotes.
        let why =
            why.filter(|why| !why.contains("not JSON")).map_or_else(String::new, |why| format!(" ({why})"));
        return Failure::usage(format_args!(
            "{start} is not JSON{why}; put it into single quotes, so that the shell leaves its double quotes alone: \
             '{{\"rpm\": 1200}}'"
        ));
    }
    let quoted = json::string(&start);
    Failure::usage(format_args!("{start} is not JSON; for text write --text, or quote it twice: '{quoted}'"))
}

fn read_input() -> Result<Vec<u8>, Failure> {
    let mut input = Vec::new();
    let limit = MESSAGE_BYTES_MAX as u64 + 1;
    let read = std::io::stdin().lock().take(limit).read_to_end(&mut input);
    read.map_err(|error| Failure::failed(format_args!("cannot read standard input: {error}")))?;
    Ok(input)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_json_or_said_to_be_text() {
        let check =
            |given: &str, is_text, wanted: Result<&str, &str>| match (value(given.into(), is_text), wanted) {
                (Ok(json), Ok(wanted)) => assert_eq!(json, wanted),
                (Err(Failure::Said(code, said)), Err(part)) => {
                    assert_eq!(code, crate::failure::EXIT_USAGE);
                    assert!(said.contains(part), "{said}");
                }
                (value, wanted) => panic!("{given}: {value:?}, not {wanted:?}"),
            };
        check("21.50", false, Ok("21.50"));
        check("{\"a\":\n1}\n", false, Ok("{\"a\":1}"));
        check(
            "hello",
            false,
            Err("hello is not JSON; for text write --text, or quote it twice: '\"hello\"'"),
        );
        check("{rpm: 1200}", false, Err("{rpm: 1200} is not JSON; put it into single quotes"));
        check("NaN", false, Err("NaN is not JSON"));
        check("", false, Err(" is not JSON"));
        check(&"[".repeat(99), false, Err("nests deeper"));
        check("hello", true, Ok("\"hello\""));
        check("21.5\n", true, Ok("\"21.5\""));
    }
}
