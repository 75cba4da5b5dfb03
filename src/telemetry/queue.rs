//! The way into the log.
//!
//! A thread that answers calls settles them itself, while what they are made of is in its caches, and lays them on a tray; the packer empties the trays.
//! Threads have trays of their own (as far as there are enough), so that none waits for another.

use super::batch::Sheet;
use super::block::Builder;
use super::kind::Kinds;
use super::record::CallRecord;
use crate::server::threads;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Calls that may wait for the writer, in all, before new ones are counted as lost.
const QUEUE: usize = 100_000;
/// Emptied memory of sheets that is kept for the next ones.
const SPARE: usize = 8;

/// Settled calls, and those that take long to settle.
#[derive(Default)]
pub(super) struct Tray {
    kinds: Kinds,
    begun: Sheet,
    full: Vec<Sheet>,
    long: VecDeque<Box<CallRecord>>,
    accepted: u64,
    lost: u64,
    ended: bool,
}

impl Tray {
    /// Settles a call; tells whether this filled a sheet. Whatever is wrong with it, those that come after it are settled.
    pub fn settle(&mut self, record: CallRecord, memory: impl FnOnce() -> Builder) -> io::Result<bool> {
        survived("settling it", || self.begun.add(record.settle(&mut self.kinds)))?;
        let full = self.begun.is_full();
        if full {
            let next = Sheet::in_memory_of(memory());
            self.full.push(mem::replace(&mut self.begun, next));
        }
        Ok(full)
    }

    /// Whether nothing lies here.
    pub fn is_empty(&self) -> bool {
        self.begun.calls() == 0 && self.full.is_empty() && self.long.is_empty()
    }

    /// Takes the full sheets, and the begun one, too, if `all`; tells how many calls were on that one.
    pub fn take(&mut self, all: bool, sheets: &mut VecDeque<Sheet>) -> usize {
        sheets.extend(self.full.drain(..));
        let begun = if all { self.begun.calls() } else { 0 };
        if begun > 0 {
            sheets.push_back(mem::take(&mut self.begun));
        }
        begun
    }
}

/// What `work` comes to; a panic is an error like others.
pub(super) fn survived<T>(what: &str, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(io::Error::other(format!("{what} panicked"))))
}

/// On lines of the cache of its own.
#[repr(align(128))]
#[derive(Default)]
struct Place(Mutex<Tray>);

impl Place {
    fn lock(&self) -> MutexGuard<'_, Tray> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The way into the log: never waits.
#[derive(Clone)]
pub(crate) struct LogQueue(Arc<Inner>);

struct Inner {
    places: Box<[Place]>,
    /// Calls that wait and are not on begun sheets. Changed when a sheet is full, not for every call.
    waiting: AtomicUsize,
    /// Whether the packer waits for something to do.
    asleep: AtomicBool,
    work: Notify,
    spare: Mutex<Vec<Builder>>,
    stored: AtomicU64,
}

impl fmt::Debug for LogQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogQueue").field("accepted", &self.accepted()).field("lost", &self.lost()).finish_non_exhaustive()
    }
}

impl LogQueue {
    /// With a tray for each thread that answers calls, and as many for others.
    pub fn new() -> Self {
        Self(Arc::new(Inner {
            places: (0..threads::places()).map(|_| Place::default()).collect(),
            waiting: AtomicUsize::new(0),
            asleep: AtomicBool::new(false),
            work: Notify::new(),
            spare: Mutex::default(),
            stored: AtomicU64::new(0),
        }))
    }

    /// The place of this thread.
    fn place(&self) -> &Place {
        &self.0.places[threads::place()]
    }

    /// Hands a call over; counts it as lost when the writer is far behind.
    pub fn push(&self, mut record: Box<CallRecord>) {
        let read = survived("reading its answer", || {
            record.read();
            Ok(record.is_quick())
        });
        let mut tray = self.place().lock();
        if tray.ended || self.0.waiting.load(Ordering::Relaxed) >= QUEUE {
            tray.lost += 1;
            return;
        }
        tray.accepted += 1;
        let more = match read {
            // As many as wait are counted when a sheet is full.
            Ok(true) => tray.settle(*record, || self.memory()).map(|full| if full { tray.full.last().map_or(0, Sheet::calls) } else { 0 }),
            Ok(false) => {
                tray.long.push_back(record);
                Ok(1)
            }
            Err(e) => Err(e),
        };
        // Before the packer can take them: what is handed on was counted.
        if let Ok(more) = more
            && more > 0
        {
            self.add_waiting(more);
        }
        drop(tray);
        if let Err(e) = more {
            tracing::error!(error = %e, "a call is lost");
        }
        // Set before the packer looked at the trays one last time: whoever lays something on one of them after that look sees it.
        if self.0.asleep.load(Ordering::Relaxed) && self.0.asleep.swap(false, Ordering::Relaxed) {
            self.0.work.notify_one();
        }
    }

    fn add_waiting(&self, calls: usize) {
        self.0.waiting.fetch_add(calls, Ordering::Relaxed);
    }

    /// Calls that were taken wait no more.
    pub(super) fn handed_on(&self, calls: usize) {
        self.0.waiting.fetch_sub(calls, Ordering::Relaxed);
    }

    /// Comes back when something waits.
    pub(super) async fn arrival(&self) {
        loop {
            self.0.asleep.store(true, Ordering::Relaxed);
            if self.0.places.iter().any(|place| !place.lock().is_empty()) {
                self.0.asleep.store(false, Ordering::Relaxed);
                return;
            }
            self.0.work.notified().await;
        }
    }

