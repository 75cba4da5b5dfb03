//! What the measurements were made on.

use crate::shell;
use std::fs;
use std::process::Command;

/// One line for a report: processor, cores, memory, compiler, commit.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned());
    let memory =
        field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok()).map_or(0, |kib| kib / 1_048_576);
    let rustc = first_line(Command::new("rustc").arg("--version"));
    let commit = first_line(Command::new("git").args(["describe", "--always", "--dirty"]));
    format!("{cores} cores, {cpu}, {memory} GiB, {rustc}, commit {commit}")
}

/// Whether a process still runs (one that ended but was not waited for does not).
pub fn is_alive(process: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Processor time a process has used so far, in microseconds (the kernel counts in ticks of 10 ms).
pub fn cpu_micros(process: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in brackets and may contain spaces: count from its end.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some((user + system) * 10_000)
}

/// The memory a process holds now, in MiB.
pub fn memory(process: u32) -> Option<u64> {
    let text = field(&format!("/proc/{process}/status"), "VmRSS")?;
    text.split(' ').next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The most memory a process ever held, in MiB.
pub fn peak_memory(process: u32) -> Option<u64> {
    let text = field(&format!("/proc/{process}/status"), "VmHWM")?;
    text.split(' ').next()?.parse::<u64>().ok().map(|kib| kib / 1024)
}

/// The value of the first `name: value` line of a file of the kernel's.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn first_line(command: &mut Command) -> String {
    shell::capture(command).ok().and_then(|text| text.lines().next().map(str::to_owned)).unwrap_or_else(|| "unknown".to_owned())
}
