//! Finding, or making, a compiler with the standard library of `wasm32-unknown-unknown`.
//!
//! Three ways, in this order: the compiler at hand has it; `rustup target add` brings it; Debian's newer compiler comes with its sources,
//! from which the standard library is built once. Only the browser half uses that third one: the server stays on the stable compiler.

use crate::repo::without_cargo_run;
use crate::temp::TempDir;
use crate::{apt, shell};
use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The target of the browser half.
pub const TARGET: &str = "wasm32-unknown-unknown";
/// rustup waits for minutes where its servers cannot be reached.
const RUSTUP_LIMIT: Duration = Duration::from_secs(10);
/// Debian's compiler, its sources, and the linker it wants for WASM.
const DEBIAN_PACKAGES: [&str; 5] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-llvm", "lld-22"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
/// Set to `debian` to skip the first two ways, to `current` to skip the third.
const CHOICE: &str = "HYPERCARE_WASM_TOOLCHAIN";

/// A compiler that can build the browser half.
pub struct Toolchain {
    /// What it is, for people.
    pub name: String,
    /// `rustc --version --verbose`: another compiler means other output.
    pub version: String,
    debian: bool,
}

impl Toolchain {
    /// `cargo <subcommand>` with this compiler.
    pub fn cargo(&self, subcommand: &str) -> Command {
        let mut command = if self.debian { debian_cargo() } else { Command::new("cargo") };
        without_cargo_run(command.arg(subcommand));
        command
    }
}

/// The first of the three ways that works on this machine.
pub fn find_or_install() -> Result<Toolchain> {
    let choice = std::env::var(CHOICE).unwrap_or_default();
    if choice != "debian" {
        if has_std("rustc") {
            return toolchain("rustc", false);
        }
        println!("      trying `rustup target add {TARGET}` (for {} s at most)", RUSTUP_LIMIT.as_secs());
        if shell::succeeds_within(Command::new("rustup").args(["target", "add", TARGET]), RUSTUP_LIMIT) && has_std("rustc") {
            return toolchain("rustc", false);
        }
        if choice == "current" {
            bail!("the compiler at hand has no {TARGET}, and {CHOICE} forbids another");
        }
    }
    install_debian()?;
    toolchain(DEBIAN_RUSTC, true)
}

fn toolchain(rustc: &str, debian: bool) -> Result<Toolchain> {
    let version = rustc_says(rustc, &["--version", "--verbose"])?;
    let short = version.lines().next().unwrap_or("rustc");
    Ok(Toolchain { name: if debian { format!("{short}, of Debian") } else { short.to_owned() }, version, debian })
}

/// Whether that compiler has the standard library, complete.
fn has_std(rustc: &str) -> bool {
    library_folder(rustc).is_ok_and(|folder| has_file_starting_with(&folder, "libstd-"))
}

fn library_folder(rustc: &str) -> Result<PathBuf> {
    Ok(PathBuf::from(rustc_says(rustc, &["--print", "target-libdir", "--target", TARGET])?.trim()))
}

/// Installs Debian's compiler if it is missing and gives it the standard library if that is missing or of another version.
fn install_debian() -> Result<()> {
    let sysroot_sources =
        || rustc_says(DEBIAN_RUSTC, &["--print", "sysroot"]).map(|root| Path::new(root.trim()).join("lib/rustlib/src/rust/library"));
    let complete = has_linker() && Path::new(DEBIAN_CARGO).exists() && sysroot_sources().is_ok_and(|folder| folder.exists());
    if !complete {
        apt::install(&DEBIAN_PACKAGES, "the browser half")?;
    }
    let version = rustc_says(DEBIAN_RUSTC, &["--version", "--verbose"])?;
    let folder = library_folder(DEBIAN_RUSTC)?;
    let made_by = folder.join("built-by-hypercare");
    if has_std(DEBIAN_RUSTC) && fs::read_to_string(&made_by).is_ok_and(|made| made == version) {
        return Ok(());
    }
    println!("      building the standard library for {TARGET} (once, about a minute)");
    build_std(&folder)?;
    fs::write(&made_by, version).with_context(|| format!("cannot write {}", made_by.display()))
}

/// Debian's rustc calls `rust-lld` for this target, which its LLVM package links to lld.
fn has_linker() -> bool {
    shell::find("rust-lld").is_some()
}

/// Compiles the standard library by way of an empty crate and copies the result into the compiler's own folder.
fn build_std(folder: &Path) -> Result<()> {
    // Outside the repository, where its cargo configuration (and so its `--cfg` flags) does not reach.
    let work = TempDir::new("wasm-std")?;
    let empty = work.path();
    fs::create_dir_all(empty.join("src"))?;
    fs::write(empty.join("Cargo.toml"), "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n")?;
    fs::write(empty.join("src/lib.rs"), "#![no_std]\n")?;

    let mut build = debian_cargo();
    build.args(["build", "--release", "-Zbuild-std=std,panic_abort", "--target", TARGET, "--target-dir", "target"]);
    build.current_dir(empty).env("RUSTC_BOOTSTRAP", "1");
    without_cargo_run(&mut build).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS").env_remove("CARGO_BUILD_TARGET");
    shell::capture(&mut build).context("cannot build the standard library for the browser half")?;

    // What lies there now was made by another version.
    drop(fs::remove_dir_all(folder));
    fs::create_dir_all(folder).with_context(|| format!("cannot write into the compiler's folder {}", folder.display()))?;
    for entry in fs::read_dir(empty.join("target").join(TARGET).join("release/deps"))? {
        let file = entry?.path();
        let name = file.file_name().and_then(OsStr::to_str).unwrap_or_default();
        if name.starts_with("lib") && !name.starts_with("libempty-") && file.extension().is_some_and(|extension| extension == "rlib") {
            fs::copy(&file, folder.join(name))?;
        }
    }
    if !has_file_starting_with(folder, "libstd-") {
        bail!("the build of the standard library left no libstd in {}", folder.display());
    }
    Ok(())
}

/// Debian's cargo with Debian's rustc, whatever rustup put before them on the search path.
fn debian_cargo() -> Command {
    let mut command = Command::new(DEBIAN_CARGO);
    command.env("RUSTC", DEBIAN_RUSTC);
    // rustup's choice of toolchain, and the folder of *its* compiler's libraries, must not reach this one.
    for name in ["RUSTUP_TOOLCHAIN", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER", "LD_LIBRARY_PATH", "CARGO"] {
        command.env_remove(name);
    }
    command
}

fn rustc_says(rustc: &str, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(rustc);
    command.args(arguments);
    if rustc == DEBIAN_RUSTC {
        command.env_remove("LD_LIBRARY_PATH");
    }
    shell::capture(&mut command)
}

fn has_file_starting_with(folder: &Path, start: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(start))
}
