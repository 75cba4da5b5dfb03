//! Folders that are gone when the command ends.

use crate::cleanup::Cleanup;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// An empty folder of this process's own; removed when dropped.
pub struct TempDir {
    path: PathBuf,
    _remove: Cleanup,
}

impl TempDir {
    /// Creates it below the system's folder for such things (short, so that a Unix socket's name fits into it).
    pub fn new(purpose: &str) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("hypercare-{purpose}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        let doomed = path.clone();
        Ok(Self { path, _remove: Cleanup::register(move || drop(fs::remove_dir_all(doomed))) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
