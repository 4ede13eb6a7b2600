//! A snapshot that somebody brings: its text comes in parts, and is looked at when it is all there.

use std::io::{BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};

use thingsbus_adaptor::wire::{Namespace, SnapshotName};

use super::file::{Header, Reader, Strictness, Unread, parse_thing};
use super::files::Out;
use super::refusal::Refusal;
use super::shelf::{Shelf, Written};

/// The longest text, in bytes: what the directory may have by default, which is far more than most ever do.
const IMPORT_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// The most things of a text that is not in order: their names are in memory while it is put in order. Twice what a
/// directory may have by default.
const SORTED_MAX: usize = 2_000_000;

/// The file of what came so far: no snapshot can be called so.
const UNFINISHED: &str = ".import";

/// A part of what somebody brings.
pub(in crate::store) struct Put {
    pub(in crate::store) name: SnapshotName,
    pub(in crate::store) offset: u64,
    pub(in crate::store) text: String,
    pub(in crate::store) last: bool,
}

/// What came so far. There is one at a time: who begins another one takes its place, so nothing half brought piles up.
pub(in crate::store) struct Import {
    name: SnapshotName,
    out: BufWriter<Box<dyn Out>>,
    bytes: u64,
}

impl Import {
    /// Begins with the first part, which is still to be taken.
    pub(in crate::store) fn begin(shelf: &Shelf, put: &Put) -> Result<Self, Refusal> {
        if put.offset > 0 {
            return Err(bad_offset(&put.name, 0));
        }
        shelf.check_free(&put.name, &[])?;
        let out = shelf.create(UNFINISHED).map_err(|error| not_written(&put.name, &error))?;
        Ok(Self { name: put.name.clone(), out: BufWriter::new(out), bytes: 0 })
    }

    /// How much came.
    pub(in crate::store) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Takes a part. Where it is refused, everything is as before.
    pub(in crate::store) fn take(&mut self, put: &Put) -> Result<(), Refusal> {
        if put.name != self.name {
            return Err(bad_offset(&put.name, 0));
        }
        if put.offset != self.bytes {
            return Err(bad_offset(&put.name, self.bytes));
        }
        let bytes = self.bytes + put.text.len() as u64;
        if bytes > IMPORT_BYTES_MAX {
            return Err(Refusal {
                error: "too_long",
                message: format!(
                    "a snapshot that is brought has at most {IMPORT_BYTES_MAX} bytes: bring parts of the directory \
                     under names of their own"
                ),
            });
        }
        self.out.write_all(put.text.as_bytes()).map_err(|error| not_written(&put.name, &error))?;
        self.bytes = bytes;
        Ok(())
    }

    /// Nothing becomes of it.
    pub(in crate::store) fn remove(self, shelf: &Shelf) {
        // Without its buffer, which would be written once more.
        drop(self.out.into_parts());
        shelf.remove_unfinished(UNFINISHED);
    }

    /// Everything came: makes a snapshot of it, with its things in order.
    pub(in crate::store) fn finish(
        self,
        shelf: &Shelf,
        go_on: impl Fn() -> Result<(), Refusal>,
    ) -> Result<(Header, Written), Refusal> {
        let Self { name, mut out, .. } = self;
        let flushed = out.flush().map_err(|error| not_written(&name, &error));
        // Dropped here, because some systems rename and remove no file that is open.
        drop(out);
        let finished = flushed.and_then(|()| make(&name, shelf, &go_on));
        shelf.remove_unfinished(UNFINISHED);
        finished
    }
}

