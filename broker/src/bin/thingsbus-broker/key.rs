//! `thingsbus-broker key`: makes, lists and revokes access keys.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use thingsbus_adaptor::wire::Namespace;
use thingsbus_broker::{AccessKey, AccessKeys, Config, KeysError};

use crate::args::Key;

/// Does it; says on standard error what was done, so that standard output has the key and nothing else.
pub(crate) fn run(command: &Key, config: &Config) -> ExitCode {
    let Some(path) = AccessKeys::place(config) else {
        eprintln!(
            "thingsbus-broker: there is no data folder for access keys: --data FOLDER or --set web.keys=FILE names a place"
        );
        return ExitCode::from(super::EXIT_USAGE);
    };
    let done = match command {
        Key::Add { name, read, write } => add(&path, name, read, write),
        Key::List => list(&path),
        Key::Revoke { name } => revoke(&path, name),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error @ (KeysError::Write { .. } | KeysError::NoRandomness)) => super::fail(1, &error),
        Err(error) => super::fail(super::EXIT_USAGE, &error),
    }
}

fn add(path: &Path, name: &str, read: &[String], write: &[String]) -> Result<(), KeysError> {
    let everything = [String::new()];
    let read = if read.is_empty() && write.is_empty() { &everything } else { read };
    let (key, opens) = AccessKeys::change_file(path, |keys| {
        let key = keys.add(name, read, write, SystemTime::now())?;
        Ok((key, keys.iter().last().map(opens).unwrap_or_default()))
    })?;
    if let Err(source) = writeln!(std::io::stdout(), "{key}") {
        // Nobody has it, and nobody ever could.
        AccessKeys::change_file(path, |keys| keys.revoke(name))?;
        return Err(KeysError::Write { path: "standard output".into(), source });
    }
    eprintln!("made the key {name:?} in {}: {opens}", path.display());
    eprintln!("It is shown this once. It goes into a header: curl -H \"Access-Key: tb_…\"");
    Ok(())
}

fn list(path: &Path) -> Result<(), KeysError> {
    let keys = AccessKeys::read_file(path)?;
    if keys.is_empty() {
        eprintln!("there are no keys in {}", path.display());
        return Ok(());
    }
    let width = keys.iter().map(|key| key.name().len()).max().unwrap_or_default();
    let mut table = String::new();
    for key in keys.iter() {
        table += &format!("{:width$}  {}  {}\n", key.name(), key.created(), opens(key));
    }
    // Who reads no further has seen enough.
    let _ = std::io::stdout().write_all(table.as_bytes());
    Ok(())
}

fn revoke(path: &Path, name: &str) -> Result<(), KeysError> {
    let revoked = AccessKeys::change_file(path, |keys| keys.revoke(name))?;
    eprintln!("revoked the key {:?} in {}", revoked.name(), path.display());
    Ok(())
}

/// `reads shop and lab.north, writes nothing`.
fn opens(key: &AccessKey) -> String {
    let names = |prefixes: &[Namespace]| {
        let names = prefixes.iter().map(ToString::to_string);
        let names = names.map(|name: String| if name.is_empty() { "everything".to_owned() } else { name });
        let names: Vec<String> = names.collect();
        if names.is_empty() { "nothing".to_owned() } else { names.join(" and ") }
    };
    format!("reads {}, writes {}", names(key.read()), names(key.write()))
}
