//! The protocols, as much of each as a lean client needs.

pub mod mqtt;
pub mod nats;
pub mod redis;
pub mod zmtp;

use std::io::Read;
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

pub trait Wire: Send {
    /// A connection that is ready to publish.
    fn publisher(&self, port: u16) -> Result<TcpStream>;

    /// A connection that has subscribed to all updates.
    fn subscriber(&self, port: u16) -> Result<TcpStream>;

    /// One update as a publisher sends it. `name` is the thing's, with dots.
    fn frame(&self, name: &str, text: &[u8]) -> Vec<u8>;

    /// The first message of `bytes`: how long it is, and its text if it has one. `None` where it is not whole.
    fn next(bytes: &[u8]) -> Option<(usize, Option<&[u8]>)>;
}

/// How long a broker may take to answer in a handshake.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);

fn connect(port: u16) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", port)).context("cannot connect")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
    Ok(stream)
}

/// Reads up to the end of what is expected, byte by byte so that nothing after it is lost.
fn read_until(stream: &mut TcpStream, end: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        let mut byte = [0];
        stream.read_exact(&mut byte).context("in the handshake")?;
        bytes.extend(byte);
        if bytes.len() > 65_536 {
            bail!("the broker does not come to the point in its handshake");
        }
    }
    Ok(bytes)
}

/// The bytes of a line without its end, and the place after it.
fn line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = bytes.iter().position(|&byte| byte == b'\r')?;
    (end + 2 <= bytes.len()).then(|| (&bytes[..end], end + 2))
}

fn decimal(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}
