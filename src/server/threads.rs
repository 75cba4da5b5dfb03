//! What each thread has a copy of its own of. Names are shared by counting who has them, and a count that two processors change is fetched from one to the
//! other each time; a dozen names a call make that a microsecond.

use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

/// Threads that have something of their own: as many as answer calls, and as many others. Further ones share with these.
pub(crate) fn places() -> usize {
    static PLACES: LazyLock<usize> = LazyLock::new(|| 2 * std::thread::available_parallelism().map_or(1, usize::from));
    *PLACES
}

/// The place of this thread, below [`places`].
pub(crate) fn place() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static PLACE: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % places());
    }
    PLACE.get()
}

/// A copy for each thread, made by the first that asks for it, in its own memory.
#[derive(Debug)]
pub(crate) struct PerThread<T>(OnceLock<Box<[OnceLock<T>]>>);

impl<T> Default for PerThread<T> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T> PerThread<T> {
    /// This thread's.
    pub fn get(&self, copy: impl FnOnce() -> T) -> &T {
        self.0.get_or_init(|| (0..places()).map(|_| OnceLock::new()).collect())[place()].get_or_init(copy)
    }
}

/// A text that goes into many records.
#[derive(Debug)]
pub(crate) struct SharedText {
    text: Box<str>,
    copies: PerThread<Arc<str>>,
}

impl SharedText {
    /// Shared among what this thread makes.
    pub fn shared(&self) -> Arc<str> {
        self.copies.get(|| (&*self.text).into()).clone()
    }
}

impl<S: Into<Box<str>>> From<S> for SharedText {
    fn from(text: S) -> Self {
        Self { text: text.into(), copies: PerThread::default() }
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_shares_with_itself_and_threads_of_other_places_have_copies() {
        let text = SharedText::from("support");
        let (mine, again) = (text.shared(), text.shared());
        assert!(Arc::ptr_eq(&mine, &again));
        let others: Vec<_> =
            (0..places()).map(|_| std::thread::scope(|scope| scope.spawn(|| (place(), text.shared())).join().expect("ends"))).collect();
        for (theirs, copy) in others {
            assert_eq!(&*copy, "support");
            assert_eq!(Arc::ptr_eq(&copy, &mine), theirs == place());
        }
    }
}
