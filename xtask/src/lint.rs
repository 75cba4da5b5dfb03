//! `cargo xtask lint`: what must be clean before a change is merged. All checks run; the command fails if one of them did.

use crate::progress::Steps;
use crate::repo::Repo;
use crate::shell;
use anyhow::{Result, bail};
use std::process::Command;

/// Runs every check and fails with the names of those that did not pass.
pub fn run(repo: &Repo) -> Result<()> {
    let checks = checks(repo);
    let mut steps = Steps::new(checks.len());
    let mut failed = Vec::new();
    for (name, mut command) in checks {
        steps.start(name);
        if !installed(&command) {
            steps.done("skipped, not installed");
        } else if shell::succeeds(&mut command)? {
            steps.done("clean");
        } else {
            steps.done("FAILED");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("not clean: {}", failed.join(", "));
    }
    Ok(())
}

fn checks(repo: &Repo) -> Vec<(&'static str, Command)> {
    let mut fmt = repo.cargo("fmt");
    fmt.args(["--all", "--check"]);

    let mut server = repo.cargo("clippy");
    server.args(["--workspace", "--all-targets", "--", "-D", "warnings"]);

    // On the host's target: the lints are the same, and no second standard library is needed.
    let mut browser = repo.cargo("clippy");
    browser.args(["--package", "hypercare-app", "--lib", "--no-default-features", "--features", "hydrate", "--", "-D", "warnings"]);

    // The libraries only: the binary is called like the root library, and their pages would overwrite each other.
    let mut docs = repo.cargo("doc");
    docs.args(["--workspace", "--lib", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");

    let mut deny = repo.cargo("deny");
    deny.arg("check");
    let mut typos = Command::new("typos");
    typos.current_dir(&repo.root);
    vec![
        ("formatting", fmt),
        ("clippy, server half", server),
        ("clippy, browser half", browser),
        ("documentation", docs),
        ("licences and advisories (cargo deny)", deny),
        ("unused dependencies (cargo machete)", repo.cargo("machete")),
        ("spelling (typos)", typos),
    ]
}

/// Whether the program, or the cargo subcommand that is no part of cargo, is on this machine.
fn installed(command: &Command) -> bool {
    let program = command.get_program().to_string_lossy();
    let subcommand = command.get_args().next().map(|argument| argument.to_string_lossy());
    match subcommand.as_deref() {
        Some("fmt" | "clippy" | "doc") => true,
        Some(extra) if program == "cargo" => shell::find(&format!("cargo-{extra}")).is_some(),
        _ => shell::find(&program).is_some(),
    }
}
