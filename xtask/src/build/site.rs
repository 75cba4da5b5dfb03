//! The folder the server embeds: `public/`, the browser half and the style sheet under `pkg/`, and a brotli twin next to what shrinks.

use super::{css, wasm};
use crate::progress::size;
use crate::repo::Repo;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// What the browser half may weigh on its way to a browser (SCREENS: 350 KB brotli).
const BUDGET: usize = 350_000;
/// Below this, a compressed twin saves less than one packet.
const WORTH_COMPRESSING: usize = 1024;
/// Formats that are compressed already.
const COMPRESSED: [&str; 9] = ["png", "jpg", "jpeg", "gif", "webp", "avif", "woff2", "br", "gz"];
/// Brotli's window, as a power of two: the largest that browsers accept.
const WINDOW: i32 = 22;
/// Brotli's best. It takes seconds, hence the cache.
const QUALITY: i32 = 11;

/// What the browser half weighs.
pub struct Sizes {
    raw: usize,
    brotli: usize,
}

impl Sizes {
    /// An error when the browser half outgrew its budget.
    pub fn check_budget(&self) -> Result<()> {
        if self.brotli > BUDGET {
            bail!(
                "the browser half is {} compressed, its budget is {}: split it per area or drop what made it grow",
                size(self.brotli),
                size(BUDGET)
            );
        }
        Ok(())
    }
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.raw {
            0 => write!(f, "no browser half, pages work as with JavaScript off"),
            raw => write!(f, "WASM {} raw, {} brotli of {} allowed", size(raw), size(self.brotli), size(BUDGET)),
        }
    }
}

/// Brings the site folder up to date. Files that did not change keep their times, so that cargo does not build the server anew.
pub fn assemble(repo: &Repo) -> Result<Sizes> {
    let mut files = read_all(&repo.root.join("public"), "")?;
    if wasm::exists(&wasm::output(repo)) {
        files.append(&mut read_all(&wasm::output(repo), "pkg/")?);
    }
    if let Some(widget) = files.get_mut("widget.js") {
        *widget = slim(&String::from_utf8_lossy(widget)).into_bytes();
    }
    files.insert("pkg/hypercare.css".into(), css::bundle(&repo.root.join("style"))?.into_bytes());
    let wasm = "pkg/hypercare_bg.wasm";
    let raw = files.get(wasm).map_or(0, Vec::len);
    for (name, twin) in compress(repo, &files)? {
        files.insert(name, twin);
    }
    let brotli = files.get(&format!("{wasm}.br")).map_or(0, Vec::len);
    // Tells one site from another: the server includes it, so that cargo notices a file that came or went.
    files.insert("build-id".into(), fingerprint(&files).into_bytes());
    write_all(&repo.site(), &files)?;
    Ok(Sizes { raw, brotli })
}

/// The widget as other people's pages load it: without what only its readers need, comments on lines of their own, indentation, and the ends of lines
/// that mean nothing. (No comment may stand behind code there.)
fn slim(script: &str) -> String {
    let mut slim = String::with_capacity(script.len());
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        slim.push_str(line);
        if !line.ends_with(['{', '(', '[', ',', ';']) {
            slim.push('\n');
        }
    }
    slim
}

/// Every file below a folder, by its path within (behind `prefix`). A folder that is missing has none.
fn read_all(folder: &Path, prefix: &str) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for file in files_below(folder)? {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        files.insert(format!("{prefix}{name}"), bytes);
    }
    Ok(files)
}

/// The paths of all files below a folder, sorted.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop().filter(|folder| folder.exists()) {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

/// The brotli twins (`<name>.br`) of all that shrinks by it; each text is compressed once and kept below the target folder.
fn compress(repo: &Repo, files: &BTreeMap<String, Vec<u8>>) -> Result<BTreeMap<String, Vec<u8>>> {
    let cache = repo.target.join("wasm/brotli");
    fs::create_dir_all(&cache).with_context(|| format!("cannot create {}", cache.display()))?;
    let mut twins = BTreeMap::new();
    for (name, bytes) in files.iter().filter(|(name, bytes)| bytes.len() >= WORTH_COMPRESSING && !is_compressed(name)) {
        let kept = cache.join(fingerprint(bytes));
        let twin = if let Ok(twin) = fs::read(&kept) {
            twin
        } else {
            let twin = brotli(bytes)?;
            fs::write(&kept, &twin).with_context(|| format!("cannot write {}", kept.display()))?;
            twin
        };
        if twin.len() < bytes.len() {
            twins.insert(format!("{name}.br"), twin);
        }
    }
    Ok(twins)
}

fn is_compressed(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| COMPRESSED.contains(&extension))
}

fn brotli(bytes: &[u8]) -> Result<Vec<u8>> {
    let parameters = brotli::enc::BrotliEncoderParams { quality: QUALITY, lgwin: WINDOW, size_hint: bytes.len(), ..Default::default() };
    let mut twin = Vec::new();
    brotli::BrotliCompress(&mut &bytes[..], &mut twin, &parameters).context("brotli failed")?;
    Ok(twin)
}

/// Writes what differs and removes what does not belong.
fn write_all(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    for file in files_below(folder)? {
        let name = file.strip_prefix(folder).unwrap_or(&file).to_string_lossy().into_owned();
        if !files.contains_key(&name) {
            fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        }
    }
    for (name, bytes) in files {
        let file = folder.join(name);
        if fs::read(&file).is_ok_and(|there| there == *bytes) {
            continue;
        }
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent).with_context(|| format!("cannot create {}", parent.display()))?;
        }
        fs::write(&file, bytes).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

fn fingerprint(value: &impl Hash) -> String {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::temp::TempDir;

    #[test]
    fn writing_removes_strangers_and_leaves_equals_alone() -> Result<()> {
        let folder = TempDir::new("site-test")?;
        fs::write(folder.path().join("stranger"), "x")?;
        let files = BTreeMap::from([("pkg/a.css".to_owned(), b"a{}".to_vec())]);
        write_all(folder.path(), &files)?;
        let time = fs::metadata(folder.path().join("pkg/a.css"))?.modified()?;
        write_all(folder.path(), &files)?;
        assert_eq!(files_below(folder.path())?, [folder.path().join("pkg/a.css")]);
        assert_eq!(fs::metadata(folder.path().join("pkg/a.css"))?.modified()?, time);
        Ok(())
    }

    #[test]
    fn the_widget_stays_small_on_pages_of_others() {
        assert_eq!(slim("// Says\n  if (on) {\n    say(\n      1,\n      2);\n  }\n\n  go()\n"), "if (on) {say(1,2);}\ngo()\n");
        let served = slim(include_str!("../../../public/widget.js"));
        assert!(served.len() < 12_000, "{} bytes", served.len());
    }

    #[test]
    fn the_budget_is_kept() {
        assert!(Sizes { raw: 900_000, brotli: BUDGET }.check_budget().is_ok());
        assert!(Sizes { raw: 900_000, brotli: BUDGET + 1 }.check_budget().is_err());
    }
}
