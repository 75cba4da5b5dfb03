//! Where calls wait while the database cannot take them: a file each batch in the data folder.

use super::batch::Batch;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

/// Extension of a complete batch.
const EXTENSION: &str = "batch";

/// A folder of batches, one file each, named so that they sort by age.
#[derive(Clone, Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    bytes: Arc<AtomicU64>,
}

impl Spool {
    /// Opens the folder; batches a former run left are counted.
    pub async fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder).await?;
        let spool = Self { folder, bytes: Arc::default() };
        for file in spool.batches().await? {
            spool.bytes.fetch_add(fs::metadata(&file).await?.len(), Ordering::Relaxed);
        }
        Ok(spool)
    }

    /// Bytes waiting.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Writes a batch to disk; complete or not there at all.
    pub async fn put(&self, batch: &Batch) -> io::Result<()> {
        let body = batch.to_file()?;
        let partial = self.folder.join(format!("{}.part", batch.block));
        let mut file = fs::File::create(&partial).await?;
        file.write_all(&body).await?;
        file.sync_all().await?;
        fs::rename(&partial, self.folder.join(format!("{}.{EXTENSION}", batch.block))).await?;
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The oldest batch and its file, if any. A file that cannot be read is put aside under another name: it would be in the way for ever.
    pub async fn oldest(&self) -> io::Result<Option<(PathBuf, Batch)>> {
        for path in self.batches().await? {
            match Batch::from_file(&fs::read(&path).await?) {
                Ok(batch) => return Ok(Some((path, batch))),
                Err(e) => {
                    tracing::error!(error = %e, file = %path.display(), "spooled calls are unreadable; the file is kept as .damaged");
                    let length = fs::metadata(&path).await?.len();
                    fs::rename(&path, path.with_extension("damaged")).await?;
                    self.bytes.fetch_sub(length.min(self.bytes()), Ordering::Relaxed);
                }
            }
        }
        Ok(None)
    }

    /// The batch is in the database.
    pub async fn done(&self, path: &Path) -> io::Result<()> {
        let length = fs::metadata(path).await?.len();
        fs::remove_file(path).await?;
        self.bytes.fetch_sub(length.min(self.bytes()), Ordering::Relaxed);
        Ok(())
    }

    async fn batches(&self) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        let mut entries = fs::read_dir(&self.folder).await?;
        while let Some(entry) = entries.next_entry().await? {
            if entry.path().extension().is_some_and(|e| e == EXTENSION) {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }
}
