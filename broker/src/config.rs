//! What can be set, what it is when nothing is, and how a file says it.

mod history;
mod web;

use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use history::{History, Under};
pub use web::{KeysFile, Web, WebBind};

use crate::error::ConfigError;
use crate::hub::HubLimits;

/// Everything that can be set. The default is what runs where nothing is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen. `::` is every address of this machine, IPv6 and IPv4.
    pub bind: IpAddr,
    /// The clients' port. Senders use the next one (TCP and UDP), queries the one after it, and the one after that is
    /// HTTP's. 0 takes any that are free.
    pub port: u16,
    /// A file to which the chosen ports are written, as JSON.
    pub ports_file: Option<PathBuf>,
    /// Snapshots for the clients of 0.2.1.
    pub snapshot: Snapshot,
    /// The directory on disk.
    pub store: Store,
    /// How much of the past is kept.
    pub history: History,
    /// The web door.
    pub web: Web,
    /// How much is let in and kept.
    pub limits: Limits,
    /// What is told.
    pub log: Log,
}

/// Snapshots for the clients of 0.2.1.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Snapshot {
    /// How often one is sent, in seconds.
    pub every_s: u64,
    /// What was not heard of for so long is left out, in seconds. The directory and the query door keep it.
    pub heard_within_s: u64,
}

/// The directory on disk.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// Where it is.
    pub data: Data,
    /// How often what changed is written, in seconds: what a power cut may cost.
    pub every_s: u64,
    /// How often a snapshot is made by itself, in hours. 0: never.
    pub snapshot_every_h: u64,
    /// How many of those are kept.
    pub snapshots_kept: usize,
}

/// Where the directory is kept, so that it is there again after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum Data {
    /// This system's place for it: what systemd gives a service in `STATE_DIRECTORY`, or `thingsbus` in the user's own
    /// data folder.
    #[default]
    Auto,
    /// Nowhere: it is forgotten when the broker stops.
    None,
    /// In this folder, which is made where it is not there.
    Folder(PathBuf),
}

impl From<String> for Data {
    fn from(text: String) -> Self {
        match text.as_str() {
            "auto" => Self::Auto,
            "none" => Self::None,
            _ => Self::Folder(text.into()),
        }
    }
}

