//! Nothing stays behind: what a command started or created is undone when its guard is dropped (also by a panic) and on Ctrl-C or SIGTERM.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

type Action = Box<dyn FnOnce() + Send>;

/// What is still to be undone, oldest first.
static PENDING: Mutex<BTreeMap<u64, Action>> = Mutex::new(BTreeMap::new());
static NEXT: AtomicU64 = AtomicU64::new(0);
/// Set once, by the first signal.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Holds one action that undoes something; runs it when dropped.
#[must_use = "dropping the guard undoes the thing at once"]
pub struct Cleanup(u64);

impl Cleanup {
    /// Registers what is to be done when the guard is dropped or the command is interrupted.
    pub fn register(action: impl FnOnce() + Send + 'static) -> Self {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        PENDING.lock().unwrap_or_else(PoisonError::into_inner).insert(id, Box::new(action));
        Self(id)
    }

    /// The thing ended by itself: there is nothing to undo any more.
    pub fn disarm(self) {
        wait_if_interrupted();
        drop(take(self.0));
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        wait_if_interrupted();
        if let Some(action) = take(self.0) {
            action();
        }
    }
}

/// After a signal the command itself must not end before everything is undone: its threads stop here, and the process ends elsewhere.
pub fn wait_if_interrupted() {
    while INTERRUPTED.load(Ordering::SeqCst) {
        std::thread::park();
    }
}

fn take(id: u64) -> Option<Action> {
    PENDING.lock().unwrap_or_else(PoisonError::into_inner).remove(&id)
}

/// Undoes everything that is still registered, newest first.
fn undo_all() {
    loop {
        // The lock is released before the action runs: an action may register or drop guards itself.
        let last = PENDING.lock().unwrap_or_else(PoisonError::into_inner).pop_last();
        match last {
            Some((_, action)) => action(),
            None => return,
        }
    }
}

/// From now on Ctrl-C and SIGTERM undo what is registered before the process ends with the usual code (130).
pub fn on_signal() {
    std::thread::spawn(|| {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        let interrupted = runtime.block_on(async {
            let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok()?;
            tokio::select! {
                result = tokio::signal::ctrl_c() => result.ok(),
                _ = terminate.recv() => Some(()),
            }
        });
        if interrupted.is_some() {
            eprintln!("\ninterrupted: stopping what was started");
            INTERRUPTED.store(true, Ordering::SeqCst);
            undo_all();
            std::process::exit(130);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn runs_on_drop_and_not_after_disarm() {
        let (dropped, disarmed) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (first, second) = (dropped.clone(), disarmed.clone());
        drop(Cleanup::register(move || first.store(true, Ordering::Relaxed)));
        Cleanup::register(move || second.store(true, Ordering::Relaxed)).disarm();
        assert!(dropped.load(Ordering::Relaxed));
        assert!(!disarmed.load(Ordering::Relaxed));
    }
}
