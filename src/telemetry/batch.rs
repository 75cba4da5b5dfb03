//! What goes into the database, or the spool, at once: rows and the block they share.

use super::block::{Builder, MOST_CALLS, Press};
use super::record::{Row, Settled};
use crate::types::Instant;
use serde::{Deserialize, Serialize};
use std::io;
use std::sync::atomic::{AtomicI64, Ordering};

/// Rows in the order of their places in the block.
#[derive(Debug)]
pub(crate) struct Batch {
    pub block: i64,
    pub rows: Vec<Row>,
    pub content: Vec<u8>,
}

/// Gives blocks their ids: the time in microseconds and ten random bits of this process. They grow, and no two replicas share one.
#[derive(Debug)]
pub(super) struct BlockIds {
    last_micros: AtomicI64,
    replica: i64,
}

impl Default for BlockIds {
    fn default() -> Self {
        Self { last_micros: AtomicI64::new(0), replica: i64::from(rand::random::<u16>() & 0x3ff) }
    }
}

impl BlockIds {
    pub fn next(&self, now: Instant) -> i64 {
        let before = self.last_micros.fetch_max(now.0, Ordering::Relaxed);
        let micros = if before < now.0 { now.0 } else { self.last_micros.fetch_add(1, Ordering::Relaxed) + 1 };
        micros << 10 | self.replica
    }
}

/// Settled calls that are to share a block: their rows, and what goes into it.
#[derive(Debug, Default)]
pub(super) struct Sheet {
    rows: Vec<Row>,
    content: Builder,
}

impl Sheet {
    /// An empty one that takes as much as is expected without asking for memory again and again.
    pub fn in_memory_of(content: Builder) -> Self {
        Self { rows: Vec::with_capacity(MOST_CALLS), content }
    }

    /// Adds a call. One that cannot be added leaves the others as they are.
    pub fn add(&mut self, settled: Settled) -> io::Result<()> {
        self.content.add(&settled.facts, &settled.bodies())?;
        self.rows.push(settled.row);
        Ok(())
    }

    /// Whether the next call belongs on another sheet.
    pub fn is_full(&self) -> bool {
        self.content.is_full()
    }

    /// Puts another's calls on this one, if they fit; else the other comes back.
    pub fn join(&mut self, mut other: Self) -> Option<Self> {
        if !self.content.fits(&other.content) {
            return Some(other);
        }
        self.content.append(&other.content);
        self.rows.append(&mut other.rows);
        None
    }

    /// Calls on it.
    pub fn calls(&self) -> usize {
        self.rows.len()
    }

    /// Its rows.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The batch, and the memory for another sheet. Takes processor time: off the async threads.
    pub fn press(mut self, press: &mut Press, ids: &BlockIds, now: Instant) -> io::Result<(Batch, Builder)> {
        let content = self.content.finish(press)?;
        Ok((Batch { block: ids.next(now), rows: self.rows, content }, self.content))
    }
}

#[derive(Serialize, Deserialize)]
struct Head<R> {
    block: i64,
    rows: R,
}

impl Batch {
    /// As a file of the spool: a line of JSON with the rows, then the block.
    pub fn to_file(&self) -> io::Result<Vec<u8>> {
        let mut file = serde_json::to_vec(&Head { block: self.block, rows: &self.rows })?;
        file.push(b'\n');
        file.extend(&self.content);
        Ok(file)
    }

    /// Reads [`Batch::to_file`].
    pub fn from_file(file: &[u8]) -> io::Result<Self> {
        let end = memchr::memchr(b'\n', file).ok_or_else(|| io::Error::new(io::ErrorKind::UnexpectedEof, "the file has no block"))?;
        let Head { block, rows } = serde_json::from_slice::<Head<Vec<Row>>>(&file[..end])?;
        Ok(Self { block, rows, content: file[end + 1..].to_vec() })
    }
}
