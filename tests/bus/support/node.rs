//! Node with its `zeromq`, and packages of npm, each installed below target/ when it is missing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::process::{Process, install};

/// What is installed for scripts: it brings its own libzmq, already built.
const ZEROMQ: &str = "zeromq@6.8.0";

/// What to say where it fails.
const NEEDS: &str = "these tests use packages of npm and need node, npm and the package registry";

/// Starts a script.
pub fn script(path: &Path, arguments: &[&str]) -> Process {
    let mut command = Command::new("node");
    command.arg(path).args(arguments).env("NODE_PATH", modules(ZEROMQ));
    Process::start("node", &mut command)
}

/// The folder of modules with this package, named with its version. Where it cannot be made, the test fails and says why.
pub fn modules(package: &str) -> PathBuf {
    static MODULES: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut modules = MODULES.lock().unwrap_or_else(PoisonError::into_inner);
    modules.entry(package.to_owned()).or_insert_with(|| installed(package)).clone()
}

fn installed(package: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the test knows where it is");
    let target = this.ancestors().nth(3).expect("target/<profile>/deps/<test>");
    let node = target.join("node");
    let folder = node.join(package);
    if !folder.exists() {
        // Moved to its place when it is whole: another run of the tests may be doing the same.
        let unfinished = node.join(format!("unfinished-{}", std::process::id()));
        install(&mut npm(&unfinished, package), NEEDS);
        if let Err(error) = std::fs::rename(&unfinished, &folder) {
            assert!(folder.exists(), "{} cannot be made: {error}", folder.display());
            std::fs::remove_dir_all(&unfinished).expect("a folder can be removed");
        }
    }
    folder.join("node_modules")
}

/// Without scripts, so that nothing is compiled where the library that comes with the package does not fit.
fn npm(folder: &Path, package: &str) -> Command {
    let mut command = Command::new("npm");
    command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"]);
    command.arg(folder).arg(package);
    command
}
