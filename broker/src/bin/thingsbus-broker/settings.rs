//! The configuration, put together from the defaults, a file, variables and flags.

use std::path::Path;

use thingsbus_broker::{Config, ConfigError};
use toml::{Table, Value};

use crate::args::Args;

/// Every setting, by its name in the file.
const KEYS: [&str; 32] = [
    "bind",
    "port",
    "ports_file",
    "snapshot.every_s",
    "snapshot.heard_within_s",
    "store.data",
    "store.every_s",
    "store.snapshot_every_h",
    "store.snapshots_kept",
    "history.enabled",
    "history.bytes_max",
    "history.values_days",
    "history.minutes_days",
    "history.hours_days",
    "web.enabled",
    "web.bind",
    "web.keys",
    "web.certificate",
    "web.private_key",
    "web.insecure_http",
    "web.origins",
    "web.connections_max",
    "web.streams_max",
    "web.metrics_of",
    "limits.things_max",
    "limits.directory_bytes_max",
    "limits.connections_max",
    "limits.client_queue_bytes_max",
    "limits.client_queues_bytes_max",
    "log.level",
    "log.format",
    "log.counters_every_s",
];

/// Variables of the same family that are not settings of the broker.
const OTHERS: [&str; 4] = ["THINGSBUS_CONFIG", "THINGSBUS_BROKER", "THINGSBUS_ZONE", "THINGSBUS_DNS"];

/// What to run with, and where it comes from.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) config: Config,
    /// `defaults`, or the file, variables and flags.
    pub(crate) origin: String,
    /// Set variables that look like settings and are none: most likely misspelt.
    pub(crate) unknown_variables: Vec<String>,
}

/// Why there is nothing to run with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{origin}: {message}")]
    Setting { origin: String, message: String },
}

/// A setting that is stronger than the file's, and where it comes from.
struct Stronger {
    key: String,
    value: String,
    origin: String,
}

impl Settings {
    /// Reads them all.
    pub(crate) fn collect(args: &Args) -> Result<Self, SettingsError> {
        Self::put_together(args, std::env::vars().collect())
    }

    fn put_together(args: &Args, variables: Vec<(String, String)>) -> Result<Self, SettingsError> {
        let mut table = match &args.config {
            Some(path) => read(path)?,
            None => Table::new(),
        };
        let mut origins: Vec<String> = args.config.iter().map(|path| path.display().to_string()).collect();
        let (from_variables, unknown_variables) = split(variables);
        for Stronger { key, value, origin } in from_variables.into_iter().chain(from_flags(args)?) {
            set(&mut table, &key, value);
            let parsed: Result<Config, _> = table.clone().try_into();
            parsed.map_err(|error| SettingsError::Setting {
                origin: origin.clone(),
                message: error.message().to_owned(),
            })?;
            origins.push(origin);
        }
        let config: Config = table.try_into().map_err(|error: toml::de::Error| SettingsError::Setting {
            origin: "the configuration".to_owned(),
            message: error.message().to_owned(),
        })?;
        config.check()?;
        let origin = if origins.is_empty() { "defaults".to_owned() } else { origins.join(", ") };
        Ok(Self { config, origin, unknown_variables })
    }
}

/// The file, which is checked for itself first, because then an error has its line.
fn read(path: &Path) -> Result<Table, SettingsError> {
    Config::read(path)?;
    let text = std::fs::read_to_string(path)
        .map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
    Ok(text.parse().unwrap_or_default())
}

/// Variables that are settings, and those that look like some.
fn split(variables: Vec<(String, String)>) -> (Vec<Stronger>, Vec<String>) {
    let mut settings = Vec::new();
    let mut unknown = Vec::new();
    for (name, value) in variables {
        if !name.starts_with("THINGSBUS_") || OTHERS.contains(&name.as_str()) {
            continue;
        }
        match KEYS.iter().find(|key| variable(key) == name) {
            Some(key) => settings.push(Stronger { key: (*key).to_owned(), value, origin: name }),
            None => unknown.push(name),
        }
    }
    (settings, unknown)
}

fn variable(key: &str) -> String {
    format!("THINGSBUS_{}", key.replace('.', "__").to_uppercase())
}

