//! `cargo xtask test`: everything, from a bare checkout. A part that fails does not stop the others; the last line is the sum.

pub mod browser;
mod clients;
mod node;
mod rust;

use crate::build;
use crate::progress::took;
use crate::repo::{Profile, Repo};
use anyhow::Result;
use clap::{Args, ValueEnum};
use std::ops::AddAssign;
use std::process::ExitCode;
use std::time::Instant;

/// Which tests to run.
#[derive(Args)]
pub struct Options {
    /// Run one part only
    #[arg(long, value_enum)]
    only: Option<Part>,
}

/// A part of the tests.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// `cargo test` of the whole workspace, stores on both databases
    Rust,
    /// Of those, the integration tests only (the server's HTTP surface)
    Http,
    /// Playwright in Chromium, with and without JavaScript
    E2e,
    /// Official client libraries against the gateway
    Clients,
}

/// How many tests passed and failed. A part that could not run counts as one failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Tests that passed.
    pub passed: u64,
    /// Tests that did not.
    pub failed: u64,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

impl Tally {
    /// The sum pytest prints at its end: `3 failed, 2 passed, 1 error in 1.20s`.
    pub fn of_pytest(line: &str, success: bool) -> Self {
        let count = |word| number_before(line, word);
        Self { passed: count("passed"), failed: count("failed") + count("error") + count("errors") }.judged_by(success)
    }

    /// A part whose program was not successful has failed even if it reported no failed test (it may not have compiled).
    fn judged_by(mut self, success: bool) -> Self {
        if !success {
            self.failed = self.failed.max(1);
        }
        self
    }
}

/// Runs the parts and prints the sum.
pub fn run(repo: &Repo, options: &Options) -> ExitCode {
    let mut sum = Tally::default();
    match options.only {
        Some(Part::Rust) => sum += part("Rust", || rust::run(repo, rust::Scope::All)),
        Some(Part::Http) => sum += part("HTTP", || rust::run(repo, rust::Scope::Integration)),
        Some(Part::E2e) => sum += part("Browser", || browser::run(repo, &build_debug(repo)?, &[])),
        Some(Part::Clients) => sum += part("Official clients", || clients::run(repo, &build_debug(repo)?)),
        None => {
            sum += part("Rust", || rust::run(repo, rust::Scope::All));
            sum += with_binary(repo);
        }
    }
    println!("\n{} passed, {} failed", sum.passed, sum.failed);
    if sum.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The parts that need the binary; all of them have failed when it does not build.
fn with_binary(repo: &Repo) -> Tally {
    let mut sum = Tally::default();
    let mut binary = None;
    sum += part("Build", || {
        binary = Some(build_debug(repo)?);
        Ok(Tally::default())
    });
    if let Some(binary) = binary {
        sum += part("Browser", || browser::run(repo, &binary, &[]));
        sum += part("Official clients", || clients::run(repo, &binary));
    }
    sum
}

/// Builds what the browser and the clients run against.
pub fn build_debug(repo: &Repo) -> Result<std::path::PathBuf> {
    build::run(repo, build::Options { debug: true, skip_wasm: false })?;
    Ok(repo.binary(Profile::Debug))
}

/// Runs one part under its own heading. Whatever goes wrong in it stays in it.
fn part(name: &str, work: impl FnOnce() -> Result<Tally>) -> Tally {
    println!("\n=== {name} ===");
    let started = Instant::now();
    let tally = work().unwrap_or_else(|error| {
        println!("{name} could not run: {error:#}");
        Tally { passed: 0, failed: 1 }
    });
    println!("--- {name}: {} passed, {} failed in {} ---", tally.passed, tally.failed, took(started.elapsed()));
    tally
}

/// The number before a word, as test runners sum up: `12 passed; 0 failed`, `3 failed, 2 passed in 1.2s`.
fn number_before(line: &str, word: &str) -> u64 {
    let words: Vec<&str> = line.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let found = words.windows(2).find(|pair| pair[1] == word);
    found.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::bail;

    #[test]
    fn reads_the_sums_of_test_runners() {
        let cargo = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        assert_eq!((number_before(cargo, "passed"), number_before(cargo, "failed")), (12, 3));
        assert_eq!(number_before("1 failed, 2 passed, 4 errors in 1.20s", "errors"), 4);
        assert_eq!(number_before("no tests ran in 0.00s", "passed"), 0);
    }

    #[test]
    fn a_part_that_breaks_counts_once() {
        assert_eq!(part("broken", || bail!("no such program")), Tally { passed: 0, failed: 1 });
        assert_eq!(Tally { passed: 4, failed: 2 }.judged_by(false), Tally { passed: 4, failed: 2 });
        assert_eq!(Tally::default().judged_by(false).failed, 1);
    }
}
