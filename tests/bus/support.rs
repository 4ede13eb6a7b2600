//! What every module here uses: brokers, programs, a browser, Python, Node, peers of every kind, and waiting.

pub mod browser;
pub mod doors;
pub mod good;
pub mod http;
pub mod lines;
pub mod node;
pub mod peers;
pub mod process;
pub mod program;
pub mod proxy;
pub mod python;
pub mod random;
pub mod raw;
pub mod scratch;
pub mod test_broker;
pub mod wait;

pub use doors::{Doors, free_ports};
pub use test_broker::TestBroker;
