//! Where calls wait while the database cannot take them: files of JSON lines in the data folder.

use super::record::LogLine;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::fs;
use tokio::io::AsyncWriteExt as _;

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
    pub async fn put(&self, lines: &[LogLine]) -> io::Result<()> {
        let Some(first) = lines.first() else { return Ok(()) };
        let mut body = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut body, line)?;
            body.push(b'\n');
        }
        let partial = self.folder.join(format!("{}.part", first.id));
        let mut file = fs::File::create(&partial).await?;
        file.write_all(&body).await?;
        file.sync_all().await?;
        fs::rename(&partial, self.folder.join(format!("{}.jsonl", first.id))).await?;
        self.bytes.fetch_add(body.len() as u64, Ordering::Relaxed);
        Ok(())
    }

    /// The oldest batch and its file, if any. Lines that cannot be read are left out: they would be in the way for ever.
    pub async fn oldest(&self) -> io::Result<Option<(PathBuf, Vec<LogLine>)>> {
        let Some(path) = self.batches().await?.into_iter().next() else { return Ok(None) };
        let body = fs::read_to_string(&path).await?;
        let lines = body
            .lines()
            .filter_map(|line| serde_json::from_str(line).inspect_err(|e| tracing::error!(error = %e, "spooled call is unreadable")).ok());
        Ok(Some((path.clone(), lines.collect())))
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
            if entry.path().extension().is_some_and(|e| e == "jsonl") {
                found.push(entry.path());
            }
        }
        found.sort();
        Ok(found)
    }
}
