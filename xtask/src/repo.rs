//! Where things are: the repository, the target folder, and how cargo is called in them.

use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The checkout this command works on.
pub struct Repo {
    /// The folder of the workspace's Cargo.toml.
    pub root: PathBuf,
    /// Cargo's target folder, wherever the person put it.
    pub target: PathBuf,
}

impl Repo {
    /// Asks cargo, so that `CARGO_TARGET_DIR`, configuration files and worktrees are all respected.
    pub fn find() -> Result<Self> {
        let mut command = Command::new("cargo");
        without_cargo_run(command.args(["metadata", "--no-deps", "--offline", "--format-version", "1"]));
        let metadata: serde_json::Value =
            serde_json::from_str(&shell::capture(&mut command)?).context("`cargo metadata` printed no JSON")?;
        let path = |key: &str| metadata[key].as_str().map(PathBuf::from).with_context(|| format!("`cargo metadata` names no {key}"));
        let repo = Self { root: path("workspace_root")?, target: path("target_directory")? };
        fs::create_dir_all(repo.site()).with_context(|| format!("cannot create {}", repo.site().display()))?;
        Ok(repo)
    }

    /// What the server embeds: public files, style sheet, JavaScript and WASM.
    pub fn site(&self) -> PathBuf {
        self.target.join("site")
    }

    /// The `hypercare` binary of that profile.
    pub fn binary(&self, profile: Profile) -> PathBuf {
        self.target.join(profile.folder()).join("hypercare")
    }

    /// `cargo <subcommand>` at the top of the repository, free of what `cargo run` put into the environment.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = Command::new("cargo");
        command.arg(subcommand).current_dir(&self.root).env("HYPERCARE_SITE_DIR", self.site());
        without_cargo_run(&mut command);
        command
    }
}

/// How the server is built.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// Quick to build, for tests.
    Debug,
    /// For use and for measuring.
    Release,
}

impl Profile {
    /// Its folder below the target folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Release => "release",
        }
    }
}

/// Forgets what `cargo run` told *this* program about itself. Inherited by another cargo, `CARGO_MANIFEST_DIR` and its like make build
/// scripts that watch them (ring's) run again each time a person alternates between `cargo xtask …` and `cargo …`.
pub fn without_cargo_run(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        let Some(text) = name.to_str() else { continue };
        let of_this_run = ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|start| text.starts_with(start))
            || ["CARGO_CRATE_NAME", "CARGO_PRIMARY_PACKAGE", "OUT_DIR"].contains(&text);
        if of_this_run {
            command.env_remove(&name);
        }
    }
    command
}
