//! Which broker is meant, and a client that follows it.

use std::fmt::Display;
use std::time::{Duration, Instant};

use thingsbus_adaptor::BrokerName;
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Error, Parts};

use crate::args::Global;
use crate::failure::Failure;
use crate::output::tell;

/// How long a broker may take, where nobody says.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(5);

/// How long a 0.2.1 broker may take to tell its directory, which it does every 15 s.
const OLD_TIMEOUT: Duration = Duration::from_secs(20);

/// Who waits longer than this is told for what. A 0.2.1 broker is known as one by then.
const SILENCE_MAX: Duration = Duration::from_millis(1_700);

/// How often is looked whether something else is to be said.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What helps most often.
pub(crate) const HINT: &str = "is thingsbus-broker running there? `--broker HOST` names another";

/// The broker that is meant.
pub(crate) fn chosen(global: &Global) -> Result<BrokerName, Failure> {
    match (&global.broker, &global.zone) {
        (Some(_), Some(_)) => Err(Failure::usage("--broker and --zone each name a broker: give one of them")),
        (Some(address), None) => Ok(BrokerName::Address(address.clone())),
        (None, Some(zone)) => Ok(BrokerName::Zone(zone.clone())),
        (None, None) => BrokerName::from_env().map(|chosen| chosen.name).map_err(Failure::usage),
    }
}

/// How long the broker may take.
pub(crate) fn timeout(global: &Global) -> Duration {
    global.timeout.unwrap_or(TIMEOUT)
}

/// Connects to the broker that is meant; does not wait for it.
pub(crate) fn connect(global: &Global, parts: &Parts) -> Result<Client, Failure> {
    Client::connect(chosen(global)?, parts).map_err(Failure::failed)
}

/// Connects and waits until the client has everything of `parts` that the broker has.
pub(crate) fn complete(global: &Global, parts: &Parts) -> Result<Client, Failure> {
    let client = connect(global, parts)?;
    let mut patience = Patience::new(global);
    while client.wait_ready(LOOK_EVERY.min(patience.left(&client))).is_err() {
        patience.check(&client)?;
    }
    Ok(client)
}

/// Waiting for a broker: how long, and what is said meanwhile.
pub(crate) struct Patience<'g> {
    global: &'g Global,
    since: Instant,
    told: bool,
}

impl<'g> Patience<'g> {
    pub(crate) fn new(global: &'g Global) -> Self {
        Self { global, since: Instant::now(), told: false }
    }

    /// Says what is waited for where that takes longer, and gives up where it takes too long.
    pub(crate) fn check(&mut self, client: &Client) -> Result<(), Failure> {
        if self.left(client).is_zero() {
            return Err(not_ready(client, self.global, self.limit(client)));
        }
        self.explain(client);
        Ok(())
    }

    /// Says what is waited for where that takes longer.
    pub(crate) fn explain(&mut self, client: &Client) {
        if !self.told && self.since.elapsed() > SILENCE_MAX {
            self.told = true;
            let connection = client.connection();
            let waiting = if connection.connected { "" } else { "; waiting" };
            tell(format_args!("{}{waiting}", connection.doing));
        }
    }

    /// How long it may still take.
    pub(crate) fn left(&self, client: &Client) -> Duration {
        self.limit(client).saturating_sub(self.since.elapsed())
    }

    fn limit(&self, client: &Client) -> Duration {
        let is_old = client.connection().kind == Kind::Old;
        self.global.timeout.unwrap_or(if is_old { OLD_TIMEOUT } else { TIMEOUT })
    }
}

/// Why waiting so long was in vain.
pub(crate) fn not_ready(client: &Client, global: &Global, waited: Duration) -> Failure {
    let broker = match chosen(global) {
        Ok(broker) => broker,
        Err(failure) => return failure,
    };
    let connection = client.connection();
    let error = Error::NotReady { broker: broker.clone(), waited, why: connection.doing };
    Failure::failed(if connection.connected { error.to_string() } else { hinted(error, &broker) })
}

/// An error of a broker that is not there, with what helps most often. What a zone lacks says its own error.
pub(crate) fn hinted(error: impl Display, broker: &BrokerName) -> String {
    match broker {
        BrokerName::Address(_) => format!("{error}; {HINT}"),
        BrokerName::Zone(_) => error.to_string(),
    }
}
