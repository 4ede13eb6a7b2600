//! `thingsbus adapt`: what something else says, as updates.

mod complaints;
mod exec;
mod lines;
mod outlet;
mod selection;
mod source;
mod stdin;
#[cfg(unix)]
mod stop;
mod zmq;

use clap::Subcommand;

use crate::args::Global;
use crate::failure::Failure;

/// What is adapted.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Zmq(zmq::Options),
    Stdin(stdin::Options),
    Exec(exec::Options),
}

pub(crate) fn run(command: Command, global: &Global) -> Result<(), Failure> {
    match command {
        Command::Zmq(options) => zmq::run(options, global),
        Command::Stdin(options) => stdin::run(&options, global),
        Command::Exec(options) => exec::run(options, global),
    }
}
