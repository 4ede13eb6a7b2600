//! A broker in a process of its own, and what processes use: CPU and memory, as /proc tells.

use std::collections::HashMap;
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Of what /proc counts CPU in. It is 100 on every Linux that people run.
const TICKS_PER_S: f64 = 100.0;

/// How long a broker may take to listen.
const START_TIMEOUT: Duration = Duration::from_secs(10);

/// A process that ends with this value.
pub struct Process(Child);

impl Process {
    /// Starts it, without a word on the terminal.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("cannot start {:?}", command.get_program()))?))
    }

    /// Waits until it listens at `port`.
    pub fn listens(&mut self, port: u16) -> Result<()> {
        self.comes_to(|| TcpStream::connect(("127.0.0.1", port)).ok()).map(drop)
    }

    /// Waits until it has done something.
    pub fn comes_to<T>(&mut self, done: impl Fn() -> Option<T>) -> Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(done) = done() {
                return Ok(done);
            }
            if let Some(status) = self.0.try_wait()? {
                bail!("the broker ended at once: {status}");
            }
            if begun.elapsed() > START_TIMEOUT {
                bail!("the broker does not listen");
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Tells it to end, and waits until it has.
    pub fn terminate(&mut self) -> Result<()> {
        let id = nix::unistd::Pid::from_raw(i32::try_from(self.0.id())?);
        nix::sys::signal::kill(id, nix::sys::signal::Signal::SIGTERM)?;
        self.0.wait()?;
        Ok(())
    }

    /// What it sent to the disk so far.
    pub fn written_bytes(&self) -> Result<f64> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.0.id()))?;
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).context("no write_bytes")?;
        Ok(line.trim().parse()?)
    }

    pub fn usage(&self) -> Result<Usage> {
        Usage::of(&self.0.id().to_string())
    }

    /// Resident memory.
    pub fn rss_mib(&self) -> Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
        Ok(line.trim_end_matches("kB").trim().parse::<f64>()? / 1024.0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// CPU seconds since a process began.
pub struct Usage {
    pub total_s: f64,
    by_thread: HashMap<String, f64>,
}

impl Usage {
    pub fn of_this_process() -> Result<Self> {
        Self::of("self")
    }

    fn of(process: &str) -> Result<Self> {
        let mut by_thread = HashMap::new();
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let thread = thread?;
            // A thread may have ended just now.
            if let Ok(seconds) = cpu_s(&thread.path().join("stat")) {
                by_thread.insert(thread.file_name().to_string_lossy().into_owned(), seconds);
            }
        }
        Ok(Self { total_s: cpu_s(format!("/proc/{process}/stat").as_ref())?, by_thread })
    }

    /// What its busiest thread used since `before`.
    pub fn busiest_thread_since_s(&self, before: &Self) -> f64 {
        let used = |(thread, now): (&String, &f64)| now - before.by_thread.get(thread).unwrap_or(&0.0);
        self.by_thread.iter().map(used).fold(0.0, f64::max)
    }
}

fn cpu_s(stat: &std::path::Path) -> Result<f64> {
    let stat = std::fs::read_to_string(stat)?;
    // After the name, which may hold anything, in brackets: state is field 3, utime and stime are 14 and 15.
    let fields = stat.rsplit_once(')').context("no name in stat")?.1.split_whitespace();
    let ticks = fields.skip(11).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS_PER_S)
}

/// The time that all of the machine's cores together had nothing to do.
pub fn machine_idle_s() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/stat")?;
    // "cpu user nice system idle iowait …"
    let fields = stat.lines().next().context("no cpu in /proc/stat")?.split_whitespace();
    let ticks = fields.skip(4).take(2).map(str::parse::<f64>).sum::<Result<f64, _>>()?;
    Ok(ticks / TICKS_PER_S)
}

/// A port that nobody has just now.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
