//! The command line.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// The Thingsbus broker: takes what sensors say, keeps a directory of it, and passes it on to who listens.
///
/// It needs no configuration. Senders connect to port 7955 (ZeroMQ with JSON, or UDP with msgpack), clients to 7954,
/// queries to 7956, and browsers and curl to 7957.
#[derive(Debug, Parser)]
#[command(name = "thingsbus-broker", version, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// Without one of these it runs
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// A configuration file in TOML
    #[arg(short, long, value_name = "FILE", env = "THINGSBUS_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The clients' port [default: 7954]; the next three are the senders', the queries' and HTTP's. 0: any that are free
    #[arg(short, long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// The address to listen at [default: all]
    #[arg(short, long, value_name = "ADDRESS")]
    pub(crate) bind: Option<IpAddr>,
    /// Where the directory is kept, so that it is there again after a restart [default: this system's place for it];
    /// none: nowhere
    #[arg(short, long, value_name = "FOLDER", global = true)]
    pub(crate) data: Option<String>,
    /// Write the chosen ports to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) ports_file: Option<PathBuf>,
    /// Let the web door listen beyond the loopback also where there are no access keys
    #[arg(long)]
    pub(crate) insecure_http: bool,
    /// Any setting, by its name in the configuration file: --set limits.things_max=5000
    #[arg(long, value_name = "KEY=VALUE", global = true)]
    pub(crate) set: Vec<String>,
    /// Tell more in the log; twice: everything
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Check the configuration, with its keys and certificates, and exit: 0 if it is good, 64 if not
    #[arg(long)]
    pub(crate) check: bool,
    /// Print the configuration that would be used, as a file, and exit
    #[arg(long)]
    pub(crate) print_config: bool,
}

/// What it does instead of running.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// The access keys of the web door: make, list and revoke them
    ///
    /// They are in the file that a broker with the same configuration looks into (web.keys: keys.toml in the data folder).
    /// For a service, name its folder or its configuration: --data /var/lib/thingsbus. A running broker knows of a change
    /// within a second.
    #[command(subcommand)]
    Key(Key),
}

/// What is done with access keys.
#[derive(Debug, Subcommand)]
pub(crate) enum Key {
    /// Make a key, and print it this once
    ///
    /// Without --read and --write its holder reads everything and writes nothing.
    Add {
        /// What it is called: letters, digits, '.', '_' and '-'
        name: String,
        /// Read this thing and what is below it; several times for several; "" is everything
        #[arg(long, value_name = "PREFIX")]
        read: Vec<String>,
        /// Write this thing and what is below it; the same
        #[arg(long, value_name = "PREFIX")]
        write: Vec<String>,
    },
    /// Which keys there are, and what each opens
    List,
    /// Take a key away: requests with it are refused from then on, and live streams end
    Revoke {
        /// What it is called
        name: String,
    },
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
