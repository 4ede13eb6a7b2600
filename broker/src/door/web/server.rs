//! Connections: accepted, bounded in number and time, and ended in good order.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::header::{HeaderMap, UPGRADE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use super::app::App;
use super::keyring::Keyring;
use super::pace::{IDLE_TIME, Paced, Times};
use super::tls::Tls;
use super::upload::Uploads;
use super::{STOP_TIME, answer};
use crate::config::Web;
use crate::door::listen::KEEPALIVE;

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How long TLS may take to begin.
const HANDSHAKE_TIME: Duration = Duration::from_secs(10);

/// How long nobody is let in after the system had no place for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// What all connections share.
pub(super) struct Server {
    pub(super) app: Arc<App>,
    /// With all that stands before the pages.
    pub(super) router: Router,
    pub(super) keyring: Arc<Keyring>,
    pub(super) tls: Option<Arc<Tls>>,
    pub(super) uploads: Uploads,
    pub(super) connections_max: usize,
}

/// Serves until it is told to stop. What comes by `config` is what files are to be read again for.
pub(super) async fn serve(
    sockets: Vec<TcpListener>,
    server: Server,
    stopped: watch::Receiver<bool>,
    mut config: watch::Receiver<Web>,
) {
    let server = Arc::new(server);
    let places = Arc::new(Semaphore::new(server.connections_max));
    let mut listeners = JoinSet::new();
    for socket in sockets {
        let listener = match tokio::net::TcpListener::from_std(socket) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!("the web door does not listen: {error}");
                continue;
            }
        };
        listeners.spawn(accept(listener, server.clone(), places.clone(), stopped.clone()));
    }
    loop {
        tokio::select! {
            ended = listeners.join_next() => if ended.is_none() { break },
            Ok(()) = config.changed() => {
                let web = config.borrow_and_update().clone();
                server.reload(&web);
            }
        }
    }
    // All places are free again when the last connection has ended.
    let all = u32::try_from(server.connections_max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_TIME, places.acquire_many(all)).await;
}

impl Server {
    /// Reads certificates and keys again; a file that is wrong changes nothing and is told.
    fn reload(&self, web: &Web) {
        self.keyring.look_now();
        let Some(tls) = &self.tls else { return };
        match tls.reload(web) {
            Ok(()) => tracing::info!("web: certificates read again"),
            Err(error) => tracing::error!("web: the certificates stay as they are: {error}"),
        }
    }

    /// Speaks with one peer until one of both has enough.
    async fn meet(
        self: Arc<Self>,
        stream: TcpStream,
        from: SocketAddr,
        seat: Seat,
        mut stopped: watch::Receiver<bool>,
    ) {
        // Until it says something a connection takes little memory; what serves it is put elsewhere then.
        let (mut first, patience) = ([0], if self.tls.is_some() { HANDSHAKE_TIME } else { IDLE_TIME });
        tokio::select! {
            said = tokio::time::timeout(patience, stream.peek(&mut first)) => if !matches!(said, Ok(Ok(1))) { return },
            _ = stopped.wait_for(|stopped| *stopped) => return,
        }
        let Some(tls) = &self.tls else {
            return Box::pin(self.serve(stream, from, seat, stopped)).await;
        };
        match tokio::time::timeout(HANDSHAKE_TIME, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => Box::pin(self.serve(stream, from, seat, stopped)).await,
            Ok(Err(error)) => {
                self.app.complain("web_tls", || format!("the web door and {from} found no TLS: {error}"));
            }
            Err(_) => self.app.complain("web_tls", || format!("{from} was too slow to begin TLS")),
        }
    }

    /// Answers the requests of one connection.
    async fn serve(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        from: SocketAddr,
        seat: Seat,
        mut stopped: watch::Receiver<bool>,
    ) {
        // With the stream, since a WebSocket goes on with that.
        let stream = Paced::new(stream, Times::default(), seat);
        let (progress, router, uploads) = (stream.progress(), self.router.clone(), self.uploads.clone());
        let app = self.app.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            progress.has_request();
            let mut request = request.map(|body| uploads.bound(body, &progress));
            if asks_for_other(request.headers()) {
                tokio::spawn(end_well(hyper::upgrade::on(&mut request)));
            }
            request.extensions_mut().insert(ConnectInfo(from));
            let (mut router, progress, app) = (router.clone(), progress.clone(), app.clone());
            async move {
                let mut response: Response<Body> = router.call(request).await?;
                app.counters.answered(response.status());
                answer::stamp(response.headers_mut());
                if response.status() == StatusCode::SWITCHING_PROTOCOLS {
                    progress.is_upgraded();
                }
                Ok::<_, std::convert::Infallible>(response.map(|body| progress.answer(body)))
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            // How long heads may take is for who paces the stream: it knows whether one has begun.
            .header_read_timeout(None)
            // Not with `pipeline_flush`: hyper keeps all of a body then that the peer does not take.
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        // How it ended is the peer's concern: it has its answer, or is gone.
        tokio::select! {
            _ = connection.as_mut() => return,
            _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}

/// Does it ask to speak something that is not spoken here? Clients that know HTTP/2 do with their first request.
fn asks_for_other(headers: &HeaderMap) -> bool {
    headers.get(UPGRADE).is_some_and(|protocol| !protocol.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Ends a connection that asked for that as all others end: hyper would only let it go.
async fn end_well(connection: OnUpgrade) {
    if let Ok(connection) = connection.await {
        // How it ended is the peer's concern.
        let _ = TokioIo::new(connection).shutdown().await;
    }
}

/// The place of a connection, until it ends, however that comes.
struct Seat {
    _place: OwnedSemaphorePermit,
    app: Arc<App>,
}

impl Seat {
    fn take(place: OwnedSemaphorePermit, app: &Arc<App>) -> Self {
        app.counters.accepted();
        Self { _place: place, app: app.clone() }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.app.counters.ended();
    }
}

async fn accept(
    listener: tokio::net::TcpListener,
    server: Arc<Server>,
    places: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
    let app = &server.app;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.wait_for(|stopped| *stopped) => return,
        };
        let (stream, from) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                app.complain("web_accept", || format!("the web door cannot accept a connection: {error}"));
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        let Ok(place) = places.clone().try_acquire_owned() else {
            app.counters.turned_away();
            app.complain("web_full", || {
                format!("the web door turned {from} away: it has as many connections as web.connections_max lets in")
            });
            continue;
        };
        let seat = Seat::take(place, app);
        let set_up =
            stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE));
        if set_up.is_ok() {
            tokio::spawn(server.clone().meet(stream, from, seat, stopped.clone()));
        }
    }
}
