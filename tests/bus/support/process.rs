//! A child process: its lines, its end. It is killed by its own id when it is dropped.

use std::io::Write;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use super::lines::Lines;
use super::wait::{PATIENCE, within};

/// Runs what installs something that tests need; where it does not succeed, the test fails with `needs` and what it said.
pub fn install(command: &mut Command, needs: &str) {
    let output = command.output().unwrap_or_else(|error| panic!("{needs}: {command:?}: {error}"));
    assert!(
        output.status.success(),
        "{needs}: {command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
}

/// A running child of this test.
pub struct Process {
    child: Child,
    name: String,
    pub stdout: Lines,
    pub stderr: Lines,
}

impl Process {
    /// Starts `command` with all three streams connected to this test.
    pub fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child =
            command.spawn().unwrap_or_else(|error| panic!("{name} cannot be started: {error}: {command:?}"));
        let stdout = Lines::of(child.stdout.take().expect("a pipe"));
        let stderr = Lines::of(child.stderr.take().expect("a pipe"));
        Self { child, name: name.to_owned(), stdout, stderr }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its standard input.
    pub fn write_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        if let Err(error) = writeln!(stdin, "{line}").and_then(|()| stdin.flush()) {
            panic!("{} takes no line: {error}\n{}", self.name, self.said());
        }
    }

    /// Ends its standard input.
    pub fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// The next line of its standard output; panics where none comes.
    pub fn line(&mut self) -> String {
        let line = self.stdout.next_within(PATIENCE);
        line.unwrap_or_else(|| panic!("{} prints no further line\n{}", self.name, self.said()))
    }

    /// Passes over the lines of its standard output until `part` stands in one.
    pub fn find(&mut self, part: &str) -> String {
        let line = self.stdout.find(part);
        line.unwrap_or_else(|| panic!("{} prints no line with {part:?}\n{}", self.name, self.said()))
    }

    /// The same with its standard error.
    pub fn find_error(&mut self, part: &str) -> String {
        let line = self.stderr.find(part);
        line.unwrap_or_else(|| panic!("{} prints no error line with {part:?}\n{}", self.name, self.said()))
    }

    /// Sends it a signal: `TERM`, `HUP`. It is our child and not waited for yet, so its id is its own.
    pub fn signal(&self, signal: &str) {
        let status = Command::new("kill").arg(format!("-{signal}")).arg(self.id().to_string()).status();
        assert!(status.expect("kill can be run").success(), "{} is gone\n{}", self.name, self.said());
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        self.wait_within(PATIENCE)
            .unwrap_or_else(|| panic!("{} ran on for {PATIENCE:?}\n{}", self.name, self.said()))
    }

    pub fn wait_within(&mut self, time: Duration) -> Option<ExitStatus> {
        within(time, || self.child.try_wait().expect("a child can be waited for"))
    }

    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// What it printed, for messages.
    pub fn said(&self) -> String {
        let [out, err] = [&self.stdout, &self.stderr].map(|lines| lines.so_far().join("\n"));
        format!("--- its standard output:\n{out}\n--- its standard error:\n{err}")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail where it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