    /// Takes what waits: calls that take long to settle, full sheets, and those begun, too, if `all`.
    pub(super) fn take(&self, all: bool, sheets: &mut VecDeque<Sheet>, long: &mut VecDeque<Box<CallRecord>>) {
        for place in &self.0.places {
            let mut tray = place.lock();
            if long.is_empty() {
                mem::swap(long, &mut tray.long);
            } else {
                long.append(&mut tray.long);
            }
            self.add_waiting(tray.take(all, sheets));
        }
    }

    /// Nothing more is taken.
    pub(super) fn end(&self) {
        for place in &self.0.places {
            place.lock().ended = true;
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Builder>> {
        self.0.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Memory for a sheet.
    pub(super) fn memory(&self) -> Builder {
        self.spare().pop().unwrap_or_default()
    }

    /// Keeps emptied memory for the next sheets.
    pub(super) fn give_back(&self, memory: Builder) {
        let mut spare = self.spare();
        if spare.len() < SPARE {
            spare.push(memory);
        }
    }

    /// Calls were written to the database.
    pub fn add_stored(&self, calls: usize) {
        self.0.stored.fetch_add(calls as u64, Ordering::Relaxed);
    }

    /// Calls handed over since the start.
    pub fn accepted(&self) -> u64 {
        self.0.places.iter().map(|place| place.lock().accepted).sum()
    }

    /// Calls lost since the start.
    pub fn lost(&self) -> u64 {
        self.0.places.iter().map(|place| place.lock().lost).sum()
    }

    /// Calls written to the database since the start.
    pub fn stored(&self) -> u64 {
        self.0.stored.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Outcome;
    use super::super::record::Captured;
    use super::super::record::tests::call;
    use super::*;
    use std::collections::BTreeSet;
    use std::time::Duration;

    /// One that nothing is to be counted of.
    fn quick() -> Box<CallRecord> {
        Box::new(CallRecord { outcome: Outcome::Error, ..call(true, Captured::Nothing) })
    }

    /// One whose tokens are counted here.
    fn long() -> Box<CallRecord> {
        Box::new(call(true, Captured::Nothing))
    }

    fn taken(queue: &LogQueue, all: bool) -> (Vec<usize>, usize) {
        let (mut sheets, mut long) = (VecDeque::new(), VecDeque::new());
        queue.take(all, &mut sheets, &mut long);
        (sheets.iter().map(Sheet::calls).collect(), long.len())
    }

    #[test]
    fn a_panic_is_an_error_like_others() {
        assert_eq!(survived("settling it", || Ok(7)).ok(), Some(7));
        let panicked = survived::<()>("settling it", || panic!("a bug")).expect_err("an error");
        assert_eq!(panicked.to_string(), "settling it panicked");
    }

    #[test]
    fn full_sheets_are_taken_and_begun_ones_when_asked_for() {
        let queue = LogQueue::new();
        for _ in 0..300 {
            queue.push(quick());
        }
        queue.push(long());
        assert_eq!(taken(&queue, false), (vec![256], 1));
        assert_eq!(taken(&queue, false), (vec![], 0));
        assert_eq!(taken(&queue, true), (vec![44], 0));
        assert_eq!(taken(&queue, true), (vec![], 0));
        assert_eq!((queue.accepted(), queue.lost()), (301, 0));
    }

    #[test]
    fn what_is_more_than_may_wait_is_counted_as_lost_until_it_is_handed_on() {
        let queue = LogQueue::new();
        // The last sheet that is begun is not counted.
        let most = QUEUE.next_multiple_of(256);
        for _ in 0..most + 3 {
            queue.push(quick());
        }
        assert_eq!((queue.accepted(), queue.lost()), (most as u64, 3));
        let (sheets, _) = taken(&queue, true);
        assert_eq!(sheets.iter().sum::<usize>(), most);
        queue.push(quick());
        assert_eq!(queue.lost(), 4, "taken is not yet handed on");
        queue.handed_on(most);
        queue.push(quick());
        queue.end();
        queue.push(quick());
        queue.push(long());
        assert_eq!((queue.accepted(), queue.lost()), (most as u64 + 1, 6), "after the end nothing is taken");
        assert_eq!(taken(&queue, true), (vec![1], 0), "what came before still comes out");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn every_call_of_many_threads_comes_out_once_and_the_packer_is_woken() {
        const EACH: usize = 2_000;
        let queue = LogQueue::new();
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let queue = queue.clone();
                std::thread::spawn(move || {
                    let push = |record: Box<CallRecord>| {
                        let id = record.id.clone();
                        queue.push(record);
                        id
                    };
                    (0..EACH)
                        .map(|n| {
                            // Gives the packer time to fall asleep again and again.
                            if n % 100 == thread {
                                std::thread::sleep(Duration::from_millis(1));
                            }
                            push(if n % 10 == 0 { long() } else { quick() })
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let (mut sheets, mut longs, mut calls) = (VecDeque::new(), VecDeque::new(), 0);
        let all = async {
            while calls < 4 * EACH {
                queue.arrival().await;
                queue.take(true, &mut sheets, &mut longs);
                calls = sheets.iter().map(Sheet::calls).sum::<usize>() + longs.len();
            }
        };
        tokio::time::timeout(Duration::from_mins(1), all).await.expect("woken for every call");
        let pushed: BTreeSet<_> = threads.into_iter().flat_map(|thread| thread.join().expect("pushed")).collect();
        let came: Vec<_> =
            sheets.iter().flat_map(Sheet::rows).map(|row| row.id.clone()).chain(longs.iter().map(|record| record.id.clone())).collect();
        assert_eq!(came.len(), 4 * EACH);
        assert_eq!(came.into_iter().collect::<BTreeSet<_>>(), pushed);
        assert_eq!((queue.accepted(), queue.lost()), (4 * EACH as u64, 0));
    }
}
