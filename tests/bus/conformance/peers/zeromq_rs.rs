//! The `zeromq` crate, on a runtime of its own for each socket.

use tokio::runtime::{Builder, Runtime};
use zeromq::util::PeerIdentity;
use zeromq::{
    DealerSocket, PubSocket, PushSocket, ReqSocket, RouterSocket, SocketEvent, SocketRecv, SocketSend,
    SubSocket, XPubSocket, XSubSocket, ZmqMessage, ZmqResult,
};

use super::Socket;
use crate::conformance::Kind;
use crate::support::wait::PATIENCE;

pub(super) struct ZeromqRs {
    // Dropped before its runtime.
    socket: Any,
    runtime: Runtime,
}

enum Any {
    Push(PushSocket),
    Pub(PubSocket),
    Xpub(XPubSocket),
    Sub(SubSocket),
    Xsub(XSubSocket),
    Req(ReqSocket),
    Dealer(DealerSocket),
    /// With the name that it gave its peer.
    Router(RouterSocket, PeerIdentity),
}

pub(super) fn connect(kind: Kind, url: &str) -> ZeromqRs {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let socket = runtime.block_on(Any::connect(kind, url)).expect("a connection");
    ZeromqRs { socket, runtime }
}

impl Any {
    async fn connect(kind: Kind, url: &str) -> ZmqResult<Self> {
        Ok(match kind {
            Kind::Push => Self::Push(connected(url).await?),
            Kind::Pub => Self::Pub(connected(url).await?),
            Kind::Xpub => Self::Xpub(connected(url).await?),
            Kind::Sub => Self::Sub(connected(url).await?),
            Kind::Xsub => Self::Xsub(connected(url).await?),
            Kind::Req => Self::Req(connected(url).await?),
            Kind::Dealer => Self::Dealer(connected(url).await?),
            Kind::Router => {
                use zeromq::Socket;
                let mut socket = RouterSocket::new();
                let mut monitor = socket.monitor();
                socket.connect(url).await?;
                let event = monitor.try_recv().expect("an event");
                let SocketEvent::Connected(_, peer) = event else { panic!("{event:?}") };
                Self::Router(socket, peer)
            }
        })
    }

    async fn send(&mut self, mut message: ZmqMessage) -> ZmqResult<()> {
        match self {
            Self::Push(socket) => socket.send(message).await,
            Self::Pub(socket) => socket.send(message).await,
            Self::Xpub(socket) => socket.send(message).await,
            Self::Xsub(socket) => socket.send(message).await,
            Self::Req(socket) => socket.send(message).await,
            Self::Dealer(socket) => socket.send(message).await,
            Self::Router(socket, peer) => {
                message.push_front(peer.clone().into());
                socket.send(message).await
            }
            Self::Sub(_) => panic!("a SUB sends nothing"),
        }
    }

    async fn receive(&mut self) -> ZmqResult<ZmqMessage> {
        match self {
            Self::Xpub(socket) => socket.recv().await,
            Self::Sub(socket) => socket.recv().await,
            Self::Xsub(socket) => socket.recv().await,
            Self::Req(socket) => socket.recv().await,
            Self::Dealer(socket) => socket.recv().await,
            Self::Router(socket, _) => socket.recv().await.map(|mut message| message.split_off(1)),
            Self::Push(_) | Self::Pub(_) => panic!("a PUSH or a PUB receives nothing"),
        }
    }

    fn sub(&mut self) -> &mut SubSocket {
        match self {
            Self::Sub(socket) => socket,
            _ => panic!("a SUB alone subscribes so"),
        }
    }
}

async fn connected<S: zeromq::Socket>(url: &str) -> ZmqResult<S> {
    let mut socket = S::new();
    socket.connect(url).await?;
    Ok(socket)
}

impl Socket for ZeromqRs {
    fn send(&mut self, frames: &[&str]) {
        let (first, rest) = frames.split_first().expect("a frame");
        let mut message = ZmqMessage::from(*first);
        rest.iter().for_each(|frame| message.push_back((*frame).to_owned().into()));
        self.runtime.block_on(self.socket.send(message)).expect("a message can be sent");
    }

    fn subscribe(&mut self, prefix: &str) {
        self.runtime.block_on(self.socket.sub().subscribe(prefix)).expect("it can subscribe");
    }

    fn cancel(&mut self, prefix: &str) {
        self.runtime.block_on(self.socket.sub().unsubscribe(prefix)).expect("it can cancel");
    }

    fn receive(&mut self) -> Vec<String> {
        let received = async { tokio::time::timeout(PATIENCE, self.socket.receive()).await };
        let message = self.runtime.block_on(received).expect("a message comes").expect("a message");
        message.iter().map(|frame| String::from_utf8(frame.to_vec()).expect("text")).collect()
    }
}
