//! What waits for one stream: bounded, and what has no room is counted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;

use super::WAITING_BYTES_MAX;

/// The most messages that wait for one stream.
const MESSAGES_MAX: usize = 1_024;

/// The most bytes that do.
const BYTES_MAX: usize = 256 * 1024;

/// What waits for one stream.
pub(super) struct Queue {
    inside: Mutex<Waiting>,
    wake: Notify,
    /// What waits for all streams, in bytes.
    all: Arc<AtomicUsize>,
}

/// What waits, in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    pub(super) messages: VecDeque<(Option<u64>, Bytes)>,
    bytes: usize,
    /// Something is missing.
    pub(super) has_gap: bool,
    /// How many updates are.
    pub(super) missed: u64,
    /// Nothing more comes.
    pub(super) has_ended: bool,
}

impl Queue {
    pub(super) fn new(all: Arc<AtomicUsize>) -> Self {
        Self { inside: Mutex::default(), wake: Notify::new(), all }
    }

    /// Adds a message; `true` where it is the first that waits. Where there is a gap, everything after it is in the
    /// directory when that is asked for, so nothing is kept until then.
    pub(super) fn push(&self, seq: Option<u64>, message: Bytes) -> bool {
        let mut inside = self.lock();
        if inside.has_gap {
            inside.missed += u64::from(seq.is_some());
            return false;
        }
        let is_full = inside.messages.len() >= MESSAGES_MAX
            || inside.bytes + message.len() > BYTES_MAX
            || self.all.load(Ordering::Relaxed) > WAITING_BYTES_MAX;
        if is_full {
            inside.has_gap = true;
            inside.missed += u64::from(seq.is_some());
            return true;
        }
        inside.bytes += message.len();
        self.all.fetch_add(message.len(), Ordering::Relaxed);
        inside.messages.push_back((seq, message));
        inside.messages.len() == 1
    }

    /// So many messages are missing.
    pub(super) fn miss(&self, count: u64) {
        let mut inside = self.lock();
        inside.has_gap = true;
        inside.missed += count;
        drop(inside);
        self.wake();
    }

    /// Nothing more comes.
    pub(super) fn end(&self) {
        self.lock().has_ended = true;
        self.wake();
    }

    /// Wakes who waits for messages.
    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Waits for that.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Takes all that waits.
    pub(super) fn take(&self) -> Waiting {
        let mut inside = self.lock();
        let waiting = std::mem::take(&mut *inside);
        inside.has_ended = waiting.has_ended;
        drop(inside);
        self.all.fetch_sub(waiting.bytes, Ordering::Relaxed);
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(bytes: usize) -> Bytes {
        vec![b'x'; bytes].into()
    }

    #[test]
    fn what_has_no_room_is_counted_and_nothing_after_it_is_kept() {
        let all = Arc::new(AtomicUsize::new(0));
        let queue = Queue::new(all.clone());
        assert!(queue.push(Some(1), message(BYTES_MAX - 1)));
        assert!(!queue.push(Some(2), message(1)));
        assert!(queue.push(Some(3), message(1)), "who waits learns of the gap");
        assert!(!queue.push(Some(4), message(0)));
        assert_eq!(all.load(Ordering::Relaxed), BYTES_MAX);
        let Waiting { messages, has_gap, missed, .. } = queue.take();
        assert_eq!((messages.len(), has_gap, missed), (2, true, 2));
        assert_eq!(all.load(Ordering::Relaxed), 0);
        assert!(queue.push(Some(5), message(1)), "and goes on");
        drop(queue);
        assert_eq!(all.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn all_streams_share_a_bound() {
        let all = Arc::new(AtomicUsize::new(WAITING_BYTES_MAX + 1));
        let queue = Queue::new(all);
        queue.push(Some(1), message(1));
        assert!(queue.take().has_gap);
    }
}
