//! Publishers of JSON messages over ZeroMQ: the sockets that hear them. They reconnect by themselves.

use std::time::{Duration, Instant};

use thingsbus_adaptor::libzmq::{Monitor, event};
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use zmq::{Context, DONTWAIT, Error, PollEvents, Socket, SocketType};

use crate::output::tell;

/// What waits here before libzmq lets the publisher drop.
const RECEIVE_HIGH_WATER_MARK: i32 = 10_000;
const RECONNECT_FIRST_MS: i32 = 100;
const RECONNECT_MAX_MS: i32 = 5_000;

/// libzmq gives an error number that its Rust crate does not know, and dies of, for a longer path.
const IPC_PATH_BYTES_MAX: usize = 100;

/// All publishers.
pub(crate) struct Sources {
    sources: Vec<Source>,
    /// How long one may take to be there before that is said.
    patience: Duration,
    since: Instant,
}

struct Source {
    url: String,
    socket: Socket,
    monitor: Monitor,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Waiting,
    /// It was said that it is not there.
    Missed,
    Up,
}

impl Sources {
    /// Connects to all of them.
    pub(crate) fn connect(urls: &[String], patience: Duration) -> Result<Self, Error> {
        // A context of its own: what one name server does not answer does not hold up the way to the broker. It lives
        // as long as the program.
        let context = Context::new();
        let sources = urls.iter().map(|url| Source::connect(url, &context)).collect::<Result<_, _>>()?;
        std::mem::forget(context);
        Ok(Self { sources, patience, since: Instant::now() })
    }

    /// Waits until something came, at most so long.
    pub(crate) fn wait(&self, limit: Duration) {
        let mut items = Vec::with_capacity(self.sources.len() * 2);
        for source in &self.sources {
            items.push(source.socket.as_poll_item(PollEvents::POLLIN));
            items.push(source.monitor.poll_item());
        }
        // A signal, or what else cuts it short: everything is looked at anyway.
        let _ = zmq::poll(&mut items, i64::try_from(limit.as_millis()).unwrap_or(i64::MAX));
    }

    /// Gives up to `budget` messages of each to `take`, in turns, and says which publishers came and went. `true` where
    /// there may be more.
    pub(crate) fn read(&mut self, budget: usize, mut take: impl FnMut(&[u8])) -> bool {
        let overdue = self.since.elapsed() >= self.patience;
        let mut more = false;
        for source in &mut self.sources {
            source.hear(overdue);
            let mut left = budget;
            while left > 0 {
                let Some(message) = source.next() else { break };
                take(&message);
                left -= 1;
            }
            more |= left == 0;
        }
        more
    }
}

impl Source {
    fn connect(url: &str, context: &Context) -> Result<Self, Error> {
        let socket = context.socket(SocketType::SUB)?;
        socket.set_linger(0)?;
        socket.set_ipv6(url.contains('['))?;
        socket.set_rcvhwm(RECEIVE_HIGH_WATER_MARK)?;
        socket.set_reconnect_ivl(RECONNECT_FIRST_MS)?;
        socket.set_reconnect_ivl_max(RECONNECT_MAX_MS)?;
        socket.set_maxmsgsize(i64::try_from(MESSAGE_BYTES_MAX).unwrap_or(i64::MAX))?;
        socket.set_tcp_keepalive(1)?;
        socket.set_subscribe(b"")?;
        let monitor = Monitor::of(&socket, context)?;
        socket.connect(url)?;
        Ok(Self { url: url.to_owned(), socket, monitor, state: State::Waiting })
    }

    /// The next message. Of one with several frames it is the last: those before are a topic.
    fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.socket.recv_multipart(DONTWAIT) {
                Ok(mut frames) => return frames.pop(),
                Err(Error::EINTR) => {}
                Err(_) => return None,
            }
        }
    }

    fn hear(&mut self, overdue: bool) {
        while let Some(told) = self.monitor.next_event() {
            let url = &self.url;
            match (told, self.state) {
                (event::HANDSHAKE_SUCCEEDED, State::Missed) => {
                    self.state = State::Up;
                    tell(format_args!("connected to {url}"));
                }
                (event::HANDSHAKE_SUCCEEDED, _) => self.state = State::Up,
                (event::DISCONNECTED, State::Up) => {
                    self.state = State::Missed;
                    tell(format_args!("lost the connection to {url}; trying again"));
                }
                _ => {}
            }
        }
        if overdue && self.state == State::Waiting {
            self.state = State::Missed;
            tell(format_args!("nobody publishes at {}; trying again", self.url));
        }
    }
}

/// What can be connected to: `tcp://HOST:PORT` or `ipc://PATH`.
pub(crate) fn parse_url(url: &str) -> Result<String, &'static str> {
    let good = match url.split_once("://") {
        Some(("tcp", rest)) => rest.rsplit_once(':').is_some_and(|(host, port)| {
            let digits = port.bytes().all(|byte| byte.is_ascii_digit());
            let host_is_one = host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
            !host.is_empty()
                && host != "*"
                && host_is_one
                && digits
                && port.parse::<u16>().is_ok_and(|port| port > 0)
        }),
        Some(("ipc", path)) => !path.is_empty() && path.len() <= IPC_PATH_BYTES_MAX && !path.contains('\0'),
        _ => false,
    };
    if good { Ok(url.to_owned()) } else { Err("write tcp://HOST:PORT, the address that the publisher binds") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let check = |url: &str, good: bool| assert_eq!(parse_url(url).is_ok(), good, "{url}");
        check("tcp://localhost:5555", true);
        check("tcp://[::1]:5555", true);
        check("ipc:///run/cameras", true);
        check("tcp://localhost", false);
        check("tcp://localhost:0", false);
        check("tcp://localhost:70000", false);
        check("tcp://:5555", false);
        check("tcp://*:5555", false);
        check("tcp://a b:5555", false);
        check("localhost:5555", false);
        check("udp://localhost:5555", false);
        check(&format!("ipc://{}", "x".repeat(101)), false);
    }
}
