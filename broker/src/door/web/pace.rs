//! How slow a peer may be: a connection that ends where nothing comes, or nothing is taken, for too long; and how one ends
//! whose peer still speaks.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// How long a connection is kept that asks nothing: longer than the pools of most clients keep theirs, so that it is the
/// client that ends it.
pub(super) const IDLE_TIME: Duration = Duration::from_secs(75);

/// How often something is thrown away before others have their turn.
const THROWS: usize = 16;

/// How long what is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// A request, where nothing is asked.
    idle: Duration,
    /// The head of a request, once it has begun.
    head: Duration,
    /// A peer that takes nothing of what it is sent.
    stall: Duration,
    /// The end of what a peer says that has its answer already: closed before that, the connection would be reset, and what a
    /// peer has not read by then is lost to it (RFC 9112, 9.6).
    linger: Duration,
}

impl Default for Times {
    fn default() -> Self {
        Self {
            idle: IDLE_TIME,
            head: Duration::from_secs(10),
            stall: Duration::from_secs(60),
            linger: Duration::from_secs(5),
        }
    }
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// A request, until then.
    Request(Instant),
    /// The rest of a head, until then.
    Head(Instant),
    /// An answer of ours: the peer may wait for it as long as it takes, and bodies have times of their own.
    Answer,
    /// The connection is no longer HTTP's.
    Upgraded,
}

/// Where a connection is, as told by who serves its requests.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    shared: Arc<Shared>,
    times: Times,
}

#[derive(Debug)]
struct Shared {
    phase: Mutex<Phase>,
    /// The last request was answered before all of it was read.
    is_cut_short: AtomicBool,
}

impl Progress {
    /// A head is whole.
    pub(super) fn has_request(&self) {
        self.shared.is_cut_short.store(false, Ordering::Relaxed);
        self.set(Phase::Answer);
    }

    /// The rest of the request is not read.
    pub(super) fn cuts_short(&self) {
        self.shared.is_cut_short.store(true, Ordering::Relaxed);
    }

    /// Nothing that is read any more is a request.
    pub(super) fn is_upgraded(&self) {
        self.set(Phase::Upgraded);
    }

    /// The answer's body; the next request is waited for once it is all taken.
    pub(super) fn answer(&self, body: Body) -> Body {
        Body::new(Answer { body, progress: self.clone() })
    }

    fn begin(times: Times) -> Self {
        let phase = Mutex::new(Phase::Request(Instant::now() + times.idle));
        Self { shared: Arc::new(Shared { phase, is_cut_short: AtomicBool::new(false) }), times }
    }

    /// From now on a request is waited for.
    fn wait(&self) {
        self.set(Phase::Request(Instant::now() + self.times.idle));
    }

    fn get(&self) -> Phase {
        *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the peer may be in the middle of saying something.
    fn peer_may_speak(&self) -> bool {
        self.shared.is_cut_short.load(Ordering::Relaxed) || matches!(self.get(), Phase::Head(_))
    }

    fn set(&self, phase: Phase) {
        *self.shared.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }
}

struct Answer {
    body: Body,
    progress: Progress,
}

impl Drop for Answer {
    fn drop(&mut self) {
        if self.progress.get() == Phase::Answer {
            self.progress.wait();
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection with these limits.
#[derive(Debug)]
pub(super) struct Paced<IO, Seat> {
    io: IO,
    /// What it has for as long as it is there.
    _seat: Seat,
    progress: Progress,
    reading: Alarm,
    /// Since when nothing was taken that was to be, and the time that this may go on.
    stalled_until: Option<Instant>,
    writing: Alarm,
    /// Set once the peer was told that nothing more comes: the time until which it may end in its turn.
    lingers_until: Option<Instant>,
}

impl<IO, Seat> Paced<IO, Seat> {
    pub(super) fn new(io: IO, times: Times, seat: Seat) -> Self {
        let progress = Progress::begin(times);
        Self {
            io,
            _seat: seat,
            progress,
            reading: Alarm::default(),
            stalled_until: None,
            writing: Alarm::default(),
            lingers_until: None,
        }
    }

    pub(super) fn progress(&self) -> Progress {
        self.progress.clone()
    }

    /// What a write came to: an error where nothing was taken for too long.
    fn written<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_pending() {
            let stall = self.progress.times.stall;
            let until = *self.stalled_until.get_or_insert_with(|| Instant::now() + stall);
            ready!(self.writing.poll(cx, until));
            return Poll::Ready(Err(too_slow()));
        }
        self.stalled_until = None;
        // What is left of an answer is still taken: nothing else is waited for yet.
        if let Phase::Request(_) = self.progress.get() {
            self.progress.wait();
        }
        written
    }
}

impl<IO: AsyncRead + Unpin, Seat> Paced<IO, Seat> {
    /// Throws away what still comes, until the peer ends or its time is over.
    fn linger(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        for _ in 0..THROWS {
            let mut space = [MaybeUninit::uninit(); 8 * 1024];
            let mut thrown = ReadBuf::uninit(&mut space);
            match Pin::new(&mut self.io).poll_read(cx, &mut thrown) {
                Poll::Ready(Ok(())) if !thrown.filled().is_empty() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return self.reading.poll(cx, until),
            }
        }
        if Instant::now() < until {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

impl<IO: AsyncRead + Unpin, Seat: Unpin> AsyncRead for Paced<IO, Seat> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(cx, buffer);
        match (&read, self.progress.get()) {
            (Poll::Ready(_), Phase::Request(_)) if buffer.filled().len() > before => {
                self.progress.set(Phase::Head(Instant::now() + self.progress.times.head));
            }
            (Poll::Pending, Phase::Request(until) | Phase::Head(until)) => {
                ready!(self.reading.poll(cx, until));
                return Poll::Ready(Err(too_slow()));
            }
            _ => {}
        }
        read
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin, Seat: Unpin> AsyncWrite for Paced<IO, Seat> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.written(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.written(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.io).poll_flush(cx) {
            Poll::Ready(flushed) => {
                self.stalled_until = None;
                Poll::Ready(flushed)
            }
            Poll::Pending => self.written(cx, Poll::Pending),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let until = match self.lingers_until {
            Some(until) => until,
            None => {
                let written = Pin::new(&mut self.io).poll_shutdown(cx);
                ready!(self.written(cx, written))?;
                let until = Instant::now() + self.progress.times.linger;
                *self.lingers_until.insert(until)
            }
        };
        if self.progress.peer_may_speak() {
            ready!(self.linger(cx, until));
        }
        Poll::Ready(Ok(()))
    }
}

/// Wakes a task at a time.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    fn poll(&mut self, cx: &mut Context<'_>, until: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.deadline() != until {
            sleep.as_mut().reset(until);
        }
        sleep.as_mut().poll(cx)
    }
}

fn too_slow() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the peer is too slow")
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::*;

    const NEVER: Duration = Duration::from_secs(3600);
    const SOON: Duration = Duration::from_millis(20);
    const PATIENT: Times = Times { idle: NEVER, head: NEVER, stall: NEVER, linger: NEVER };

    /// Runs `test` with a connection of these times, and its peer.
    fn with<F: Future<Output = ()>>(
        times: Times,
        test: impl FnOnce(Paced<DuplexStream, ()>, DuplexStream) -> F,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (here, there) = duplex(64);
            test(Paced::new(here, times, ()), there).await;
        });
    }

