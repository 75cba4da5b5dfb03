//! Copies of small bodies for the log.
//!
//! A piece of a connection's read buffer keeps all of that buffer in memory until its call is settled, and the connection has to get itself another. Copies
//! of their own would be asked for and freed one by one, which costs an allocator more than it costs the copy. So what calls of a lane say goes one after the
//! other into rooms that are freed as a whole.

use bytes::{Bytes, BytesMut};
use std::cell::RefCell;
use std::mem;

/// Largest body that is worth a copy.
const WORTH_A_COPY: usize = 64 * 1024;
/// A room, and what may lie in one with others: whoever stays long keeps no more than this from being freed.
const ROOM: usize = 16 * 1024;
const SMALL: usize = ROOM / 4;

thread_local! {
    static OPEN: RefCell<BytesMut> = RefCell::new(BytesMut::new());
    static DRAFT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// A body that keeps no read buffer in memory.
pub(super) fn unpinned(body: Bytes) -> Bytes {
    if body.len() > WORTH_A_COPY { body } else { beside_others(&body) }
}

/// A copy that lies beside those of other calls if it is small.
pub(super) fn beside_others(said: &[u8]) -> Bytes {
    if said.len() > SMALL {
        return Bytes::copy_from_slice(said);
    }
    OPEN.with_borrow_mut(|room| {
        if room.capacity() < said.len() {
            *room = BytesMut::with_capacity(ROOM);
        }
        room.extend_from_slice(said);
        room.split().freeze()
    })
}

/// What `write` writes, beside others if it is small.
pub(super) fn written(write: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    DRAFT.with_borrow_mut(|draft| {
        draft.clear();
        write(draft);
        if draft.len() > SMALL { mem::take(draft).into() } else { beside_others(draft) }
    })
}

/// A copy that lies alone, of what stays long.
pub(super) fn alone(said: &Bytes) -> Bytes {
    if said.len() > WORTH_A_COPY { said.clone() } else { Bytes::copy_from_slice(said) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_was_said_however_much_it_is() {
        let said: Vec<Vec<u8>> = (0_usize..2_000).map(|i| vec![u8::try_from(i % 251).expect("small"); (i * 37) % 9_000]).collect();
        let kept: Vec<Bytes> = said.iter().map(|body| unpinned(Bytes::from(body.clone()))).collect();
        assert!(kept.iter().zip(&said).all(|(kept, said)| kept == said));
        let large = Bytes::from(vec![7; WORTH_A_COPY + 1]);
        assert_eq!(unpinned(large.clone()).as_ptr(), large.as_ptr(), "not copied");
        assert_eq!(unpinned(Bytes::new()), Bytes::new());
    }

    #[test]
    fn what_is_written_is_not_mixed_with_what_was_written_before() {
        for length in [10, SMALL + 1, 5, 0, SMALL, 3 * ROOM, 7] {
            let said = vec![u8::try_from(length % 251).expect("small"); length];
            assert_eq!(written(|out| out.extend_from_slice(&said)), said);
        }
    }
}
