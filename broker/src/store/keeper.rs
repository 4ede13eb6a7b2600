//! The thread that writes: it alone waits for the disk. A write that fails is tried again until it succeeds, so nothing
//! that it was given is lost, and it is given nothing more meanwhile.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::batch::Batch;
use super::head::{Head, Life, Problem};

/// How long it waits before it tries again, at first.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// And at the most: the pause is doubled each time.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// What it is told.
pub(super) enum Order {
    /// Write these. Only after the report on those before.
    Write(Batch),
    /// Everything is written: end.
    Finish(Life),
}

/// What it tells.
pub(super) enum Report {
    /// All of these are on disk.
    Written(Batch),
    /// They are not yet, for this reason; it goes on trying.
    Failing(String),
    /// The file was of no use any more and was set aside. The new one has nothing but what is written from here on.
    StartedAnew(String),
}

/// Opens the file of the directory, again after something failed.
pub(super) trait Opener: Send {
    fn open(&self) -> Result<Head, Problem>;
    /// Puts what is there out of the way; says where it is now.
    fn set_aside(&self) -> std::io::Result<String>;
}

/// The file of the directory, for others to read; there is none while it cannot be used. Who has it gives it back soon
/// after it is not [`Lent::is`] the one any more: it is opened anew only when nobody has it.
#[derive(Clone, Default)]
pub(super) struct Lent(Arc<Mutex<Option<Head>>>);

impl Lent {
    pub(super) fn get(&self) -> Option<Head> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn is(&self, head: &Head) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_some_and(|lent| lent.is(head))
    }

    pub(super) fn set(&self, head: Option<&Head>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = head.cloned();
    }
}

/// What runs on its thread.
pub(super) struct Keeper<O, R> {
    pub(super) opener: O,
    pub(super) head: Option<Head>,
    pub(super) lent: Lent,
    pub(super) orders: Receiver<Order>,
    pub(super) report: R,
    pub(super) first_pause: Duration,
}

impl<O: Opener, R: FnMut(Report)> Keeper<O, R> {
    /// Until it is told to end, or nobody is there to tell.
    pub(super) fn run(mut self) {
        self.lent.set(self.head.as_ref());
        self.obey();
        self.lent.set(None);
    }

    fn obey(&mut self) {
        while let Ok(order) = self.orders.recv() {
            match order {
                Order::Write(batch) => {
                    if !self.write(batch) {
                        return;
                    }
                }
                Order::Finish(life) => {
                    if let Some(Err(problem)) = self.head.as_ref().map(|head| head.finish(&life)) {
                        (self.report)(Report::Failing(problem.to_string()));
                    }
                    return;
                }
            }
        }
    }

    /// Writes until it succeeds, or (`false`) until nobody waits for that any more.
    fn write(&mut self, mut batch: Batch) -> bool {
        let mut pause = self.first_pause;
        loop {
            match self.try_to_write(&mut batch) {
                Ok(()) => {
                    (self.report)(Report::Written(batch));
                    return true;
                }
                Err(problem) => (self.report)(Report::Failing(problem.to_string())),
            }
            match self.orders.recv_timeout(pause) {
                Err(RecvTimeoutError::Timeout) => pause = (pause * 2).min(LONGEST_PAUSE),
                Ok(_) | Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    /// After an error redb takes nothing more, so the file is opened anew the next time.
    fn try_to_write(&mut self, batch: &mut Batch) -> Result<(), Problem> {
        let head = match self.head.take() {
            Some(head) => head,
            None => self.open()?,
        };
        let written = head.write(batch);
        self.lent.set(written.is_ok().then_some(&head));
        self.head = written.is_ok().then_some(head);
        written
    }

    fn open(&mut self) -> Result<Head, Problem> {
        match self.opener.open() {
            Err(Problem::Broken(why)) => {
                let aside = self.opener.set_aside().map_err(|error| Problem::Io(error.to_string()))?;
                let head = self.opener.open()?;
                (self.report)(Report::StartedAnew(format!("{why}; it is {aside} now")));
                Ok(head)
            }
            other => other,
        }
    }
}
