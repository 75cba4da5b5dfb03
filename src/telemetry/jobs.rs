//! The writer of the log, and the pulse of the live feed.

use super::batch::{Batch, BlockIds, Sheet};
use super::block::Press;
use super::counters::Counters;
use super::live::LiveEvent;
use super::queue::{LogQueue, Tray, survived};
use super::record::CallRecord;
use super::rollup::Rollups;
use super::spool::Spool;
use super::{service, store};
use crate::server::App;
use crate::types::Instant;
use std::collections::VecDeque;
use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{self, Instant as Tick, MissedTickBehavior};

/// Calls per transaction: keeps the one writer of `SQLite` free for feedback every few tens of milliseconds.
const BATCH: usize = 2_048;
/// How many calls are worth waking up for.
const WORTH: u32 = 512;
/// The pause between two looks at the trays: what waits there is memory that cools down, but each waking disturbs the calls.
const PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(50);
/// How long calls are gathered before a small batch is written.
const GATHER: Duration = Duration::from_millis(150);
/// Between two looks at the spool while the database is away.
const RETRY: Duration = Duration::from_secs(1);
/// The database must take a batch within this time.
const INSERT: Duration = Duration::from_secs(15);

/// Calls of a segment: few enough that its part of the indexes stays in the cache while it grows, and many enough that there are few segments to look into:
/// three hundred in ten million calls.
const SEGMENT: usize = 32_768;

/// What is packed and waits for the writer: batches of so many transactions.
const PACKED: usize = 4;

/// The packer and the writer of the log. They end when the last answer was given and every finished call is in the database or the spool.
pub(crate) async fn write_log(app: App, spool: Spool, last: oneshot::Receiver<()>) {
    let (sender, receiver) = mpsc::channel(PACKED);
    let packing = {
        let app = app.clone();
        tokio::task::spawn_blocking(move || pack_on_this_thread(&app, &sender, last))
    };
    Writer::new(app.clone(), spool).run(receiver).await;
    if let Err(e) = packing.await.map_err(io::Error::other).flatten() {
        tracing::error!(error = %e, "the packer of the log ended");
    }
    app.log().end();
}

/// Packing takes a thread of its own, which sleeps in between and wakes nobody else: on the shared runtime each piece was six switches of threads.
fn pack_on_this_thread(app: &App, sender: &mpsc::Sender<Vec<Batch>>, last: oneshot::Receiver<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let packer = Packer::new(app.log().clone(), app.counters().clone());
    runtime.block_on(pack_calls(packer, || app.now(), sender, last));
    Ok(())
}

/// Packs what lies on the trays until there is no more to come, and hands it on.
async fn pack_calls(mut packer: Packer, clock: impl Fn() -> Instant, sender: &mpsc::Sender<Vec<Batch>>, mut last: oneshot::Receiver<()>) {
    let (mut pause, mut open) = (PAUSE, true);
    while open || !packer.is_empty() {
        if open {
            let arrival = async {
                if packer.is_empty() {
                    packer.queue.arrival().await;
                }
            };
            tokio::select! {
                _ = &mut last => {
                    // What lies on the trays still comes out; nothing new goes in.
                    packer.queue.end();
                    open = false;
                }
                () = arrival => {}
                // The writer is gone without a word: its runtime ended, which waits for this thread.
                () = sender.closed() => return,
            }
        }
        let until = Tick::now() + GATHER;
        loop {
            let over = !open || Tick::now() >= until;
            let calls = packer.pack(over, clock());
            if over || packer.packed >= BATCH {
                break;
            }
            pause = next_pause(pause, calls);
            time::sleep_until(until.min(Tick::now() + pause)).await;
        }
        let (batches, calls) = packer.take();
        if !batches.is_empty() && sender.send(batches).await.is_err() {
            return;
        }
        packer.queue.handed_on(calls);
    }
}

