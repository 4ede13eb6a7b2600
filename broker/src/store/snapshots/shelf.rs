//! The snapshots that there are: a file each, in a folder of their own beside the directory's file.

use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::sync::Arc;

use serde_json::{Value, json};
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{SNAPSHOT_PART_BYTES_MAX, SnapshotName};

use super::file::{Header, Reader, Strictness, Unread, Writer, parse_end, parse_header};
use super::files::{Files, In, Out};
use super::refusal::Refusal;

/// The most snapshots: so many that nobody needs more, and that a list of them is one answer.
const SNAPSHOTS_MAX: usize = 1_000;

/// The most bytes of all of them together: 64 of the largest directory that there may be by default. Where the disk is
/// smaller, it says so itself.
const BYTES_MAX: u64 = 64 * 1024 * 1024 * 1024;

/// How the files of snapshots end.
const ENDING: &str = ".jsonl";

/// And those that are being written.
const UNFINISHED: &str = ".tmp";

/// The longest first line, in bytes.
const HEADER_BYTES_MAX: u64 = 4_096;

/// The longest last line, in bytes.
const END_BYTES_MAX: u64 = 128;

/// The snapshots on disk.
#[derive(Clone)]
pub(in crate::store) struct Shelf {
    files: Arc<dyn Files>,
    bytes_max: u64,
}

/// A snapshot, as far as its first and last lines tell.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::store) struct About {
    pub(in crate::store) header: Header,
    pub(in crate::store) things: u64,
}

/// What was written.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Written {
    pub(in crate::store) things: u64,
    pub(in crate::store) bytes: u64,
}

pub(in crate::store) type Input = BufReader<Box<dyn In>>;
pub(in crate::store) type Output = Writer<BufWriter<Box<dyn Out>>>;

impl Shelf {
    pub(in crate::store) fn new(files: Arc<dyn Files>) -> Self {
        Self { files, bytes_max: BYTES_MAX }
    }

    #[cfg(test)]
    pub(in crate::store) fn with_bytes_max(self, bytes_max: u64) -> Self {
        Self { bytes_max, ..self }
    }

