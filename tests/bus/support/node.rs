//! Node with its `zeromq`, which is installed below target/ when it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::process::{Process, install};

/// What is installed: it brings its own libzmq, already built.
const PACKAGE: &str = "zeromq@6.8.0";

/// What to say where it fails.
const NEEDS: &str = "these tests run Node's zeromq and need node, npm and the package registry";

/// Starts a script.
pub fn script(path: &Path, arguments: &[&str]) -> Process {
    let mut command = Command::new("node");
    command.arg(path).args(arguments).env("NODE_PATH", modules());
    Process::start("node", &mut command)
}

/// The folder of installed modules. Where it cannot be made, the test fails and says why.
fn modules() -> &'static Path {
    static MODULES: OnceLock<PathBuf> = OnceLock::new();
    MODULES.get_or_init(|| {
        let this = std::env::current_exe().expect("the test knows where it is");
        let target = this.ancestors().nth(3).expect("target/<profile>/deps/<test>");
        let node = target.join("node");
        let folder = node.join(PACKAGE);
        if !folder.exists() {
            // Moved to its place when it is whole: another run of the tests may be doing the same.
            let unfinished = node.join(format!("unfinished-{}", std::process::id()));
            install(&mut npm(&unfinished), NEEDS);
            if let Err(error) = std::fs::rename(&unfinished, &folder) {
                assert!(folder.exists(), "{} cannot be made: {error}", folder.display());
                std::fs::remove_dir_all(&unfinished).expect("a folder can be removed");
            }
        }
        folder.join("node_modules")
    })
}

/// Without scripts, so that nothing is compiled where the library that comes with the package does not fit.
fn npm(folder: &Path) -> Command {
    let mut command = Command::new("npm");
    command.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--prefix"]);
    command.arg(folder).arg(PACKAGE);
    command
}
