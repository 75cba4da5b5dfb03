//! The browser half: cargo builds the WASM, wasm-bindgen writes the JavaScript that loads it. Both are skipped when no input changed.

use super::toolchain::{TARGET, Toolchain};
use crate::repo::Repo;
use crate::shell;
use anyhow::{Context, Result, bail};
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use wasm_bindgen_cli_support::Bindgen;

/// The pages load `/pkg/hypercare.js`, which loads `hypercare_bg.wasm`.
const NAME: &str = "hypercare";
/// What the stamp covers besides the sources cargo names.
const ALWAYS: [&str; 5] = ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "app/Cargo.toml", "xtask/src/build/wasm.rs"];

/// Builds it, unless it is there already, and says which.
pub fn build(repo: &Repo, toolchain: &Toolchain) -> Result<&'static str> {
    check_bindgen_version(repo)?;
    let stamp = folder(repo).join("stamp");
    if let Some(now) = fingerprint(repo, toolchain)
        && fs::read_to_string(&stamp).is_ok_and(|then| then == now)
        && output(repo).join(format!("{NAME}_bg.wasm")).exists()
    {
        return Ok("unchanged");
    }
    // A target folder of its own: the two halves have other features and would build each other's dependencies anew.
    let mut cargo = toolchain.cargo("build");
    cargo.args(["--package", "hypercare-app", "--lib", "--target", TARGET, "--profile", "wasm-release"]);
    cargo.args(["--no-default-features", "--features", "hydrate", "--target-dir"]).arg(folder(repo)).current_dir(&repo.root);
    shell::run(&mut cargo)?;
    bind(repo)?;
    let now = fingerprint(repo, toolchain).context("cargo left no list of the sources it compiled")?;
    fs::write(&stamp, now).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok("built")
}

/// Where `wasm-bindgen` leaves its files.
pub fn output(repo: &Repo) -> PathBuf {
    folder(repo).join("pkg")
}

fn folder(repo: &Repo) -> PathBuf {
    repo.target.join("wasm")
}

fn compiled(repo: &Repo) -> PathBuf {
    folder(repo).join(TARGET).join("wasm-release")
}

fn bind(repo: &Repo) -> Result<()> {
    let output = output(repo);
    drop(fs::remove_dir_all(&output));
    Bindgen::new()
        .input_path(compiled(repo).join("hypercare_app.wasm"))
        .out_name(NAME)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(false)
        .remove_name_section(true)
        .remove_producers_section(true)
        .generate(&output)
        .context("wasm-bindgen failed")
}

/// A fingerprint of all that goes into the browser half: the sources cargo says it compiled (a new file can only come in through a change
/// in one of them), the lock file, the settings, the compiler. `None` until the first build.
fn fingerprint(repo: &Repo, toolchain: &Toolchain) -> Option<String> {
    let list = fs::read_to_string(compiled(repo).join("hypercare_app.d")).ok()?;
    let mut files = sources(&list);
    files.extend(ALWAYS.map(|name| repo.root.join(name)));
    files.sort();
    let mut hasher = DefaultHasher::new();
    toolchain.version.hash(&mut hasher);
    for file in files {
        file.strip_prefix(&repo.root).unwrap_or(&file).hash(&mut hasher);
        fs::read(&file).ok()?.hash(&mut hasher);
    }
    Some(format!("{:016x}", hasher.finish()))
}

/// The files behind the colon of cargo's dependency file, where a space in a name is written `\ `.
fn sources(list: &str) -> Vec<PathBuf> {
    let Some((_, files)) = list.lines().next().and_then(|line| line.split_once(": ")) else { return Vec::new() };
    let marked = files.replace("\\ ", "\0");
    marked.split_ascii_whitespace().map(|name| PathBuf::from(name.replace('\0', " "))).collect()
}

/// The macro in the browser half and the reader in this program must be of one version: their format changes with each.
fn check_bindgen_version(repo: &Repo) -> Result<()> {
    let lock = fs::read_to_string(repo.root.join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let (writer, reader) = (locked(&lock, "wasm-bindgen"), locked(&lock, "wasm-bindgen-cli-support"));
    if writer != reader {
        let (writer, reader) = (writer.unwrap_or("none"), reader.unwrap_or("none"));
        bail!(
            "Cargo.lock has wasm-bindgen {writer} but wasm-bindgen-cli-support {reader}: \
             set `wasm-bindgen-cli-support = \"={writer}\"` in xtask/Cargo.toml"
        );
    }
    Ok(())
}

fn locked<'lock>(lock: &'lock str, package: &str) -> Option<&'lock str> {
    let start = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != start);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Whether there is a browser half at all.
pub fn exists(folder: &Path) -> bool {
    folder.join(format!("{NAME}_bg.wasm")).exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_cargos_list_of_sources() {
        let list = "/t/x.wasm: /r/app/src/lib.rs /r/with\\ space/lib.rs\n";
        assert_eq!(sources(list), [PathBuf::from("/r/app/src/lib.rs"), PathBuf::from("/r/with space/lib.rs")]);
    }

    #[test]
    fn reads_a_version_from_the_lock() {
        let lock =
            "[[package]]\nname = \"wasm-bindgen\"\nversion = \"0.2.130\"\n\n[[package]]\nname = \"wasm-bindgen-macro\"\nversion = \"9\"\n";
        assert_eq!(locked(lock, "wasm-bindgen"), Some("0.2.130"));
        assert_eq!(locked(lock, "absent"), None);
    }
}
