//! Which broker is meant: one that is named, those of a zone, or where nobody says, what the environment
//! says.

use std::env;
use std::fmt::{self, Display, Formatter};

use super::{Address, AddressError};

/// The environment variable that names a broker: what [`Address::parse`] reads.
pub const BROKER_VARIABLE: &str = "THINGSBUS_BROKER";
/// The environment variable that names a zone, whose SRV records name brokers.
pub const ZONE_VARIABLE: &str = "THINGSBUS_ZONE";

/// Which broker is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BrokerName {
    /// This one.
    Address(Address),
    /// The one that the SRV records of this DNS zone name, `example.org`. Not looked at before it is looked
    /// up.
    Zone(String),
}

impl BrokerName {
    /// What the environment says: a broker in [`BROKER_VARIABLE`], else a zone in [`ZONE_VARIABLE`], else the
    /// broker on this machine. A variable that is empty counts as one that is not set.
    ///
    /// # Errors
    /// [`AddressError::Variable`] where [`BROKER_VARIABLE`] does not name a broker. It is not passed over:
    /// whoever set it would be talking to a broker that they did not choose.
    pub fn from_env() -> Result<Chosen, AddressError> {
        // What is not Unicode becomes U+FFFD here, and an error with the variable's name below.
        Self::from_variables(|variable| {
            env::var_os(variable).map(|value| value.to_string_lossy().into_owned())
        })
    }

    /// [`BrokerName::from_env`] with the environment as an argument: the value of each variable asked for.
    ///
    /// # Errors
    /// As for [`BrokerName::from_env`].
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Chosen, AddressError> {
        let value = |name| variable(name).filter(|value| !value.is_empty());
        if let Some(given) = value(BROKER_VARIABLE) {
            let address = Address::parse(&given).map_err(|source| AddressError::Variable {
                variable: BROKER_VARIABLE,
                source: Box::new(source),
            })?;
            return Ok(Chosen { name: Self::Address(address), by: ChosenBy::BrokerVariable });
        }
        Ok(match value(ZONE_VARIABLE) {
            Some(zone) => Chosen { name: Self::Zone(zone), by: ChosenBy::ZoneVariable },
            None => Chosen { name: Self::Address(Address::this_machine()), by: ChosenBy::Nobody },
        })
    }
}

/// `broker HOST:PORT` or `zone ZONE`, for messages.
impl Display for BrokerName {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(f, "broker {address}"),
            Self::Zone(zone) => write!(f, "zone {zone}"),
        }
    }
}

/// Which broker is meant, and who said so.
///
/// ```
/// use thingsbus_adaptor::{BrokerName, ZONE_VARIABLE};
///
/// let variables = |name: &str| (name == ZONE_VARIABLE).then(|| "example.org".to_owned());
/// let chosen = BrokerName::from_variables(variables)?;
/// assert_eq!(chosen.name, BrokerName::Zone("example.org".to_owned()));
/// assert_eq!(chosen.to_string(), "zone example.org (from THINGSBUS_ZONE)");
/// # Ok::<(), thingsbus_adaptor::AddressError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Which broker.
    pub name: BrokerName,
    /// Who said so.
    pub by: ChosenBy,
}

/// Both, for messages: `broker 127.0.0.1:7954 (from THINGSBUS_BROKER)`.
impl Display for Chosen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.name, self.by)
    }
}

/// Who said which broker is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChosenBy {
    /// The environment, in [`BROKER_VARIABLE`].
    BrokerVariable,
    /// The environment, in [`ZONE_VARIABLE`].
    ZoneVariable,
    /// Nobody: it is the broker on this machine.
    Nobody,
}

impl Display for ChosenBy {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::BrokerVariable => write!(f, "from {BROKER_VARIABLE}"),
            Self::ZoneVariable => write!(f, "from {ZONE_VARIABLE}"),
            Self::Nobody => write!(f, "this machine: neither {BROKER_VARIABLE} nor {ZONE_VARIABLE} is set"),
        }
    }
}
