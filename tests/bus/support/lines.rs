//! What a program prints, line by line, while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::wait::PATIENCE;

/// The lines of one stream. Each is read by a thread as soon as it is printed.
pub struct Lines {
    shared: Arc<Shared>,
    taken: usize,
}

#[derive(Default)]
struct Shared {
    printed: Mutex<Printed>,
    changed: Condvar,
}

#[derive(Default)]
struct Printed {
    lines: Vec<String>,
    ended: bool,
}

impl Lines {
    pub fn of(stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new(Shared::default());
        let printed = Arc::clone(&shared);
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            loop {
                let mut line = Vec::new();
                let ended = !stream.read_until(b'\n', &mut line).is_ok_and(|count| count > 0);
                let mut now = printed.printed.lock().unwrap_or_else(PoisonError::into_inner);
                if ended {
                    now.ended = true;
                } else {
                    now.lines.push(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned());
                }
                printed.changed.notify_all();
                if ended {
                    return;
                }
            }
        });
        Self { shared, taken: 0 }
    }

    /// The next line; `None` at the stream's end or where none came in `time`.
    pub fn next_within(&mut self, time: Duration) -> Option<String> {
        let deadline = Instant::now() + time;
        let mut printed = self.shared.printed.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(line) = printed.lines.get(self.taken) {
                self.taken += 1;
                return Some(line.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if printed.ended || left.is_zero() {
                return None;
            }
            let changed = self.shared.changed.wait_timeout(printed, left);
            printed = changed.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next line in which `part` stands; those before it are passed over.
    pub fn find(&mut self, part: &str) -> Option<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let line = self.next_within(deadline.saturating_duration_since(Instant::now()))?;
            if line.contains(part) {
                return Some(line);
            }
        }
    }

    /// Everything that was printed up to now, taken or not.
    pub fn so_far(&self) -> Vec<String> {
        self.shared.printed.lock().unwrap_or_else(PoisonError::into_inner).lines.clone()
    }

    /// Everything, once the stream has ended.
    pub fn drain(&mut self) -> Vec<String> {
        while self.next_within(PATIENCE).is_some() {}
        self.so_far()
    }
}
