//! What can be wrong with the name of a broker.

use super::{INPUT_PORT_OFFSET, PORT_MAX};

/// How much of what was given an error repeats, in characters: enough to find it, too little to fill a log.
const SHOWN_CHARS_MAX: usize = 100;

/// Why a text does not name a broker. Each message says what came and what to write.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Nothing stands where the host should.
    #[error("no broker is named: write HOST, HOST:PORT or tcp://HOST:PORT")]
    Empty,
    /// Another transport is asked for.
    #[error("{given:?} asks for {scheme:?}, and brokers speak TCP: write tcp://HOST:PORT, HOST:PORT or HOST")]
    Scheme {
        /// What came.
        given: String,
        /// What stands before `://`.
        scheme: String,
    },
    /// The host is neither a name nor an address.
    #[error(
        "{given:?} has no usable host: {host:?} is neither a name (letters, digits, '-', '_' and dots, \
         others in their xn-- form) nor an IP address: write it as broker.example.org:7954, 192.0.2.1:7954 \
         or [::1]:7954"
    )]
    Host {
        /// What came.
        given: String,
        /// What was taken for the host.
        host: String,
    },
    /// The port is not a number that a port can have.
    #[error("{given:?} has no usable port: write a number from 1 to {PORT_MAX} after the colon, or no colon")]
    Port {
        /// What came.
        given: String,
    },
    /// The client port is 0, or the ports above it would not exist.
    #[error(
        "{given:?} has client port {port}: a broker takes four ports in a row, so it may be 1 to {PORT_MAX}"
    )]
    PortRange {
        /// What came.
        given: String,
        /// The client port in it.
        port: u16,
    },
    /// The client port one below this input port is 0, or the ports above would not exist.
    #[error(
        "{given:?} has input port {port}: a broker takes four ports in a row and this is the second, so it \
         may be 2 to {max}", max = PORT_MAX + INPUT_PORT_OFFSET
    )]
    InputPortRange {
        /// What came.
        given: String,
        /// The input port in it.
        port: u16,
    },
    /// An environment variable does not name a broker.
    #[error("environment variable {variable}: {source}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What is wrong with its value.
        source: Box<AddressError>,
    },
}

impl AddressError {
    /// The same, said of the whole text and not of the part that was looked at.
    pub(super) fn about(mut self, whole: &str) -> Self {
        if let Self::Host { given, .. } | Self::PortRange { given, .. } = &mut self {
            *given = shown(whole);
        }
        self
    }
}

/// What of `text` an error repeats.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS_MAX).collect()
}
