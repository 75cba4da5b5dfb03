//! `cargo xtask pgo`: profile-guided optimisation (<https://doc.rust-lang.org/rustc/profile-guided-optimization.html>).
//!
//! Builds the server with counters in it, puts it under the load of the benchmark, and keeps what was counted in `xtask/pgo/`. `cargo xtask build` uses
//! that file, as Go's compiler uses a `default.pgo`: the compiler then knows which way calls take, keeps what they need close together and the
//! rest away from it. Functions that changed since are compiled as without it; functions that were never called are not in it.

use crate::progress::{Steps, size};
use crate::repo::Repo;
use crate::{apt, bench, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the names of functions in a profile depend on, and its format.
struct Compiler {
    /// `1.95.0`
    release: String,
    /// `x86_64-unknown-linux-gnu`
    host: String,
    /// `22`
    llvm: String,
}

impl Compiler {
    fn at_hand() -> Result<Self> {
        Self::parse(&shell::capture(Command::new("rustc").args(["--version", "--verbose"]))?)
    }

    fn parse(said: &str) -> Result<Self> {
        let value = |key: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
            line.map(str::to_owned).with_context(|| format!("`rustc --version --verbose` says nothing of its {key}"))
        };
        let llvm = value("LLVM version")?;
        let llvm = llvm.split('.').next().unwrap_or_default().to_owned();
        Ok(Self { release: value("release")?, host: value("host")?, llvm })
    }

    /// Where the profile for this compiler is kept.
    fn profile(&self, repo: &Repo) -> PathBuf {
        repo.root.join("xtask/pgo").join(format!("rustc-{}-{}.profdata", self.release, self.host))
    }
}

/// Makes `cargo build` use the profile that was made with the compiler at hand; says what it did. Without a profile (another compiler, another platform) the
/// build is an ordinary one: no harm but speed.
pub fn apply(repo: &Repo, cargo: &mut Command) -> Result<String> {
    let compiler = Compiler::at_hand()?;
    let profile = compiler.profile(repo);
    if let Some(set) = ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS"].into_iter().find(|name| std::env::var_os(name).is_some()) {
        return Ok(format!("without a profile: {set} is set and decides alone"));
    }
    if !profile.is_file() {
        return Ok(format!("without a profile: there is none for rustc {} on {}", compiler.release, compiler.host));
    }
    // Functions that changed since the profile was made are expected, and there may be hundreds.
    flags(cargo, &[format!("-Cprofile-use={}", profile.display()), "-Cllvm-args=-no-pgo-warn-mismatch".to_owned()]);
    Ok(format!("guided by {}", profile.strip_prefix(&repo.root).unwrap_or(&profile).display()))
}

/// Adds compiler flags to those of `.cargo/config.toml`; the environment's would replace them.
fn flags(cargo: &mut Command, flags: &[String]) {
    cargo.arg("--config").arg(format!("build.rustflags={flags:?}"));
}

/// Makes the profile for the compiler at hand.
pub fn run(repo: &Repo) -> Result<()> {
    let compiler = Compiler::at_hand()?;
    let mut steps = Steps::new(4);
    steps.start("llvm-profdata");
    let profdata = find_or_install(&compiler)?;
    steps.done(&profdata.display().to_string());

    steps.start("server that counts");
    let target = repo.target.join("pgo");
    let counters = target.join("counters");
    let mut cargo = repo.cargo("build");
    cargo.args(["--release", "--package", "hypercare-app", "--bin", "hypercare", "--target-dir"]).arg(&target);
    flags(&mut cargo, &[format!("-Cprofile-generate={}", counters.display())]);
    shell::run(&mut cargo)?;
    let binary = target.join("release/hypercare");
    steps.done(&binary.display().to_string());

    steps.start("load");
    // Build scripts and procedural macros were compiled with counters, too.
    if counters.exists() {
        fs::remove_dir_all(&counters).with_context(|| format!("cannot empty {}", counters.display()))?;
    }
    bench::train(&binary)?;
    steps.done("calls and pages");

    steps.start("profile");
    let profile = compiler.profile(repo);
    keep(&profdata, &counters, &profile)?;
    let bytes = fs::metadata(&profile).map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX));
    steps.done(&format!("{}, {}", profile.display(), size(bytes)));
    Ok(())
}

/// Puts the counters together; functions that were never called are left out.
fn keep(profdata: &Path, counters: &Path, profile: &Path) -> Result<()> {
    let folder = profile.parent().context("the profile has no folder")?;
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    shell::capture(Command::new(profdata).args(["merge", "--sparse", "--output"]).arg(profile).arg(counters))?;
    Ok(())
}

/// The tool that reads what this compiler's programs count: rustup's component `llvm-tools`, or Debian's of the same LLVM.
fn find_or_install(compiler: &Compiler) -> Result<PathBuf> {
    let sysroot = shell::capture(Command::new("rustc").args(["--print", "sysroot"]))?;
    let of_rustup = Path::new(sysroot.trim()).join("lib/rustlib").join(&compiler.host).join("bin/llvm-profdata");
    let of_debian = PathBuf::from(format!("/usr/lib/llvm-{}/bin/llvm-profdata", compiler.llvm));
    for place in [&of_rustup, &of_debian] {
        if place.is_file() {
            return Ok(place.clone());
        }
    }
    apt::install(&[&format!("llvm-{}", compiler.llvm)], "profile-guided optimisation")?;
    if !of_debian.is_file() {
        bail!("{} is not there after its package was installed", of_debian.display());
    }
    Ok(of_debian)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_belongs_to_one_compiler_on_one_platform() {
        let said =
            "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\nLLVM version: 22.1.2\n";
        let compiler = Compiler::parse(said).expect("complete");
        assert_eq!((&*compiler.release, &*compiler.host, &*compiler.llvm), ("1.95.0", "x86_64-unknown-linux-gnu", "22"));
        let repo = Repo { root: PathBuf::from("/r"), target: PathBuf::from("/t") };
        assert!(compiler.profile(&repo).ends_with("xtask/pgo/rustc-1.95.0-x86_64-unknown-linux-gnu.profdata"));
        let error = Compiler::parse("rustc 1.95.0\nhost: x\nrelease: 1\n").err().expect("no LLVM").to_string();
        assert!(error.contains("LLVM version"), "{error}");
    }

    #[test]
    fn flags_are_added_to_the_repository_s() {
        let mut cargo = Command::new("cargo");
        flags(&mut cargo, &["-Cprofile-use=/a b/c".to_owned(), "-Cx".to_owned()]);
        assert_eq!(shell::line(&cargo), r#"cargo --config build.rustflags=["-Cprofile-use=/a b/c", "-Cx"]"#);
    }
}
