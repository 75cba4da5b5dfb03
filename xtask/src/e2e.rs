//! `cargo xtask e2e`: the browser tests alone.

use crate::repo::Repo;
use crate::test::{browser, build_debug};
use anyhow::{Result, bail};
use clap::Args;

/// What to hand to Playwright.
#[derive(Args)]
pub struct Options {
    /// Arguments for `playwright test`, for example `-- feedback.spec.ts --debug`
    #[arg(last = true)]
    playwright: Vec<String>,
}

/// Builds and runs them.
pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let tally = browser::run(repo, &build_debug(repo)?, &options.playwright)?;
    println!("\n{} passed, {} failed", tally.passed, tally.failed);
    if tally.failed > 0 {
        bail!("browser tests failed");
    }
    Ok(())
}