fn make(
    name: &SnapshotName,
    shelf: &Shelf,
    go_on: &dyn Fn() -> Result<(), Refusal>,
) -> Result<(Header, Written), Refusal> {
    let wrong = |why: Unread| not_one(name, &why);
    let (header, is_in_order) = {
        let mut reader = read(name, shelf)?;
        let mut last: Option<Namespace> = None;
        let mut is_in_order = true;
        while let Some(thing) = reader.next().map_err(wrong)? {
            go_on()?;
            is_in_order &= last.as_ref().is_none_or(|last| last < &thing.ns);
            last = Some(thing.ns);
        }
        (Header { name: name.to_string(), ..reader.header().clone() }, is_in_order)
    };
    let failed = |error| not_written(name, &error);
    let written = if is_in_order {
        let mut reader = read(name, shelf)?;
        shelf.write(name, &header, &[], |out| {
            while let Some(thing) = reader.next().map_err(wrong)? {
                go_on()?;
                out.thing(thing.ns.as_str(), &thing.value(), thing.ttl).map_err(failed)?;
            }
            Ok(())
        })?
    } else {
        let places = places_by_name(name, shelf, go_on)?;
        let mut input = BufReader::new(shelf.open_unfinished(UNFINISHED).map_err(failed)?);
        let mut line = Vec::new();
        shelf.write(name, &header, &[], |out| {
            for (_, begin) in &places {
                go_on()?;
                line.clear();
                input.seek(SeekFrom::Start(*begin)).map_err(failed)?;
                input.read_until(b'\n', &mut line).map_err(failed)?;
                let thing = parse_thing(&line, &header);
                let thing = thing.map_err(|why| not_one(name, &Unread::Wrong { line: 0, why }))?;
                out.thing(thing.ns.as_str(), &thing.value(), thing.ttl).map_err(failed)?;
            }
            Ok(())
        })?
    };
    Ok((header, written))
}

/// Where each thing's line begins.
fn places_by_name(
    name: &SnapshotName,
    shelf: &Shelf,
    go_on: &dyn Fn() -> Result<(), Refusal>,
) -> Result<Vec<(Namespace, u64)>, Refusal> {
    let mut reader = read(name, shelf)?;
    let mut places = Vec::new();
    while let Some(thing) = reader.next().map_err(|why| not_one(name, &why))? {
        go_on()?;
        if places.len() == SORTED_MAX {
            return Err(Refusal {
                error: "too_long",
                message: format!(
                    "a snapshot of more than {SORTED_MAX} things must be in the order of their names when it is \
                     brought: `LC_ALL=C sort` puts the lines between the first and the last so"
                ),
            });
        }
        places.push((thing.ns, reader.begin));
    }
    places.sort_unstable();
    for pair in places.windows(2) {
        if let [(one, _), (other, _)] = pair
            && one == other
        {
            let why = format!("{one} stands in it twice");
            return Err(not_one(name, &Unread::Wrong { line: 0, why }));
        }
    }
    Ok(places)
}

fn read(name: &SnapshotName, shelf: &Shelf) -> Result<Reader<BufReader<Box<dyn super::files::In>>>, Refusal> {
    let input = shelf.open_unfinished(UNFINISHED).map_err(|error| not_written(name, &error))?;
    Reader::open(BufReader::new(input), Strictness::Brought).map_err(|why| not_one(name, &why))
}

fn bad_offset(name: &SnapshotName, next: u64) -> Refusal {
    let message = format!(
        "the next part of {name} belongs at {next}: parts come one after the other, one snapshot at a time; begin \
         again at 0"
    );
    Refusal { error: "bad_offset", message }
}

fn not_written(name: &SnapshotName, error: &std::io::Error) -> Refusal {
    Refusal::disk(format_args!("what is brought as {name} cannot be written: {error}"))
}

fn not_one(name: &SnapshotName, why: &Unread) -> Refusal {
    let message = match why {
        Unread::Io(error) => return not_written(name, error),
        Unread::Wrong { line: 0, why } => format!("what is brought as {name} is no snapshot: {why}"),
        Unread::Wrong { .. } => format!("what is brought as {name} is no snapshot: {why}"),
        Unread::Checksum { .. } => format!(
            "what is brought as {name} was changed or damaged: {why}. Where it was changed on purpose, remove that last \
             line, and it is taken without"
        ),
    };
    Refusal { error: "bad_snapshot", message }
}
