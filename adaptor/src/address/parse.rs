//! From what a user writes to a host and perhaps a port.

use super::AddressError;
use super::error::shown;

/// What users of 0.2.1 write for "this machine", because a broker binds to it.
const EVERY_INTERFACE: &str = "*";

/// `[tcp://]HOST[:PORT]` in two: the host without brackets, not yet looked at, and the port where one is
/// given.
pub(super) fn split(given: &str) -> Result<(&str, Option<u16>), AddressError> {
    let rest = match given.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("tcp") => rest,
        Some((scheme, _)) => {
            return Err(AddressError::Scheme { given: shown(given), scheme: shown(scheme) });
        }
        None => given,
    };
    if rest.is_empty() {
        return Err(AddressError::Empty);
    }
    let (host, port) = host_and_port(rest);
    let port = match port {
        Some(digits) => Some(number(digits).ok_or_else(|| AddressError::Port { given: shown(given) })?),
        None => None,
    };
    Ok((if host == EVERY_INTERFACE { "127.0.0.1" } else { host }, port))
}

/// Cuts at the colon that means a port: the one behind brackets, or the only one.
fn host_and_port(rest: &str) -> (&str, Option<&str>) {
    let bracketed = rest.strip_prefix('[').and_then(|rest| rest.split_once(']'));
    match bracketed {
        Some((host, "")) if host.contains(':') => (host, None),
        Some((host, port)) if host.contains(':') && port.starts_with(':') => (host, port.strip_prefix(':')),
        _ => match rest.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (rest, None),
        },
    }
}

/// Digits only: `u16::from_str` would take a sign too.
fn number(digits: &str) -> Option<u16> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
}
