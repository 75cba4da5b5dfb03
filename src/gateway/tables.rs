//! Tables of headers, used again by the calls of a lane: each is two kilobytes, and a call takes three.

use axum::http::{HeaderMap, HeaderValue};
use std::cell::RefCell;

/// Tables kept by one thread.
const MOST: usize = 32;
/// Room of a table that is made: what a request or an answer of ours says fits, and a few more.
const ROOM: usize = 12;
/// A table that somebody's many headers made larger is not kept.
const LARGEST: usize = 48;

thread_local! {
    static SPARE: RefCell<Vec<HeaderMap>> = const { RefCell::new(Vec::new()) };
}

/// An empty table with room.
pub(super) fn take() -> HeaderMap {
    SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| HeaderMap::with_capacity(ROOM))
}

/// Keeps a table that is done with; nothing of what it said stays.
pub(super) fn give(mut table: HeaderMap) {
    if !(ROOM..=LARGEST).contains(&table.capacity()) {
        return;
    }
    table.clear();
    SPARE.with_borrow_mut(|spare| {
        if spare.len() < MOST {
            spare.push(table);
        }
    });
}

/// A number as the value of a header, in as much memory as it takes.
pub(super) fn number(n: u64) -> HeaderValue {
    HeaderValue::from_str(itoa::Buffer::new().format(n)).unwrap_or_else(|_| HeaderValue::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;
    use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};

    #[test]
    fn nothing_of_one_call_is_in_the_table_of_the_next() {
        let mut table = take();
        table.insert(AUTHORIZATION, HeaderValue::from_static("Bearer secret"));
        table.append(AUTHORIZATION, HeaderValue::from_static("Bearer another"));
        give(table);
        let mut again = take();
        assert!(again.is_empty() && again.get(AUTHORIZATION).is_none());
        assert!(again.capacity() >= ROOM);
        again.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(again.iter().count(), 1);
    }

    #[test]
    fn few_are_kept_and_none_that_is_large() {
        give(HeaderMap::with_capacity(1_000));
        (0..100).for_each(|_| give(HeaderMap::with_capacity(ROOM)));
        assert_eq!(SPARE.with_borrow(Vec::len), MOST);
        assert!(SPARE.with_borrow(|spare| spare.iter().all(|table| table.capacity() <= LARGEST)));
    }
}
