//! A bounded queue of events between the client and one who takes them: when it is full the oldest is dropped, and
//! the next one taken says how many were.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use futures_core::Stream;
use thingsbus_adaptor::wire::Namespace;

use crate::event::{Event, Flags};
use crate::shared::Shared;

/// The most events that wait for one who takes them.
pub const FEED_EVENTS_MAX: usize = 10_000;

/// The most of their values' text, in bytes.
pub const FEED_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Events as they come: an [`Iterator`] that blocks, and a [`Stream`]. Ends when the client is closed.
///
/// Up to 10,000 events (or 64 MiB) wait; after that the oldest is dropped, [`Event::missed`] of the next one says how
/// many were, and nobody else notices. Dropping this ends the subscription.
pub struct Events {
    queue: Arc<Queue>,
    /// What is to be ended with this.
    listening: Option<Listening>,
}

/// Who is listened to, and the listener's number.
struct Listening {
    shared: Arc<Shared>,
    ns: Namespace,
    id: u64,
}

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    bytes: usize,
    missed: u64,
    closed: bool,
    waker: Option<Waker>,
}

impl State {
    fn take(&mut self) -> Option<Event> {
        let mut event = self.events.pop_front()?;
        self.bytes -= event.data.len();
        event.missed = std::mem::take(&mut self.missed);
        Some(event)
    }
}

impl Queue {
    /// Adds an event; never waits.
    pub(crate) fn push(&self, event: Event) {
        let mut state = self.lock();
        state.bytes += event.data.len();
        state.events.push_back(event);
        while state.events.len() > FEED_EVENTS_MAX || (state.bytes > FEED_BYTES_MAX && state.events.len() > 1)
        {
            if let Some(dropped) = state.events.pop_front() {
                state.bytes -= dropped.data.len();
                state.missed += 1;
            }
        }
        self.wake(state);
    }

    /// No more will come.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        self.wake(state);
    }

    /// Nobody takes them any more.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.bytes = 0;
        let abandoned = std::mem::take(&mut state.events);
        self.wake(state);
        drop(abandoned);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        self.came.notify_one();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Those of `ns` that are wanted by `flags`, and the listener's number.
    pub(crate) fn of(shared: &Arc<Shared>, ns: &Namespace, flags: Flags) -> (Self, u64) {
        let queue = Arc::new(Queue::default());
        let id = shared.listen(ns, flags, queue.clone());
        let listening = Listening { shared: shared.clone(), ns: ns.clone(), id };
        (Self { queue, listening: Some(listening) }, id)
    }

    /// The next event; `None` where none came within `limit` or the client was closed.
    pub fn next_within(&mut self, limit: Duration) -> Option<Event> {
        self.wait(Instant::now().checked_add(limit))
    }

    /// The next event if it is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.queue.lock().take()
    }

    fn wait(&mut self, deadline: Option<Instant>) -> Option<Event> {
        let mut state = self.queue.lock();
        loop {
            if let Some(event) = state.take() {
                return Some(event);
            }
            if state.closed {
                return None;
            }
            state = match deadline {
                None => self.queue.came.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return None;
                    }
                    self.queue.came.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        if let Some(Listening { shared, ns, id }) = self.listening.take() {
            shared.unlisten(&ns, id);
        }
    }
}

impl Iterator for Events {
    type Item = Event;
    /// Blocks until there is one.
    fn next(&mut self) -> Option<Event> {
        self.wait(None)
    }
}

impl Stream for Events {
    type Item = Event;
    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        let mut state = self.queue.lock();
        match state.take() {
            Some(event) => Poll::Ready(Some(event)),
            None if state.closed => Poll::Ready(None),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("waiting", &self.queue.lock().events.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use thingsbus_adaptor::wire::Timestamp;

    use super::*;

    fn feed() -> (Events, Arc<Queue>) {
        let queue = Arc::new(Queue::default());
        (Events { queue: queue.clone(), listening: None }, queue)
    }

    fn event(data: &str) -> Event {
        let ts = Timestamp::default();
        Event {
            ns: Arc::default(),
            ts,
            data: data.into(),
            documentation_url: None,
            seq: None,
            merged: None,
            age: Duration::ZERO,
            flags: Flags::NONE,
            missed: 0,
            freshness: None,
        }
    }

    #[test]
    fn who_is_slow_is_told_how_much_was_missed() {
        let (mut events, queue) = feed();
        for number in 0..FEED_EVENTS_MAX + 7 {
            queue.push(event(&number.to_string()));
        }
        let first = events.next().unwrap();
        assert_eq!((first.data(), first.missed()), ("7", 7));
        let second = events.next().unwrap();
        assert_eq!((second.data(), second.missed()), ("8", 0));
        assert_eq!(events.queue.lock().events.len(), FEED_EVENTS_MAX - 2);
    }

    #[test]
    fn memory_is_bounded_by_bytes_too() {
        let (mut events, queue) = feed();
        let large = "x".repeat(FEED_BYTES_MAX / 4);
        for _ in 0..6 {
            queue.push(event(&large));
        }
        assert_eq!(events.next().unwrap().missed(), 2);
        queue.close();
        assert_eq!(events.by_ref().count(), 3);
        assert_eq!(events.queue.lock().bytes, 0);
    }

    #[test]
    fn a_closed_feed_gives_what_it_has_and_ends() {
        let (mut events, queue) = feed();
        assert_eq!(events.try_next(), None);
        assert_eq!(events.next_within(Duration::from_millis(1)), None);
        queue.push(event("1"));
        queue.close();
        assert_eq!(events.next().unwrap().data(), "1");
        assert_eq!(events.next(), None);
    }
}
