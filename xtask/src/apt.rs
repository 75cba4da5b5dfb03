//! Debian's packages, for what Rust alone cannot bring: a browser, a database, a second compiler.

use crate::shell;
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::sync::OnceLock;

/// Installs packages without asking anything. Says what and why first, and fails with advice where there is no `apt-get`.
pub fn install(packages: &[&str], why: &str) -> Result<()> {
    let list = packages.join(" ");
    if shell::find("apt-get").is_none() {
        bail!("{why} needs {list}, and this machine has no apt-get: please install the equivalent by hand");
    }
    println!("      installing {list} (for {why})");
    update();
    shell::capture(apt_get(&["install", "-y", "-qq", "--no-install-recommends"]).args(packages))
        .with_context(|| format!("cannot install {list} for {why}"))?;
    Ok(())
}

/// Refreshes the package lists once per run. A stale mirror is not fatal: the lists at hand may do.
fn update() {
    static UPDATED: OnceLock<()> = OnceLock::new();
    UPDATED.get_or_init(|| {
        if let Err(error) = shell::capture(&mut apt_get(&["update", "-qq"])) {
            eprintln!("warning: the package lists may be old: {error:#}");
        }
    });
}

fn apt_get(arguments: &[&str]) -> Command {
    let mut command = if is_root() || shell::find("sudo").is_none() {
        Command::new("apt-get")
    } else {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        sudo
    };
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive");
    command
}

/// Whether this process may do everything (and some programs therefore refuse to run as it).
pub fn is_root() -> bool {
    shell::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}
