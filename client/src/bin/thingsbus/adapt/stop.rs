//! Ctrl-C and SIGTERM: what was dropped is said, and the program ends at once.

use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::outlet::Outlet;
use crate::output::tell;

/// What is queued for a broker that is there goes out in this time. Nobody who presses Ctrl-C waits for more.
const FLUSH_TIME: Duration = Duration::from_millis(250);

/// Ends the program when it is told to, after `before`.
pub(crate) fn on_signal(outlet: &Outlet, before: impl Fn() + Send + 'static) {
    let outlet = outlet.clone();
    let signals = Signals::new([SIGINT, SIGTERM]);
    let thread = std::thread::Builder::new().name("thingsbus-stop".to_owned());
    let started = signals.and_then(|mut signals| {
        thread.spawn(move || {
            if let Some(signal) = signals.forever().next() {
                before();
                outlet.finish(FLUSH_TIME, true);
                std::process::exit(128 + signal);
            }
        })
    });
    if let Err(error) = started {
        // It can be ended all the same, only without a last word.
        tell(format_args!("what was dropped will not be told at the end: {error}"));
    }
}
