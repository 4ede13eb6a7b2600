//! A page of the directory as it was: what did not change since is told by the directory, the rest by the history.

use thingsbus_adaptor::wire::limits::HISTORY_BYTES_MAX;
use thingsbus_adaptor::wire::{Namespace, Timestamp};
use thingsbus_client::directory::Scope;

use crate::hub::Hub;
use crate::store::historian::{AsOf, AsOfThing, AsOfValue};

/// The most things of one page. Each is some microseconds of this thread, and may be a look into the file for another.
const THINGS_MAX: usize = 500;

/// The things of a page, with the values of those that are the same now.
pub(super) fn page(
    hub: &Hub,
    scope: Scope<'_>,
    after: Option<Namespace>,
    limit: usize,
    at: Timestamp,
    now: Timestamp,
) -> AsOf {
    let mut things: Vec<AsOfThing> = Vec::new();
    let mut bytes = 0;
    let mut next = None;
    for record in hub.directory().things(scope, after.as_ref().map(Namespace::as_str)) {
        if things.len() >= limit.min(THINGS_MAX) || bytes >= HISTORY_BYTES_MAX {
            next = things.last().map(|thing| thing.ns.clone());
            break;
        }
        let value = (record.received() <= at).then(|| AsOfValue {
            data: record.data().to_owned(),
            ts: record.ts(),
            received: record.received(),
            seq: record.seq(),
        });
        bytes += record.ns().len() + value.as_ref().map_or(0, |value| value.data.len());
        things.push(AsOfThing {
            ns: record.ns().to_owned(),
            documentation_url: record.documentation_url().map(ToOwned::to_owned),
            value,
        });
    }
    AsOf { at, now, epoch: hub.epoch().to_owned(), seq: hub.seq(), things, next }
}
