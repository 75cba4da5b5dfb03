//! A Python environment below the target folder, and pytest in it.

use crate::test::Tally;
use crate::{apt, shell};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A virtual environment.
pub struct Venv(PathBuf);

impl Venv {
    /// Creates it if need be and installs the packages, or what `requirements.txt` in the tests' folder says. Does nothing the second time.
    pub fn prepare(folder: &Path, tests: &Path, packages: &[&str]) -> Result<Self> {
        let venv = Self(folder.to_owned());
        let requirements = tests.join("requirements.txt");
        let wanted = fs::read_to_string(&requirements).unwrap_or_else(|_| packages.join("\n"));
        let stamp = folder.join("installed");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
            return Ok(venv);
        }
        create(folder)?;
        println!("      installing Python packages: {}", wanted.split_whitespace().collect::<Vec<_>>().join(" "));
        let mut pip = venv.python();
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        if requirements.exists() {
            pip.arg("-r").arg(&requirements);
        } else {
            pip.args(packages);
        }
        shell::run(&mut pip)?;
        fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
        Ok(venv)
    }

    /// The folder of the programs its packages brought.
    pub fn programs(&self) -> PathBuf {
        self.0.join("bin")
    }

    /// Its interpreter.
    pub fn python(&self) -> Command {
        let mut command = Command::new(self.0.join("bin/python"));
        command.env("PYTHONDONTWRITEBYTECODE", "1").env_remove("PYTHONPATH").env_remove("PYTHONHOME");
        command
    }
}

/// Debian keeps the module that makes environments in a package of its own: install it when the first attempt fails.
fn create(folder: &Path) -> Result<()> {
    let make = || {
        drop(fs::remove_dir_all(folder));
        shell::capture(Command::new("python3").args(["-m", "venv"]).arg(folder))
    };
    if make().is_err() {
        apt::install(&["python3", "python3-venv"], "the Python tests")?;
        make().context("cannot make a Python environment")?;
    }
    Ok(())
}

/// Runs pytest and returns its sum and its whole output.
pub fn pytest(command: &mut Command) -> Result<(Tally, String)> {
    let (mut text, mut last) = (String::new(), String::new());
    let success = shell::stream(command, |line| {
        text.push_str(line);
        text.push('\n');
        if line.contains(" in ") && (line.contains("passed") || line.contains("failed") || line.contains("error")) {
            line.clone_into(&mut last);
        }
    })?;
    Ok((Tally::of_pytest(&last, success), text))
}
