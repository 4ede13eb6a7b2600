//! The log: on standard error, for people or for programs.

use thingsbus_broker::{Level, Log, LogFormat};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, reload};

/// By which the level is changed while the broker runs.
pub(crate) struct Handle(reload::Handle<LevelFilter, Registry>);

/// Starts the log; everything before is silent.
pub(crate) fn start(log: &Log) -> Handle {
    let (level, handle) = reload::Layer::new(filter(log.level));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match log.format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry().with(level).with(lines).init();
    Handle(handle)
}

impl Handle {
    /// Tells more or less from now on.
    pub(crate) fn set_level(&self, level: Level) {
        // The log lives as long as the program.
        let _ = self.0.modify(|filter_now| *filter_now = filter(level));
    }
}

fn filter(level: Level) -> LevelFilter {
    match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    }
}