fn from_flags(args: &Args) -> Result<Vec<Stronger>, SettingsError> {
    let mut settings = Vec::new();
    let mut add = |key: &str, value: String, origin: &str| {
        settings.push(Stronger { key: key.to_owned(), value, origin: origin.to_owned() });
    };
    if let Some(port) = args.port {
        add("port", port.to_string(), "--port");
    }
    if let Some(bind) = args.bind {
        add("bind", bind.to_string(), "--bind");
    }
    if let Some(path) = &args.ports_file {
        add("ports_file", path.display().to_string(), "--ports-file");
    }
    if let Some(data) = &args.data {
        add("store.data", data.clone(), "--data");
    }
    if args.insecure_http {
        add("web.insecure_http", "true".to_owned(), "--insecure-http");
    }
    match args.verbose {
        0 => {}
        1 => add("log.level", "debug".to_owned(), "--verbose"),
        _ => add("log.level", "trace".to_owned(), "--verbose"),
    }
    for setting in &args.set {
        match setting.split_once('=') {
            Some((key, value)) if KEYS.contains(&key.trim()) => {
                add(key.trim(), value.trim().to_owned(), &format!("--set {setting}"));
            }
            _ => {
                let message = format!("no such setting; it is KEY=VALUE with one of {}", KEYS.join(", "));
                return Err(SettingsError::Setting { origin: format!("--set {setting}"), message });
            }
        }
    }
    Ok(settings)
}

/// Numbers are numbers, `true` and `false` are what they say, and everything else is text.
fn set(table: &mut Table, key: &str, value: String) {
    let value = match value.parse() {
        Ok(is_so) => Value::Boolean(is_so),
        Err(_) => value.parse().map_or_else(|_| Value::String(value), Value::Integer),
    };
    match key.split_once('.') {
        None => drop(table.insert(key.to_owned(), value)),
        Some((section, key)) => {
            let section = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.insert(key.to_owned(), value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn collect(flags: &[&str], variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let args = Args::try_parse_from([&["thingsbus-broker"], flags].concat()).unwrap();
        let variables =
            variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Settings::put_together(&args, variables)
    }

    #[test]
    fn the_later_is_the_stronger() {
        let path = std::env::temp_dir().join(format!("thingsbus-settings-{}.toml", std::process::id()));
        std::fs::write(&path, "port = 1000\n[limits]\nthings_max = 1\nconnections_max = 5\n").unwrap();
        let file = path.to_str().unwrap();
        let port =
            |flags: &[&str], variables: &[(&str, &str)]| collect(flags, variables).unwrap().config.port;
        assert_eq!(port(&[], &[]), 7954);
        assert_eq!(port(&["--config", file], &[]), 1000);
        assert_eq!(port(&["--config", file], &[("THINGSBUS_PORT", "2000")]), 2000);
        assert_eq!(port(&["--config", file, "--port", "3000"], &[("THINGSBUS_PORT", "2000")]), 3000);
        let both = [("THINGSBUS_LIMITS__THINGS_MAX", "2"), ("THINGSBUS_BROKER", "x")];
        let settings = collect(&["--config", file, "--set", "limits.things_max=3", "-v"], &both).unwrap();
        assert_eq!(settings.config.limits.things_max, 3);
        assert_eq!(settings.config.limits.connections_max, 5);
        assert_eq!(settings.config.log.level, thingsbus_broker::Level::Debug);
        let origins = ["THINGSBUS_LIMITS__THINGS_MAX", "--verbose", "--set limits.things_max=3"].join(", ");
        assert_eq!(settings.origin, format!("{file}, {origins}"));
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named_by_where_it_comes_from() {
        let check = |flags: &[&str], variables: &[(&str, &str)], wanted: &str| {
            let error = collect(flags, variables).unwrap_err().to_string();
            assert!(error.starts_with(wanted), "{error}");
        };
        check(&[], &[("THINGSBUS_PORT", "many")], "THINGSBUS_PORT: ");
        check(&["--set", "limits.things=1"], &[], "--set limits.things=1: no such setting");
        check(&["--set", "log.level=loud"], &[], "--set log.level=loud: unknown variant `loud`");
        check(&["--port", "65535"], &[], "port = 65535: ");
        assert_eq!(collect(&[], &[("THINGSBUS_PROT", "1")]).unwrap().unknown_variables, ["THINGSBUS_PROT"]);
    }

    #[test]
    fn every_setting_of_the_file_has_its_name_here() {
        let file: Table = Config::default().to_toml().parse().unwrap();
        let mut names = ["ports_file", "web.certificate", "web.private_key"].map(str::to_owned).to_vec();
        for (name, value) in file {
            match value {
                Value::Table(section) => names.extend(section.keys().map(|key| format!("{name}.{key}"))),
                _ => names.push(name),
            }
        }
        names.sort_unstable();
        let mut keys = KEYS.to_vec();
        keys.sort_unstable();
        assert_eq!(names, keys);
    }
}
