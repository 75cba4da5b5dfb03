//! Running other programs: each failure says which program, with which arguments, and what it printed.

use crate::cleanup::Cleanup;
use crate::machine;
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long an interrupted command waits for a program it started.
const KILL_LIMIT: Duration = Duration::from_secs(5);

/// Runs a program in the foreground, its output passed through. An unsuccessful end is an error.
pub fn run(command: &mut Command) -> Result<()> {
    if !succeeds(command)? {
        bail!("`{}` failed", line(command));
    }
    Ok(())
}

/// Runs a program in the foreground, its output passed through, and says whether it was successful.
pub fn succeeds(command: &mut Command) -> Result<bool> {
    let mut child = command.spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
    let guard = kill_on_interrupt(child.id());
    let status = child.wait().with_context(|| format!("lost `{}`", line(command)))?;
    guard.disarm();
    Ok(status.success())
}

/// Runs a program silently and returns what it wrote to standard output; an unsuccessful end is an error with all it printed.
pub fn capture(command: &mut Command) -> Result<String> {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
    let guard = kill_on_interrupt(child.id());
    let output = child.wait_with_output().with_context(|| format!("lost `{}`", line(command)))?;
    guard.disarm();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("`{}` failed:\n{}{}", line(command), text, String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

/// Runs a program in the foreground; each line of its standard output is printed and handed to `see`. Says whether it was successful.
pub fn stream(command: &mut Command, mut see: impl FnMut(&str)) -> Result<bool> {
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
    let guard = kill_on_interrupt(child.id());
    let output = child.stdout.take().context("the program has no standard output")?;
    for line in BufReader::new(output).split(b'\n') {
        let bytes = line.context("lost the program's output")?;
        let text = String::from_utf8_lossy(&bytes);
        println!("{text}");
        see(&text);
    }
    let status = child.wait().with_context(|| format!("lost `{}`", line(command)))?;
    guard.disarm();
    Ok(status.success())
}

/// Runs a program silently for at most `limit`; a program that is not done by then is ended and counts as unsuccessful.
pub fn succeeds_within(command: &mut Command, limit: Duration) -> bool {
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() else { return false };
    let started = Instant::now();
    while started.elapsed() < limit {
        match child.try_wait() {
            Ok(Some(status)) => return status.success(),
            Ok(None) => std::thread::sleep(Duration::from_millis(50)),
            Err(_) => return false,
        }
    }
    stop(&mut child);
    false
}

/// A program in the background. It is ended when this is dropped and when the command is interrupted.
pub struct Background {
    child: Child,
    interrupt: Option<Cleanup>,
}

impl Background {
    /// Starts it.
    pub fn start(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot start `{}`", line(command)))?;
        let interrupt = Some(kill_on_interrupt(child.id()));
        Ok(Self { child, interrupt })
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it is still there.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// The next line of its standard output (which must be piped), for programs that print where they listen.
    pub fn first_line(&mut self) -> Result<String> {
        let output = self.child.stdout.take().context("the program's standard output is not piped")?;
        let mut text = String::new();
        BufReader::new(output).read_line(&mut text).context("lost the program's output")?;
        Ok(text.trim().to_owned())
    }

    /// Asks it to end (SIGTERM) and waits up to `limit` before it is killed. Says whether it ended by itself.
    pub fn terminate(mut self, limit: Duration) -> bool {
        signal("TERM", self.child.id());
        let started = Instant::now();
        while started.elapsed() < limit && self.is_running() {
            std::thread::sleep(Duration::from_millis(20));
        }
        !self.is_running()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        stop(&mut self.child);
        if let Some(guard) = self.interrupt.take() {
            guard.disarm();
        }
    }
}

/// Ends a child at once. It may have ended by itself: both calls then fail harmlessly.
fn stop(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

/// Children share the terminal's Ctrl-C, but not a SIGTERM sent to this process alone.
fn kill_on_interrupt(id: u32) -> Cleanup {
    Cleanup::register(move || {
        signal("TERM", id);
        // What is undone next may be the folder it still writes to.
        let started = Instant::now();
        while machine::is_alive(id) && started.elapsed() < KILL_LIMIT {
            std::thread::sleep(Duration::from_millis(20));
        }
    })
}

fn signal(name: &str, id: u32) {
    let mut kill = Command::new("kill");
    kill.args(["-s", name, &id.to_string()]).stdout(Stdio::null()).stderr(Stdio::null());
    drop(kill.status());
}

/// Where a program is on the search path, if it is.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// The command as a person would type it.
pub fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_program_is_ended_at_its_limit() {
        let started = Instant::now();
        assert!(!succeeds_within(Command::new("sleep").arg("20"), Duration::from_millis(200)));
        assert!(started.elapsed() < Duration::from_secs(5));
        assert!(succeeds_within(&mut Command::new("true"), Duration::from_secs(5)));
    }

    #[test]
    fn whoever_asks_to_end_learns_whether_it_did() -> Result<()> {
        assert!(Background::start(Command::new("sleep").arg("20"))?.terminate(Duration::from_secs(5)));
        let mut deaf = Command::new("sh");
        deaf.args(["-c", "trap '' TERM; echo ready; while :; do sleep 1; done"]).stdout(Stdio::piped());
        let mut deaf = Background::start(&mut deaf)?;
        assert_eq!(deaf.first_line()?, "ready");
        assert!(!deaf.terminate(Duration::from_millis(200)));
        Ok(())
    }

    #[test]
    fn a_failure_names_the_command_and_what_it_said() {
        let error = capture(Command::new("sh").args(["-c", "echo no such luck >&2; exit 3"])).expect_err("exit code 3");
        assert!(error.to_string().contains("no such luck"), "{error}");
    }
}
