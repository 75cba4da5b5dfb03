//! `cargo test` of the workspace, with a database of its own.

use super::{Tally, number_before};
use crate::postgres::Postgres;
use crate::repo::Repo;
use crate::shell;
use anyhow::Result;
use std::process::Command;

/// The environment variable in which the tests find PostgreSQL. Without it they run on SQLite only.
const POSTGRES: &str = "HYPERCARE_TEST_POSTGRES";

/// Which of the Rust tests.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Unit tests, integration tests, documentation examples, and those of these commands themselves.
    All,
    /// Integration tests only.
    Integration,
}

/// Starts the database, runs the tests, stops the database.
pub fn run(repo: &Repo, scope: Scope) -> Result<Tally> {
    let postgres = Postgres::start()?;
    println!("PostgreSQL: {}", postgres.url);
    let mut tests = repo.cargo("test");
    // These commands are tested in the profile they are compiled in already; otherwise all they depend on would be compiled twice.
    tests.args(["--workspace", "--exclude", "xtask", "--no-fail-fast"]);
    if scope == Scope::Integration {
        tests.args(["--test", "*"]);
    }
    let mut tally = count(tests.env(POSTGRES, &postgres.url))?;
    if scope == Scope::All {
        tally += count(repo.cargo("test").args(["--package", "xtask", "--profile", "xtask"]))?;
    }
    Ok(tally)
}

/// Runs one `cargo test` and adds up its `test result:` lines.
fn count(command: &mut Command) -> Result<Tally> {
    let mut tally = Tally::default();
    let success = shell::stream(command, |line| {
        if line.starts_with("test result:") {
            tally += Tally { passed: number_before(line, "passed"), failed: number_before(line, "failed") };
        }
    })?;
    Ok(tally.judged_by(success))
}