    #[test]
    fn who_asks_nothing_is_cut() {
        with(Times { idle: SOON, ..PATIENT }, async |mut paced, _peer| {
            assert_eq!(paced.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn who_does_not_end_a_head_is_cut_however_often_something_comes() {
        with(Times { head: SOON, ..PATIENT }, async |mut paced, mut peer| {
            let dripping = tokio::spawn(async move {
                while peer.write_u8(b'x').await.is_ok() {
                    tokio::time::sleep(SOON / 10).await;
                }
            });
            let error = loop {
                if let Err(error) = paced.read_u8().await {
                    break error;
                }
            };
            assert_eq!(error.kind(), io::ErrorKind::TimedOut);
            drop(paced);
            dripping.await.unwrap();
        });
    }

    #[test]
    fn who_waits_for_an_answer_is_not_cut_and_after_it_may_ask_again() {
        with(Times { idle: SOON, head: SOON, ..PATIENT }, async |mut paced, mut peer| {
            peer.write_u8(b'x').await.unwrap();
            paced.read_u8().await.unwrap();
            let progress = paced.progress();
            progress.has_request();
            let answer = progress.answer(Body::from("y"));
            let waited = tokio::time::timeout(5 * SOON, paced.read_u8()).await;
            assert!(waited.is_err(), "it still waits");
            drop(answer);
            assert_eq!(paced.read_u8().await.unwrap_err().kind(), io::ErrorKind::TimedOut);
        });
    }

    #[test]
    fn what_is_no_longer_http_is_not_cut() {
        with(Times { idle: SOON, head: SOON, ..PATIENT }, async |mut paced, mut peer| {
            let progress = paced.progress();
            progress.has_request();
            progress.is_upgraded();
            drop(progress.answer(Body::empty()));
            peer.write_u8(b'x').await.unwrap();
            paced.read_u8().await.unwrap();
            assert!(tokio::time::timeout(5 * SOON, paced.read_u8()).await.is_err());
        });
    }

    #[test]
    fn who_takes_nothing_is_cut() {
        with(Times { stall: SOON, ..PATIENT }, async |mut paced, mut peer| {
            paced.progress().has_request();
            paced.write_all(&[0; 64]).await.unwrap();
            assert_eq!(paced.write_u8(0).await.unwrap_err().kind(), io::ErrorKind::TimedOut);
            let mut taken = [0; 64];
            peer.read_exact(&mut taken).await.unwrap();
            paced.write_all(&[0; 64]).await.unwrap();
        });
    }

    #[test]
    fn who_is_answered_early_may_say_the_rest() {
        with(PATIENT, async |mut paced, mut peer| {
            let progress = paced.progress();
            progress.has_request();
            progress.cuts_short();
            let shut = tokio::spawn(async move { paced.shutdown().await });
            // More than there is room for between both: it is read, though nobody wants it.
            peer.write_all(&[0; 1_000]).await.unwrap();
            assert_eq!(peer.read(&mut [0]).await.unwrap(), 0, "and the peer knows that nothing more comes");
            assert!(!shut.is_finished());
            drop(peer);
            shut.await.unwrap().unwrap();
        });
    }

    #[test]
    fn who_never_ends_is_not_waited_for() {
        for pause in [Duration::ZERO, NEVER] {
            with(Times { linger: SOON, ..PATIENT }, async |mut paced, mut peer| {
                paced.progress().cuts_short();
                let speaking = tokio::spawn(async move {
                    while peer.write_u8(b'x').await.is_ok() {
                        tokio::time::sleep(pause).await;
                    }
                });
                paced.shutdown().await.unwrap();
                speaking.abort();
            });
        }
    }

    #[test]
    fn who_said_everything_is_not_waited_for() {
        with(PATIENT, async |mut paced, _peer| {
            let progress = paced.progress();
            progress.cuts_short();
            progress.has_request();
            drop(progress.answer(Body::empty()));
            paced.shutdown().await.unwrap();
        });
    }
}
