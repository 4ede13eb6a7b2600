//! What requests bring: a body ends with an error where it is too slow, where it comes in crumbs, or where all that come at
//! once are too much.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tower_http::timeout::{DeadlineBody, TimeoutBody};

use super::pace::Progress;

/// How long a body may pause.
const PAUSE: Duration = Duration::from_secs(10);

/// How long a body may take: a snapshot of a GiB over a slow line.
const TIME: Duration = Duration::from_secs(3600);

/// The most bytes of bodies that are on their way: one snapshot of the largest, and many values.
const BYTES_MAX: usize = 1280 * 1024 * 1024;

/// How many pieces a body may have, however short they are: a small device may print a kilobyte letter by letter. Each takes
/// the door some microseconds, and between every few of them all other connections have their turn: what somebody sent in
/// single bytes before going away would else be work, and hold a connection, for minutes in which many such come.
const PIECES: usize = 1_024;

/// How many bytes there are to be for each one more: about a line of text, since programs send files so.
const PIECE_BYTES: usize = 64;

/// All bodies that are on their way.
#[derive(Clone, Debug, Default)]
pub(super) struct Uploads(Arc<AtomicUsize>);

impl Uploads {
    /// This body, with its bounds. Where it is not read to its end, the connection is told.
    pub(super) fn bound<B>(&self, body: B, progress: &Progress) -> Body
    where
        B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        if body.is_end_stream() {
            return Body::empty();
        }
        let length = body.size_hint().exact();
        let body = Body::new(TimeoutBody::new(PAUSE, DeadlineBody::new(TIME, body)));
        Body::new(Upload {
            body,
            length,
            bytes: 0,
            pieces: 0,
            has_ended: false,
            all: self.clone(),
            progress: progress.clone(),
        })
    }
}

struct Upload {
    body: Body,
    /// How long it is, where the head said so.
    length: Option<u64>,
    /// What came of it.
    bytes: usize,
    pieces: usize,
    has_ended: bool,
    all: Uploads,
    progress: Progress,
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_end_stream() {
            self.progress.cuts_short();
        }
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(frame) = ready!(Pin::new(&mut self.body).poll_frame(cx)) else {
            self.has_ended = true;
            return Poll::Ready(None);
        };
        let frame = frame?;
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        self.bytes += bytes;
        let before = self.all.0.fetch_add(bytes, Ordering::Relaxed);
        if before + bytes > BYTES_MAX {
            return Poll::Ready(Some(Err("too much is brought at once".into())));
        }
        self.pieces += 1;
        if self.pieces > PIECES + self.bytes / PIECE_BYTES {
            return Poll::Ready(Some(Err("it comes in too many pieces".into())));
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.rest() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.rest().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Upload {
    /// How many bytes there are still to come, where the head said how many there are.
    fn rest(&self) -> Option<u64> {
        Some(self.length?.saturating_sub(self.bytes as u64))
    }
}
