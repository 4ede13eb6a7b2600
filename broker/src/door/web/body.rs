//! What a request brings: a body within its bounds, and in it JSON, or msgpack where its type says so.

use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, Bytes, HttpBody};
use axum::http::{HeaderMap, header};
use futures_util::StreamExt;
use serde_json::Value;
use thingsbus_adaptor::wire::Rejected;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;

use super::problem::Problem;

/// The most bytes of bodies that are held while they are not whole: sixteen of the longest, and tens of thousands of usual
/// ones.
const HELD_BYTES_MAX: usize = 16 * 1024 * 1024;

/// So many bytes of each do not count: who says little has room, however much others bring and do not end.
const FREE_BYTES: usize = 8 * 1024;

/// All bodies that are held.
#[derive(Debug, Default)]
pub(super) struct Bodies(AtomicUsize);

/// What counts of one of them.
struct Held<'b> {
    all: &'b Bodies,
    bytes: usize,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Bodies {
    /// A whole body. What comes of it is put together at once: a body that comes byte by byte would else hold a buffer for
    /// each.
    pub(super) async fn take(&self, body: Body) -> Result<Bytes, Problem> {
        let too_long = || {
            Problem::from_broker("too_long", format!("a value has at most {MESSAGE_BYTES_MAX} bytes"))
                .rejecting(Rejected::TooLong)
        };
        let least = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if least > MESSAGE_BYTES_MAX {
            return Err(too_long());
        }
        let (mut whole, mut held) = (Vec::new(), Held { all: self, bytes: 0 });
        let mut parts = body.into_data_stream();
        while let Some(part) = parts.next().await {
            let part = part.map_err(|error| {
                Problem::bad_request(format!("the body ended before it was whole: {error}"))
            })?;
            if whole.len() + part.len() > MESSAGE_BYTES_MAX {
                return Err(too_long());
            }
            let more = (whole.len() + part.len()).saturating_sub(FREE_BYTES) - held.bytes;
            held.bytes += more;
            if self.0.fetch_add(more, Ordering::Relaxed) + more > HELD_BYTES_MAX && more > 0 {
                return Err(Problem::busy("too many bodies are on their way; ask again"));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole.into())
    }
}

/// A value as JSON text, which is not looked into further: the broker does that.
pub(super) fn json(headers: &HeaderMap, body: Bytes) -> Result<Vec<u8>, Problem> {
    if is_msgpack(headers) {
        let value: Value = rmp_serde::from_slice(&body).map_err(|error| {
            Problem::bad_request(format!("the body is not msgpack: {error}")).rejecting(Rejected::NotMsgpack)
        })?;
        return Ok(value.to_string().into_bytes());
    }
    // curl says that what -d sends is a form.
    let text: &serde_json::value::RawValue = serde_json::from_slice(&body).map_err(|error| {
        let near = String::from_utf8_lossy(body.get(..40).unwrap_or(&body)).into_owned();
        Problem::bad_request(format!(
            "the body is not JSON: {error}, in {near:?}; a text takes quotes of its own: -d '\"on\"'"
        ))
        .rejecting(Rejected::NotJson)
    })?;
    Ok(text.get().as_bytes().to_vec())
}

/// The same, to be looked into.
pub(super) fn value(headers: &HeaderMap, body: Bytes) -> Result<Value, Problem> {
    let json = json(headers, body)?;
    serde_json::from_slice(&json).map_err(|error| {
        Problem::bad_request(format!("the body is not JSON: {error}")).rejecting(Rejected::NotJson)
    })
}

fn is_msgpack(headers: &HeaderMap) -> bool {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    matches!(content_type, "application/msgpack" | "application/vnd.msgpack" | "application/x-msgpack")
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{FutureExt, stream};

    use super::*;

    /// So many bytes, and no end.
    fn endless(bytes: usize) -> Body {
        let come = stream::once(std::future::ready(Ok::<_, Infallible>(vec![b'1'; bytes])));
        Body::from_stream(come.chain(stream::pending()))
    }

    #[test]
    fn bodies_that_do_not_end_leave_room_for_short_ones() {
        let all = Bodies::default();
        let mut held = Vec::new();
        for bytes in [MESSAGE_BYTES_MAX, FREE_BYTES + 1_024] {
            loop {
                let mut body = Box::pin(all.take(endless(bytes)));
                if let Some(refused) = body.as_mut().now_or_never() {
                    assert!(refused.unwrap_err().is_busy());
                    break;
                }
                held.push(body);
            }
        }
        assert!(all.0.load(Ordering::Relaxed) <= HELD_BYTES_MAX);
        let take = |bytes: usize| all.take(vec![b'1'; bytes].into()).now_or_never().unwrap();
        assert_eq!(take(FREE_BYTES).unwrap().len(), FREE_BYTES);
        assert!(take(FREE_BYTES + 1_024).unwrap_err().is_busy());
        drop(held);
        assert_eq!(take(MESSAGE_BYTES_MAX).unwrap().len(), MESSAGE_BYTES_MAX);
        assert_eq!(all.0.load(Ordering::Relaxed), 0);
    }
}
