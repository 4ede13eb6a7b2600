//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Parser;

/// The Thingsbus broker: takes what sensors say, keeps a directory of it, and passes it on to who listens.
///
/// It needs no configuration. Senders connect to port 7955 (ZeroMQ with JSON, or UDP with msgpack), clients to 7954,
/// queries to 7956, and browsers and curl to 7957.
#[derive(Debug, Parser)]
#[command(name = "thingsbus-broker", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// A configuration file in TOML
    #[arg(short, long, value_name = "FILE", env = "THINGSBUS_CONFIG")]
    pub(crate) config: Option<PathBuf>,
    /// The clients' port [default: 7954]; the next three are the senders', the queries' and HTTP's. 0: any that are free
    #[arg(short, long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The address to listen at [default: all]
    #[arg(short, long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// Where the directory is kept, so that it is there again after a restart [default: this system's place for it];
    /// none: nowhere
    #[arg(short, long, value_name = "FOLDER")]
    pub(crate) data: Option<String>,
    /// Write the chosen ports to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) ports_file: Option<PathBuf>,
    /// Let the web door listen beyond the loopback also where there are no access keys
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// Any setting, by its name in the configuration file: --set limits.things_max=5000
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Tell more in the log; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Check the configuration and exit: 0 if it is good, 64 if not
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the configuration that would be used, as a file, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}

const AFTER_HELP: &str = "\
Settings come from the defaults, the file, THINGSBUS_… variables and flags, the later ones being stronger.
A variable is named like the setting: THINGSBUS_PORT, THINGSBUS_LIMITS__THINGS_MAX.
Signals: TERM and INT stop the broker within 5 s, HUP reads the configuration again.
Exit codes: 0 stopped, 1 could not run (a port is taken), 64 wrong command line or configuration.";

impl Args {
    /// Help and version end with 0, what is wrong with 64.
    pub(crate) fn parse_or_exit() -> Self {
        Self::try_parse().unwrap_or_else(|error| {
            let _ = error.print();
            let code = if error.use_stderr() { i32::from(super::EXIT_USAGE) } else { 0 };
            std::process::exit(code)
        })
    }
}
