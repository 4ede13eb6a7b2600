//! How fresh things are, asked of a broker page by page.

use std::collections::BTreeMap;
use std::time::Duration;

use thingsbus_adaptor::BrokerName;
use thingsbus_adaptor::wire::{
    Ask, Expected, Message, Namespace, Query, Scratch, Snapshot, Words, decode_message,
};

use crate::ask::ask;
use crate::error::Error;
use crate::history::{Pages, refused, stopped};

/// Asks a broker which of the thing `ns` and those below it are as fresh as one of `words` says, and what was expected of
/// each. Blocks. `limit` is for each page. A broker that does not know gives none. [`crate::Flags::FRESHNESS`] tells of
/// changes from then on.
///
/// ```no_run
/// use std::time::Duration;
/// use thingsbus_adaptor::{BrokerName, wire::{Freshness, Namespace}};
/// let broker = BrokerName::from_env()?.name;
/// let words = [Freshness::Late, Freshness::Silent].into_iter().collect();
/// for ns in thingsbus_client::freshness(&broker, &Namespace::root(), words, Duration::from_secs(5))?.keys() {
///     println!("{ns} should have spoken by now");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Where there is no answer, as from a 0.2.1 broker, or one that is none.
pub fn freshness(
    broker: &BrokerName,
    ns: &Namespace,
    words: Words,
    limit: Duration,
) -> Result<BTreeMap<Namespace, Expected>, Error> {
    let mut query = Query { ns: ns.clone(), freshness: Some(words), ..Query::default() };
    let mut things = BTreeMap::new();
    let mut pages = Pages::default();
    loop {
        let answer = ask(broker, &Ask::Things(query.clone()), limit)?;
        let mut scratch = Scratch::default();
        let Ok(Message::Snapshot(page)) = decode_message(answer.as_bytes(), &mut scratch) else {
            return Err(refused(broker, &answer));
        };
        things.extend(told(&page));
        // Of many things few may be late, and a page is a look at as many as there is time for.
        let next = pages.next(page.next().map(ToOwned::to_owned), false);
        let next = next.map_err(|why| stopped(broker, why))?;
        query.after = next.and_then(|next| Namespace::parse(&next).ok());
        if query.after.is_none() {
            return Ok(things);
        }
    }
}

fn told(page: &Snapshot<'_>) -> impl Iterator<Item = (Namespace, Expected)> {
    page.things().flatten().filter_map(|told| Some((Namespace::parse(&told.ns).ok()?, told.expected?)))
}
