//! A disk that does what disks do when the power goes: it keeps what was synced, and of the rest some, in pieces.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use redb::StorageBackend;

/// What a disk writes whole.
const SECTOR: usize = 512;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The system says no, and nothing was done.
    Error,
    /// Half of it was done, and the system says that the disk is full.
    Full,
    /// It takes this long, and goes well.
    Stall(Duration),
    /// The power goes: nothing is done from here on.
    PowerCut,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Disk(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    /// As a reader sees it.
    now: Vec<u8>,
    /// As it is for sure.
    synced: Vec<u8>,
    /// What came since, in order.
    unsynced: Vec<Change>,
    /// How many changes and syncs there were.
    operations: u64,
    faults: Vec<(u64, Fault)>,
    off: bool,
}

#[derive(Clone, Debug)]
enum Change {
    Length(usize),
    Write(usize, Vec<u8>),
}

impl Disk {
    pub(super) fn with(bytes: Vec<u8>) -> Self {
        let disk = Self::default();
        disk.lock().now.clone_from(&bytes);
        disk.lock().synced = bytes;
        disk
    }

    /// Goes wrong at this operation, counted from now.
    pub(super) fn fail_at(&self, operation: u64, fault: Fault) {
        let mut contents = self.lock();
        let at = contents.operations + operation;
        contents.faults.push((at, fault));
    }

    pub(super) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// Is its power gone?
    pub(super) fn is_off(&self) -> bool {
        self.lock().off
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        self.lock().now.clone()
    }

    /// The same disk after a power cut: `random` decides what became of what was not synced.
    pub(super) fn after_power_cut(&self, mut random: impl FnMut(usize) -> usize) -> Self {
        let contents = self.lock();
        let mut bytes = contents.synced.clone();
        for change in &contents.unsynced {
            match change {
                Change::Length(length) if random(2) == 0 => bytes.resize(*length, 0),
                Change::Length(_) => {}
                Change::Write(at, written) => {
                    // Sectors are written in any order, so any of them may be missing.
                    for (number, sector) in written.chunks(SECTOR).enumerate() {
                        let begin = at + number * SECTOR;
                        if random(2) == 0 && begin + sector.len() <= bytes.len() {
                            bytes[begin..begin + sector.len()].copy_from_slice(sector);
                        }
                    }
                }
            }
        }
        drop(contents);
        Self::with(bytes)
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// Counts an operation; the fault that is to happen in it.
    fn operation(&self) -> Option<Fault> {
        let mut contents = self.lock();
        contents.operations += 1;
        if contents.off {
            return Some(Fault::PowerCut);
        }
        let now = contents.operations;
        let at = contents.faults.iter().position(|(at, _)| *at == now)?;
        let (_, fault) = contents.faults.remove(at);
        contents.off = fault == Fault::PowerCut;
        drop(contents);
        if let Fault::Stall(time) = fault {
            std::thread::sleep(time);
            return None;
        }
        Some(fault)
    }
}

impl Contents {
    fn apply(&mut self, change: Change) {
        match &change {
            Change::Length(length) => self.now.resize(*length, 0),
            Change::Write(at, bytes) => self.now[*at..*at + bytes.len()].copy_from_slice(bytes),
        }
        self.unsynced.push(change);
    }
}

fn refusal() -> io::Error {
    io::Error::other("the disk does not want to")
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.lock().now.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let contents = self.lock();
        let begin = offset as usize;
        let bytes = contents.now.get(begin..begin + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        match self.operation() {
            None => self.lock().apply(Change::Length(length as usize)),
            Some(Fault::Full) => return Err(io::ErrorKind::StorageFull.into()),
            Some(_) => return Err(refusal()),
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        match self.operation() {
            None => {
                let mut contents = self.lock();
                contents.unsynced.clear();
                contents.synced = contents.now.clone();
                Ok(())
            }
            Some(_) => Err(refusal()),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        match self.operation() {
            None => self.lock().apply(Change::Write(offset as usize, data.to_vec())),
            Some(Fault::Full) => {
                self.lock().apply(Change::Write(offset as usize, data[..data.len() / 2].to_vec()));
                return Err(io::ErrorKind::StorageFull.into());
            }
            Some(_) => return Err(refusal()),
        }
        Ok(())
    }
}
