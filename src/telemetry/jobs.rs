//! The writer of the log, and the pulse of the live feed.

use super::batch::{Batch, BlockIds, Sheet};
use super::block::Press;
use super::live::LiveEvent;
use super::queue::Tray;
use super::record::CallRecord;
use super::rollup::Rollups;
use super::spool::Spool;
use super::{service, store};
use crate::server::App;
use std::io;
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
    Writer::new(app, spool).run(receiver).await;
    if let Err(e) = packing.await.map_err(io::Error::other).flatten() {
        tracing::error!(error = %e, "the packer of the log ended");
    }
}

/// Packing takes a thread of its own, which sleeps in between and wakes nobody else: on the shared runtime each piece was six switches of threads.
fn pack_on_this_thread(app: &App, sender: &mpsc::Sender<Vec<Batch>>, last: oneshot::Receiver<()>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(pack_calls(app, Packer::new()?, sender, last));
    Ok(())
}

/// Packs what lies on the trays until there is no more to come, and hands it on.
async fn pack_calls(app: &App, mut packer: Packer, sender: &mpsc::Sender<Vec<Batch>>, mut last: oneshot::Receiver<()>) {
    let (mut pause, mut open) = (PAUSE, true);
    while open {
        tokio::select! {
            _ = &mut last => {
                // What lies on the trays still comes out; nothing new goes in.
                app.log().end();
                open = false;
            }
            () = app.log().arrival() => {}
            // The writer is gone without a word: its runtime ended, which waits for this thread.
            () = sender.closed() => return,
        }
        let until = Tick::now() + GATHER;
        loop {
            let over = !open || Tick::now() >= until;
            let calls = packer.pack(app, over);
            if over || packer.packed >= BATCH {
                break;
            }
            pause = next_pause(pause, calls);
            time::sleep_until(until.min(Tick::now() + pause)).await;
        }
        for batches in packer.take() {
            if sender.send(batches).await.is_err() {
                return;
            }
        }
    }
}

/// The pause after which as many calls are there as are worth waking up for, if they come as they came in the last one.
fn next_pause(last: Duration, calls: usize) -> Duration {
    let calls = u32::try_from(calls).unwrap_or(u32::MAX).max(1);
    (last * WORTH / calls).clamp(PAUSE, LONGEST_PAUSE)
}

/// Settles calls that take long, and compresses all of them.
struct Packer {
    press: Press,
    ids: BlockIds,
    own: Tray,
    long: Vec<CallRecord>,
    sheets: Vec<Sheet>,
    batches: Vec<Batch>,
    /// Calls in the batches.
    packed: usize,
}

impl Packer {
    fn new() -> io::Result<Self> {
        let own = Tray::default();
        Ok(Self { press: Press::new()?, ids: BlockIds::new(), own, long: Vec::new(), sheets: Vec::new(), batches: Vec::new(), packed: 0 })
    }

    /// Packs the full sheets that wait, and the begun ones, too, if `all`; tells how many calls those were. Takes processor time: off the async threads.
    fn pack(&mut self, app: &App, all: bool) -> usize {
        app.log().take(all, &mut self.sheets, &mut self.long);
        for record in self.long.drain(..) {
            self.own.settle(record, || app.log().memory());
        }
        self.own.take(all, &mut self.sheets);
        let before = self.packed;
        for sheet in self.sheets.drain(..) {
            let calls = sheet.calls();
            app.counters().add(sheet.rows());
            match sheet.press(&mut self.press, &self.ids, app.now()) {
                Ok((batch, memory)) => {
                    self.packed += calls;
                    self.batches.push(batch);
                    app.log().give_back(memory);
                }
                Err(e) => tracing::error!(error = %e, calls, "calls are lost: they cannot be packed"),
            }
        }
        self.packed - before
    }

    /// What was packed, by transactions.
    fn take(&mut self) -> Vec<Vec<Batch>> {
        let (mut transactions, mut calls) = (Vec::new(), 0);
        for batch in std::mem::take(&mut self.batches) {
            if transactions.is_empty() || calls >= BATCH {
                transactions.push(Vec::new());
                calls = 0;
            }
            calls += batch.rows.len();
            if let Some(transaction) = transactions.last_mut() {
                transaction.push(batch);
            }
        }
        self.packed = 0;
        transactions
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
            let segment = self.segment.of(batches);
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
            let segment = self.segment.of(std::slice::from_ref(&batch));
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

/// The segment that is being filled. No two processes share one: it is named after its first block.
#[derive(Default)]
struct Segment {
    id: i64,
    calls: usize,
}

impl Segment {
    /// The segment that takes these.
    fn of(&mut self, batches: &[Batch]) -> i64 {
        if self.id == 0 || self.calls >= SEGMENT {
            let id = batches.first().map_or(0, |batch| batch.block);
            *self = Self { id, calls: 0 };
        }
        self.calls += batches.iter().map(|batch| batch.rows.len()).sum::<usize>();
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
    use super::super::kind::Kinds;
    use super::super::record::Captured;
    use super::super::record::tests::call;
    use super::*;

    #[test]
    fn a_segment_takes_so_many_calls_and_is_named_after_its_first_block() {
        let row = call(false, Captured::Nothing).settle(&mut Kinds::default()).row;
        let rows = vec![row; SEGMENT / 4];
        let batch = |block| Batch { block, rows: rows.clone(), content: Vec::new() };
        let mut segment = Segment::default();
        let named: Vec<_> = (11..20).map(|block| segment.of(&[batch(block)])).collect();
        assert_eq!(named, [11, 11, 11, 11, 15, 15, 15, 15, 19]);
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
