//! `thingsbus adapt zmq`: 0.2.1's generic adaptor. Messages of JSON publishers, as updates.

use std::time::Duration;

use thingsbus_adaptor::wire::{Namespace, Update};
use thingsbus_adaptor::{Address, BrokerName, Target};

use super::complaints::Complaint;
use super::outlet::Outlet;
use super::selection::{Selection, parse_filter};
use super::source::{Sources, parse_url};
use crate::args::Global;
use crate::broker::{chosen, timeout};
use crate::failure::Failure;
use crate::send::{Ack, now, parse_thing};

/// Subscribe to publishers of JSON over ZeroMQ, and send what they say
///
/// Takes the options of 0.2.1's `python -m thingsbus.generic_zmq_adaptor`. A message that lacks a key is dropped and
/// counted.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: thingsbus adapt zmq --ns spacemon --nskey camname --tskey frame_time \
    --filter mtype:percept_update --projections luminance,ratio_busy -s tcp://cameras:7201 -d http://example.org/cameras")]
pub(crate) struct Options {
    /// The namespace to put things into
    #[arg(long, value_parser = parse_thing)]
    ns: Namespace,
    /// The key of the namespace's last part in the messages
    #[arg(long, value_name = "KEY")]
    nskey: Option<String>,
    /// The key of the time in the messages, in seconds since 1970 [default: now]
    #[arg(long, value_name = "KEY")]
    tskey: Option<String>,
    /// Only messages that have VALUE at KEY
    #[arg(long, value_name = "KEY:VALUE", value_parser = parse_filter)]
    filter: Option<(String, String)>,
    /// The keys that become the data [default: the whole message]
    #[arg(long, value_name = "KEY,KEY", value_delimiter = ',')]
    projections: Option<Vec<String>>,
    /// The broker's input, in place of --broker: tcp://HOST:7955
    #[arg(short, long, value_name = "INPUT_URL", value_parser = Address::from_input)]
    url: Option<Address>,
    /// Where the publishers are: tcp://HOST:PORT, the ends that bind
    #[arg(short, long, value_name = "URL,URL", required = true, value_delimiter = ',', value_parser = parse_url)]
    sources: Vec<String>,
    /// Where the values are explained
    #[arg(short, long, value_name = "URL", visible_alias = "doc")]
    documentation: Option<String>,
    /// Send each again until the broker says that it has it in its directory, or on its disk
    #[arg(long, value_name = "LEVEL")]
    ack: Option<Ack>,
}

/// How many messages are taken of one publisher before the next one has its turn.
const BUDGET: usize = 200;

/// How often is looked how things are while nothing comes.
const LOOK_EVERY: Duration = Duration::from_millis(250);

pub(crate) fn run(options: Options, global: &Global) -> Result<(), Failure> {
    let Options { ns, nskey, tskey, filter, projections, url, sources, documentation, ack } = options;
    let broker = match url {
        Some(_) if global.broker.is_some() || global.zone.is_some() => {
            return Err(Failure::usage("--url, --broker and --zone each name a broker: give one of them"));
        }
        Some(input) => BrokerName::Address(input),
        None => chosen(global)?,
    };
    let projections = projections.map(|keys| keys.into_iter().filter(|key| !key.is_empty()).collect());
    let selection = Selection { ns_key: nskey, ts_key: tskey, filter, projections };
    Update::new(&ns, None, "null", documentation.as_deref()).map_err(Failure::usage)?;
    let outlet = Outlet::new(Target::Zmq(broker), ack, global)?;
    let mut sources = Sources::connect(&sources, timeout(global)).map_err(|error| {
        Failure::failed(format_args!("cannot connect to the publishers: ZeroMQ: {error}"))
    })?;
    #[cfg(unix)]
    super::stop::on_signal(&outlet, || {});
    loop {
        let more = sources.read(BUDGET, |message| {
            if let Err(complaint) = send(message, &selection, &ns, documentation.as_deref(), &outlet) {
                outlet.complain(complaint);
            }
        });
        if !more {
            sources.wait(LOOK_EVERY);
        }
    }
}

fn send(
    message: &[u8],
    selection: &Selection,
    ns: &Namespace,
    documentation_url: Option<&str>,
    outlet: &Outlet,
) -> Result<(), Complaint> {
    let Some(selected) = selection.select(message)? else { return Ok(()) };
    let ns = ns
        .join(&selected.child)
        .map_err(|error| Complaint::new("the namespace is too long", error.to_string()))?;
    let ts = selected.ts.unwrap_or_else(now);
    let update = Update::new(&ns, Some(ts), &selected.data, documentation_url)
        .map_err(|why| Complaint::new(why.to_string(), ns.as_str()))?;
    outlet.send(&update);
    Ok(())
}
