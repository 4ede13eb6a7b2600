//! `thingsbus-broker`: arguments, log, configuration, ports, turn, drain.

mod args;
mod key;
mod log;
mod settings;

use std::process::ExitCode;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use thingsbus_broker::{Broker, Config, Error, Handle};

use args::{Args, Command};
use settings::Settings;

/// What a wrong command line or configuration ends with: `EX_USAGE` of sysexits.h.
const EXIT_USAGE: u8 = 64;

fn main() -> ExitCode {
    let args = Args::parse_or_exit();
    let settings = match Settings::collect(&args) {
        Ok(settings) => settings,
        Err(error) => return fail(EXIT_USAGE, &error),
    };
    if let Some(Command::Key(command)) = &args.command {
        return key::run(command, &settings.config);
    }
    if args.check {
        println!("the configuration is good: {}", settings.origin);
        return ExitCode::SUCCESS;
    }
    if args.print_config {
        print!("{}", settings.config.to_toml());
        return ExitCode::SUCCESS;
    }
    let log = log::start(&settings.config.log);
    match run(&args, settings, &log) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ Error::Config(_)) => fail(EXIT_USAGE, &error),
        Err(error) => fail(1, &error),
    }
}

fn run(args: &Args, settings: Settings, log: &log::Handle) -> Result<(), Error> {
    tracing::info!("thingsbus-broker {}", env!("CARGO_PKG_VERSION"));
    tracing::info!("configuration: {}", settings.origin);
    for unknown in &settings.unknown_variables {
        tracing::warn!("{unknown} is set and is no setting of this broker: see --help");
    }
    let broker = Broker::bind(settings.config.clone())?;
    tell_addresses(&broker, &settings.config);
    std::thread::scope(|scope| {
        // Where signals cannot be had, the broker still runs; it is ended by force then.
        let signals = Signals::new([SIGTERM, SIGINT, SIGHUP]);
        let closer = signals.as_ref().ok().map(Signals::handle);
        let handle = broker.handle();
        match signals {
            Ok(mut signals) => drop(scope.spawn(move || {
                for signal in signals.forever() {
                    obey(signal, args, &handle, log);
                }
            })),
            Err(error) => tracing::warn!("signals are not listened to: {error}"),
        }
        let counted = broker.run();
        if let Some(closer) = closer {
            closer.close();
        }
        tracing::info!("stopped; {}", summary(&counted?));
        Ok(())
    })
}

fn obey(signal: i32, args: &Args, handle: &Handle, log: &log::Handle) {
    if signal != SIGHUP {
        tracing::info!("stopping");
        handle.stop();
        return;
    }
    match Settings::collect(args) {
        Ok(settings) => {
            log.set_level(settings.config.log.level);
            tracing::info!("configuration read again: {}", settings.origin);
            handle.reconfigure(settings.config);
        }
        Err(error) => tracing::error!("the configuration stays as it is: {error}"),
    }
}

/// One line for each door, and one for what is not protected.
fn tell_addresses(broker: &Broker, config: &Config) {
    let addresses = broker.addresses();
    let all = if config.bind.is_unspecified() { ", on all addresses" } else { "" };
    tracing::info!("clients:  tcp://{}{all}", addresses.clients);
    tracing::info!(
        "senders:  tcp://{0} (ZeroMQ, JSON) and udp://{0} (msgpack or JSON){all}",
        addresses.input()
    );
    tracing::info!("queries:  tcp://{}{all}", addresses.query());
    if !config.bind.is_loopback() {
        tracing::info!(
            "not protected: whoever reaches these ports can read and write everything, unencrypted"
        );
    }
}

/// What a stopping broker leaves in the log.
fn summary(counted: &serde_json::Value) -> String {
    let count = |pointer: &str| counted.pointer(pointer).map_or_else(String::new, ToString::to_string);
    format!(
        "{} things, {} updates; ZeroMQ in: {} rejected; UDP in: {} rejected; clients: {} sent, {} merged, {} dropped",
        count("/things"),
        count("/seq"),
        count("/doors/zmq_in/rejected"),
        count("/doors/udp_in/rejected"),
        count("/doors/clients/sent"),
        count("/doors/clients/merged"),
        count("/doors/clients/dropped"),
    )
}

fn fail(code: u8, error: &dyn std::error::Error) -> ExitCode {
    eprintln!("thingsbus-broker: {error}");
    ExitCode::from(code)
}
