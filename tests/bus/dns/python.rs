//! The client and the adaptor of 0.2.1 find our broker by the same record.

use std::time::Duration;

use super::{NameServer, ZONE, start};
use crate::support::wait::until;
use crate::support::{TestBroker, python};

#[test]
fn old_and_new_meet_by_zone() {
    let broker = TestBroker::start();
    let server = NameServer::with(&[&format!("0 0 {} localhost.", broker.clients.port())]);
    let mut ours = start("print_all_events", &server);
    let mut theirs = python::script("by_zone.py", &[&server.address().port().to_string(), ZONE]);
    let soon = Duration::from_millis(50);
    let heard = until("both clients to hear its adaptor", || {
        theirs.write_line(r#"{"said": "by zone"}"#);
        let heard = [&mut theirs, &mut ours].map(|client| client.stdout.next_within(soon));
        heard.iter().all(Option::is_some).then_some(heard)
    });
    for event in heard.into_iter().flatten() {
        let (start, end) = ("ThingEvent<Thing<by.zone>, ts=", "flags=, data={'said': 'by zone'}>");
        assert!(event.starts_with(start) && event.ends_with(end), "{event}");
    }
}
