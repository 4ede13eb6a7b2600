//! The web door: where it listens, who may use it, and how much it lets in.

use std::net::IpAddr;
use std::path::PathBuf;

use serde::Deserialize;
use thingsbus_adaptor::wire::Namespace;

use crate::door::web::Origins;
use crate::error::ConfigError;

/// The web door.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Web {
    /// Is there one?
    pub enabled: bool,
    /// Where it listens.
    pub bind: WebBind,
    /// The file of access keys.
    pub keys: KeysFile,
    /// The certificates for TLS, PEM; plain HTTP where there are none.
    pub certificate: Option<PathBuf>,
    /// Their private key, PEM.
    pub private_key: Option<PathBuf>,
    /// Listen beyond the loopback also where there are no access keys.
    pub insecure_http: bool,
    /// The origins whose pages may use it besides its own, as browsers name them, with commas between; `*` is any.
    pub origins: String,
    /// Connections at a time.
    pub connections_max: usize,
    /// Live streams at a time.
    pub streams_max: usize,
    /// Whose numbers are told as metrics too: prefixes of namespaces, with commas between.
    pub metrics_of: String,
}

/// Where the web door listens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum WebBind {
    /// Where the broker does if there are access keys, and on the loopback if there are none.
    #[default]
    Auto,
    /// At this address.
    Address(IpAddr),
}

impl TryFrom<String> for WebBind {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "auto" => Ok(Self::Auto),
            _ => text
                .parse()
                .map(Self::Address)
                .map_err(|_| format!("{text:?} is neither \"auto\" nor an IP address")),
        }
    }
}

impl std::fmt::Display for WebBind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Address(address) => address.fmt(f),
        }
    }
}

/// Where the access keys are, each as a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub enum KeysFile {
    /// `keys.toml` in the data folder; none without one.
    #[default]
    Auto,
    /// This file.
    File(PathBuf),
}

impl From<String> for KeysFile {
    fn from(text: String) -> Self {
        if text == "auto" { Self::Auto } else { Self::File(text.into()) }
    }
}

impl std::fmt::Display for KeysFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self {
            enabled: true,
            bind: WebBind::Auto,
            keys: KeysFile::Auto,
            certificate: None,
            private_key: None,
            insecure_http: false,
            origins: String::new(),
            connections_max: 12_000,
            streams_max: 4_000,
            metrics_of: String::new(),
        }
    }
}

impl Web {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.certificate.is_some() != self.private_key.is_some() {
            let given = if self.certificate.is_some() { "web.certificate" } else { "web.private_key" };
            let value = self.certificate.as_ref().or(self.private_key.as_ref());
            return Err(ConfigError::Value {
                key: given,
                value: value.map(|path| path.display().to_string()).unwrap_or_default(),
                why: "TLS takes both, web.certificate and web.private_key",
            });
        }
        let mut prefixes = self.metrics_of.split(',').map(str::trim);
        if let Some(wrong) = prefixes.find(|prefix| Namespace::parse(prefix).is_err()) {
            let why = "prefixes of namespaces, with commas between: \"shop, lab.north\"";
            return Err(ConfigError::Value { key: "web.metrics_of", value: wrong.to_owned(), why });
        }
        if Origins::parse(&self.origins).is_none() {
            return Err(ConfigError::Value {
                key: "web.origins",
                value: self.origins.clone(),
                why: "each is as a browser names it, https://host or https://host:port, with commas between",
            });
        }
        for (key, value) in
            [("web.connections_max", self.connections_max), ("web.streams_max", self.streams_max)]
        {
            if value == 0 {
                let why = "nobody could connect; web.enabled = false closes the door";
                return Err(ConfigError::Value { key, value: value.to_string(), why });
            }
        }
        Ok(())
    }

    /// Of which things the numbers are metrics too.
    pub(crate) fn metrics_of(&self) -> Vec<Namespace> {
        let prefixes = self.metrics_of.split(',').map(str::trim).filter(|prefix| !prefix.is_empty());
        prefixes.filter_map(|prefix| Namespace::parse(prefix).ok()).collect()
    }

    pub(super) fn to_toml(&self) -> String {
        let Self {
            enabled,
            bind,
            keys,
            insecure_http,
            origins,
            connections_max,
            streams_max,
            metrics_of,
            ..
        } = self;
        let path = |key: &str, path: &Option<PathBuf>, example: &str| match path {
            Some(path) => format!("{key} = {:?}", path.display().to_string()),
            None => format!("# {key} = {example:?}"),
        };
        format!(
            r#"# The web door: REST, live streams and metrics over HTTP, on the fourth port.
[web]
enabled = {enabled}
# Where it listens. "auto": as [bind] says if there are access keys, and on the loopback if there are none.
bind = {bind:?}
# The file of access keys, made by `thingsbus-broker key add`. "auto": keys.toml in the data folder. A change of it is
# seen within a second.
keys = {keys:?}
# The certificates for TLS and their private key, PEM; read again on SIGHUP. Plain HTTP without them.
{certificate}
{private_key}
# Listen beyond the loopback also where there are no access keys: whoever reaches the port can do everything then.
insecure_http = {insecure_http}
# The origins whose pages may use it besides its own: "https://a.example, https://b.example"; "*" is any.
origins = {origins:?}
# Connections at a time.
connections_max = {connections_max}
# Live streams at a time.
streams_max = {streams_max}
# Whose numbers are told as metrics too: "shop, lab.north" is these things and what is below them.
metrics_of = {metrics_of:?}
"#,
            bind = bind.to_string(),
            keys = keys.to_string(),
            certificate = path("certificate", &self.certificate, "/etc/thingsbus/certificate.pem"),
            private_key = path("private_key", &self.private_key, "/etc/thingsbus/private_key.pem"),
        )
    }
}
