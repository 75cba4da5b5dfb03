//! What calls leave to others: the shared runtime, where pages and the database live, with connections to providers of its own. One for all lanes.

use super::idempotency::Replays;
use super::pool::Upstreams;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;

/// Copies for shadow variants under way at once.
const MOST_COPIES: usize = 500;

/// What calls leave to others.
pub(crate) struct Background {
    runtime: Handle,
    upstreams: Arc<Upstreams>,
    slots: Arc<Semaphore>,
    left_out: AtomicU64,
    replays: Replays,
}

impl Background {
    /// On the runtime this is called in.
    pub fn here() -> Self {
        Self {
            runtime: Handle::current(),
            upstreams: Arc::default(),
            slots: Arc::new(Semaphore::new(MOST_COPIES)),
            left_out: AtomicU64::new(0),
            replays: Replays::default(),
        }
    }

    /// Runs it there.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn(work)
    }

    /// Computes it there, on a thread that may take its time.
    pub fn compute<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
        self.runtime.spawn_blocking(work)
    }

    /// Connections for whatever is not a caller's own call.
    pub(super) fn upstreams(&self) -> &Arc<Upstreams> {
        &self.upstreams
    }

    /// A place for a copy; counts it as left out when there is none.
    pub(super) fn slot(&self) -> Option<OwnedSemaphorePermit> {
        let slot = self.slots.clone().try_acquire_owned().ok();
        self.left_out.fetch_add(u64::from(slot.is_none()), Ordering::Relaxed);
        slot
    }

    /// Copies that were not made because too many were under way.
    pub fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// Answers under way and stored, by the caller's key of the call.
    pub(super) fn replays(&self) -> &Replays {
        &self.replays
    }
}
