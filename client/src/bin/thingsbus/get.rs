//! `thingsbus get`: one thing's last value.

use thingsbus_adaptor::wire::Namespace;
use thingsbus_client::mirror::Kind;
use thingsbus_client::{Client, Latest, Parts};

use crate::args::Global;
use crate::broker::{self, LOOK_EVERY, Patience};
use crate::failure::Failure;
use crate::output::Output;
use crate::things;

/// Print a thing's last value, with its age
///
/// Ends with 2 where there is none; names that are like it are told then.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus get shop.climate --data | jq .temperature")]
pub(crate) struct Options {
    /// The thing
    #[arg(value_parser = Namespace::parse)]
    ns: Namespace,
    /// Print the JSON value alone, as its sender wrote it
    #[arg(short, long)]
    data: bool,
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let Options { ns, data } = options;
    let client = broker::connect(global, &Parts::Only(vec![(ns.clone(), false)]))?;
    match latest(&client, ns, global)? {
        Some(latest) => things::print(output, ns, &latest, *data),
        None => Err(things::not_there(global, &client, ns)),
    }
}

/// The value, as soon as there is one to be had.
fn latest(client: &Client, ns: &Namespace, global: &Global) -> Result<Option<Latest>, Failure> {
    let thing = client.directory().get_thing(ns.as_str()).map_err(Failure::usage)?;
    let mut patience = Patience::new(global);
    while client.wait_ready(LOOK_EVERY.min(patience.left(client))).is_err() {
        // A 0.2.1 broker takes long to be complete; the thing may have spoken meanwhile.
        if client.connection().kind == Kind::Old && thing.latest().is_some() {
            break;
        }
        patience.check(client)?;
    }
    Ok(thing.latest())
}
