//! The official client libraries, unchanged, against the gateway: what an application developer has.

use super::node::{Node, install_packages};
use super::{Tally, number_before};
use crate::python::{Venv, pytest};
use crate::repo::Repo;
use crate::shell;
use anyhow::Result;
use std::path::Path;

/// What the tests import, unless their folder has a list of its own.
const PACKAGES: [&str; 2] = ["pytest", "openai"];

/// Runs `end2end/clients/` against that binary.
pub fn run(repo: &Repo, binary: &Path) -> Result<Tally> {
    let folder = repo.root.join("end2end/clients");
    if !folder.exists() {
        println!("skipped: there is no end2end/clients/");
        return Ok(Tally::default());
    }
    let venv = Venv::prepare(&repo.target.join("venv"), &folder, &PACKAGES)?;
    let mut command = venv.python();
    command.args(["-m", "pytest", "-q", "-p", "no:cacheprovider"]).current_dir(&folder).env("HYPERCARE_BIN", binary);
    let mut sum = pytest(&mut command)?.0;
    sum += of_node(repo, &folder.join("node"), binary)?;
    Ok(sum)
}

/// The clients for Node, by its own test runner.
fn of_node(repo: &Repo, folder: &Path, binary: &Path) -> Result<Tally> {
    let node = Node::find_or_install(repo)?;
    install_packages(&node, folder)?;
    let mut command = node.command("node")?;
    command.args(["--test", "--test-reporter=spec"]).current_dir(folder).env("HYPERCARE_BIN", binary);
    let mut sum = Tally::default();
    let success = shell::stream(&mut command, |line| {
        // `ℹ pass 97`: the number stands behind the word.
        let turned: String = line.split_whitespace().rev().collect::<Vec<_>>().join(" ");
        if line.starts_with('ℹ') {
            sum += Tally { passed: number_before(&turned, "pass"), failed: number_before(&turned, "fail") };
        }
    })?;
    Ok(sum.judged_by(success))
}
