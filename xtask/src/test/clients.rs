//! The official client libraries, unchanged, against the gateway: what an application developer has.

use super::Tally;
use crate::python::{Venv, pytest};
use crate::repo::Repo;
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
    Ok(pytest(&mut command)?.0)
}
