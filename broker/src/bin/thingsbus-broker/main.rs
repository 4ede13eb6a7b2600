//! `thingsbus-broker`: arguments, log, configuration, ports, turn, drain.

mod args;
mod key;
mod log;
mod settings;

use std::net::{IpAddr, SocketAddr};
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
        return match Broker::check(&settings.config) {
            Ok(()) => {
                println!("the configuration is good: {}", settings.origin);
                ExitCode::SUCCESS
            }
            Err(error) => fail(EXIT_USAGE, &error),
        };
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
    if let Some(address) = addresses.web {
        tell_web(address, broker.has_access_keys(), config);
    }
}

/// Where the web door is, who can use it, and what would be seen on the way.
fn tell_web(address: SocketAddr, has_keys: bool, config: &Config) {
    let scheme = if config.web.certificate.is_some() { "https" } else { "http" };
    let ip = address.ip().to_canonical();
    let host = if ip.is_loopback() || ip.is_unspecified() { "localhost".to_owned() } else { host(ip) };
    let url = format!("{scheme}://{host}:{}", address.port());
    let who = match (ip.is_loopback(), has_keys) {
        (true, true) => "this machine only, with an access key",
        (true, false) => "this machine only; `thingsbus-broker key add NAME` and a restart open it to others",
        (false, true) => "with an access key",
        (false, false) => "not protected: whoever reaches it can read and write everything",
    };
    let all = if ip.is_unspecified() { "on all addresses, " } else { "" };
    tracing::info!("web:      {url} ({all}{who})");
    if !ip.is_loopback() && has_keys && scheme == "http" {
        tracing::warn!(
            "web: access keys can be read on their way, because there is no TLS: web.certificate and web.private_key"
        );
    }
}

fn host(ip: IpAddr) -> String {
    match ip {
        IpAddr::V4(ip) => ip.to_string(),
        IpAddr::V6(ip) => format!("[{ip}]"),
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
