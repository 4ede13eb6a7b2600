//! Python with the unmodified thingsbus 0.2.1 of 2015, in a virtual environment that is made when it is missing.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::process::{Process, install};
use super::{Doors, free_ports};

/// The scripts' folder.
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bus/python");

/// Starts a script of tests/bus/python.
pub fn script(name: &str, arguments: &[&str]) -> Process {
    python(name, Command::new(interpreter()).arg(Path::new(SCRIPTS).join(name)).args(arguments))
}

/// Starts a module, as `python -m` does.
pub fn module(name: &str, arguments: &[&str]) -> Process {
    python(name, Command::new(interpreter()).args(["-m", name]).args(arguments))
}

/// Starts a script that is given here.
pub fn code(name: &str, text: &str, arguments: &[&str]) -> Process {
    python(name, Command::new(interpreter()).args(["-c", text]).args(arguments))
}

fn python(name: &str, command: &mut Command) -> Process {
    Process::start(name, command.env("PYTHONUNBUFFERED", "1").env("PYTHONIOENCODING", "utf-8"))
}

/// 0.2.1's own broker, on four ports of its own in the order of ours. It has no query door: nobody is at that port.
pub fn old_broker(snapshot_every_s: u32) -> (Process, Doors) {
    let port = free_ports();
    let doors = Doors::at("127.0.0.1".parse().expect("an address"), port);
    let mut process = script(
        "old_broker.py",
        &[&doors.clients_url(), &doors.input_url(), &(port + 1).to_string(), &snapshot_every_s.to_string()],
    );
    process.find("running");
    (process, doors)
}

/// What to say where it fails.
const NEEDS: &str =
    "these tests run programs in Python and need python3 with venv and pip, and the package index";

/// The Python of 0.2.1's environment.
fn interpreter() -> &'static Path {
    static INTERPRETER: OnceLock<PathBuf> = OnceLock::new();
    INTERPRETER.get_or_init(|| environment("peers").join("bin/python"))
}

/// schemathesis, which tries a door by its own description.
pub fn schemathesis() -> PathBuf {
    environment("schemathesis").join("bin/schemathesis")
}

/// The folder of an environment. Where it cannot be made, the test fails and says why.
fn environment(which: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the test knows where it is");
    let folder = this.ancestors().nth(3).expect("target/<profile>/deps/<test>").join(which);
    let mut command = Command::new("python3");
    command.arg(Path::new(SCRIPTS).join("make_environment.py")).arg(&folder).arg(which);
    install(&mut command, NEEDS);
    folder
}