    /// Removes what a broker that was killed left half written.
    pub(in crate::store) fn tidy(&self) -> io::Result<()> {
        for (name, _) in self.files.list()? {
            if name.ends_with(UNFINISHED) {
                self.files.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Names and lengths, by name.
    pub(in crate::store) fn names(&self) -> io::Result<Vec<(SnapshotName, u64)>> {
        let files = self.files.list()?.into_iter();
        let mut names: Vec<_> = files
            .filter_map(|(file, bytes)| Some((SnapshotName::parse(file.strip_suffix(ENDING)?).ok()?, bytes)))
            .collect();
        names.sort_unstable();
        Ok(names)
    }

    pub(in crate::store) fn has(&self, name: &SnapshotName) -> io::Result<bool> {
        match self.files.open(&file(name)) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Is there no snapshot of that name, and room for one more? What `gives_way` takes none.
    pub(in crate::store) fn check_free(
        &self,
        name: &SnapshotName,
        gives_way: &[SnapshotName],
    ) -> Result<(), Refusal> {
        let failed = |error| Refusal::disk(format_args!("the snapshots cannot be looked at: {error}"));
        if self.has(name).map_err(failed)? {
            return Err(Refusal {
                error: "snapshot_exists",
                message: format!(
                    "there is a snapshot {name} already: take another name, or delete that one first"
                ),
            });
        }
        if self.staying(gives_way)?.0 >= SNAPSHOTS_MAX {
            return Err(Refusal {
                error: "too_many_snapshots",
                message: format!("there are {SNAPSHOTS_MAX} snapshots, which is the most: delete some first"),
            });
        }
        self.check_bytes(name, 1, gives_way)
    }

    /// Is there room for so many bytes more?
    fn check_bytes(
        &self,
        name: &SnapshotName,
        bytes: u64,
        gives_way: &[SnapshotName],
    ) -> Result<(), Refusal> {
        let (most, there) = (self.bytes_max, self.staying(gives_way)?.1);
        if there.saturating_add(bytes) <= most {
            return Ok(());
        }
        let message = format!(
            "the snapshots have {there} bytes, and may have {most} together, for which {name} is too much: delete some \
             first; `thingsbus snapshot list` shows how large they are"
        );
        Err(Refusal { error: "snapshots_too_large", message })
    }

    /// How many snapshots there are without those that give way, and their bytes.
    fn staying(&self, gives_way: &[SnapshotName]) -> Result<(usize, u64), Refusal> {
        let names = self.names();
        let names = names
            .map_err(|error| Refusal::disk(format_args!("the snapshots cannot be looked at: {error}")))?;
        let staying = names.iter().filter(|(name, _)| !gives_way.contains(name));
        Ok(staying.fold((0, 0), |(count, bytes), (_, more)| (count + 1, bytes + more)))
    }

    /// A file that becomes a snapshot in [`Shelf::publish`].
    pub(in crate::store) fn create(&self, unfinished: &str) -> io::Result<Box<dyn Out>> {
        self.files.create(&format!("{unfinished}{UNFINISHED}"))
    }

    pub(in crate::store) fn open_unfinished(&self, unfinished: &str) -> io::Result<Box<dyn In>> {
        self.files.open(&format!("{unfinished}{UNFINISHED}"))
    }

    pub(in crate::store) fn remove_unfinished(&self, unfinished: &str) {
        // What is still there at the next start is removed then.
        let _ = self.files.remove(&format!("{unfinished}{UNFINISHED}"));
    }

    /// Writes a snapshot that nobody sees before it is whole and on disk.
    pub(in crate::store) fn write(
        &self,
        name: &SnapshotName,
        header: &Header,
        gives_way: &[SnapshotName],
        fill: impl FnOnce(&mut Output) -> Result<(), Refusal>,
    ) -> Result<Written, Refusal> {
        self.check_free(name, gives_way)?;
        let failed = |error| Refusal::disk(format_args!("the snapshot {name} cannot be written: {error}"));
        let unfinished = name.as_str();
        let write = || {
            let out = BufWriter::with_capacity(64 * 1024, self.create(unfinished).map_err(failed)?);
            let mut writer = Writer::begin(out, header).map_err(failed)?;
            fill(&mut writer)?;
            let (mut out, things, bytes) = writer.end().map_err(failed)?;
            self.check_bytes(name, bytes, gives_way)?;
            out.flush().map_err(failed)?;
            out.get_mut().sync().map_err(failed)?;
            drop(out);
            self.files.rename(&format!("{unfinished}{UNFINISHED}"), &file(name)).map_err(failed)?;
            self.files.sync().map_err(failed)?;
            Ok(Written { things, bytes })
        };
        let written = write();
        if written.is_err() {
            self.remove_unfinished(unfinished);
        }
        written
    }

    /// Opens a snapshot to be read from its first thing on.
    pub(in crate::store) fn read(&self, name: &SnapshotName) -> Result<Reader<Input>, Refusal> {
        let input = BufReader::with_capacity(64 * 1024, self.open(name)?);
        Reader::open(input, Strictness::Ours).map_err(|why| unread(name, &why))
    }

    /// Reads all of a snapshot: is it whole? Gives what its first line says.
    pub(in crate::store) fn verify(
        &self,
        name: &SnapshotName,
        mut each: impl FnMut() -> Result<(), Refusal>,
    ) -> Result<About, Refusal> {
        let mut reader = self.read(name)?;
        while reader.next().map_err(|why| unread(name, &why))?.is_some() {
            each()?;
        }
        Ok(About { header: reader.header().clone(), things: reader.things() })
    }

    /// What first and last line say, without looking at the rest.
    pub(in crate::store) fn about(&self, name: &SnapshotName, bytes: u64) -> Result<About, Refusal> {
        let io = |error: io::Error| unread(name, &Unread::Io(error));
        let mut input = self.open(name)?;
        let first = read_at(&mut input, 0, HEADER_BYTES_MAX).map_err(io)?;
        let line = first.split_inclusive(|byte| *byte == b'\n').next().unwrap_or_default();
        let header = parse_header(line).map_err(|why| unread(name, &Unread::Wrong { line: 1, why }))?;
        let last = read_at(&mut input, bytes.saturating_sub(END_BYTES_MAX), END_BYTES_MAX).map_err(io)?;
        let line = last.strip_suffix(b"\n").unwrap_or_default().rsplit(|byte| *byte == b'\n').next();
        match line.and_then(parse_end) {
            Some(things) => Ok(About { header, things }),
            None => Err(Refusal::broken(name, "its last line is missing")),
        }
    }

    /// As the list has it.
    pub(in crate::store) fn list(&self) -> Result<Vec<Value>, Refusal> {
        let names = self.names();
        let names =
            names.map_err(|error| Refusal::disk(format_args!("the snapshots cannot be listed: {error}")))?;
        let told = names.into_iter().map(|(name, bytes)| match self.about(&name, bytes) {
            Ok(About { header: Header { saved, ns, epoch, seq, .. }, things }) => json!({
                "name": name.as_str(), "saved": saved.seconds(), "ns": ns.as_str(), "things": things,
                "bytes": bytes, "epoch": epoch, "seq": seq,
            }),
            Err(refusal) => json!({ "name": name.as_str(), "bytes": bytes, "error": refusal.message }),
        });
        Ok(told.collect())
    }

    pub(in crate::store) fn delete(&self, name: &SnapshotName) -> Result<(), Refusal> {
        match self.files.remove(&file(name)).and_then(|()| self.files.sync()) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Refusal::none(name)),
            Err(error) => Err(Refusal::disk(format_args!("the snapshot {name} cannot be deleted: {error}"))),
        }
    }

    /// The text from `offset` on: whole lines, as many as a part has room for, and one at least. And where the next
    /// part begins, if there is one.
    pub(in crate::store) fn part(
        &self,
        name: &SnapshotName,
        offset: u64,
    ) -> Result<(String, Option<u64>), Refusal> {
        let io = |error: io::Error| unread(name, &Unread::Io(error));
        let mut input = self.open(name)?;
        let mut most = SNAPSHOT_PART_BYTES_MAX as u64;
        let mut bytes = read_at(&mut input, offset, most + 1).map_err(io)?;
        let is_rest = bytes.len() as u64 <= most;
        if !is_rest && !bytes.contains(&b'\n') {
            // One long line, of which no value is longer than a message.
            most = MESSAGE_BYTES_MAX as u64 * 2;
            bytes = read_at(&mut input, offset, most).map_err(io)?;
            let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.truncate(end);
        } else if !is_rest {
            bytes.truncate(SNAPSHOT_PART_BYTES_MAX);
            let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
            bytes.truncate(end);
        }
        let next = offset + bytes.len() as u64;
        let end = input.seek(SeekFrom::End(0)).map_err(io)?;
        let text = String::from_utf8(bytes);
        let text = text.map_err(|_| Refusal::broken(name, "it is not UTF-8 from that offset on"))?;
        Ok((text, (next < end).then_some(next)))
    }

    fn open(&self, name: &SnapshotName) -> Result<Box<dyn In>, Refusal> {
        self.files.open(&file(name)).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Refusal::none(name),
            _ => unread(name, &Unread::Io(error)),
        })
    }
}

/// Why a snapshot is not read, told to who asked.
pub(in crate::store) fn unread(name: &SnapshotName, why: &Unread) -> Refusal {
    match why {
        Unread::Io(error) => Refusal::disk(format_args!("the snapshot {name} cannot be read: {error}")),
        why => Refusal::broken(name, why),
    }
}

fn file(name: &SnapshotName) -> String {
    format!("{name}{ENDING}")
}

fn read_at(input: &mut impl In, offset: u64, most: u64) -> io::Result<Vec<u8>> {
    input.seek(SeekFrom::Start(offset))?;
    let mut bytes = Vec::new();
    input.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
