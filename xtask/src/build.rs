//! `cargo xtask build`: the browser half (WASM), the site it is served with, then the server that embeds both.

mod css;
mod site;
mod toolchain;
mod wasm;

use crate::progress::Steps;
use crate::repo::{Profile, Repo};
use crate::{pgo, shell};
use anyhow::Result;
use clap::Args;
use std::path::PathBuf;

/// What to build.
#[derive(Args, Clone, Copy, Default)]
pub struct Options {
    /// Build the server without optimisation (the browser half is always built as it ships)
    #[arg(long)]
    pub debug: bool,
    /// Leave the browser half as it is; without one, pages work as they do with JavaScript off
    #[arg(long)]
    pub skip_wasm: bool,
}

impl Options {
    /// The server's profile.
    pub fn profile(self) -> Profile {
        if self.debug { Profile::Debug } else { Profile::Release }
    }
}

/// Builds everything and returns where the binary is.
pub fn run(repo: &Repo, options: Options) -> Result<PathBuf> {
    let mut steps = Steps::new(if options.skip_wasm { 2 } else { 4 });
    if !options.skip_wasm {
        steps.start("compiler for the browser half");
        let toolchain = toolchain::find_or_install()?;
        steps.done(&toolchain.name);

        steps.start("browser half (WASM)");
        steps.done(wasm::build(repo, &toolchain)?);
    }

    steps.start("site (style sheet, public files, compression)");
    let sizes = site::assemble(repo)?;
    steps.done(&sizes.to_string());
    sizes.check_budget()?;

    steps.start("server");
    shell::run(&mut server(repo, options.profile())?)?;
    let binary = repo.binary(options.profile());
    steps.done(&binary.display().to_string());
    Ok(binary)
}

fn server(repo: &Repo, profile: Profile) -> Result<std::process::Command> {
    let mut command = repo.cargo("build");
    command.args(["--package", "hypercare-app", "--bin", "hypercare"]);
    if profile == Profile::Release {
        command.arg("--release");
        println!("      {}", pgo::apply(repo, &mut command)?);
    }
    Ok(command)
}
