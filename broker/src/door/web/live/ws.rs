//! The same stream over a WebSocket (RFC 6455), each message one of text; and on it the query door's questions.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::response::Response;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{Ask, Question, Scratch, decode_question};

use super::sse::Which;
use super::stream::Told;
use super::{Live, Stream};
use crate::door::web::access::Access;
use crate::door::web::app::Caller;
use crate::door::web::ask::Asker;
use crate::door::web::problem::Problem;

/// How often it is looked whether there is still somebody.
const PING_EVERY: Duration = Duration::from_secs(15);

/// How long a message may take to be taken by who reads.
const SEND_TIME: Duration = Duration::from_secs(60);

/// What happens, over a WebSocket.
///
/// As on `/events`: messages of the stream, `thing_mark` where what there is was told, and `merged`. What the
/// other side sends is a question or an update of the query door's protocol, and its answer comes in between.
#[utoipa::path(
    get, path = "/ws", tag = "live", operation_id = "follow_ws",
    params(Which),
    responses(
        (status = 101, description = "Messages without an end"),
        (status = 400, description = "This is no WebSocket, or no name", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "There are too many streams", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(crate) async fn follow(
    live: &Arc<Live>,
    caller: &Caller,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let scope = caller.query::<Which>()?.scope(caller)?;
    let stream = live.open(caller, scope)?;
    let (asker, access) = (caller.asker.clone(), caller.access.clone());
    let upgrade = upgrade.max_message_size(MESSAGE_BYTES_MAX).max_frame_size(MESSAGE_BYTES_MAX);
    Ok(upgrade.on_upgrade(move |socket| async move {
        // It ends when the other side is gone, or the broker is.
        let _ = serve(socket, stream, asker, access).await;
    }))
}

/// Why it ended.
struct Ended;

async fn serve(mut socket: WebSocket, mut stream: Stream, asker: Asker, access: Access) -> Result<(), Ended> {
    loop {
        tokio::select! {
            told = stream.next(PING_EVERY) => {
                let Ok(told) = told else {
                    let (code, reason) = (close_code::AWAY, "the broker is stopping".into());
                    return send(&mut socket, Message::Close(Some(CloseFrame { code, reason }))).await;
                };
                if told.is_empty() {
                    send(&mut socket, Message::Ping(Vec::new().into())).await?;
                }
                for told in told {
                    let text = match told {
                        Told::Message { bytes, .. } => String::from_utf8(bytes.into()).map_err(|_| Ended)?,
                        Told::Mark { json, .. } => json,
                        Told::Merged(count) => format!("{{\"type\":\"merged\",\"count\":{count}}}"),
                    };
                    send(&mut socket, Message::Text(text.into())).await?;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => answer(&mut socket, &asker, &access, text.as_bytes()).await?,
                Some(Ok(Message::Binary(bytes))) => answer(&mut socket, &asker, &access, &bytes).await?,
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
            },
        }
    }
}

async fn answer(
    socket: &mut WebSocket,
    asker: &Asker,
    access: &Access,
    question: &[u8],
) -> Result<(), Ended> {
    let answer = match permit(access, question) {
        Ok(()) => asker.send(question.to_vec(), None).await,
        Err(problem) => Err(problem),
    };
    let answer = match answer {
        Ok(answer) => String::from_utf8(answer).map_err(|_| Ended)?,
        Err(problem) => problem.to_message(),
    };
    send(socket, Message::Text(answer.into())).await
}

async fn send(socket: &mut WebSocket, message: Message) -> Result<(), Ended> {
    let sent = tokio::time::timeout(SEND_TIME, socket.send(message)).await;
    sent.map_err(|_| Ended)?.map_err(|_| Ended)
}

/// May this be asked? What is no question is answered with the reason.
fn permit(access: &Access, question: &[u8]) -> Result<(), Problem> {
    match decode_question(question, &mut Scratch::default()) {
        Ok(Question::Update(update)) => access.write(update.ns()),
        Ok(Question::Ask(Ask::Things(query))) => access.read(query.ns.as_str()),
        Ok(Question::Ask(Ask::History(query))) => access.read(query.ns.as_str()),
        Ok(Question::Ask(Ask::Forget { ns, .. })) => access.write(ns.as_str()),
        Ok(Question::Ask(_)) => access.read("").and_then(|()| access.write("")),
        Ok(Question::Refused(_)) | Err(_) => Ok(()),
    }
}
