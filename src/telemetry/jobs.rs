//! The writer of the log, and the pulse of the live feed.

use super::live::LiveEvent;
use super::record::{CallRecord, LogLine};
use super::rollup::Rollups;
use super::spool::Spool;
use super::{service, store};
use crate::server::App;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{self, MissedTickBehavior};

/// Calls per transaction at most: keeps the one writer of `SQLite` free for feedback every few tens of milliseconds.
const BATCH: usize = 1_000;
/// How long the writer gathers before it writes a small batch.
const GATHER: Duration = Duration::from_millis(150);
/// Between two tries while the database is away.
const RETRY: Duration = Duration::from_secs(1);

/// Takes finished calls until the server stops, then writes what is left and returns.
pub(crate) async fn write_log(app: App, spool: Spool, mut queue: mpsc::Receiver<CallRecord>) {
    let mut rollups = Rollups::default();
    let mut batch = Vec::with_capacity(BATCH);
    let mut tick = time::interval(RETRY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut healthy = spool.bytes() == 0;
    let mut stopping = std::pin::pin!(app.stopping());
    let mut open = true;
    loop {
        tokio::select! {
            () = &mut stopping, if open => {
                // What is in the queue still comes out; nothing new goes in.
                queue.close();
                open = false;
            }
            n = queue.recv_many(&mut batch, BATCH) => {
                if n == 0 {
                    break;
                }
                if n < BATCH {
                    time::sleep(GATHER).await;
                    while batch.len() < BATCH && let Ok(record) = queue.try_recv() {
                        batch.push(record);
                    }
                }
                healthy = store_batch(&app, &spool, &mut rollups, &mut batch, healthy).await;
            }
            _ = tick.tick() => {
                flush_rollups(&app, &mut rollups).await;
                if !healthy {
                    healthy = drain_spool(&app, &spool).await;
                }
            }
        }
    }
    flush_rollups(&app, &mut rollups).await;
}

/// Writes one batch; while the database is unhealthy straight to the spool, so that no call waits for a timeout.
async fn store_batch(app: &App, spool: &Spool, rollups: &mut Rollups, batch: &mut Vec<CallRecord>, healthy: bool) -> bool {
    let lines: Vec<LogLine> = batch.drain(..).map(CallRecord::settle).collect();
    if healthy {
        match store::insert(app.db(), &lines).await {
            Ok(()) => {
                lines.iter().for_each(|line| rollups.add(line));
                return true;
            }
            Err(e) => tracing::error!(error = %e, calls = lines.len(), "the database takes no calls; spooling them"),
        }
    }
    if let Err(e) = spool.put(&lines).await {
        tracing::error!(error = %e, calls = lines.len(), "calls are lost: neither the database nor the spool takes them");
    }
    false
}

/// Brings spooled batches in; tells whether none is left.
async fn drain_spool(app: &App, spool: &Spool) -> bool {
    loop {
        let (path, lines) = match spool.oldest().await {
            Ok(None) => return true,
            Ok(Some(batch)) => batch,
            Err(e) => {
                tracing::error!(error = %e, "the spool cannot be read");
                return false;
            }
        };
        if let Err(e) = bring_in(app, &lines).await {
            tracing::warn!(error = %e, "the database is still away");
            return false;
        }
        if let Err(e) = spool.done(&path).await {
            tracing::error!(error = %e, "a spooled batch cannot be removed");
            return false;
        }
    }
}

/// Inserts a spooled batch and its part of the roll-ups. Those rows are named after the batch, so that bringing it in twice changes nothing.
async fn bring_in(app: &App, lines: &[LogLine]) -> Result<(), sqlx::Error> {
    let Some(first) = lines.first() else { return Ok(()) };
    store::insert(app.db(), lines).await?;
    let mut rollups = Rollups::default();
    lines.iter().for_each(|line| rollups.add(line));
    store::put_rollups(app.db(), &format!("spool:{}", first.id), &rollups.dirty()).await
}

async fn flush_rollups(app: &App, rollups: &mut Rollups) {
    let dirty = rollups.dirty();
    if dirty.is_empty() {
        return;
    }
    match store::put_rollups(app.db(), app.replica(), &dirty).await {
        Ok(()) => rollups.written(&dirty, app.now()),
        Err(e) => tracing::warn!(error = %e, "roll-ups wait for the database"),
    }
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
