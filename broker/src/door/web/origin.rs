//! Whose pages may use the door. A browser lets any page ask anything of an address that its user can reach, this
//! machine's own too, and tells whose page it was: that is looked at here. What is no browser tells nothing of it.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

/// What a browser says of where a request comes from, seen from here.
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// And whether it is to show what comes as a page.
const FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Ends of names that nobody can have in the public DNS: RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`.
const PRIVATE_ENDS: [&str; 4] = [".localhost", ".local", ".home.arpa", ".internal"];

/// The origins whose pages may use the door besides its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Origins {
    any: bool,
    /// In lower case, as browsers write them.
    listed: Vec<String>,
}

/// Why a request is not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Foreign {
    /// A page of another origin asks.
    Origin,
    /// A page was told that this machine has a name of the page's owner.
    Host,
}

impl Origins {
    /// `https://a.example, http://b.example:8080`, or `*`. `None` where this is no list of origins.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut origins = Self::default();
        for origin in text.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
            if origin == "*" {
                origins.any = true;
                continue;
            }
            let (scheme, host) = origin.split_once("://")?;
            let is_host = !host.is_empty()
                && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]_".contains(&byte));
            if !matches!(scheme, "http" | "https") || !is_host {
                return None;
            }
            origins.listed.push(origin.to_ascii_lowercase());
        }
        Some(origins)
    }

    /// Are there any besides the door's own?
    pub(super) fn is_empty(&self) -> bool {
        !self.any && self.listed.is_empty()
    }

    /// Is this one of them?
    pub(super) fn has(&self, origin: &str) -> bool {
        self.any || self.listed.iter().any(|listed| listed.eq_ignore_ascii_case(origin))
    }

    /// May a request be answered that came by this scheme? `needs_key`: who gets an answer has shown a key.
    ///
    /// # Errors
    /// Where a page asks that is not to.
    pub(super) fn check(&self, headers: &HeaderMap, scheme: &str, needs_key: bool) -> Result<(), Foreign> {
        if self.any {
            return Ok(());
        }
        let host = text(headers.get(header::HOST));
        match headers.get(header::ORIGIN) {
            Some(origin) => {
                let origin = text(Some(origin));
                let own = origin.split_once("://").is_some_and(|(of, at)| {
                    of.eq_ignore_ascii_case(scheme) && !at.is_empty() && at.eq_ignore_ascii_case(host)
                });
                if !own && !self.has(origin) {
                    return Err(Foreign::Origin);
                }
            }
            // A picture or a script of another's page. That somebody goes from there to here is no harm.
            None => {
                let is_from_elsewhere = text(headers.get(FETCH_SITE)) == "cross-site";
                if is_from_elsewhere && text(headers.get(FETCH_MODE)) != "navigate" {
                    return Err(Foreign::Origin);
                }
            }
        }
        // A page at evil.example, which makes that name this machine's address, is of the door's own origin to the browser.
        if !needs_key && !is_private(host) && !self.names(host) {
            return Err(Foreign::Host);
        }
        Ok(())
    }

    fn names(&self, host: &str) -> bool {
        self.listed.iter().filter_map(|listed| listed.split_once("://")).any(|(_, listed)| {
            listed.eq_ignore_ascii_case(host) || without_port(listed).eq_ignore_ascii_case(without_port(host))
        })
    }
}

/// Is this a host that nobody can have but on this machine or in this network?
fn is_private(host: &str) -> bool {
    let host = without_port(host);
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    // No browser comes without a host, and one without a dot is looked for nearby alone.
    !name.contains('.')
        || PRIVATE_ENDS.iter().any(|end| name.ends_with(end))
        || host.parse::<Ipv4Addr>().is_ok()
        || is_ipv6(host)
}

fn is_ipv6(host: &str) -> bool {
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    inner.is_some_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => host,
    }
}

fn text(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `check("http", "host: a | origin: b", …)`.
    #[track_caller]
    fn check(origins: &str, needs_key: bool, headers: &str, wanted: Result<(), Foreign>) {
        let mut map = HeaderMap::new();
        for header in headers.split(" | ") {
            let (name, value) = header.split_once(": ").unwrap();
            map.insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        assert_eq!(Origins::parse(origins).unwrap().check(&map, "http", needs_key), wanted, "{headers}");
    }

    #[test]
    fn a_page_of_another_origin_is_refused() {
        let foreign = Err(Foreign::Origin);
        for needs_key in [false, true] {
            check("", needs_key, "host: localhost:7957", Ok(()));
            check("", needs_key, "host: localhost:7957 | origin: http://localhost:7957", Ok(()));
            check("", needs_key, "host: Pi:7957 | origin: HTTP://pi:7957", Ok(()));
            check("", needs_key, "host: localhost:7957 | origin: https://localhost:7957", foreign);
            check("", needs_key, "host: localhost:7957 | origin: http://localhost:3000", foreign);
            check("", needs_key, "host: localhost:7957 | origin: http://evil.example", foreign);
            check("", needs_key, "host: localhost:7957 | origin: null", foreign);
            check("", needs_key, "host: localhost:7957 | origin: ", foreign);
            check("", needs_key, "host: localhost:7957 | sec-fetch-site: same-origin", Ok(()));
            check("", needs_key, "host: localhost:7957 | sec-fetch-site: cross-site", foreign);
            check(
                "",
                needs_key,
                "host: localhost:7957 | sec-fetch-site: cross-site | sec-fetch-mode: navigate",
                Ok(()),
            );
        }
        check("", true, "origin: http://", foreign);
    }

    #[test]
    fn pages_that_are_listed_may() {
        let listed = "https://a.example , http://B.example:8080";
        check(listed, true, "host: h.example | origin: https://a.example", Ok(()));
        check(listed, true, "host: h.example | origin: http://b.example:8080", Ok(()));
        check(listed, true, "host: h.example | origin: http://a.example", Err(Foreign::Origin));
        check(listed, true, "host: h.example | origin: https://a.example.evil.example", Err(Foreign::Origin));
        check("*", false, "host: h.example | origin: http://evil.example", Ok(()));
        check("*", false, "host: h.example | origin: null | sec-fetch-site: cross-site", Ok(()));
    }

    #[test]
    fn without_keys_no_page_gives_this_machine_a_name_of_its_own() {
        let hosts = [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "192.168.1.2",
            "pi",
            "PI.local",
            "broker.home.arpa",
            "a.localhost.",
        ];
        for host in hosts {
            check("", false, &format!("host: {host}"), Ok(()));
            check("", false, &format!("host: {host}:7957"), Ok(()));
        }
        for host in
            ["evil.example", "evil.example:7957", "127.0.0.1.evil.example", "local.evil", "[::1].evil"]
        {
            check("", false, &format!("host: {host}"), Err(Foreign::Host));
            check("", false, &format!("host: {host} | origin: http://{host}"), Err(Foreign::Host));
            check("", true, &format!("host: {host}"), Ok(()));
        }
        check("http://broker.example:7957", false, "host: broker.example:7957", Ok(()));
        check("https://broker.example", false, "host: broker.example:7957", Ok(()));
        check("https://broker.example", false, "host: evil.example", Err(Foreign::Host));
    }

    #[test]
    fn what_is_no_list_of_origins_is_none() {
        assert!(Origins::parse("").unwrap().is_empty() && !Origins::parse("*").unwrap().is_empty());
        for text in ["a.example", "ftp://a.example", "https://a.example/", "https://", "https://a b", "null"]
        {
            assert_eq!(Origins::parse(text), None, "{text}");
        }
    }
}
