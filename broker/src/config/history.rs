//! How much of the past is kept.

use std::collections::BTreeMap;

use serde::Deserialize;
use thingsbus_adaptor::wire::Namespace;

use crate::error::ConfigError;
use crate::store::history::{RULES_MAX, Rule, Rules};

/// How much of the past is kept.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct History {
    /// Is any?
    pub enabled: bool,
    /// The most bytes on disk: half of them for values, a quarter each for minutes and hours.
    pub bytes_max: u64,
    /// How long every value is kept, in days.
    pub values_days: u64,
    /// How long a line for each minute is, of every number, in days.
    pub minutes_days: u64,
    /// How long a line for each hour is.
    pub hours_days: u64,
    /// The same for a namespace and everything below it, besides.
    pub under: BTreeMap<String, Under>,
}

/// What is otherwise for a namespace and everything below it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Under {
    /// The most bytes on disk; nothing is kept where that is 0. An eighth of the rest's where it is not said.
    pub bytes_max: Option<u64>,
    /// As in [`History`], whose it is where it is not said.
    pub values_days: Option<u64>,
    /// As in [`History`].
    pub minutes_days: Option<u64>,
    /// As in [`History`].
    pub hours_days: Option<u64>,
}

/// Less is too little for the journal and one run of each tier, in bytes.
const BYTES_LEAST: u64 = 4 * 1024 * 1024;

const DAY_S: u64 = 86_400;

impl Default for History {
    /// What the SD card of a small computer has room for.
    fn default() -> Self {
        Self {
            enabled: true,
            bytes_max: 1024 * 1024 * 1024,
            values_days: 30,
            minutes_days: 365,
            hours_days: 3650,
            under: BTreeMap::new(),
        }
    }
}

impl History {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let wrong = |key, value: String, why| Err(ConfigError::Value { key, value, why });
        if self.bytes_max < BYTES_LEAST {
            return wrong(
                "history.bytes_max",
                self.bytes_max.to_string(),
                "at least 4194304; enabled = false keeps none",
            );
        }
        if self.under.len() >= RULES_MAX {
            return wrong("history.under", format!("{} of them", self.under.len()), "there are at most 63");
        }
        for (prefix, under) in &self.under {
            if Namespace::parse(prefix).map_or(true, |ns| ns.is_root()) {
                return wrong("history.under", format!("{prefix:?}"), "it is no namespace");
            }
            if let Some(bytes) = under.bytes_max.filter(|bytes| (1..BYTES_LEAST).contains(bytes)) {
                return wrong(
                    "history.under.bytes_max",
                    bytes.to_string(),
                    "at least 4194304, or 0 to keep nothing",
                );
            }
        }
        Ok(())
    }

    pub(crate) fn rules(&self) -> Rules {
        let rule = |bytes_max: u64, values: u64, minutes: u64, hours: u64| Rule {
            bytes_max,
            values_s: values.saturating_mul(DAY_S),
            minutes_s: minutes.saturating_mul(DAY_S),
            hours_s: hours.saturating_mul(DAY_S),
        };
        let mut rules =
            Rules::new(rule(self.bytes_max, self.values_days, self.minutes_days, self.hours_days));
        for (prefix, under) in &self.under {
            let own = rule(
                under.bytes_max.unwrap_or(self.bytes_max / 8),
                under.values_days.unwrap_or(self.values_days),
                under.minutes_days.unwrap_or(self.minutes_days),
                under.hours_days.unwrap_or(self.hours_days),
            );
            rules.set(prefix, own);
        }
        rules
    }

    pub(super) fn to_toml(&self) -> String {
        let Self { enabled, bytes_max, values_days, minutes_days, hours_days, under } = self;
        let mut text = format!(
            r#"# What everything said over time. Where it is, and how often it is written, is as in [store].
[history]
enabled = {enabled}
# The most bytes on disk: half of them for values, a quarter each for minutes and hours. The oldest goes first.
bytes_max = {bytes_max}
# How long every value is kept, in days.
values_days = {values_days}
# How long a line for each minute is kept, of every number: least, most, mean and last.
minutes_days = {minutes_days}
# How long a line for each hour is.
hours_days = {hours_days}

# Otherwise for a namespace and everything below it, as many as are wanted; with bytes_max = 0 nothing is kept of it.
# [history.under."shop.camera"]
# bytes_max = 10485760
# values_days = 1
"#
        );
        for (prefix, own) in under {
            text.push_str(&format!("[history.under.{prefix:?}]\n"));
            let values = [
                ("bytes_max", own.bytes_max),
                ("values_days", own.values_days),
                ("minutes_days", own.minutes_days),
                ("hours_days", own.hours_days),
            ];
            for (key, value) in values {
                if let Some(value) = value {
                    text.push_str(&format!("{key} = {value}\n"));
                }
            }
        }
        text
    }
}
