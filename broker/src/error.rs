//! What can go wrong before the broker runs.

use std::net::SocketAddr;
use std::path::PathBuf;

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
