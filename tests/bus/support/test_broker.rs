//! A broker in this process, on any free ports.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::thread::JoinHandle;

use serde_json::Value;
use thingsbus_broker::{Broker, Config, Data, Error, Handle};

use super::Doors;
use super::wait::until;

/// A running broker; stopped when it is dropped.
pub struct TestBroker {
    doors: Doors,
    handle: Handle,
    thread: Option<JoinHandle<Result<Value, Error>>>,
}

impl TestBroker {
    /// With the default configuration.
    pub fn start() -> Self {
        Self::with(|_| {})
    }

    /// With a configuration of its own.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let config = test_config(change);
        // Ports that were looked for may for a moment still be held by a child that another test is starting.
        let broker = until("the ports to be free", || match Broker::bind(config.clone()) {
            Err(Error::Listen { source, .. }) if source.kind() == std::io::ErrorKind::AddrInUse => None,
            bound => Some(bound.expect("a broker gets its ports")),
        });
        let (doors, handle) = (doors(&broker), broker.handle());
        let thread = std::thread::Builder::new().name("broker".to_owned()).spawn(move || broker.run());
        Self { doors, handle, thread: Some(thread.expect("a thread")) }
    }

    /// By which it is told what to do.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops it; what it counted.
    pub fn stop(mut self) -> Value {
        self.handle.stop();
        self.wait().expect("nobody stopped it before")
    }

    fn wait(&mut self) -> Option<Value> {
        let result = self.thread.take()?.join().expect("the broker does not panic");
        Some(result.expect("the broker runs to its end"))
    }
}

impl Deref for TestBroker {
    type Target = Doors;

    fn deref(&self) -> &Doors {
        &self.doors
    }
}

impl Drop for TestBroker {
    fn drop(&mut self) {
        self.handle.stop();
        if std::thread::panicking() {
            // What went wrong is being told already; only the thread is waited for.
            drop(self.thread.take().map(JoinHandle::join));
        } else {
            self.wait();
        }
    }
}

/// The default, but on this machine alone, on any free ports, and with nothing on disk.
pub fn test_config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config { bind: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, ..Config::default() };
    config.store.data = Data::None;
    change(&mut config);
    config
}

/// Where a bound broker is.
pub fn doors(broker: &Broker) -> Doors {
    let addresses = broker.addresses();
    Doors::at(addresses.clients.ip(), addresses.clients.port())
}
