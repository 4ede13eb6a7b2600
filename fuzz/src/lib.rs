//! What must hold of everything that was decoded.

use serde_json::Value;
use thingsbus_adaptor::wire::{
    Message, Namespace, Page, Scratch, Snapshot, SnapshotWriter, Timestamp, Told, Update, decode_message,
    decode_update,
};

/// A decoded update keeps every promise of [`Update`], and what is written of it says the same: to our own decoders
/// and to serde_json.
pub fn check_update(update: &Update<'_>) {
    let ns = Namespace::parse(update.ns()).expect("the namespace keeps the rule");
    let url = update.documentation_url();
    assert!(url != Some(""));
    let new = Update::new(&ns, update.ts(), update.data(), url).expect("what was decoded needs no mending");
    assert_eq!((new.ns(), new.ts(), new.data()), (update.ns(), update.ts(), update.data()));
    let expected = Update::from_checked(update.ns(), update.ts(), update.data(), url, update.seq());

    let json = update.to_json();
    assert!(json.iter().all(|byte| *byte >= 0x20 || *byte == b'\t'), "one line");
    assert_eq!(decode_update(&json, &mut Scratch::default()), Ok(expected));
    assert_eq!(decode_message(&json, &mut Scratch::default()), Ok(Message::Update(expected)));

    let written: Value = serde_json::from_slice(&json).expect("what is written is JSON");
    let data: Value = serde_json::from_str(update.data()).expect("the data is JSON");
    assert_eq!(written["ns"], update.ns());
    assert_eq!(written["type"], "thing_update");
    assert_eq!(written["ts"].as_f64(), update.ts().map(Timestamp::seconds));
    assert_eq!(written["data"], data);
    assert_eq!(written["documentation_url"].as_str(), url);
    assert_eq!(written["seq"].as_u64(), update.seq());
}

/// What can be read of a snapshot can be written as one, and says the same.
pub fn check_snapshot(snapshot: &Snapshot<'_>) {
    let things: Vec<Told<'_>> = snapshot.things().filter_map(Result::ok).collect();
    let mut json = Vec::new();
    let mut writer = SnapshotWriter::begin(&mut json, snapshot.ts().unwrap_or_default());
    for told in &things {
        let url = told.documentation_url.as_deref();
        let update = Update::from_checked(&told.ns, told.ts, told.data, url, told.seq);
        check_update(&update);
        writer.thing(&update, told.received, told.expected.as_ref());
    }
    let forgotten: Vec<&str> = snapshot.forgotten().collect();
    let page = Page {
        epoch: snapshot.epoch().unwrap_or("epoch"),
        seq: snapshot.seq().unwrap_or_default(),
        since: snapshot.since(),
        forgotten: &forgotten,
        next: snapshot.next(),
    };
    writer.end(Some(page));

    serde_json::from_slice::<Value>(&json).expect("what is written is JSON");
    let mut scratch = Scratch::default();
    let Ok(Message::Snapshot(again)) = decode_message(&json, &mut scratch) else {
        panic!("what is written is a snapshot");
    };
    assert_eq!(again.ts(), Some(snapshot.ts().unwrap_or_default()));
    assert_eq!((again.epoch(), again.seq(), again.next()), (Some(page.epoch), Some(page.seq), page.next));
    assert_eq!(again.count(), Some(things.len() as u64));
    assert!(again.things().eq(things.into_iter().map(Ok)));
}
