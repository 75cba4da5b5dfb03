//! What is left to do of a call whose answer is whole: nobody waits for it, so it waits until the answer is out.

use super::call::Whole;
use super::exchange::Exchange;
use super::tables;
use std::cell::{Cell, RefCell};

/// A call that is to be settled, and what it went by.
pub(super) type Leftover = (Whole, Exchange);

thread_local! {
    /// Whether a connection is looked after just now.
    static OPEN: Cell<bool> = const { Cell::new(false) };
    static LEFT: RefCell<Vec<Leftover>> = const { RefCell::new(Vec::new()) };
}

/// One look after a connection: what its calls leave is let go of at the end, when their answers are written.
pub(crate) fn round<R>(look: impl FnOnce() -> R) -> R {
    OPEN.set(true);
    let _end = End;
    look()
}

/// Keeps a leftover until the end of the round; where there is none it is let go of at once.
pub(super) fn leave(leftover: Leftover) {
    if OPEN.get() {
        LEFT.with_borrow_mut(|left| left.push(leftover));
    }
}

/// Ends a round, even one that panicked.
struct End;

impl Drop for End {
    fn drop(&mut self) {
        OPEN.set(false);
        while let Some((whole, exchange)) = LEFT.with_borrow_mut(Vec::pop) {
            drop(whole);
            tables::give(exchange.headers);
        }
    }
}
