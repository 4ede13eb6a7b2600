//! `thingsbus adapt exec`: what a command prints, now and then.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use thingsbus_adaptor::Target;
use thingsbus_adaptor::wire::limits::MESSAGE_BYTES_MAX;
use thingsbus_adaptor::wire::{Namespace, Rejected, Update};

use super::complaints::Complaint;
use super::outlet::Outlet;
use crate::args::{Global, duration};
use crate::broker::chosen;
use crate::failure::Failure;
use crate::json;
use crate::numbers::seconds_text;
use crate::send::{Ack, now, parse_thing};

/// Run a command now and then, and send what it prints
///
/// What it prints is sent as JSON where it is that, else as text. Runs never overlap: what takes longer than --every
/// is run again at the next time that is due. A run that fails, prints nothing or takes too long is told on standard
/// error, and the next one is tried.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: thingsbus adapt exec --ns shop.load --every 5s -- cut -d' ' -f1 /proc/loadavg"
)]
pub(crate) struct Options {
    /// The thing whose value it prints
    #[arg(long, value_parser = parse_thing)]
    ns: Namespace,
    /// From the beginning of one run to that of the next
    #[arg(short, long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    every: Duration,
    /// A run that takes longer is ended
    #[arg(short, long, value_name = "TIME", default_value = "30s", value_parser = duration)]
    limit: Duration,
    /// Where the values are explained
    #[arg(short = 'd', long = "doc", visible_alias = "documentation", value_name = "URL")]
    documentation_url: Option<String>,
    /// Send each again until the broker says that it has it in its directory, or on its disk
    #[arg(long, value_name = "LEVEL")]
    ack: Option<Ack>,
    /// In datagrams, which without --ack may be lost and nobody knows
    #[arg(long)]
    udp: bool,
    /// The command and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// How often is looked whether a command has ended that has ended its output before.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// After the command is gone, what it printed may take so long to be read.
const READ_TIME: Duration = Duration::from_secs(1);

/// Runs follow each other no faster than this.
const EVERY_MIN: Duration = Duration::from_millis(10);

pub(crate) fn run(options: Options, global: &Global) -> Result<(), Failure> {
    let broker = chosen(global)?;
    let target = if options.udp { Target::Udp(broker) } else { Target::Zmq(broker) };
    Update::new(&options.ns, None, "null", options.documentation_url.as_deref()).map_err(Failure::usage)?;
    let outlet = Outlet::new(target, options.ack, global)?;
    let running = Running::default();
    #[cfg(unix)]
    {
        let running = running.clone();
        super::stop::on_signal(&outlet, move || running.end_for_good());
    }
    let every = options.every.max(EVERY_MIN);
    let mut due = Instant::now();
    loop {
        run_once(&options, &running, &outlet);
        due += every;
        let now = Instant::now();
        if due < now {
            // What was due while the command ran is not made up for.
            let late = now.duration_since(due).as_nanos() / every.as_nanos().max(1) + 1;
            due += every.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX));
        }
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn run_once(options: &Options, running: &Running, outlet: &Outlet) {
    let printed = match running.run(&options.command, options.limit) {
        Ok(printed) => printed,
        Err(complaint) => return outlet.complain(complaint),
    };
    let Some(data) = value(&printed) else {
        return outlet.complain(Complaint::new("the command prints nothing", ""));
    };
    let sent = data.and_then(|data| {
        let url = options.documentation_url.as_deref();
        outlet.send(&Update::new(&options.ns, Some(now()), &data, url)?);
        Ok(())
    });
    if let Err(why) = sent {
        outlet.complain(Complaint::new(why.to_string(), ""));
    }
}

/// What was printed, as JSON: as it is where it is that, else as text. `None` where nothing was.
fn value(printed: &[u8]) -> Option<Result<String, Rejected>> {
    if printed.trim_ascii().is_empty() {
        return None;
    }
    if printed.len() > MESSAGE_BYTES_MAX {
        return Some(Err(Rejected::TooLong));
    }
    Some(match json::checked(printed) {
        Ok((json, _)) => Ok(json),
        Err(Rejected::NotJson) => {
            std::str::from_utf8(printed).map(|text| json::string(text.trim())).map_err(|_| Rejected::NotUtf8)
        }
        Err(why) => Err(why),
    })
}

/// The command that runs now, so that it can be ended from elsewhere.
#[derive(Clone, Default)]
struct Running {
    child: Arc<Mutex<Option<Child>>>,
}

impl Running {
    /// Runs the command and gives what it printed.
    fn run(&self, command: &[String], limit: Duration) -> Result<Vec<u8>, Complaint> {
        let printed = self.start(command)?;
        let deadline = Instant::now() + limit;
        let mut output = None;
        let status = loop {
            if let Some(status) = self.status() {
                break status;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                end(self.child().take());
                let what = format!("the command took longer than {} and was ended", seconds_text(limit));
                return Err(Complaint::new(what, ""));
            }
            // It ends its output when it ends, most often.
            match printed.recv_timeout(left.min(LOOK_EVERY)) {
                Ok(read) => output = Some(read),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        if !status.success() {
            return Err(Complaint::new("the command fails", describe(status)));
        }
        // What it left running may hold its output open.
        let output = output.or_else(|| printed.recv_timeout(READ_TIME).ok());
        output.ok_or_else(|| Complaint::new("what the command started holds its output open", ""))
    }

    /// Starts it; what it prints comes by the receiver when it has ended its output.
    fn start(&self, command: &[String]) -> Result<mpsc::Receiver<Vec<u8>>, Complaint> {
        let failed =
            |error: std::io::Error| Complaint::new("the command cannot be started", error.to_string());
        let (program, arguments) =
            command.split_first().ok_or_else(|| failed(std::io::ErrorKind::NotFound.into()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = self.child();
        let mut started = command.spawn().map_err(failed)?;
        let stdout = started.stdout.take();
        *child = Some(started);
        drop(child);
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new().name("thingsbus-exec".to_owned());
        let reader = thread.spawn(move || {
            let mut output = Vec::new();
            // One byte more than a message may have is enough to know.
            let limit = MESSAGE_BYTES_MAX as u64 + 1;
            let read = stdout.map(|stdout| stdout.take(limit).read_to_end(&mut output));
            // Where nobody waits for it any more it is not needed.
            let _ = read.map(|_| sender.send(output));
        });
        match reader {
            Ok(_) => Ok(receiver),
            Err(error) => {
                end(self.child().take());
                Err(failed(error))
            }
        }
    }

    /// How it ended, if it has.
    fn status(&self) -> Option<ExitStatus> {
        let mut child = self.child();
        let ended = match child.as_mut().map(Child::try_wait) {
            Some(Ok(None)) => return None,
            Some(Ok(Some(status))) => status,
            Some(Err(_)) | None => ExitStatus::default(),
        };
        *child = None;
        Some(ended)
    }

    /// Ends it, and what it started; nothing is run any more.
    #[cfg(unix)]
    fn end_for_good(&self) {
        let mut child = self.child();
        end(child.take());
        // Who runs commands waits for this from now on.
        std::mem::forget(child);
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a command, and what it started.
fn end(child: Option<Child>) {
    let Some(mut child) = child else { return };
    #[cfg(unix)]
    {
        // The group is its own. The shell has a `kill` that knows groups; the standard library has none.
        let group = format!("-{}", child.id());
        let _ = Command::new("sh").args(["-c", "kill -KILL \"$1\"", "sh", &group]).status();
    }
    // Both fail where it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// `exit code 3`, or the signal.
fn describe(status: ExitStatus) -> String {
    status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_json_or_text() {
        let check = |printed: &str, wanted: Option<&str>| {
            assert_eq!(value(printed.as_bytes()), wanted.map(|wanted| Ok(wanted.to_owned())), "{printed}");
        };
        check("21.5\n", Some("21.5"));
        check("{\n \"a\": 1\n}\n", Some("{ \"a\": 1}"));
        check("up 3 days\n", Some("\"up 3 days\""));
        check("007", Some("\"007\""));
        check("two\nlines\n", Some("\"two\\nlines\""));
        check(" \n", None);
        assert_eq!(value(b"\xff"), Some(Err(Rejected::NotUtf8)));
        assert_eq!(value(&vec![b'x'; MESSAGE_BYTES_MAX + 1]), Some(Err(Rejected::TooLong)));
    }

    #[cfg(unix)]
    #[test]
    fn a_command_prints_fails_or_takes_too_long() {
        let check = |script: &str, limit_ms, wanted: Result<&str, &str>| {
            let command = ["sh", "-c", script].map(str::to_owned);
            let result = Running::default().run(&command, Duration::from_millis(limit_ms));
            match wanted {
                Ok(printed) => assert_eq!(result.unwrap(), printed.as_bytes()),
                Err(kind) => assert_eq!(result.unwrap_err().kind, kind),
            }
        };
        check("echo 5", 10_000, Ok("5\n"));
        check("echo 5; exec >&-; sleep 0.1", 10_000, Ok("5\n"));
        check("echo 5; exit 3", 10_000, Err("the command fails"));
        check("kill -KILL $$", 10_000, Err("the command fails"));
        let since = Instant::now();
        check("sleep 60; echo 5", 200, Err("the command took longer than 0.2 s and was ended"));
        assert!(since.elapsed() < Duration::from_secs(30));
        let command = ["/nowhere/at-all".to_owned()];
        let error = Running::default().run(&command, Duration::from_secs(1)).unwrap_err();
        assert_eq!(error.kind, "the command cannot be started");
    }
}