impl std::fmt::Display for Data {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::None => f.write_str("none"),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

/// How much is let in and kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Things in the directory. What would be one more is rejected.
    pub things_max: usize,
    /// About the memory of the directory, in bytes.
    pub directory_bytes_max: usize,
    /// Connections at each of the three ZeroMQ doors.
    pub connections_max: usize,
    /// What may wait for one client that reads slowly, in bytes.
    pub client_queue_bytes_max: usize,
    /// What may wait for all clients together, in bytes.
    pub client_queues_bytes_max: usize,
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`.
    pub level: Level,
    /// `text` or `json`.
    pub format: LogFormat,
    /// How often the counters are told where anything happened, in seconds. 0: never.
    pub counters_every_s: u64,
}

/// How much is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            port: 7954,
            ports_file: None,
            snapshot: Snapshot::default(),
            store: Store::default(),
            history: History::default(),
            web: Web::default(),
            limits: Limits::default(),
            log: Log::default(),
        }
    }
}

impl Default for Snapshot {
    fn default() -> Self {
        Self { every_s: 15, heard_within_s: 60 }
    }
}

impl Default for Store {
    fn default() -> Self {
        Self { data: Data::Auto, every_s: 5, snapshot_every_h: 24, snapshots_kept: 3 }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            things_max: 1_000_000,
            directory_bytes_max: 1024 * 1024 * 1024,
            connections_max: 10_000,
            client_queue_bytes_max: 16 * 1024 * 1024,
            client_queues_bytes_max: 256 * 1024 * 1024,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { level: Level::Info, format: LogFormat::Text, counters_every_s: 60 }
    }
}

impl Config {
    /// Reads a TOML file. What it does not name is as the default has it; what it names and nobody knows is refused.
    ///
    /// # Errors
    /// Where it cannot be read or is wrong, with file and line.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(&text).map_err(|error| {
            let start = error.span().map_or(0, |span| span.start);
            ConfigError::in_file(path, &text, start, error.message())
        })
    }

    fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// Are the values such that a broker can run with them?
    ///
    /// # Errors
    /// The first that is not.
    pub fn check(&self) -> Result<(), ConfigError> {
        let at_least = |key, value: usize, least: usize, why| {
            if value >= least {
                Ok(())
            } else {
                Err(ConfigError::Value { key, value: value.to_string(), why })
            }
        };
        if self.port > u16::MAX - 3 {
            let value = self.port.to_string();
            return Err(ConfigError::Value {
                key: "port",
                value,
                why: "the three ports after it must exist too",
            });
        }
        let every = usize::try_from(self.snapshot.every_s).unwrap_or(usize::MAX);
        at_least("snapshot.every_s", every, 1, "a snapshot takes at least a second's pause")?;
        let every = usize::try_from(self.store.every_s).unwrap_or(usize::MAX);
        at_least(
            "store.every_s",
            every,
            1,
            "each write wears the disk, so there is one a second at the most",
        )?;
        self.history.check()?;
        self.web.check()?;
        at_least(
            "store.snapshots_kept",
            self.store.snapshots_kept,
            1,
            "store.snapshot_every_h = 0 makes none",
        )?;
        at_least("limits.things_max", self.limits.things_max, 1, "a directory of nothing is of no use")?;
        if self.limits.things_max >= u32::MAX as usize {
            let value = self.limits.things_max.to_string();
            return Err(ConfigError::Value { key: "limits.things_max", value, why: "at most 4294967294" });
        }
        at_least("limits.connections_max", self.limits.connections_max, 1, "nobody could connect")?;
        let least = 64 * 1024;
        at_least("limits.directory_bytes_max", self.limits.directory_bytes_max, least, "at least 65536")?;
        let one = self.limits.client_queue_bytes_max;
        at_least("limits.client_queue_bytes_max", one, least, "at least 65536")?;
        let all = self.limits.client_queues_bytes_max;
        at_least("limits.client_queues_bytes_max", all, one, "at least limits.client_queue_bytes_max")
    }

    pub(crate) fn hub_limits(&self) -> HubLimits {
        let Limits { things_max, directory_bytes_max, .. } = self.limits;
        HubLimits { things_max, directory_bytes_max }
    }

    /// The file that says this. That of the default is `broker/thingsbus.toml`.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let Self { bind, port, ports_file, snapshot, store, history, web, limits, log } = self;
        let ports_file = match ports_file {
            Some(path) => format!("ports_file = {:?}", path.display().to_string()),
            None => "# ports_file = \"/run/thingsbus/ports.json\"".to_owned(),
        };
        let level = format!("{:?}", log.level).to_lowercase();
        let format = format!("{:?}", log.format).to_lowercase();
        format!(
            r#"# thingsbus-broker: every setting. What a file does not name is as in `thingsbus-broker --print-config`;
# THINGSBUS_… variables and flags are stronger than the file. SIGHUP reads it again.

# Where to listen. "::" is every address of this machine, IPv6 and IPv4.
bind = "{bind}"
# The clients' port. Senders use the next one (TCP and UDP), queries the one after it, and the one after that is
# HTTP's. 0 takes any that are free.
port = {port}
# A file to which the chosen ports are written, as JSON.
{ports_file}

# Snapshots for the clients of 0.2.1.
[snapshot]
# How often one is sent, in seconds.
every_s = {every_s}
# What was not heard of for so long is left out, in seconds. The directory and the query door keep it.
heard_within_s = {heard_within_s}

# The directory on disk, where it is there again after a restart, a crash or a power cut.
[store]
# The folder. "auto" is this system's place for it; with "none" it is forgotten when the broker stops.
data = {data:?}
# How often what changed is written, in seconds: what a power cut may cost.
every_s = {store_every_s}
# How often a snapshot is made by itself, in hours: what the directory begins with where its file is broken. 0: never.
snapshot_every_h = {snapshot_every_h}
# How many of those are kept.
snapshots_kept = {snapshots_kept}

{history}
{web}
# How much is let in and kept.
[limits]
# Things in the directory. What would be one more is rejected.
things_max = {things_max}
# About the memory of the directory, in bytes.
directory_bytes_max = {directory_bytes_max}
# Connections at each of the three ZeroMQ doors.
connections_max = {connections_max}
# What may wait for one client that reads slowly, in bytes.
client_queue_bytes_max = {client_queue_bytes_max}
# What may wait for all clients together, in bytes.
client_queues_bytes_max = {client_queues_bytes_max}

[log]
# error, warn, info, debug or trace.
level = "{level}"
# text or json.
format = "{format}"
# How often the counters are told where anything happened, in seconds. 0: never.
counters_every_s = {counters_every_s}
"#,
            every_s = snapshot.every_s,
            heard_within_s = snapshot.heard_within_s,
            data = store.data.to_string(),
            store_every_s = store.every_s,
            history = history.to_toml(),
            web = web.to_toml(),
            snapshot_every_h = store.snapshot_every_h,
            snapshots_kept = store.snapshots_kept,
            things_max = limits.things_max,
            directory_bytes_max = limits.directory_bytes_max,
            connections_max = limits.connections_max,
            client_queue_bytes_max = limits.client_queue_bytes_max,
            client_queues_bytes_max = limits.client_queues_bytes_max,
            counters_every_s = log.counters_every_s,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_is_the_default() {
        let shipped = include_str!("../thingsbus.toml");
        assert_eq!(shipped, Config::default().to_toml());
        assert_eq!(Config::parse(shipped).unwrap(), Config::default());
        assert_eq!(Config::parse("").unwrap(), Config::default());
    }

    #[test]
    fn what_is_printed_says_what_is_set() {
        let config = Config {
            bind: "127.0.0.1".parse().unwrap(),
            port: 1,
            ports_file: Some("/a \"b\".json".into()),
            snapshot: Snapshot { every_s: 2, heard_within_s: 3 },
            store: Store {
                data: Data::Folder("/a \"c\"".into()),
                every_s: 10,
                snapshot_every_h: 11,
                snapshots_kept: 12,
            },
            history: History {
                enabled: false,
                bytes_max: 11,
                values_days: 12,
                minutes_days: 13,
                hours_days: 14,
                under: [("a.b".to_owned(), Under { values_days: Some(15), ..Under::default() })].into(),
            },
            web: Web {
                enabled: false,
                bind: WebBind::Address("::1".parse().unwrap()),
                keys: KeysFile::File("/k.toml".into()),
                certificate: Some("/c.pem".into()),
                private_key: Some("/p.pem".into()),
                insecure_http: true,
                origins: "https://a.example".to_owned(),
                connections_max: 16,
                streams_max: 17,
                metrics_of: "a, b".to_owned(),
            },
            limits: Limits {
                things_max: 4,
                directory_bytes_max: 5,
                connections_max: 6,
                client_queue_bytes_max: 7,
                client_queues_bytes_max: 8,
            },
            log: Log { level: Level::Debug, format: LogFormat::Json, counters_every_s: 9 },
        };
        assert_eq!(Config::parse(&config.to_toml()).unwrap(), config);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |text: &str, line: usize, part: &str| {
            let path =
                std::env::temp_dir().join(format!("thingsbus-config-{}-{line}.toml", std::process::id()));
            std::fs::write(&path, text).unwrap();
            let error = Config::read(&path).unwrap_err().to_string();
            std::fs::remove_file(&path).unwrap();
            let wanted = format!("{}:{line}: ", path.display());
            assert!(error.starts_with(&wanted) && error.contains(part), "{error}");
        };
        check("port = 1\n\n[limits]\nthings = 1\n", 4, "unknown field `things`");
        check("prot = 1", 1, "unknown field `prot`");
        check("\nport = \"x\"", 2, "invalid type");
        check("port = 1\nport = 2\n", 2, "duplicate");
        assert!(
            Config::read(Path::new("/nowhere/x.toml")).unwrap_err().to_string().contains("/nowhere/x.toml")
        );
    }

    #[test]
    fn values_have_ranges() {
        let check = |change: fn(&mut Config), key: &str| {
            let mut config = Config::default();
            change(&mut config);
            assert!(config.check().unwrap_err().to_string().starts_with(key), "{key}");
        };
        Config::default().check().unwrap();
        check(|config| config.port = 65_533, "port = 65533");
        check(|config| config.snapshot.every_s = 0, "snapshot.every_s = 0");
        check(|config| config.store.every_s = 0, "store.every_s = 0");
        check(|config| config.history.bytes_max = 1, "history.bytes_max = 1");
        fn under(config: &mut Config, prefix: &str, bytes_max: Option<u64>) {
            config.history.under.insert(prefix.to_owned(), Under { bytes_max, ..Under::default() });
        }
        check(|config| under(config, "A", None), "history.under = \"A\"");
        check(|config| under(config, "a", Some(5)), "history.under.bytes_max = 5");
        check(|config| config.store.snapshots_kept = 0, "store.snapshots_kept = 0");
        check(|config| config.limits.things_max = 0, "limits.things_max = 0");
        check(|config| config.limits.connections_max = 0, "limits.connections_max");
        check(|config| config.limits.client_queues_bytes_max = 65_536, "limits.client_queues_bytes_max");
    }
}
