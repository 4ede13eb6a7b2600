//! Lists the files of the web door's page, so that the broker's program holds whatever is in that folder.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// The folder, from the crate's.
const PAGE: &str = "src/door/web/page";

fn main() -> io::Result<()> {
    // What is below a folder belongs to it: a new file is seen as a changed one is.
    println!("cargo::rerun-if-changed={PAGE}");
    let variable = |name: &str| std::env::var_os(name).ok_or_else(|| io::Error::other(name.to_owned()));
    let folder = Path::new(&variable("CARGO_MANIFEST_DIR")?).join(PAGE);
    let mut files = Vec::new();
    list(&folder, "", &mut files)?;
    files.sort_unstable();
    let mut out = fs::File::create(Path::new(&variable("OUT_DIR")?).join("page.rs"))?;
    writeln!(out, "&[")?;
    for name in files {
        writeln!(out, "({name:?}, include_bytes!({:?}).as_slice()),", folder.join(&name))?;
    }
    writeln!(out, "]")
}

/// The names of all files, with slashes between folders.
fn list(folder: &Path, prefix: &str, names: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let file =
            file.to_str().ok_or_else(|| io::Error::other(format!("{file:?} is no name for a page")))?;
        let name = format!("{prefix}{file}");
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{name}/"), names)?;
        } else {
            names.push(name);
        }
    }
    Ok(())
}
