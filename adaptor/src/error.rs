//! What can go wrong on the sending side.

use crate::address::AddressError;
use crate::wire::{NamespaceError, Rejected};

/// Why there is no adaptor, or why it did not take a value. What is lost on the way is no error: it is counted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A namespace breaks the rule.
    #[error(transparent)]
    Namespace(#[from] NamespaceError),
    /// The adaptor's own namespace is the root's, which would make every child a thing at the top.
    #[error("an adaptor needs a namespace of its own, such as \"shop.lathe\"")]
    NoNamespace,
    /// What names the broker is no name of a broker.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The value cannot be said in JSON.
    #[error("the value is not to be said in JSON: {0}")]
    Data(#[from] serde_json::Error),
    /// The value cannot be said in msgpack.
    #[error("the value is not to be said in msgpack: {0}")]
    Msgpack(#[from] rmp_serde::encode::Error),
    /// The broker would refuse the message.
    #[error("a broker would refuse this: {0}")]
    Refused(Rejected),
    /// What the adaptor is to be called breaks the rule.
    #[error("{name:?} is no sender's name: 1 to 64 of A-Z a-z 0-9 _ . : -")]
    SenderName {
        /// What was given.
        name: String,
    },
    /// The sending side could not be started.
    #[error(transparent)]
    Start(Box<dyn std::error::Error + Send + Sync>),
    /// The zone was given, and this build does not look zones up.
    #[error(
        "zone {zone:?} is not looked up: this build is without the feature `discovery`; give the broker's address"
    )]
    NoDiscovery {
        /// The zone.
        zone: String,
    },
    /// The way was given, and this build does not have it.
    #[error("this build is without the feature `{feature}`")]
    NoFeature {
        /// Which.
        feature: &'static str,
    },
}

impl From<Rejected> for Error {
    fn from(rejected: Rejected) -> Self {
        Self::Refused(rejected)
    }
}
