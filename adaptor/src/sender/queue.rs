//! The bounded queue and its bookkeeping (pure): when it is full, the oldest message goes.

use std::collections::VecDeque;

/// Fewer would not leave room for a message in hand and one behind it.
const MESSAGES_MAX_LEAST: usize = 2;
/// How many messages are taken at once: enough to pay for the lock, few enough to notice a broken connection soon.
const BATCH_MAX: usize = 64;

/// Messages waiting, messages in the hand of the one who sends them, and what became of the others.
#[derive(Debug)]
pub(super) struct Queue {
    waiting: VecDeque<Vec<u8>>,
    in_hand: usize,
    messages_max: usize,
    sent: u64,
    dropped: u64,
}

impl Queue {
    /// A queue that never holds more than `messages_max` messages (at least two), those in hand included.
    pub(super) fn new(messages_max: usize) -> Self {
        let messages_max = messages_max.max(MESSAGES_MAX_LEAST);
        Self { waiting: VecDeque::new(), in_hand: 0, messages_max, sent: 0, dropped: 0 }
    }

    /// Takes a message in; true when the oldest one waiting had to go for it.
    pub(super) fn push(&mut self, message: Vec<u8>) -> bool {
        let full = self.len() >= self.messages_max && self.waiting.pop_front().is_some();
        self.dropped += u64::from(full);
        self.waiting.push_back(message);
        full
    }

    /// Moves the oldest messages into `hand`, which must be empty and must come back by [`Queue::settle`].
    pub(super) fn take(&mut self, hand: &mut VecDeque<Vec<u8>>) {
        let batch = self.waiting.len().min(BATCH_MAX).min(self.messages_max / 2);
        hand.extend(self.waiting.drain(..batch));
        self.in_hand = hand.len();
    }

    /// `hand` holds what could not be sent of the last [`Queue::take`]; it goes back to the front.
    pub(super) fn settle(&mut self, hand: &mut VecDeque<Vec<u8>>) {
        self.sent += (self.in_hand - hand.len().min(self.in_hand)) as u64;
        self.in_hand = 0;
        while let Some(message) = hand.pop_back() {
            self.waiting.push_front(message);
        }
    }

    /// Gives up on everything that waits.
    pub(super) fn drop_waiting(&mut self) {
        self.dropped += self.waiting.len() as u64;
        self.waiting.clear();
    }

    pub(super) fn count_dropped(&mut self) {
        self.dropped += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.waiting.len() + self.in_hand
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// All messages that are not queued any more: in a queue, those accepted first.
    pub(super) fn gone(&self) -> u64 {
        self.sent + self.dropped
    }

    pub(super) fn accepted(&self) -> u64 {
        self.gone() + self.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_drops_the_oldest_and_counts_it() {
        let mut queue = Queue::new(3);
        let dropped: Vec<bool> = (0..5u8).map(|n| queue.push(vec![n])).collect();
        assert_eq!(dropped, [false, false, false, true, true]);
        let mut hand = VecDeque::new();
        queue.take(&mut hand);
        assert_eq!(hand, [vec![2]], "half of a small queue at once");
        assert_eq!((queue.accepted(), queue.len(), queue.dropped()), (5, 3, 2));
    }

    #[test]
    fn never_more_than_the_limit_with_messages_in_hand_and_order_kept() {
        let mut queue = Queue::new(4);
        let mut hand = VecDeque::new();
        for n in 0..4u8 {
            queue.push(vec![n]);
        }
        queue.take(&mut hand);
        assert_eq!(hand, [vec![0], vec![1]]);
        for n in 4..6u8 {
            queue.push(vec![n]);
        }
        assert_eq!((queue.len(), queue.dropped()), (4, 2), "2 and 3 went, 0 and 1 were in hand");
        hand.pop_front();
        queue.settle(&mut hand);
        assert_eq!((queue.len(), queue.sent(), queue.accepted()), (3, 1, 6));
        queue.take(&mut hand);
        assert_eq!(hand, [vec![1], vec![4]]);
        hand.clear();
        queue.settle(&mut hand);
        queue.drop_waiting();
        assert_eq!((queue.len(), queue.sent(), queue.dropped(), queue.accepted()), (0, 3, 3, 6));
    }

    #[test]
    fn a_limit_of_nothing_is_a_limit_of_two() {
        let mut queue = Queue::new(0);
        let mut hand = VecDeque::new();
        queue.push(vec![0]);
        queue.take(&mut hand);
        assert_eq!(hand.len(), 1);
        assert!(!queue.push(vec![1]));
        assert!(queue.push(vec![2]));
        assert_eq!(queue.len(), 2);
    }
}
