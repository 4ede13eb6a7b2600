//! A host that can be connected to: a name, an IPv4 address or an IPv6 address.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name that DNS can carry, in characters without the last dot (RFC 1035 section 2.3.4: 255
/// octets on the wire, two of which are not text).
pub(crate) const NAME_CHARS_MAX: usize = 253;
/// The longest part of a name, in characters (RFC 1035 section 2.3.4).
const LABEL_CHARS_MAX: usize = 63;
/// The longest name of a network interface, in characters (Linux has 15, Windows writes a number).
const INTERFACE_CHARS_MAX: usize = 31;

/// A host, in the one form that compares equal to all its other spellings.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Host(Cow<'static, str>);

impl Host {
    pub(super) const THIS_MACHINE: Self = Self(Cow::Borrowed("127.0.0.1"));

    /// `None` where `text` is neither an address nor a name that DNS could carry.
    ///
    /// A number alone is refused: it is a port that lost its host, and resolvers would take it for an
    /// address.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Some(Self(ip.to_string().into()));
        }
        if text.contains(':') {
            return ipv6(text).map(|ip| Self(ip.into()));
        }
        let number_alone = text.bytes().all(|byte| byte.is_ascii_digit());
        (is_name(text) && !number_alone).then(|| Self(text.to_ascii_lowercase().into()))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// As it stands before `:PORT`: an IPv6 address in brackets.
impl Display for Host {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.contains(':') { write!(f, "[{}]", self.0) } else { f.write_str(&self.0) }
    }
}

/// Whether DNS can carry `text` as a name of letters, digits, `-` and `_`; a last dot is allowed.
///
/// Names of other letters go in by their `xn--` form: the resolvers of libzmq and of the system differ about
/// the rest.
pub(crate) fn is_name(text: &str) -> bool {
    let text = text.strip_suffix('.').unwrap_or(text);
    text.len() <= NAME_CHARS_MAX && text.split('.').all(is_label)
}

fn is_label(label: &str) -> bool {
    (1..=LABEL_CHARS_MAX).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// An IPv6 address in its short form (RFC 5952), with the interface that a link-local one needs (RFC 4007).
fn ipv6(text: &str) -> Option<String> {
    let Some((ip, interface)) = text.split_once('%') else {
        return text.parse::<Ipv6Addr>().ok().map(|ip| ip.to_string());
    };
    let fits = (1..=INTERFACE_CHARS_MAX).contains(&interface.len())
        && interface.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let ip = ip.parse::<Ipv6Addr>().ok()?;
    fits.then(|| format!("{ip}%{interface}"))
}
