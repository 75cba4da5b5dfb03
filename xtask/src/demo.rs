//! `cargo xtask demo`: build, then let the binary's own `demo` command take over this terminal.

use crate::build;
use crate::repo::Repo;
use anyhow::{Result, bail};
use clap::Args;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What the demonstration runs on.
#[derive(Args)]
pub struct Options {
    /// Base URL of a real provider (OpenAI-compatible); without it a built-in sample provider answers
    #[arg(long, value_name = "URL")]
    provider: Option<String>,
    /// Environment variable that holds the provider's key
    #[arg(long, value_name = "NAME", requires = "provider")]
    api_key_env: Option<String>,
    /// The provider's model
    #[arg(long, value_name = "NAME", requires = "provider")]
    model: Option<String>,
    /// Address to listen on
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    #[command(flatten)]
    build: build::Options,
}

/// Builds and hands over. Returns only when that fails.
pub fn run(repo: &Repo, options: &Options) -> Result<()> {
    let binary = build::run(repo, options.build)?;
    let mut command = Command::new(&binary);
    command.arg("demo").current_dir(&repo.root);
    let flags = [
        ("--provider", &options.provider),
        ("--api-key-env", &options.api_key_env),
        ("--model", &options.model),
        ("--listen", &options.listen),
    ];
    for (flag, value) in flags {
        if let Some(value) = value {
            command.args([flag, value]);
        }
    }
    bail!("cannot start {}: {}", binary.display(), command.exec());
}
