//! The gate: other threads of this program ask and follow the stream through it, as others do through sockets. What
//! waits on its two sides is bounded.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::SystemTime;

use bytes::Bytes;
use mio::Waker;
use thingsbus_adaptor::wire::{Query, Rejected, Timestamp};

use super::subscriptions::Subscriptions;
use crate::broker::{Home, OnlyIf};

/// The most calls that wait for the broker's thread. Who calls then is told that it is busy.
const CALLS_MAX: usize = 4_096;

/// The most bytes of the stream that wait for the thread that follows it.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;

/// About what a message takes besides its bytes.
const MESSAGE_BYTES: usize = 96;

/// To whom an answer is given, on whatever thread the broker is.
pub(crate) struct Reply(Box<dyn FnOnce(Vec<u8>) + Send>);

impl Reply {
    pub(crate) fn new(reply: impl FnOnce(Vec<u8>) + Send + 'static) -> Self {
        Self(Box::new(reply))
    }

    /// Where the broker stops before that, it is dropped.
    pub(crate) fn give(self, answer: Vec<u8>) {
        (self.0)(answer);
    }
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reply")
    }
}

/// A question of the query door's protocol.
#[derive(Debug)]
pub(crate) struct Asking {
    /// Who asks the thread that asks.
    pub(crate) from: SocketAddr,
    pub(crate) message: Vec<u8>,
    pub(crate) only_if: Option<OnlyIf>,
    pub(crate) reply: Reply,
}

/// An update that another thread refused before it was a message.
#[derive(Debug)]
pub(crate) struct RefusedUpdate {
    pub(crate) from: SocketAddr,
    pub(crate) why: Rejected,
    /// What it was to be about: also what is no namespace.
    pub(crate) ns: String,
    /// How its value begins.
    pub(crate) excerpt: Bytes,
    /// How long that is, in bytes, as far as it is known.
    pub(crate) bytes: u64,
}

/// What another thread wants.
pub(crate) enum Call {
    Ask(Asking),
    /// That this is counted and told.
    Refused(RefusedUpdate),
    /// This follower gets messages that begin like one of these, from now on.
    Follow(usize, Vec<Vec<u8>>),
    Unfollow(usize),
}

/// What is called and is for the broker.
#[derive(Debug)]
pub(crate) enum Said {
    Ask(Asking),
    Refused(RefusedUpdate),
}

/// Some of the stream.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Who misses how many updates that would be before or among these.
    pub(crate) missed: HashMap<usize, u64>,
    pub(crate) messages: Vec<Message>,
    bytes: usize,
    waiting: Arc<AtomicUsize>,
}

/// A message of the stream, as clients get it.
#[derive(Debug)]
pub(crate) struct Message {
    /// Its number, where it has one of its own.
    pub(crate) seq: Option<u64>,
    pub(crate) bytes: Bytes,
    /// Who gets it, each once.
    pub(crate) followers: Vec<usize>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        self.waiting.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The side of the threads that ask.
#[derive(Clone)]
pub(crate) struct Gate {
    calls: SyncSender<Call>,
    waker: Arc<Waker>,
    home: Home,
}

/// The broker's thread has no time for this now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Busy;

impl Gate {
    /// The two sides of it.
    pub(crate) fn new(waker: Arc<Waker>, home: Home) -> (Self, Inside) {
        let (sender, calls) = sync_channel(CALLS_MAX);
        (Self { calls: sender, waker, home }, Inside::new(calls))
    }

    /// The answer to a query, where the broker has nothing to do and so need not be woken for it.
    pub(crate) fn answer_now(&self, query: &Query) -> Option<Vec<u8>> {
        self.home.answer(query, Timestamp::from_system_time(SystemTime::now()))
    }

    /// Never blocks. A call to a broker that has stopped is dropped, with its reply.
    pub(crate) fn call(&self, call: Call) -> Result<(), Busy> {
        let sent = self.calls.try_send(call);
        // A broker that cannot be woken is ending.
        let _ = self.waker.wake();
        match sent {
            Err(TrySendError::Full(_)) => Err(Busy),
            _ => Ok(()),
        }
    }
}

/// The broker's side.
pub(crate) struct Inside {
    calls: Receiver<Call>,
    subscriptions: Subscriptions,
    followers: HashSet<usize>,
    follow: Option<Box<dyn FnMut(Batch) + Send>>,
    turn: Vec<Message>,
    bytes: usize,
    /// Given to who follows and not yet dropped there, in bytes.
    waiting: Arc<AtomicUsize>,
    /// Who misses how many updates, which had no room, and was not told yet.
    missed: HashMap<usize, u64>,
}

impl Inside {
    fn new(calls: Receiver<Call>) -> Self {
        Self {
            calls,
            subscriptions: Subscriptions::default(),
            followers: HashSet::new(),
            follow: None,
            turn: Vec::new(),
            bytes: 0,
            waiting: Arc::default(),
            missed: HashMap::new(),
        }
    }

    /// Who gets the stream: one for all followers, called on the broker's thread, so it must not block.
    pub(crate) fn set_follow(&mut self, follow: impl FnMut(Batch) + Send + 'static) {
        self.follow = Some(Box::new(follow));
    }

