//! How a run goes: one line on standard error, written anew, where that is a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

use crate::numbers::{counted, grouped};
use crate::text::cut;

const EVERY: Duration = Duration::from_millis(200);

/// The line.
pub(super) struct Progress {
    shown: bool,
    start: Instant,
    last: (Instant, u64),
}

impl Progress {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self { shown: stderr().is_terminal(), start: now, last: (now, 0) }
    }

    /// What was sent, and what came where least did.
    pub(super) fn tell(&mut self, sent: u64, received: u64) {
        let (then, before) = self.last;
        let span = then.elapsed();
        if !self.shown || span < EVERY {
            return;
        }
        self.last = (Instant::now(), received);
        let rate = received.saturating_sub(before) as f64 / span.as_secs_f64();
        let line = format!(
            "{:.1} s: {} sent, {} on their way or lost, {}/s",
            self.start.elapsed().as_secs_f64(),
            counted(sent, "message"),
            grouped(sent.saturating_sub(received)),
            grouped(rate as u64)
        );
        let columns =
            terminal_size::terminal_size_of(stderr()).map_or(80, |(columns, _)| usize::from(columns.0));
        let _ = write!(stderr(), "\r{}\x1b[K", cut(&line, columns.saturating_sub(1)));
    }
}

/// Takes the line away.
impl Drop for Progress {
    fn drop(&mut self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[K");
        }
    }
}
