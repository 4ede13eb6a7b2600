//! From `tcp://host:7955` to addresses.
//!
//! libzmq gets numeric addresses only. It would resolve a name on its I/O thread, where one dead name server
//! holds up every socket of the process; it takes only the first address; and with IPv6 on, that is `::1` for a
//! `localhost` on which a 0.2.1 broker listens at `127.0.0.1`. It also spares the `zmq` crate the NUL it panics on.

use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};

use crate::sender::LookupError;

/// More places than this are not tried: a round through them should end.
const CANDIDATES_MAX: usize = 16;

/// One address of a broker, and the endpoint that it was found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub endpoint: String,
    pub address: SocketAddr,
}

impl Candidate {
    /// The same in libzmq's words.
    pub fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("not an endpoint of the form tcp://host:port: {0:?}")]
struct BadEndpoint(String);

/// All addresses of all endpoints, in the order given; blocks for DNS. One endpoint that cannot be used does not
/// spoil the others: an error only when nothing is left.
pub fn resolve(endpoints: &[String]) -> Result<Vec<Candidate>, LookupError> {
    let mut candidates: Vec<Candidate> = Vec::new();
    let mut error: Option<LookupError> = None;
    for endpoint in endpoints {
        match addresses(endpoint) {
            Ok(addresses) => {
                for address in addresses {
                    if !candidates.iter().any(|known| known.address == address) {
                        candidates.push(Candidate { endpoint: endpoint.clone(), address });
                    }
                }
            }
            Err(failed) => {
                tracing::debug!(endpoint, error = %failed, "skipping an endpoint");
                error.get_or_insert(failed);
            }
        }
    }
    candidates.truncate(CANDIDATES_MAX);
    match error {
        Some(error) if candidates.is_empty() => Err(error),
        _ if candidates.is_empty() => Err("no endpoint to connect to".into()),
        _ => Ok(candidates),
    }
}

fn addresses(endpoint: &str) -> Result<impl Iterator<Item = SocketAddr>, LookupError> {
    let (host, port) = parse(endpoint).ok_or_else(|| BadEndpoint(endpoint.to_owned()))?;
    (host, port).to_socket_addrs().map_err(|error| format!("{}: {error}", Printable(endpoint)).into())
}

/// Host and port; the brackets around an IPv6 address are taken off.
fn parse(endpoint: &str) -> Option<(&str, u16)> {
    let (host, port) = endpoint.strip_prefix("tcp://")?.rsplit_once(':')?;
    let digits = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 = port.parse().ok().filter(|&port| digits && port > 0)?;
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let plain = Some(host).filter(|host| !host.contains([':', '[', ']']));
    let host = bracketed.or(plain)?;
    (!host.is_empty() && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/'))
        .then_some((host, port))
}

struct Printable<'a>(&'a str);

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.escape_debug().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_parsed_strictly() {
        #[track_caller]
        fn check(endpoint: &str, expected: Option<(&str, u16)>) {
            assert_eq!(parse(endpoint), expected, "{endpoint:?}");
        }
        check("tcp://broker.example:7955", Some(("broker.example", 7955)));
        check("tcp://127.0.0.1:1", Some(("127.0.0.1", 1)));
        check("tcp://[::1]:65535", Some(("::1", 65535)));
        check("tcp://[fe80::1%eth0]:7955", Some(("fe80::1%eth0", 7955)));
        check("tcp://::1:7955", None);
        check("tcp://[::1:7955", None);
        check("tcp://host", None);
        check("tcp://host:", None);
        check("tcp://host:0", None);
        check("tcp://host:+1", None);
        check("tcp://host:65536", None);
        check("tcp://:7955", None);
        check("tcp://*:7955", Some(("*", 7955)));
        check("tcp://eth0;host:7955", Some(("eth0;host", 7955)));
        check("tcp://ho\0st:7955", None);
        check("tcp://ho st:7955", None);
        check("tcp://höst:7955", None);
        check("tcp://host/x:7955", None);
        check("ipc:///tmp/x:1", None);
        check("udp://host:7955", None);
    }

    #[test]
    fn one_bad_endpoint_does_not_spoil_the_others() {
        let endpoints = ["tcp://", "tcp://127.0.0.1:7955", "tcp://[::1]:7955", "tcp://127.0.0.1:7955"];
        let urls: Vec<String> =
            resolve(&endpoints.map(str::to_owned)).unwrap().iter().map(Candidate::url).collect();
        assert_eq!(urls, ["tcp://127.0.0.1:7955", "tcp://[::1]:7955"]);
        assert!(resolve(&["ipc://x\0".to_owned()]).unwrap_err().to_string().contains("\\0"));
        assert!(resolve(&[]).is_err());
    }
}
