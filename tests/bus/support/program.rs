//! The programs of this workspace, as they are built now.

use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::process::Process;
use super::scratch::ScratchFolder;
use super::wait::until;
use super::{Doors, peers};

/// The variable by which a broker is told to keep nothing on disk.
pub const NO_STORE: &str = "THINGSBUS_STORE__DATA";

/// The program of this name, built once in a run of the tests.
pub fn program(name: &str) -> Command {
    built("--bin", name)
}

/// The same with an example.
pub fn example(name: &str) -> Command {
    built("--example", name)
}

fn built(kind: &str, name: &str) -> Command {
    static BUILT: Mutex<BTreeMap<String, PathBuf>> = Mutex::new(BTreeMap::new());
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let mut command = Command::new(built.entry(name.to_owned()).or_insert_with(|| build(kind, name)));
    // What the one who runs the tests has set is not for the tested.
    for (variable, _) in std::env::vars_os() {
        if variable.to_string_lossy().starts_with("THINGSBUS_") {
            command.env_remove(variable);
        }
    }
    // Nor is this user's own data folder, which many brokers could not share anyway.
    command.env(NO_STORE, "none");
    command
}

/// Runs a program that ends by itself.
pub fn run(name: &str, arguments: &[&str]) -> Ended {
    Ended::of(program(name).args(arguments))
}

/// Builds a program as this test was built, with the features that the whole workspace asks for.
fn build(kind: &str, name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("the test knows where it is");
    let folder = this.ancestors().nth(2).expect("target/<profile>/deps/<test>").to_owned();
    let mut command = Command::new(env!("CARGO"));
    command.args(["build", "--quiet", "--workspace", kind, name]).current_dir(env!("CARGO_MANIFEST_DIR"));
    command.arg("--target-dir").arg(folder.parent().expect("target"));
    match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => {}
        Some(profile) => drop(command.args(["--profile", profile])),
    }
    let output = command.output().expect("cargo can be run");
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    if kind == "--example" { folder.join("examples").join(name) } else { folder.join(name) }
}

/// What a program that has ended left.
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(command: &mut Command) -> Self {
        let mut process = Process::start("the program", command);
        process.close_input();
        let code = process.wait().code();
        let [stdout, stderr] =
            [&mut process.stdout, &mut process.stderr].map(|lines| lines.drain().join("\n"));
        Self { code, stdout, stderr }
    }
}

/// `thingsbus-broker`, running, on ports that the system chose.
pub struct BrokerProgram {
    process: Process,
    doors: Doors,
    _folder: ScratchFolder,
}

impl BrokerProgram {
    /// At 127.0.0.1 with these flags besides.
    pub fn start(flags: &[&str]) -> Self {
        Self::start_command(
            program("thingsbus-broker").args(["--bind", "127.0.0.1"]).args(flags),
            "127.0.0.1",
        )
    }

    /// From a command to which only port and ports file are added; `host` is where it is looked for.
    pub fn start_command(command: &mut Command, host: &str) -> Self {
        let folder = ScratchFolder::new();
        let file = folder.path("ports.json");
        let mut process =
            Process::start("thingsbus-broker", command.args(["--port", "0", "--ports-file"]).arg(&file));
        let port = clients_port(&file, &mut process);
        let doors = Doors::at(host.parse().expect("an address"), port);
        Self { process, doors, _folder: folder }
    }

    /// How much memory it holds, in KiB, and how much it held at the most.
    #[cfg(target_os = "linux")]
    pub fn memory_kib(&self) -> (u64, u64) {
        memory_kib(self.process.id())
    }
}

/// The same of any program that runs, by its id.
#[cfg(target_os = "linux")]
pub fn memory_kib(id: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("it runs");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a field of /proc");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// Waits for the ports file, which is there at once and whole, or for the program's end.
fn clients_port(file: &Path, process: &mut Process) -> u16 {
    let ports = until("the ports file", || {
        assert!(process.is_running() || file.exists(), "it did not start\n{}", process.said());
        std::fs::read(file).ok()
    });
    let ports = peers::parse(&ports);
    assert_eq!(ports["pid"], process.id());
    ports["clients"].as_u64().and_then(|port| u16::try_from(port).ok()).expect("the clients' port")
}

impl Deref for BrokerProgram {
    type Target = Process;

    fn deref(&self) -> &Process {
        &self.process
    }
}

impl DerefMut for BrokerProgram {
    fn deref_mut(&mut self) -> &mut Process {
        &mut self.process
    }
}

impl BrokerProgram {
    pub fn doors(&self) -> Doors {
        self.doors
    }
}
