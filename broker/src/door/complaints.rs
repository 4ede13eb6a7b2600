//! What was wrong and with whom, told in the log without flooding it.

use std::collections::HashMap;
use std::fmt::Display;
use std::time::{Duration, Instant};

/// After this long the same complaint is told again.
const PAUSE: Duration = Duration::from_secs(10);

/// How much of a rejected message is shown, in bytes.
const EXCERPT_BYTES: usize = 80;

/// Tells each kind of complaint at most every ten seconds, and how many were not told in between. Kinds are names in
/// this program, so there are few.
#[derive(Default)]
pub(crate) struct Complaints {
    told: HashMap<&'static str, Told>,
}

struct Told {
    at: Instant,
    untold: u64,
}

impl Complaints {
    /// Tells in the log that something of kind `kind` happened, unless it was told just now.
    pub(crate) fn tell(&mut self, kind: &'static str, now: Instant, what: impl FnOnce() -> String) {
        let mut more = String::new();
        if let Some(told) = self.told.get_mut(kind) {
            if now.duration_since(told.at) < PAUSE {
                told.untold += 1;
                return;
            }
            if told.untold > 0 {
                more = format!(" ({} more like it before)", told.untold);
            }
        }
        self.told.insert(kind, Told { at: now, untold: 0 });
        tracing::warn!("{}{more}", what());
    }

    /// Tells of a rejected message: from whom, why, and how it begins.
    pub(crate) fn rejected(
        &mut self,
        kind: &'static str,
        now: Instant,
        peer: impl Display,
        door: &'static str,
        why: impl Display,
        message: &[u8],
    ) {
        self.tell(kind, now, || {
            let shown = message.get(..EXCERPT_BYTES).unwrap_or(message);
            let dots = if shown.len() < message.len() { "…" } else { "" };
            format!("rejected a message from {peer} at the {door}: {why}: {}{dots}", shown.escape_ascii())
        });
    }
}
