//! The files of one folder, by their names: a trait, so that a disk can be tried that fails and loses its power.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
pub(in crate::store) trait Out: Write + Send {
    /// What was written is there after a power cut when this is back.
    fn sync(&mut self) -> io::Result<()>;
}

/// A file that is being read.
pub(in crate::store) trait In: Read + Seek + Send {}
impl<T: Read + Seek + Send> In for T {}

/// A folder's files.
pub(in crate::store) trait Files: Send + Sync {
    /// Makes an empty file, in place of one that is there.
    fn create(&self, name: &str) -> io::Result<Box<dyn Out>>;
    fn open(&self, name: &str) -> io::Result<Box<dyn In>>;
    /// Names and lengths.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names are as they are now after a power cut when this is back.
    fn sync(&self) -> io::Result<()>;
}

/// A folder of this system, which is made when the first file is.
#[derive(Debug)]
pub(in crate::store) struct SystemFiles {
    path: PathBuf,
}

impl SystemFiles {
    pub(in crate::store) fn at(path: PathBuf) -> Self {
        Self { path }
    }
}

impl Out for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_all()
    }
}

impl Files for SystemFiles {
    fn create(&self, name: &str) -> io::Result<Box<dyn Out>> {
        if !self.path.exists() {
            fs::create_dir_all(&self.path)?;
            sync_folder(self.path.parent().unwrap_or(&self.path))?;
        }
        Ok(Box::new(File::create(self.path.join(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn In>> {
        Ok(Box::new(File::open(self.path.join(name))?))
    }

    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            // What has no name that can be written is none of ours.
            if let (Ok(name), Ok(about)) = (entry.file_name().into_string(), entry.metadata())
                && about.is_file()
            {
                files.push((name, about.len()));
            }
        }
        Ok(files)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path.join(from), self.path.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path.join(name))
    }

    fn sync(&self) -> io::Result<()> {
        sync_folder(&self.path)
    }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
