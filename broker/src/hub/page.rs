//! Pages: the directory cut into messages of bounded size, each made in bounded time.

use thingsbus_adaptor::wire::limits::PAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{Expected, Namespace, Page, Query, SnapshotWriter, Timestamp};
use thingsbus_client::directory::{Record, Scope};

use super::Hub;

/// The most things looked at for one page, so that asking does not hold up the stream: some milliseconds. A page
/// that ends here may be short or empty, and says in `next` where to go on.
pub(super) const LOOKED_AT_MAX: usize = 50_000;

pub(super) fn answer<'h>(hub: &'h Hub, query: &Query, now: Timestamp, out: &mut Vec<u8>) {
    let scope = Scope { ns: query.ns.as_str(), tree: query.tree };
    let after = query.after.as_ref().map(Namespace::as_str);
    // Numbers of another life say nothing about this one, nor do those of before what was forgotten so long ago that it is
    // not known any more: then all there is is told, and nothing else.
    let since = match (&query.epoch, query.since) {
        (Some(epoch), Some(since)) if *epoch == hub.epoch && since >= hub.all_since => Some(since),
        _ => None,
    };
    let mut forgotten = Vec::new();
    let mut writer = SnapshotWriter::begin(out, now);
    let mut fill = |records: &mut dyn Iterator<Item = &'h Record>| {
        let forgotten = since.is_some().then_some(&mut forgotten);
        fill(&mut writer, query.limit, records, forgotten, |record| {
            if since.is_some_and(|since| record.seq() <= since) {
                return None;
            }
            let expected = query.freshness.map(|words| (words, hub.expected(record.ns())));
            if expected
                .is_some_and(|(words, expected)| !record.is_forgotten() && !words.has(expected.freshness))
            {
                return None;
            }
            Some(Told { received: Some(record.received()), expected: expected.map(|(_, expected)| expected) })
        })
    };
    let next = match since {
        Some(since) if hub.seq.saturating_sub(since) <= LOOKED_AT_MAX as u64 => {
            fill(&mut changed_since(hub, since, scope, after).into_iter())
        }
        _ => fill(&mut hub.directory.things_and_forgotten(scope, after)),
    };
    let (epoch, seq, next) = (hub.epoch.as_str(), hub.seq, next.as_deref());
    writer.end(Some(Page { epoch, seq, since, forgotten: &forgotten, next }));
}

pub(super) fn snapshot_part(
    hub: &Hub,
    after: Option<&str>,
    heard_since: Timestamp,
    now: Timestamp,
    out: &mut Vec<u8>,
) -> Option<String> {
    let mut writer = SnapshotWriter::begin(out, now);
    let things = &mut hub.directory.things_and_forgotten(Scope::ALL, after);
    let next = fill(&mut writer, usize::MAX, things, None, |record| {
        (record.received() >= heard_since).then_some(Told { received: None, expected: None })
    });
    writer.end(None);
    next
}

/// How a thing is told: 0.2.1's snapshots do not say when it came, and how fresh it is is told to those who ask.
struct Told {
    received: Option<Timestamp>,
    expected: Option<Expected>,
}

/// Writes the wanted ones of `records` until the page is full; where the next one begins, if there is more. Those that
/// were forgotten are put into `forgotten`.
fn fill<'h>(
    writer: &mut SnapshotWriter<'_>,
    limit: usize,
    records: &mut dyn Iterator<Item = &'h Record>,
    mut forgotten: Option<&mut Vec<&'h str>>,
    wanted: impl Fn(&Record) -> Option<Told>,
) -> Option<String> {
    let mut last: Option<&str> = None;
    let mut forgotten_bytes = 0;
    for (looked_at, record) in records.enumerate() {
        let things = usize::try_from(writer.count()).unwrap_or(usize::MAX);
        let count = things.saturating_add(forgotten.as_ref().map_or(0, |forgotten| forgotten.len()));
        let full = count >= limit || (count > 0 && writer.bytes() + forgotten_bytes >= PAGE_BYTES_MAX);
        if full || looked_at == LOOKED_AT_MAX {
            return last.map(str::to_owned);
        }
        if let Some(told) = wanted(record) {
            match &mut forgotten {
                Some(forgotten) if record.is_forgotten() => {
                    forgotten_bytes += record.ns().len() + 3;
                    forgotten.push(record.ns());
                }
                _ if record.is_forgotten() => {}
                _ => writer.thing(&record.update(), told.received, told.expected.as_ref()),
            }
        }
        last = Some(record.ns());
    }
    None
}

/// What changed after `since`, in pages' order. Few did: there are not more updates than things looked at.
fn changed_since<'h>(hub: &'h Hub, since: u64, scope: Scope<'_>, after: Option<&str>) -> Vec<&'h Record> {
    let mut changed: Vec<&Record> = hub
        .directory
        .newest_first()
        .take_while(|record| record.seq() > since)
        .filter(|record| scope.holds(record.ns()) && after.is_none_or(|after| record.ns() > after))
        .collect();
    changed.sort_unstable_by_key(|record| record.ns());
    changed
}
