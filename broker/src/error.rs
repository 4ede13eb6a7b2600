//! What can go wrong before the broker runs.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Why the broker does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A port could not be taken.
    #[error("cannot listen at {protocol} {address}: {source}{}", hint(source))]
    Listen {
        /// Where.
        address: SocketAddr,
        /// TCP or UDP.
        protocol: &'static str,
        /// What the system says.
        source: std::io::Error,
    },
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder for the directory cannot be used.
    #[error("cannot keep the directory in {}: {problem}; `--data FOLDER` names another folder, `--data none` does without", path.display())]
    Store {
        /// Which.
        path: PathBuf,
        /// Why not.
        problem: String,
    },
    /// The system gave no thread.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// The system gave no way to wait for sockets.
    #[error("cannot wait for sockets: {0}")]
    Poll(#[source] std::io::Error),
}

/// What is wrong with a configuration.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file could not be read.
    #[error("cannot read the configuration {}: {source}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The file is not TOML, has an unknown key or a value of the wrong kind.
    #[error("{}:{line}: {message}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Where in it, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// The file of access keys could not be read.
    #[error("cannot read the access keys {}: {source}", path.display())]
    Keys {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// TLS cannot be had with these certificates and this key.
    #[error("{key} = {}: {why}", path.display())]
    Tls {
        /// The setting that names the file.
        key: &'static str,
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A value is out of its range.
    #[error("{key} = {value}: {why}")]
    Value {
        /// Which.
        key: &'static str,
        /// What it is.
        value: String,
        /// What it must be.
        why: &'static str,
    },
}

impl ConfigError {
    /// A file that is wrong at this byte of its text.
    pub(crate) fn in_file(path: &Path, text: &str, at: usize, message: impl Into<String>) -> Self {
        let before = text.get(..at).unwrap_or_default();
        let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
        Self::File { path: path.to_owned(), line, message: message.into() }
    }
}

/// Why the access keys are not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeysError {
    /// The file is wrong, or cannot be read.
    #[error(transparent)]
    File(#[from] ConfigError),
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// This is no name for a key.
    #[error("{0:?} is no name for a key: it has letters, digits, '.', '_' and '-', and at most 64 of them")]
    Name(String),
    /// A key has this name already.
    #[error("there is a key {0:?} already")]
    Taken(String),
    /// No key has this name.
    #[error("there is no key {name:?}{}{names}", if names.is_empty() { "" } else { "; there are: " })]
    NoSuchKey {
        /// What was named.
        name: String,
        /// Those that there are.
        names: String,
    },
    /// A prefix is no namespace.
    #[error("the prefix {prefix:?}: {why}")]
    Prefix {
        /// Which.
        prefix: String,
        /// Why not.
        why: String,
    },
    /// There is no place for another key.
    #[error("there are {keys_max} keys already, which is the most")]
    TooMany {
        /// How many there may be.
        keys_max: usize,
    },
    /// The system gave no random bytes.
    #[error("the system gives no random bytes to make a key of")]
    NoRandomness,
}

fn hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; another program has this port (another broker?): `--port` moves all of them, `--port 0` finds free ones"
        }
        std::io::ErrorKind::AddrNotAvailable => "; `--bind` takes an address of this machine",
        std::io::ErrorKind::PermissionDenied => "; ports below 1024 need the right to take them",
        _ => "",
    }
}