/// The pause after which as many calls are there as are worth waking up for, if they come as they came in the last one.
fn next_pause(last: Duration, calls: usize) -> Duration {
    let calls = u32::try_from(calls).unwrap_or(u32::MAX).max(1);
    (last * WORTH / calls).clamp(PAUSE, LONGEST_PAUSE)
}

/// Settles calls that take long, and compresses all of them.
struct Packer {
    queue: LogQueue,
    counters: Arc<Counters>,
    press: Option<Press>,
    ids: BlockIds,
    own: Tray,
    long: VecDeque<Box<CallRecord>>,
    sheets: VecDeque<Sheet>,
    batches: Vec<Batch>,
    /// Calls in the batches.
    packed: usize,
    /// Calls that were taken off the trays and are in no batch: they could not be packed.
    failed: usize,
}

impl Packer {
    fn new(queue: LogQueue, counters: Arc<Counters>) -> Self {
        Self {
            queue,
            counters,
            press: None,
            ids: BlockIds::default(),
            own: Tray::default(),
            long: VecDeque::new(),
            sheets: VecDeque::new(),
            batches: Vec::new(),
            packed: 0,
            failed: 0,
        }
    }

    /// Whether it has nothing that is not packed.
    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.long.is_empty() && self.sheets.is_empty()
    }

    /// Packs as many calls as a transaction takes, of the full sheets that wait and of those begun, too, if `all`; tells how many those were. Takes processor
    /// time: off the async threads.
    fn pack(&mut self, all: bool, now: Instant) -> usize {
        self.queue.take(all, &mut self.sheets, &mut self.long);
        let before = self.packed + self.failed;
        for _ in 0..BATCH {
            let Some(record) = self.long.pop_front() else { break };
            if let Err(e) = self.own.settle(*record, || self.queue.memory()) {
                self.failed += 1;
                tracing::error!(error = %e, "a call is lost");
            }
        }
        self.own.take(all && self.long.is_empty(), &mut self.sheets);
        while self.packed < BATCH
            && let Some(sheet) = self.next_sheet()
        {
            let calls = sheet.calls();
            match survived("packing", || self.press(sheet, now)) {
                Ok(batch) => {
                    self.packed += calls;
                    self.batches.push(batch);
                }
                Err(e) => {
                    self.failed += calls;
                    tracing::error!(error = %e, calls, "calls are lost");
                }
            }
        }
        self.packed + self.failed - before
    }

    /// The next sheet, with the calls of those after it that fit on it: where few calls come, each tray has a few of them, and larger blocks are smaller.
    fn next_sheet(&mut self) -> Option<Sheet> {
        let mut sheet = self.sheets.pop_front()?;
        while let Some(next) = self.sheets.pop_front() {
            if let Some(next) = sheet.join(next) {
                self.sheets.push_front(next);
                break;
            }
        }
        Some(sheet)
    }

    fn press(&mut self, sheet: Sheet, now: Instant) -> io::Result<Batch> {
        let press = match &mut self.press {
            Some(press) => press,
            none => none.insert(Press::new()?),
        };
        self.counters.add(sheet.rows());
        let (batch, memory) = sheet.press(press, &self.ids, now)?;
        self.queue.give_back(memory);
        Ok(batch)
    }

    /// What was packed, and how many of the calls that were taken this settles.
    fn take(&mut self) -> (Vec<Batch>, usize) {
        let calls = mem::take(&mut self.packed) + mem::take(&mut self.failed);
        (mem::take(&mut self.batches), calls)
    }
}

/// The writer and what it remembers from batch to batch.
struct Writer {
    app: App,
    spool: Spool,
    rollups: Rollups,
    segment: Segment,
    /// Whether the database took the last batch; while it does not, calls go straight to the spool, so that none waits for a timeout.
    healthy: bool,
}

impl Writer {
    fn new(app: App, spool: Spool) -> Self {
        let healthy = spool.bytes() == 0;
        Self { app, spool, rollups: Rollups::default(), segment: Segment::default(), healthy }
    }

