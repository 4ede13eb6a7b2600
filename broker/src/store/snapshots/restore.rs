//! A directory's file was broken: the newest snapshot that is whole takes its place.

use std::time::{Duration, Instant};

use thingsbus_adaptor::wire::{SnapshotName, Timestamp};

use super::shelf::{About, Shelf, unread};
use crate::hub::Hub;

/// What was brought back.
#[derive(Debug)]
pub(in crate::store) struct Restored {
    pub(in crate::store) name: SnapshotName,
    pub(in crate::store) saved: Timestamp,
    /// How many things, of those that were not there.
    pub(in crate::store) things: usize,
}

/// Puts the things of the newest whole snapshot of the whole directory into the hub, those that it does not have. Those
/// that are broken are passed over, and that is told.
pub(in crate::store) fn restore(
    shelf: &Shelf,
    hub: &mut Hub,
    instant: Instant,
    now: Timestamp,
) -> Option<Restored> {
    let names = shelf.names();
    if let Err(error) = &names {
        tracing::error!("store: the snapshots cannot be looked at: {error}");
    }
    let mut candidates: Vec<(SnapshotName, About)> = names
        .unwrap_or_default()
        .into_iter()
        .filter_map(|(name, bytes)| match shelf.about(&name, bytes) {
            Ok(about) => Some((name, about)),
            Err(refusal) => {
                tracing::error!("store: {}", refusal.message);
                None
            }
        })
        .filter(|(_, about)| about.header.ns.is_root())
        .collect();
    candidates
        .sort_by(|(_, one), (_, other)| other.header.saved.seconds().total_cmp(&one.header.saved.seconds()));
    for (name, about) in candidates {
        // All of it is looked at before any of it is believed.
        let read = shelf.verify(&name, || Ok(())).and_then(|_| {
            let mut reader = shelf.read(&name)?;
            let mut things = 0;
            while let Some(thing) = reader.next().map_err(|why| unread(&name, &why))? {
                if hub.directory().get(thing.ns.as_str()).is_some() {
                    continue;
                }
                let left = |ttl: Duration| instant.checked_add(ttl.saturating_sub(now.since(thing.received)));
                let ttl = thing.ttl.and_then(|ttl| Some((left(ttl)?, ttl)));
                hub.restore(thing.ns.as_str(), &thing.value(), ttl, None);
                things += 1;
            }
            Ok(things)
        });
        match read {
            Ok(things) => return Some(Restored { name, saved: about.header.saved, things }),
            Err(refusal) => tracing::error!("store: {}; the one before it is tried", refusal.message),
        }
    }
    None
}
