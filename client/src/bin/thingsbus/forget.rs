//! `thingsbus forget`: what nobody needs any more.

use serde_json::Value;
use thingsbus_adaptor::wire::{Ask, Namespace};
use thingsbus_client::ask;

use crate::args::Global;
use crate::broker::{chosen, hinted, timeout};
use crate::failure::Failure;
use crate::numbers::counted;
use crate::output::Output;
use crate::things::named;

/// Forget a thing: its last value, and its history
///
/// Clients are told. A thing that speaks again is there again. Ends with 2 where there was nothing to forget.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus forget shop.old-lathe --tree")]
pub(crate) struct Options {
    /// The thing
    #[arg(value_parser = Namespace::parse)]
    ns: Namespace,
    /// And everything below it
    #[arg(short, long)]
    tree: bool,
    /// Really everything: `thingsbus forget "" --tree --everything`
    #[arg(long, requires = "tree")]
    everything: bool,
}

pub(crate) fn run(options: Options, global: &Global, output: &mut Output) -> Result<(), Failure> {
    let Options { ns, tree, everything } = options;
    if tree && ns.as_str().is_empty() && !everything {
        // Most often it is a variable of a script that is not set.
        return Err(Failure::usage(
            "\"\" with --tree is everything that the broker knows: add --everything where that is meant",
        ));
    }
    let broker = chosen(global)?;
    let question = Ask::Forget { ns: ns.clone(), tree };
    let answer =
        ask(&broker, &question, timeout(global)).map_err(|error| Failure::failed(hinted(error, &broker)))?;
    let told: Option<Value> = serde_json::from_str(&answer).ok();
    let count = told.as_ref().and_then(|told| told.get("count")).and_then(Value::as_u64);
    match count {
        None => Err(Failure::failed(format_args!("{broker} answers what it was not asked: {answer}"))),
        Some(0) if tree => {
            Err(Failure::nothing(format_args!("there is no {}, nor anything below it", named(&ns))))
        }
        Some(0) => Err(Failure::nothing(format_args!("there is no {}", named(&ns)))),
        Some(_) if output.is_json() => output.line(answer),
        Some(count) => output.line(format_args!("forgot {}", counted(count, "thing"))),
    }
}