    /// Writes what comes until nothing comes any more.
    async fn run(mut self, mut packed: mpsc::Receiver<Vec<Batch>>) {
        let mut tick = time::interval(RETRY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                batches = packed.recv() => match batches {
                    Some(batches) => self.write(&batches).await,
                    None => break,
                },
                _ = tick.tick() => self.tick().await,
            }
        }
        self.flush_rollups().await;
    }

    async fn write(&mut self, batches: &[Batch]) {
        let calls = batches.iter().map(|batch| batch.rows.len()).sum();
        if self.healthy {
            let segment = self.segment.of(calls, self.app.now());
            let inserted = time::timeout(INSERT, store::insert(self.app.db(), batches, segment)).await;
            match inserted.unwrap_or(Err(sqlx::Error::PoolTimedOut)) {
                Ok(()) => {
                    self.rollups.add(batches.iter().flat_map(|batch| &batch.rows));
                    return self.app.log().add_stored(calls);
                }
                Err(e) => tracing::error!(error = %e, calls, "the database takes no calls; spooling them"),
            }
        }
        self.healthy = false;
        for batch in batches {
            if let Err(e) = self.spool.put(batch).await {
                tracing::error!(error = %e, calls = batch.rows.len(), "calls are lost: neither the database nor the spool takes them");
            }
        }
    }

    async fn tick(&mut self) {
        self.flush_rollups().await;
        if !self.healthy {
            self.healthy = self.drain_spool().await;
        }
    }

    /// Brings spooled batches in; tells whether none is left.
    async fn drain_spool(&mut self) -> bool {
        loop {
            let (path, batch) = match self.spool.oldest().await {
                Ok(None) => return true,
                Ok(Some(found)) => found,
                Err(e) => {
                    tracing::error!(error = %e, "the spool cannot be read");
                    return false;
                }
            };
            let segment = self.segment.of(batch.rows.len(), self.app.now());
            if let Err(e) = bring_in(&self.app, &batch, segment).await {
                tracing::warn!(error = %e, "the database is still away");
                return false;
            }
            self.app.log().add_stored(batch.rows.len());
            if let Err(e) = self.spool.done(&path).await {
                tracing::error!(error = %e, "a spooled batch cannot be removed");
                return false;
            }
        }
    }

    async fn flush_rollups(&mut self) {
        let dirty = self.rollups.dirty();
        if dirty.is_empty() {
            return;
        }
        match store::put_rollups(self.app.db(), self.app.replica(), &dirty).await {
            Ok(()) => self.rollups.written(&dirty, self.app.now()),
            Err(e) => tracing::warn!(error = %e, "roll-ups wait for the database"),
        }
    }
}

/// The segment that is being filled, named as blocks are. Each process begins with one of its own.
#[derive(Default)]
struct Segment {
    ids: BlockIds,
    id: i64,
    calls: usize,
}

impl Segment {
    /// The segment that takes so many calls.
    fn of(&mut self, calls: usize, now: Instant) -> i64 {
        if self.id == 0 || self.calls >= SEGMENT {
            self.id = self.ids.next(now);
            self.calls = 0;
        }
        self.calls += calls;
        self.id
    }
}

/// Inserts a spooled batch and its part of the roll-ups. Those rows are named after the batch, so that bringing it in twice changes nothing.
async fn bring_in(app: &App, batch: &Batch, segment: i64) -> Result<(), sqlx::Error> {
    store::insert(app.db(), std::slice::from_ref(batch), segment).await?;
    let mut rollups = Rollups::default();
    rollups.add(batch.rows.iter());
    store::put_rollups(app.db(), &format!("spool:{}", batch.block), &rollups.dirty()).await
}

