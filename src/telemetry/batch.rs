//! What goes into the database, or the spool, at once: rows and the block they share.

use super::block::{Builder, Press};
use super::counters::Counters;
use super::kind::Kinds;
use super::record::{CallRecord, Row};
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

impl BlockIds {
    pub fn new() -> Self {
        Self { last_micros: AtomicI64::new(0), replica: i64::from(rand::random::<u16>() & 0x3ff) }
    }

    fn next(&self, now: Instant) -> i64 {
        let before = self.last_micros.fetch_max(now.0, Ordering::Relaxed);
        let micros = if before < now.0 { now.0 } else { self.last_micros.fetch_add(1, Ordering::Relaxed) + 1 };
        micros << 10 | self.replica
    }
}

/// Settles calls and packs them, a few at a time: a record is large and its memory soon cold, its packed form is small.
#[derive(Default)]
pub(super) struct Packer {
    kinds: Kinds,
    press: Option<Press>,
    open: Builder,
    rows: Vec<Row>,
    closed: Vec<Batch>,
    packed: usize,
}

impl Packer {
    /// Adds calls. Takes processor time: off the async threads.
    pub fn add(
        &mut self,
        records: impl Iterator<Item = Box<CallRecord>>,
        counters: &Counters,
        ids: &BlockIds,
        now: Instant,
    ) -> io::Result<()> {
        for record in records {
            let settled = record.settle(&mut self.kinds);
            counters.add(&settled);
            self.open.add(&settled.facts, &settled.bodies())?;
            self.rows.push(settled.row);
            self.packed += 1;
            if self.open.is_full() {
                self.close(ids, now)?;
            }
        }
        Ok(())
    }

    /// Calls packed since they were last taken.
    pub fn packed(&self) -> usize {
        self.packed
    }

    /// Takes what was packed.
    pub fn take(&mut self, ids: &BlockIds, now: Instant) -> io::Result<Vec<Batch>> {
        if !self.rows.is_empty() {
            self.close(ids, now)?;
        }
        self.packed = 0;
        Ok(std::mem::take(&mut self.closed))
    }

    fn close(&mut self, ids: &BlockIds, now: Instant) -> io::Result<()> {
        let rows = std::mem::take(&mut self.rows);
        let press = match &mut self.press {
            Some(press) => press,
            none => none.insert(Press::new()?),
        };
        self.closed.push(Batch { block: ids.next(now), rows, content: self.open.finish(press)? });
        Ok(())
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
