//! What Linux tells in `/proc` of processes, threads and the machine. Elsewhere nothing is told.

use std::fs;
use std::time::Duration;

/// A process or a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    /// The first 15 bytes of its name.
    pub(super) name: String,
    /// What it has computed, in its own code and in the kernel.
    pub(super) cpu: Duration,
}

/// A process.
pub(super) fn process(pid: u32) -> Option<Stat> {
    stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// The threads of this process, by their ids.
pub(super) fn threads() -> Vec<(u32, Stat)> {
    let folder = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let thread = |entry: fs::DirEntry| {
        let id = entry.file_name().to_str()?.parse().ok()?;
        Some((id, stat(&fs::read_to_string(entry.path().join("stat")).ok()?)?))
    };
    folder.filter_map(thread).collect()
}

/// The memory that a process holds, and the most that it ever held, in bytes.
pub(super) fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let field = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok().map(|kib: u64| kib * 1024)
    };
    Some((field("VmRSS:")?, field("VmHWM:")?))
}

/// What all cores of the machine have done and could have done, in the same unit.
pub(super) fn machine() -> Option<(u64, u64)> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let fields = text.lines().next()?.strip_prefix("cpu ")?;
    // user, nice, system, idle, iowait, irq, softirq, steal; what follows is counted in user already.
    let times: Vec<u64> = fields.split_whitespace().take(8).filter_map(|time| time.parse().ok()).collect();
    let all: u64 = times.iter().sum();
    let idle: u64 = times.iter().skip(3).take(2).sum();
    Some((all - idle, all))
}

/// Linux tells times to programs in hundredths of a second, whatever the kernel counts in.
const TICK: Duration = Duration::from_millis(10);

/// `4711 (name, which may have spaces) S …`: utime and stime are the 12th and 13th after the name.
fn stat(text: &str) -> Option<Stat> {
    let (head, fields) = text.rsplit_once(") ")?;
    let name = head.split_once('(')?.1.to_owned();
    let mut times = fields.split(' ').skip(11).take(2).map(str::parse::<u32>);
    let ticks = times.next()?.ok()?.saturating_add(times.next()?.ok()?);
    Some(Stat { name, cpu: TICK * ticks })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_stat_is_read() {
        let line = "4711 (a b) c) S 1 4711 4711 0 -1 4194560 1 0 0 0 250 31 0 0 20 0 1 0 123 4096 200";
        let wanted = Stat { name: "a b) c".to_owned(), cpu: Duration::from_millis(2_810) };
        assert_eq!(stat(line), Some(wanted));
        assert_eq!(stat("nonsense"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_found() {
        assert!(process(std::process::id()).is_some());
        assert!(memory(std::process::id()).is_some_and(|(now, most)| 0 < now && now <= most));
        assert!(machine().is_some_and(|(busy, all)| busy <= all));
        assert!(!threads().is_empty());
    }
}