    /// The next that is not for the gate itself; what is, is done on the way.
    pub(crate) fn next(&mut self) -> Option<Said> {
        loop {
            match self.calls.try_recv().ok()? {
                Call::Ask(asking) => return Some(Said::Ask(asking)),
                Call::Refused(refused) => return Some(Said::Refused(refused)),
                Call::Follow(follower, prefixes) => {
                    self.followers.insert(follower);
                    for prefix in prefixes {
                        self.subscriptions.subscribe(follower, &prefix);
                    }
                }
                Call::Unfollow(follower) => {
                    // One whose call to follow found no room calls this all the same.
                    self.followers.remove(&follower);
                    self.missed.remove(&follower);
                    self.subscriptions.forget(follower);
                }
            }
        }
    }

    /// A message of the stream: for those who want it.
    #[inline]
    pub(crate) fn publish(&mut self, message: &[u8], seq: Option<u64>) {
        if !self.followers.is_empty() {
            self.publish_to_followers(message, seq);
        }
    }

    fn publish_to_followers(&mut self, message: &[u8], seq: Option<u64>) {
        let mut followers = Vec::new();
        self.subscriptions.wanting(message, |follower| followers.push(follower));
        if followers.is_empty() {
            return;
        }
        let bytes = MESSAGE_BYTES + message.len() + size_of_val(followers.as_slice());
        if self.bytes + bytes + self.waiting.load(Ordering::Relaxed) > WAITING_BYTES_MAX {
            for follower in followers {
                *self.missed.entry(follower).or_default() += u64::from(seq.is_some());
            }
            return;
        }
        self.bytes += bytes;
        self.turn.push(Message { seq, bytes: Bytes::copy_from_slice(message), followers });
    }

    /// Gives what was published since the last delivery. A gap is told once there is room again, so that who follows
    /// does not ask about it for as long as there is none.
    pub(crate) fn deliver(&mut self) {
        let is_full = self.waiting.load(Ordering::Relaxed) > WAITING_BYTES_MAX / 2;
        if self.turn.is_empty() && (self.missed.is_empty() || is_full) {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.waiting.fetch_add(bytes, Ordering::Relaxed);
        // Messages from before the gap and from after it are not told apart: who follows asks what it missed.
        let (missed, messages) = (std::mem::take(&mut self.missed), std::mem::take(&mut self.turn));
        let batch = Batch { missed, messages, bytes, waiting: self.waiting.clone() };
        if let Some(follow) = &mut self.follow {
            follow(batch);
        }
    }

    /// Is there a gap to tell, when there is room?
    pub(crate) fn has_gap(&self) -> bool {
        !self.missed.is_empty()
    }

    /// Gives nothing more, and drops what is called and was not answered.
    pub(crate) fn close(&mut self) {
        (self.follow, self.calls) = (None, sync_channel(0).1);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use mio::Poll;

    use super::*;
    use crate::config::Config;
    use crate::hub::Hub;

    const LAMP: &[u8] = br#"{"ns":"shop.lamp","type":"thing_update""#;

    /// A gate, and what is given to who follows.
    fn gate() -> (Gate, Inside, Arc<Mutex<Vec<Batch>>>, Poll) {
        let poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), mio::Token(0)).unwrap());
        let nobody = Home::new(Hub::new(String::new(), Config::default().hub_limits()));
        let (gate, mut inside) = Gate::new(waker, nobody);
        let given = Arc::new(Mutex::new(Vec::new()));
        let batches = given.clone();
        inside.set_follow(move |batch| batches.lock().unwrap().push(batch));
        (gate, inside, given, poll)
    }

    fn follow(gate: &Gate, inside: &mut Inside, follower: usize, prefix: &str) {
        gate.call(Call::Follow(follower, vec![prefix.as_bytes().to_vec()])).unwrap();
        assert!(inside.next().is_none());
    }

    #[test]
    fn who_never_followed_can_stop_and_others_go_on() {
        let (gate, mut inside, given, _poll) = gate();
        follow(&gate, &mut inside, 1, "{\"ns\":\"shop.");
        // The call to follow of this one found no room.
        gate.call(Call::Unfollow(2)).unwrap();
        assert!(inside.next().is_none());
        inside.publish(LAMP, Some(1));
        inside.deliver();
        assert_eq!(given.lock().unwrap().first().unwrap().messages.first().unwrap().followers, [1]);
    }

    #[test]
    fn only_who_misses_something_is_told_and_how_much() {
        let (gate, mut inside, given, _poll) = gate();
        follow(&gate, &mut inside, 1, "{\"ns\":\"shop.");
        follow(&gate, &mut inside, 2, "{\"ns\":\"roof.");
        let long = [LAMP, &vec![b' '; WAITING_BYTES_MAX]].concat();
        inside.publish(&long, Some(1));
        inside.publish(&long, Some(2));
        inside.publish(br#"{"ns":"roof.vane""#, Some(3));
        inside.deliver();
        let batch = given.lock().unwrap().pop().unwrap();
        assert_eq!((batch.missed.clone(), batch.messages.len()), (HashMap::from([(1, 2)]), 1));
        assert!(!inside.has_gap());
    }

    #[test]
    fn what_nobody_answers_any_more_is_dropped() {
        let (gate, mut inside, given, _poll) = gate();
        let (sender, answer) = std::sync::mpsc::channel();
        let reply = Reply::new(move |answer| drop(sender.send(answer)));
        let from = ([127, 0, 0, 1], 1).into();
        gate.call(Call::Ask(Asking { from, message: Vec::new(), only_if: None, reply })).unwrap();
        inside.close();
        assert!(answer.recv().is_err());
        assert_eq!(Arc::strong_count(&given), 1, "who followed is told by its end");
        assert_eq!(gate.call(Call::Unfollow(1)), Ok(()));
    }
}
