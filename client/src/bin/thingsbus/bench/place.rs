//! Where the broker is, in addresses.

use std::net::{SocketAddr, UdpSocket};

use thingsbus_adaptor::discovery::{Options, lookup};
use thingsbus_adaptor::libzmq::{Candidate, resolve};
use thingsbus_adaptor::{Address, BrokerName, INPUT_PORT_OFFSET};

/// All addresses of the clients' port, the best first.
pub(super) fn places(broker: &BrokerName) -> Result<Vec<Candidate>, String> {
    let brokers = match broker {
        BrokerName::Address(address) => vec![address.clone()],
        BrokerName::Zone(zone) => {
            let options = Options::from_env().map_err(|error| error.to_string())?;
            lookup(zone, &options).map_err(|error| error.to_string())?.brokers
        }
    };
    let endpoints: Vec<String> = brokers.iter().map(Address::client_endpoint).collect();
    resolve(&endpoints).map_err(|error| error.to_string())
}

/// The senders' port beside this clients' port.
pub(super) fn input(clients: SocketAddr) -> SocketAddr {
    SocketAddr::new(clients.ip(), clients.port().saturating_add(INPUT_PORT_OFFSET))
}

/// Is it an address of this machine? Only those can be bound.
pub(super) fn is_here(address: SocketAddr) -> bool {
    address.ip().is_loopback() || UdpSocket::bind((address.ip(), 0)).is_ok()
}
