//! A folder in memory that does what disks do when the power goes: of what was not synced some is there, in part.

use std::collections::BTreeMap;
use std::io::{self, Cursor, Write};
use std::sync::{Arc, Mutex, MutexGuard};

use super::super::files::{Files, In, Out};

/// What goes wrong from some operation on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum Fault {
    /// This operation fails, and nothing was done.
    Error,
    /// The power goes: nothing is done from here on.
    PowerCut,
}

#[derive(Clone, Debug, Default)]
pub(in crate::store) struct MemoryFiles(Arc<Mutex<Contents>>);

type Bytes = Arc<Mutex<File>>;

#[derive(Clone, Debug, Default)]
struct File {
    now: Vec<u8>,
    synced: Vec<u8>,
}

#[derive(Debug, Default)]
struct Contents {
    now: BTreeMap<String, Bytes>,
    /// The names as they are for sure.
    synced: BTreeMap<String, Bytes>,
    /// What came since, in order.
    unsynced: Vec<BTreeMap<String, Bytes>>,
    operations: u64,
    fault: Option<(u64, Fault)>,
    off: bool,
}

impl MemoryFiles {
    pub(in crate::store) fn fail_at(&self, operation: u64, fault: Fault) {
        let mut contents = self.lock();
        contents.fault = Some((contents.operations + operation, fault));
    }

    pub(in crate::store) fn operations(&self) -> u64 {
        self.lock().operations
    }

    /// The folder after a power cut: `random` decides what became of what was not synced.
    pub(in crate::store) fn after_power_cut(&self, mut random: impl FnMut(usize) -> usize) -> Self {
        let contents = self.lock();
        // Some of the changes of names have come to disk, the first ones.
        let names = match random(contents.unsynced.len() + 1) {
            0 => &contents.synced,
            count => &contents.unsynced[count - 1],
        };
        let mut after = BTreeMap::new();
        for (name, file) in names {
            let file = file.lock().unwrap();
            let mut bytes = file.synced.clone();
            if file.now.len() > bytes.len() {
                let kept = random(file.now.len() - bytes.len() + 1);
                bytes.extend_from_slice(&file.now[bytes.len()..][..kept]);
                // What was not written reads as nothing, most often.
                if random(2) == 0 {
                    bytes.resize(file.now.len(), 0);
                }
            }
            after.insert(name.clone(), Arc::new(Mutex::new(File { now: bytes.clone(), synced: bytes })));
        }
        let contents = Contents { now: after.clone(), synced: after, ..Contents::default() };
        Self(Arc::new(Mutex::new(contents)))
    }

    pub(in crate::store) fn names(&self) -> Vec<String> {
        self.lock().now.keys().cloned().collect()
    }

    pub(in crate::store) fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        self.lock().now.get(name).map(|file| file.lock().unwrap().now.clone())
    }

    pub(in crate::store) fn set(&self, name: &str, bytes: Vec<u8>) {
        let file = Arc::new(Mutex::new(File { now: bytes.clone(), synced: bytes }));
        let mut contents = self.lock();
        contents.now.insert(name.to_owned(), file.clone());
        contents.synced.insert(name.to_owned(), file);
    }

    fn lock(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    fn operation(&self) -> io::Result<MutexGuard<'_, Contents>> {
        let mut contents = self.lock();
        contents.operations += 1;
        let now = contents.operations;
        match contents.fault {
            _ if contents.off => {}
            Some((at, Fault::Error)) if at == now => {}
            Some((at, Fault::PowerCut)) if at == now => contents.off = true,
            _ => return Ok(contents),
        }
        Err(io::Error::other("the disk does not want to"))
    }

    fn change(&self, change: impl FnOnce(&mut BTreeMap<String, Bytes>) -> io::Result<()>) -> io::Result<()> {
        let mut contents = self.operation()?;
        change(&mut contents.now)?;
        let now = contents.now.clone();
        contents.unsynced.push(now);
        Ok(())
    }
}

struct Writing {
    files: MemoryFiles,
    file: Bytes,
}

impl Write for Writing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _contents = self.files.operation()?;
        self.file.lock().unwrap().now.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Out for Writing {
    fn sync(&mut self) -> io::Result<()> {
        let _contents = self.files.operation()?;
        let mut file = self.file.lock().unwrap();
        file.synced = file.now.clone();
        Ok(())
    }
}

impl Files for MemoryFiles {
    fn create(&self, name: &str) -> io::Result<Box<dyn Out>> {
        let file = Bytes::default();
        self.change(|names| {
            names.insert(name.to_owned(), file.clone());
            Ok(())
        })?;
        Ok(Box::new(Writing { files: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn In>> {
        let bytes = self.bytes(name).ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(Cursor::new(bytes)))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let length = |file: &Bytes| file.lock().unwrap().now.len() as u64;
        Ok(self.lock().now.iter().map(|(name, file)| (name.clone(), length(file))).collect())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.change(|names| {
            let file = names.remove(from).ok_or(io::ErrorKind::NotFound)?;
            names.insert(to.to_owned(), file);
            Ok(())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.change(|names| names.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into()))
    }

    fn sync(&self) -> io::Result<()> {
        let mut contents = self.operation()?;
        contents.synced = contents.now.clone();
        contents.unsynced.clear();
        Ok(())
    }
}
