//! What somebody may do: read and write, each below some namespaces.

use std::sync::Arc;

use thingsbus_adaptor::wire::Namespace;

use super::keyring::Keyring;
use super::problem::Problem;

/// What somebody may do. The default is nothing, so that a request which nobody let in gets nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Access {
    rights: Rights,
    /// By which it was given.
    keyring: Option<Arc<Keyring>>,
}

#[derive(Clone, Debug)]
enum Rights {
    /// There are no keys.
    Everything,
    Grant(Arc<Grant>),
}

impl Default for Rights {
    fn default() -> Self {
        Self::Grant(Arc::default())
    }
}

/// What a key opens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Grant {
    /// What the key is called.
    pub(super) name: String,
    /// These things, and what is below them.
    pub(super) read: Vec<Namespace>,
    pub(super) write: Vec<Namespace>,
}

impl Access {
    /// Everything, as long as there are no keys.
    pub(super) fn everything(keyring: Arc<Keyring>) -> Self {
        Self { rights: Rights::Everything, keyring: Some(keyring) }
    }

    /// What a key opens, as long as it is not revoked.
    pub(super) fn by(grant: Arc<Grant>, keyring: Arc<Keyring>) -> Self {
        Self { rights: Rights::Grant(grant), keyring: Some(keyring) }
    }

    /// Is what was allowed when this was given not allowed any more? What takes long asks this again and again.
    pub(super) fn is_revoked(&self) -> bool {
        self.keyring.as_ref().is_some_and(|keyring| !keyring.still_admits(self.grant()))
    }

    /// `None`: everything.
    fn grant(&self) -> Option<&Arc<Grant>> {
        match &self.rights {
            Rights::Everything => None,
            Rights::Grant(grant) => Some(grant),
        }
    }

    /// May this thing be read?
    pub(super) fn may_read(&self, ns: &str) -> bool {
        self.grant().is_none_or(|grant| holds(&grant.read, ns))
    }

    /// # Errors
    /// Where this thing may not be read; where `tree`, it and what is below it.
    pub(super) fn read(&self, ns: &str) -> Result<(), Problem> {
        if self.may_read(ns) { Ok(()) } else { Err(self.refuse("read", ns)) }
    }

    /// # Errors
    /// Where this thing, or something below it, may not be written.
    pub(super) fn write(&self, ns: &str) -> Result<(), Problem> {
        if self.grant().is_none_or(|grant| holds(&grant.write, ns)) {
            Ok(())
        } else {
            Err(self.refuse("write", ns))
        }
    }

    /// What of a part of the directory may be read: that part, or smaller ones in it.
    pub(super) fn readable(&self, under: &Namespace) -> Vec<Namespace> {
        let Some(grant) = self.grant() else { return vec![under.clone()] };
        if holds(&grant.read, under.as_str()) {
            return vec![under.clone()];
        }
        let below = |ns: &&Namespace| holds(std::slice::from_ref(under), ns.as_str());
        let mut parts: Vec<Namespace> = grant.read.iter().filter(below).cloned().collect();
        parts.sort_unstable();
        // A part within another one is in that already.
        parts.dedup_by(|later, earlier| holds(std::slice::from_ref(earlier), later.as_str()));
        parts
    }

    fn refuse(&self, what: &str, ns: &str) -> Problem {
        let name = self.grant().map_or("", |grant| &grant.name);
        let place = if ns.is_empty() { "everything".to_owned() } else { format!("{ns:?} and below") };
        Problem::forbidden(format!("the access key {name:?} does not let its holder {what} {place}"))
    }
}

/// Is this, with all that is below it, below one of these?
fn holds(roots: &[Namespace], ns: &str) -> bool {
    roots.iter().any(|root| {
        let root = root.as_str();
        root.is_empty() || ns.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> Namespace {
        Namespace::parse(text).unwrap()
    }

    fn to(grant: Grant) -> Access {
        Access { rights: Rights::Grant(Arc::new(grant)), keyring: None }
    }

    #[test]
    fn without_keys_everything_is_open_and_without_anything_nothing() {
        let access = Access::everything(Keyring::open(None).unwrap());
        assert!(access.may_read("a") && access.write("").is_ok() && !access.is_revoked());
        assert_eq!(access.readable(&ns("")), [ns("")]);
        let access = Access::default();
        assert!(!access.may_read("a") && access.write("a").is_err() && access.readable(&ns("")).is_empty());
    }

    #[test]
    fn a_key_opens_what_is_below_its_prefixes() {
        let grant = Grant {
            name: "k".to_owned(),
            read: vec![ns("shop"), ns("lab.north")],
            write: vec![ns("shop.lamp")],
        };
        let access = to(grant);
        assert!(access.may_read("shop") && access.may_read("shop.lamp") && !access.may_read("shopping"));
        assert!(!access.may_read("lab") && !access.may_read(""));
        assert!(access.write("shop.lamp.bulb").is_ok() && access.write("shop").is_err());
        assert_eq!(access.readable(&ns("")), [ns("lab.north"), ns("shop")]);
        assert_eq!(access.readable(&ns("lab")), [ns("lab.north")]);
        assert_eq!(access.readable(&ns("shop.lamp")), [ns("shop.lamp")]);
        assert_eq!(access.readable(&ns("roof")), []);
    }

    #[test]
    fn a_part_within_another_is_read_once() {
        let grant = Grant { read: vec![ns("shop.lamp"), ns("shop")], ..Grant::default() };
        assert_eq!(to(grant).readable(&ns("")), [ns("shop")]);
    }
}
