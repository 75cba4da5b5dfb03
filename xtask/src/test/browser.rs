//! The browser tests: Playwright from npm, Chromium from the system.

use super::Tally;
use super::node::{Node, install_packages};
use crate::repo::Repo;
use crate::temp::TempDir;
use crate::{apt, shell};
use anyhow::{Context, Result};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names under which systems have Chromium.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// Runs the browser tests against that binary; `extra` goes to Playwright.
pub fn run(repo: &Repo, binary: &Path, extra: &[String]) -> Result<Tally> {
    let folder = repo.root.join("end2end");
    if !has_specs(&folder)? {
        println!("skipped: end2end/ has no *.spec.ts");
        return Ok(Tally::default());
    }
    let work = TempDir::new("e2e")?;
    let report = work.path().join("report.json");
    let mut playwright = playwright(repo, binary)?;
    playwright.args(["--reporter=list,json"]).args(extra).env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report);
    let success = shell::succeeds(&mut playwright)?;
    let text = fs::read_to_string(&report).context("Playwright left no report")?;
    Ok(tally(&serde_json::from_str(&text).context("Playwright's report is no JSON")?).judged_by(success))
}

/// `playwright test` with everything it needs installed.
pub fn playwright(repo: &Repo, binary: &Path) -> Result<Command> {
    let folder = repo.root.join("end2end");
    let browser = browser()?;
    let node = Node::find_or_install(repo)?;
    install_packages(&node, &folder)?;
    let mut playwright = node.command("npx")?;
    playwright.args(["--no-install", "playwright", "test"]).current_dir(&folder).env("HYPERCARE_BIN", binary).env("CHROMIUM", browser);
    Ok(playwright)
}

/// A flaky test (one that passed when tried again) counts as failed: it will fail for somebody.
fn tally(report: &serde_json::Value) -> Tally {
    let count = |key: &str| report["stats"][key].as_u64().unwrap_or(0);
    // Errors outside of any test: a spec that does not load, a set-up that fails.
    let outside = report["errors"].as_array().map_or(0, Vec::len) as u64;
    Tally { passed: count("expected"), failed: count("unexpected") + count("flaky") + outside }
}

fn has_specs(folder: &Path) -> Result<bool> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() && path.file_name() != Some(OsStr::new("node_modules")) {
                folders.push(path);
            } else if path.to_string_lossy().ends_with(".spec.ts") {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// The browser the person chose, one that is there, or Debian's.
fn browser() -> Result<PathBuf> {
    let chosen = std::env::var_os("CHROMIUM").map(PathBuf::from);
    if let Some(browser) = chosen.or_else(|| BROWSERS.iter().find_map(|name| shell::find(name))) {
        return Ok(browser);
    }
    apt::install(&["chromium", "fonts-dejavu-core"], "the browser tests")?;
    shell::find("chromium").context("chromium is installed but nowhere to be found")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_report() {
        let report =
            serde_json::json!({ "stats": { "expected": 5, "unexpected": 1, "flaky": 1, "skipped": 2 }, "errors": [{ "message": "x" }] });
        assert_eq!(tally(&report), Tally { passed: 5, failed: 3 });
    }
}
