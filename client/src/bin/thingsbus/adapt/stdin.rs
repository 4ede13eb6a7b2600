//! `thingsbus adapt stdin`: lines of JSON, as updates.

use std::io::BufReader;

use thingsbus_adaptor::Target;
use thingsbus_adaptor::wire::{Namespace, Rejected, Scratch, Update, decode_update};

use super::complaints::Complaint;
use super::lines::next_line;
use super::outlet::Outlet;
use crate::args::Global;
use crate::broker::{chosen, timeout};
use crate::failure::Failure;
use crate::json;
use crate::send::{Ack, now, parse_thing};

/// Send each line of standard input: whole updates, or with --ns the values of one thing
///
/// A line is {"ns": …, "data": …} with "ts" and "documentation_url" if there are any, or [ns, ts, data,
/// documentation_url]; with --ns it is any JSON value. Waits for the broker to keep up. Ends with 1 where a line was
/// not sent.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tail -f readings.log | thingsbus adapt stdin --ns shop.log --text")]
pub(crate) struct Options {
    /// Each line is a value of this thing
    #[arg(long, value_parser = parse_thing)]
    ns: Option<Namespace>,
    /// Lines are text, not JSON
    #[arg(long, requires = "ns")]
    text: bool,
    /// Where the values are explained
    #[arg(short = 'd', long = "doc", visible_alias = "documentation", value_name = "URL", requires = "ns")]
    documentation_url: Option<String>,
    /// Send each again until the broker says that it has it in its directory, or on its disk
    #[arg(long, value_name = "LEVEL")]
    ack: Option<Ack>,
    /// In datagrams, which without --ack may be lost and nobody knows
    #[arg(long)]
    udp: bool,
}

/// How much of a bad line is repeated, in characters.
const SHOWN_CHARS_MAX: usize = 60;

pub(crate) fn run(options: &Options, global: &Global) -> Result<(), Failure> {
    let broker = chosen(global)?;
    let target = if options.udp { Target::Udp(broker) } else { Target::Zmq(broker) };
    let outlet = Outlet::new(target, options.ack, global)?;
    #[cfg(unix)]
    super::stop::on_signal(&outlet, || {});
    let mut input = BufReader::new(std::io::stdin().lock());
    let mut line = Vec::new();
    let mut scratch = Scratch::default();
    let mut number = 0_u64;
    loop {
        let read = next_line(&mut input, &mut line)
            .map_err(|error| Failure::failed(format_args!("cannot read standard input: {error}")))?;
        let Some(read) = read else { break };
        number += 1;
        if read.is_ok() && line.trim_ascii().is_empty() && !options.text {
            continue;
        }
        if let Err(why) = read.and_then(|()| send(&line, options, &mut scratch, &outlet)) {
            let start: String = String::from_utf8_lossy(&line).chars().take(SHOWN_CHARS_MAX).collect();
            let why = why.to_string();
            outlet.complain(Complaint::new(why, format!("line {number}, {}", crate::text::shown(&start))));
        }
        outlet.wait_for_room();
    }
    if outlet.finish(timeout(global), false) { Ok(()) } else { Err(Failure::Quiet) }
}

fn send(line: &[u8], options: &Options, scratch: &mut Scratch, outlet: &Outlet) -> Result<(), Rejected> {
    let Some(ns) = &options.ns else {
        let line = typed(line);
        let update = decode_update(&line, scratch)?;
        // Who gives no time means now: it may be some time until the broker has it.
        let ts = update.ts().unwrap_or_else(now);
        let (data, documentation_url) = (update.data(), update.documentation_url());
        let dated = Update::from_checked(update.ns(), Some(ts), data, documentation_url, None);
        outlet.send(&dated.with_ttl(update.ttl()));
        return Ok(());
    };
    let data = if options.text {
        json::string(std::str::from_utf8(line).map_err(|_| Rejected::NotUtf8)?)
    } else {
        json::checked(line)?.0
    };
    outlet.send(&Update::new(ns, Some(now()), &data, options.documentation_url.as_deref())?);
    Ok(())
}

/// An object without a type is an update; one that has one keeps it, because of two the last counts.
fn typed(line: &[u8]) -> Vec<u8> {
    match line.trim_ascii_start().strip_prefix(b"{") {
        Some(rest) if !rest.trim_ascii_start().starts_with(b"}") => {
            [br#"{"type":"thing_update","#.as_slice(), rest].concat()
        }
        _ => line.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_update_needs_no_type() {
        let check = |line: &str, wanted: Result<&str, Rejected>| {
            let line = typed(line.as_bytes());
            let mut scratch = Scratch::default();
            let update = decode_update(&line, &mut scratch);
            assert_eq!(update.map(|update| update.data()), wanted);
        };
        check(r#"{"ns":"a","data":1.0}"#, Ok("1.0"));
        check(r#" { "data":NaN,"ns":"a","ts":3}"#, Ok("null"));
        check(r#"{"ns":"a","type":"thing_update","data":"x"}"#, Ok("\"x\""));
        check(r#"["a",null,[],null]"#, Ok("[]"));
        check(r#"{"ns":"a","type":"other","data":1}"#, Err(Rejected::Type));
        check(r#"{"ns":"A","data":1}"#, Err(Rejected::Ns));
        check(r#"{"data":1}"#, Err(Rejected::NsMissing));
        check("{}", Err(Rejected::Type));
        check("hello", Err(Rejected::NotJson));
    }
}
