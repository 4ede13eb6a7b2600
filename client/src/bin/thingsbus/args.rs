//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};
use thingsbus_adaptor::Address;

use crate::failure::EXIT_USAGE;
use crate::{adapt, bench, forget, get, history, ls, rejected, send, snapshot, tree, wait, watch};

/// Look at what sensors say, and say something: the command-line tool of Thingsbus.
#[derive(Debug, Parser)]
#[command(name = "thingsbus", version, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What every command understands.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// The broker, by host name, HOST:PORT or tcp://HOST:PORT (the clients' port, 7954 where none is given)
    #[arg(short, long, global = true, value_name = "HOST", value_parser = Address::parse)]
    pub(crate) broker: Option<Address>,
    /// The broker of a DNS zone, by its SRV record _thingsbus._tcp.ZONE
    #[arg(short, long, global = true, value_name = "ZONE")]
    pub(crate) zone: Option<String>,
    /// How long to wait for the broker [default: 5s; 20s for the directory of a 0.2.1 broker]
    #[arg(long, global = true, value_name = "TIME", value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Print JSON lines, as is done where standard output is not a terminal
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print what people read, also where standard output is not a terminal
    #[arg(long, global = true, conflicts_with = "json")]
    pub(crate) human: bool,
    /// Print in colour; auto is on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", hide_default_value = true)]
    pub(crate) color: Color,
}

/// When to print in colour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Watch(watch::Options),
    Get(get::Options),
    Ls(ls::Options),
    Tree(tree::Options),
    History(history::Options),
    Wait(wait::Options),
    Send(send::Options),
    Forget(forget::Options),
    /// Keep the directory as it is under a name, and bring it back
    Snapshot {
        #[command(subcommand)]
        command: snapshot::Command,
    },
    /// Turn what something else says into updates, until it ends or Ctrl-C
    Adapt {
        #[command(subcommand)]
        command: adapt::Command,
    },
    /// Show how the broker is: what it holds, what came in and went out, and who is slow
    #[command(after_help = "Example: thingsbus status --broker broker.example.org")]
    Status,
    Rejected(rejected::Options),
    Bench(bench::Options),
    /// Print the completions for a shell
    #[command(
        after_help = "Example: thingsbus completions bash > ~/.local/share/bash-completion/completions/thingsbus"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const AFTER_HELP: &str = "\
The broker is the one of --broker or --zone, else of THINGSBUS_BROKER or THINGSBUS_ZONE, else on this machine.
TIME is written as 5s, 500ms, 2m, 1h, or as a number of seconds. NS is a thing's namespace: shop.lathe.spindle.

Examples:
  thingsbus watch                            everything, the last values first
  thingsbus tree shop                        what there is below shop
  thingsbus history shop.climate --plot      what it was in the last hour
  thingsbus get shop.climate --data          its value, for a script
  thingsbus send shop.lathe '{\"rpm\": 1200}'  say something
  thingsbus adapt exec --ns shop.load --every 5s -- cut -d' ' -f1 /proc/loadavg

Exit codes:
  0    done
  1    could not: no broker, or not in time
  2    not there, or the time to wait for it ran out; of snapshot diff: something differs
  64   wrong command line
  130  Ctrl-C";

impl Args {
    /// Help and version end with 0, what is wrong with 64.
    pub(crate) fn parse_or_exit() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            let _ = error.print();
            let code = if error.use_stderr() { i32::from(EXIT_USAGE) } else { 0 };
            std::process::exit(code)
        })
    }
}

/// Longer times are refused: clocks cannot be asked about them.
const DURATION_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

/// `5s`, `1m 30s`, or a number of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, &'static str> {
    let seconds = text.parse().ok().map(Duration::try_from_secs_f64);
    let duration = match seconds {
        Some(duration) => duration.ok(),
        None => humantime::parse_duration(text).ok(),
    };
    let duration = duration.ok_or("write it as 5s, 500ms, 2m, 1h, or as a number of seconds")?;
    if duration > DURATION_MAX { Err("ten years are the most") } else { Ok(duration) }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_put_together_right() {
        Args::command().debug_assert();
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        let check = |text: &str, wanted: Option<u64>| {
            assert_eq!(duration(text).ok(), wanted.map(Duration::from_millis), "{text}");
        };
        check("5", Some(5_000));
        check("0.25", Some(250));
        check("5s", Some(5_000));
        check("1m 30s", Some(90_000));
        check("500ms", Some(500));
        check("-1", None);
        check("NaN", None);
        check("1e300", None);
        check("", None);
        check("soon", None);
        check("11y", None);
        check("1e12", None);
    }

    #[test]
    fn options_of_every_command_stand_anywhere() {
        let args = Args::try_parse_from(["thingsbus", "ls", "shop", "-b", "h:1", "--timeout", "2"]).unwrap();
        assert_eq!(args.global.broker, Some(Address::new("h", 1).unwrap()));
        assert_eq!(args.global.timeout, Some(Duration::from_secs(2)));
        let args = Args::try_parse_from(["thingsbus", "-z", "example.org", "watch"]).unwrap();
        assert_eq!(args.global.zone.as_deref(), Some("example.org"));
        assert!(Args::try_parse_from(["thingsbus", "get", "Shop"]).is_err());
    }
}
