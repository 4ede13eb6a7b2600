//! `thingsbus wait`: until a thing has a value.

use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::Namespace;
use thingsbus_client::{Flags, Parts};

use crate::args::{Global, duration};
use crate::broker::{self, LOOK_EVERY, Patience};
use crate::failure::Failure;
use crate::numbers::seconds_text;
use crate::output::Output;
use crate::things::{self, named};

/// Wait until a thing has a value, and print it as get does
///
/// Waits for the broker too, however long that takes. Ends with 2 where the value did not come in the time given, with
/// 1 where not even the broker did.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus wait shop.lathe --for 30s && start-the-lathe")]
pub(crate) struct Options {
    /// The thing
    #[arg(value_parser = Namespace::parse)]
    ns: Namespace,
    /// Wait no longer than this
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    limit: Option<Duration>,
    /// Only a value that comes from now on counts
    #[arg(long)]
    fresh: bool,
    /// Print the JSON value alone, as its sender wrote it
    #[arg(short, long)]
    data: bool,
}

pub(crate) fn run(options: &Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let Options { ns, limit, fresh, data } = options;
    let deadline = limit.and_then(|limit| Instant::now().checked_add(limit));
    let client = broker::connect(global, &Parts::Only(Vec::new()))?;
    let thing = client.directory().get_thing(ns.as_str()).map_err(Failure::usage)?;
    let mut events = thing.events(if *fresh { Flags::NONE } else { Flags::SNAPSHOT });
    let mut patience = Patience::new(global);
    let mut was_ready = false;
    loop {
        let left = deadline.map_or(LOOK_EVERY, |deadline| deadline.saturating_duration_since(Instant::now()));
        if events.next_within(left.min(LOOK_EVERY)).is_some()
            && let Some(latest) = thing.latest()
        {
            return things::print(output, ns, &latest, *data);
        }
        was_ready |= client.is_ready();
        if left.is_zero() {
            let limit = limit.unwrap_or_default();
            if !was_ready {
                return Err(broker::not_ready(&client, global, limit));
            }
            let new = if *fresh { "new " } else { "" };
            let waited = seconds_text(limit);
            return Err(Failure::nothing(format_args!("no {new}value of {} within {waited}", named(ns))));
        }
        if !was_ready {
            patience.explain(&client);
        }
    }
}
