//! What an address below `/things/` means: which thing, and which part of it.

use percent_encoding::percent_decode_str;
use thingsbus_adaptor::wire::limits::NAMESPACE_BYTES_MAX;
use thingsbus_adaptor::wire::{Namespace, Rejected};

use super::problem::Problem;

/// An address below `/things/`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) ns: Namespace,
    pub(super) part: Part,
}

/// Which part of a thing.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// All that is known of it.
    Thing,
    /// What it said last, or what is at this place in that.
    Data(Vec<String>),
    /// The same, plain for a shell.
    Value(Vec<String>),
    /// What it said over time.
    History,
}

impl Place {
    /// Names are joined by dots, and slashes work too: `shop.lathe/data/rpm` is `shop/lathe/data/rpm`. The first `data`,
    /// `value` or `history` between slashes ends the name, so a thing that is called so is reached by dots.
    pub(super) fn parse(path: &str) -> Result<Self, Problem> {
        let mut parts = Vec::new();
        for part in path.split('/') {
            let part = percent_decode_str(part).decode_utf8().map_err(|_| {
                Problem::bad_request(format!("{part:?} in the address is not UTF-8 when its % are decoded"))
            })?;
            parts.push(part.into_owned());
        }
        if parts.last().is_some_and(String::is_empty) {
            parts.pop();
        }
        // The first part is always of the name.
        let end = parts.iter().skip(1).position(|part| matches!(part.as_str(), "data" | "value" | "history"));
        let mut inner = match end {
            Some(end) => parts.split_off(end + 1),
            None => Vec::new(),
        };
        let ns = Namespace::parse(&parts.join("."))
            .map_err(|error| Problem::bad_request(error.to_string()).rejecting(Rejected::Ns))?;
        if ns.as_str().is_empty() {
            return Err(Problem::bad_request("the address names no thing: /things/shop.lamp"));
        }
        let word = if inner.is_empty() { None } else { Some(inner.remove(0)) };
        let part = match word.as_deref() {
            None => Part::Thing,
            Some("data") => Part::Data(inner),
            Some("value") => Part::Value(inner),
            Some(_) if inner.is_empty() => Part::History,
            Some(_) => {
                let why = "after /history comes nothing; a number in the value is named by ?path=/rpm";
                return Err(Problem::no_page(why));
            }
        };
        Ok(Self { ns, part })
    }
}

/// What an address below `/things/` calls a thing, also where that is no namespace: as much of it as one has at the most.
pub(super) fn name(path: &str) -> String {
    if let Ok(place) = Place::parse(path) {
        return place.ns.as_str().to_owned();
    }
    let name = percent_decode_str(path.trim_end_matches('/')).decode_utf8_lossy();
    name.chars()
        .take(NAMESPACE_BYTES_MAX)
        .map(|character| if character == '/' { '.' } else { character })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_and_slashes() {
        let check = |path: &str, ns: &str, part: Part| {
            assert_eq!(
                Place::parse(path).unwrap(),
                Place { ns: Namespace::parse(ns).unwrap(), part },
                "{path}"
            );
        };
        let path = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        check("shop.lamp", "shop.lamp", Part::Thing);
        check("shop/lamp/", "shop.lamp", Part::Thing);
        check("shop/lamp.old", "shop.lamp.old", Part::Thing);
        check("shop.lamp/value", "shop.lamp", Part::Value(Vec::new()));
        check("shop/lamp/value/on", "shop.lamp", Part::Value(path(&["on"])));
        check("shop.lamp/data", "shop.lamp", Part::Data(Vec::new()));
        check("shop.lamp/data/a%2Fb/0/", "shop.lamp", Part::Data(path(&["a/b", "0"])));
        check("shop.lamp/data/data/value", "shop.lamp", Part::Data(path(&["data", "value"])));
        check("shop.data.value", "shop.data.value", Part::Thing);
        check("data", "data", Part::Thing);
        check("shop.lamp/history", "shop.lamp", Part::History);
    }

    #[test]
    fn what_is_no_place() {
        for (path, part) in [
            ("", "names no thing"),
            ("Shop", "shop"),
            ("shop..lamp", "not a part"),
            ("shop.lamp/history/x", "after /history"),
            ("%ff", "UTF-8"),
        ] {
            let problem = serde_json::to_string(&Place::parse(path).unwrap_err()).unwrap();
            assert!(problem.contains(part), "{path}: {problem}");
        }
    }
}
