//! HTTP: curl for whole requests, and connections made of bytes, which can also be used wrongly.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use super::peers::parse;
use super::program::Ended;
use super::wait::PATIENCE;

/// Runs curl; the answer's status and body. 0 where there was none.
#[track_caller]
pub fn curl(arguments: &[&str]) -> (u16, String) {
    let Ended { code, stdout, stderr } = curl_ended(arguments);
    let (body, status) = stdout.rsplit_once("\nstatus ").expect("curl tells the status");
    let status = status.parse().expect("a number");
    assert!(status == 0 || code == Some(0), "{arguments:?}: {code:?} {stderr}");
    (status, body.to_owned())
}

/// How curl ended.
pub fn curl_ended(arguments: &[&str]) -> Ended {
    let patience = PATIENCE.as_secs().to_string();
    let mut command = Command::new("curl");
    command.args(["-sS", "-m", &patience, "-w", "\nstatus %{http_code}"]).args(arguments);
    Ended::of(&mut command)
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    /// A header, by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn json(&self) -> Value {
        parse(&self.body)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection that is kept.
pub struct Http {
    stream: BufReader<TcpStream>,
    address: SocketAddr,
}

impl Http {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("the web door can be reached");
        Self::over(stream, address)
    }

    fn over(stream: TcpStream, address: SocketAddr) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream: BufReader::new(stream), address }
    }

    /// The connection itself.
    pub fn stream(&self) -> &TcpStream {
        self.stream.get_ref()
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes.as_ref())
    }

    /// Asks, and has the whole answer when it is back.
    #[track_caller]
    pub fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.send(request(self.address, method, path, headers, body)).expect("a request can be sent");
        let answer = if method == "HEAD" { self.head() } else { self.answer() };
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    #[track_caller]
    pub fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    #[track_caller]
    pub fn put(&mut self, path: &str, body: &Value) -> Answer {
        self.ask("PUT", path, &[], body.to_string().as_bytes())
    }

    /// The next answer.
    pub fn answer(&mut self) -> io::Result<Answer> {
        let mut answer = self.head()?;
        if answer.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk()? {
                answer.body.extend(chunk);
            }
        } else if let Some(length) = answer.header("content-length") {
            answer.body = vec![0; length.parse().map_err(io::Error::other)?];
            self.stream.read_exact(&mut answer.body)?;
        }
        Ok(answer)
    }

    /// The next answer as far as it comes before the body.
    pub fn head(&mut self) -> io::Result<Answer> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            match line.split_once(": ") {
                Some((name, value)) => headers.push((name.to_lowercase(), value.to_owned())),
                None if status == 100 => return self.head(),
                None => return Ok(Answer { status, headers, body: Vec::new() }),
            }
        }
    }

    /// The next chunk of a body; none at its end.
    pub fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line()?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        self.stream.read_exact(&mut chunk)?;
        chunk.truncate(length);
        Ok(Some(chunk).filter(|chunk| !chunk.is_empty()))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end_matches(['\r', '\n']).to_owned())
    }

    /// Is the connection closed, or closed within some time? What comes before is passed over.
    pub fn is_closed_within(&mut self, time: Duration) -> bool {
        self.stream().set_read_timeout(Some(time)).unwrap();
        let mut bytes = [0; 64 * 1024];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return true,
                Ok(_) => {}
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                    return false;
                }
                Err(_) => return true,
            }
        }
    }
}

/// A request's bytes.
pub fn request(to: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {to}\r\n");
    for (name, value) in headers {
        head += &format!("{name}: {value}\r\n");
    }
    if !body.is_empty() || matches!(method, "PUT" | "POST") {
        head += &format!("Content-Length: {}\r\n", body.len());
    }
    [head.as_bytes(), b"\r\n", body].concat()
}

/// A Server-Sent Event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Empty for an update.
    pub name: String,
    pub id: Option<String>,
    pub data: String,
}

impl Event {
    pub fn json(&self) -> Value {
        parse(self.data.as_bytes())
    }
}

/// A stream of Server-Sent Events, read by hand: as slowly as one likes.
pub struct Events {
    http: Http,
    text: Vec<u8>,
    read: usize,
}

impl Events {
    /// Follows `/events` with this behind it, and from there on where `last` is an event's id.
    pub fn follow(address: SocketAddr, which: &str, last: Option<&str>) -> Self {
        Self::over(Http::connect(address), which, last)
    }

    /// The same where the system takes little for who does not read: some of its largest segments, since it sends
    /// smaller ones only after a while.
    pub fn follow_with_little_room(address: SocketAddr, which: &str, last: Option<&str>) -> Self {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(256 * 1024).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).expect("the web door can be reached");
        Self::over(Http::over(socket.into(), address), which, last)
    }

    fn over(mut http: Http, which: &str, last: Option<&str>) -> Self {
        let headers: Vec<(&str, &str)> = last.iter().map(|last| ("Last-Event-ID", *last)).collect();
        http.send(request(http.address, "GET", &format!("/events{which}"), &headers, b""))
            .expect("it is sent");
        let head = http.head().expect("an answer");
        assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{head:?}");
        Self { http, text: Vec::new(), read: 0 }
    }

    /// The next event; none where the stream has ended or was cut.
    pub fn next(&mut self) -> Option<Event> {
        let mut event = Event::default();
        let mut data: Option<String> = None;
        loop {
            let line = self.line()?;
            match line.split_once(": ").unwrap_or((line.as_str(), "")) {
                ("event", name) => name.clone_into(&mut event.name),
                ("id", id) => event.id = Some(id.to_owned()),
                ("data", line) => {
                    data = Some(data.map_or_else(|| line.to_owned(), |data| data + "\n" + line));
                }
                ("", "") => {
                    if let Some(data) = data.take() {
                        return Some(Event { data, ..event });
                    }
                }
                _ => {}
            }
        }
    }

    /// The next one; panics where none comes.
    #[track_caller]
    pub fn wait(&mut self) -> Event {
        self.next().expect("an event comes")
    }

    /// Everything up to the next mark, and that.
    #[track_caller]
    pub fn through_mark(&mut self) -> (Vec<Event>, Event) {
        let mut events = Vec::new();
        loop {
            match self.wait() {
                event if event.name == "mark" => return (events, event),
                event => events.push(event),
            }
        }
    }

    fn line(&mut self) -> Option<String> {
        loop {
            let rest = &self.text[self.read..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = String::from_utf8(rest[..end].to_vec()).expect("UTF-8");
                assert!(!line.contains('\r'), "a line's end within a line: {line:?}");
                self.read += end + 1;
                return Some(line);
            }
            self.text.drain(..self.read);
            self.read = 0;
            self.text.extend(self.http.chunk().ok()??);
        }
    }
}
