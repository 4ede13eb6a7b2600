//! `thingsbus snapshot export` and `import`: a snapshot's text, part by part.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde_json::Value;
use thingsbus_adaptor::wire::{SNAPSHOT_PART_BYTES_MAX, SnapshotAsk, SnapshotName};

use super::{LONG, asked, done};
use crate::args::Global;
use crate::broker::timeout;
use crate::failure::Failure;
use crate::output::Output;

pub(super) fn export(name: &SnapshotName, global: &Global, output: &mut Output) -> Result<(), Failure> {
    for text in parts(name, global) {
        let text = text?;
        // A line's end is added to what is printed.
        output.line(text.strip_suffix('\n').unwrap_or(&text))?;
    }
    Ok(())
}

/// The text of a snapshot, whole lines of it at a time.
pub(super) fn parts<'a>(
    name: &'a SnapshotName,
    global: &'a Global,
) -> impl Iterator<Item = Result<String, Failure>> + use<'a> {
    let mut next = Some(0);
    std::iter::from_fn(move || {
        let offset = next.take()?;
        let question = SnapshotAsk::Part { name: name.clone(), offset };
        Some(asked(global, question, timeout(global)).map(|(_, mut answer)| {
            next = answer.get("next").and_then(Value::as_u64);
            match answer.get_mut("text").map(Value::take) {
                Some(Value::String(text)) => text,
                _ => String::new(),
            }
        }))
    })
}

pub(super) fn import(
    name: &SnapshotName,
    file: Option<&Path>,
    global: &Global,
    output: &mut Output,
) -> Result<(), Failure> {
    let file = file.filter(|file| *file != Path::new("-"));
    let place = file.map_or_else(|| "standard input".to_owned(), |file| file.display().to_string());
    let unread = |error: io::Error| Failure::failed(format_args!("cannot read {place}: {error}"));
    let mut input: Box<dyn Read> = match file {
        Some(file) => Box::new(File::open(file).map_err(unread)?),
        None => Box::new(io::stdin().lock()),
    };
    let mut offset = 0;
    let mut bytes = Vec::new();
    loop {
        let room = SNAPSHOT_PART_BYTES_MAX - bytes.len();
        let read = input.by_ref().take(room as u64).read_to_end(&mut bytes).map_err(unread)?;
        let last = read < room;
        // A character that is cut goes with the next part.
        let whole = match std::str::from_utf8(&bytes) {
            Ok(text) => text.len(),
            Err(error) if error.error_len().is_none() && !last => error.valid_up_to(),
            Err(error) => {
                let at = offset + error.valid_up_to() as u64;
                return Err(Failure::failed(format_args!(
                    "{place} is no snapshot: it is not UTF-8 at byte {at}"
                )));
            }
        };
        let rest = bytes.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut bytes, rest)).unwrap_or_default();
        let length = text.len() as u64;
        let question = SnapshotAsk::Put { name: name.clone(), offset, text, last };
        // When all of it is there the broker looks at it.
        let limit = if last { global.timeout.unwrap_or(LONG) } else { timeout(global) };
        let answer = asked(global, question, limit)?;
        if last {
            return done(answer, "imported", output);
        }
        offset += length;
    }
}
