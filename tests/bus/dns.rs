//! Zones answered by a real name server of the test: our programs and those of 0.2.1 find the broker by its SRV
//! records. Our libraries are told which server to ask by `THINGSBUS_DNS`, so they run as programs: the examples.

mod find;
mod name_server;
mod none;
mod python;
mod turn;

use std::process::Command;

use crate::support::process::Process;
use crate::support::program::example;
use name_server::NameServer;

/// The zone that is asked for.
const ZONE: &str = "example.org";

/// An example that asks this server for the zone's broker.
fn by_zone(name: &str, server: &NameServer) -> Command {
    let mut command = example(name);
    command.env("THINGSBUS_DNS", server.address().to_string()).env("THINGSBUS_ZONE", ZONE);
    command
}

/// The same, running.
fn start(name: &str, server: &NameServer) -> Process {
    Process::start(name, &mut by_zone(name, server))
}
