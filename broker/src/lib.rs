//! The one place where everything the sensors say comes together.
//!
//! A broker keeps its directory on disk, in the user's own data folder where [`Config::store`] does not say otherwise; a
//! folder is one broker's at a time, so one that is part of another program most likely wants its own, or [`Data::None`].
//!
//! ```no_run
//! use thingsbus_broker::{Broker, Config};
//! let broker = Broker::bind(Config { port: 0, ..Config::default() })?;
//! println!("clients connect to {}", broker.addresses().clients);
//! let handle = broker.handle();
//! let thread = std::thread::spawn(move || broker.run());
//! handle.stop();
//! # Ok::<(), thingsbus_broker::Error>(())
//! ```

mod broker;
mod config;
mod counters;
mod door;
mod error;
pub mod hub;
mod store;
pub mod zmtp;

pub use broker::{Addresses, Broker, Handle};
pub use config::{
    Config, Data, History, KeysFile, Level, Limits, Log, LogFormat, Snapshot, Store, Under, Web, WebBind,
};
pub use door::web::{AccessKey, AccessKeys};
pub use error::{ConfigError, Error, KeysError};