/// Once a second, while somebody listens: the numbers of this second.
pub(crate) async fn pulse(app: App) {
    let mut tick = time::interval(Duration::from_secs(1));
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tick.tick().await;
        if !app.live().has_listeners() {
            continue;
        }
        match service::live_metrics(&app).await {
            Ok(metrics) => app.live().publish(LiveEvent::Metrics(Arc::new(metrics))),
            Err(e) => tracing::warn!(error = %e, "no live numbers this second"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::Outcome;
    use super::super::record::Captured;
    use super::super::record::tests::call;
    use super::*;

    #[test]
    fn a_segment_takes_so_many_calls_and_newer_ones_have_larger_names() {
        let mut segment = Segment::default();
        let named: Vec<_> = (0..9).map(|_| segment.of(SEGMENT / 4, Instant(1))).collect();
        assert_eq!(named.chunk_by(|one, next| one == next).map(<[i64]>::len).collect::<Vec<_>>(), [4, 4, 1]);
        assert!(named.is_sorted());
    }

    fn long() -> Box<CallRecord> {
        Box::new(call(false, Captured::Nothing))
    }

    fn quick() -> Box<CallRecord> {
        Box::new(CallRecord { outcome: Outcome::Error, ..call(false, Captured::Nothing) })
    }

    /// The calls of each batch, as they come.
    async fn come(receiver: &mut mpsc::Receiver<Vec<Batch>>, calls: usize) -> Vec<usize> {
        let mut came = Vec::new();
        while came.iter().sum::<usize>() < calls {
            let batches = time::timeout(Duration::from_mins(1), receiver.recv()).await.expect("comes by itself").expect("open");
            assert!(batches.iter().map(|batch| batch.rows.len()).sum::<usize>() < BATCH + 256, "a transaction");
            came.extend(batches.iter().map(|batch| batch.rows.len()));
        }
        came
    }

    #[tokio::test]
    async fn everything_comes_out_by_itself_and_at_the_end() {
        let queue = LogQueue::new();
        let (sender, mut receiver) = mpsc::channel(PACKED);
        let (last, ended) = oneshot::channel();
        // More than a transaction, and no multiple of a block.
        for _ in 0..BATCH + 52 {
            queue.push(long());
        }
        let packer = Packer::new(queue.clone(), Arc::default());
        let packing = tokio::spawn(async move { pack_calls(packer, || Instant(1), &sender, ended).await });
        assert_eq!(come(&mut receiver, BATCH + 52).await.iter().sum::<usize>(), BATCH + 52);
        for _ in 0..3 * BATCH + 7 {
            queue.push(quick());
        }
        last.send(()).expect("listens");
        assert_eq!(come(&mut receiver, 3 * BATCH + 7).await.iter().sum::<usize>(), 3 * BATCH + 7);
        packing.await.expect("ends");
        assert!(receiver.recv().await.is_none());
        queue.push(quick());
        assert_eq!(queue.lost(), 1);
    }

    #[tokio::test]
    async fn the_few_calls_of_many_threads_share_a_block() {
        let queue = LogQueue::new();
        for _ in 0..8 {
            std::thread::scope(|scope| scope.spawn(|| (0..3).for_each(|_| queue.push(quick()))).join().expect("pushed"));
        }
        queue.push(long());
        let (sender, mut receiver) = mpsc::channel(PACKED);
        let (_last, ended) = oneshot::channel();
        let packer = Packer::new(queue.clone(), Arc::default());
        let packing = tokio::spawn(async move { pack_calls(packer, || Instant(1), &sender, ended).await });
        assert_eq!(come(&mut receiver, 25).await, [25]);
        packing.abort();
    }

    #[test]
    fn the_packer_sleeps_until_it_is_worth_waking_up() {
        let ms = Duration::from_millis;
        assert_eq!(next_pause(PAUSE, 0), ms(50), "nobody calls");
        assert_eq!(next_pause(PAUSE, 256), ms(20), "25,600 calls a second");
        assert_eq!(next_pause(ms(40), 1_024), ms(20), "twice as many as were worth it");
        assert_eq!(next_pause(ms(50), 3_000), PAUSE, "a flood");
    }
}
