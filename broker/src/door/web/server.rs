//! Connections: accepted, bounded in number and time, and ended in good order.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tower::Service;

use super::app::App;
use super::{STOP_TIME, answer};
use crate::door::listen::KEEPALIVE;

/// How long a request's head may take, from the moment that the connection has nothing else to do, and so how long one is
/// kept that asks nothing.
const HEAD_TIME: Duration = Duration::from_secs(75);

/// The longest head of a request, in bytes.
const HEAD_BYTES_MAX: usize = 32 * 1024;

/// How long nobody is let in after the system had no place for a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until it is told to stop.
pub(super) async fn serve(
    sockets: Vec<TcpListener>,
    app: Arc<App>,
    connections_max: usize,
    stopped: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(connections_max));
    let router = app.clone().router();
    let mut listeners = JoinSet::new();
    for socket in sockets {
        let listener = match tokio::net::TcpListener::from_std(socket) {
            Ok(listener) => listener,
            Err(error) => {
                tracing::error!("the web door does not listen: {error}");
                continue;
            }
        };
        listeners.spawn(accept(listener, app.clone(), router.clone(), places.clone(), stopped.clone()));
    }
    while listeners.join_next().await.is_some() {}
    // All places are free again when the last connection has ended.
    let all = u32::try_from(connections_max).unwrap_or(u32::MAX);
    let _ = tokio::time::timeout(STOP_TIME, places.acquire_many(all)).await;
}

async fn accept(
    listener: tokio::net::TcpListener,
    app: Arc<App>,
    router: Router,
    places: Arc<Semaphore>,
    mut stopped: watch::Receiver<bool>,
) {
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
        app.counters.accepted();
        let set_up =
            stream.set_nodelay(true).and_then(|()| SockRef::from(&stream).set_tcp_keepalive(&KEEPALIVE));
        if set_up.is_ok() {
            tokio::spawn(connection(stream, from, app.clone(), router.clone(), place, stopped.clone()));
        }
    }
}

async fn connection(
    stream: TcpStream,
    from: SocketAddr,
    app: Arc<App>,
    router: Router,
    _place: OwnedSemaphorePermit,
    mut stopped: watch::Receiver<bool>,
) {
    let ended = Ended(app.clone());
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(from));
        let (mut router, app) = (router.clone(), app.clone());
        async move {
            let mut response: Response<Body> = router.call(request.map(Body::new)).await?;
            app.counters.answered(response.status());
            answer::stamp(response.headers_mut());
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_BYTES_MAX)
        .pipeline_flush(true)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = std::pin::pin!(connection);
    // How it ended is the peer's concern: it has its answer, or is gone.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stopped| *stopped) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
    drop(ended);
}

/// Counts the end of a connection, however it comes.
struct Ended(Arc<App>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.counters.ended();
    }
}
