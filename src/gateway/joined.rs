//! Writes of a head and a small body as one piece. A write of several pieces (`writev`) takes the system longer than one of one piece (`send`), by more than
//! it takes to copy a few kilobytes.

use hyper::rt::{Read, ReadBufCursor, Write};
use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Most that is put together: the head and the body of most calls.
const SMALL: usize = 4 * 1024;

thread_local! {
    /// Used within one write at a time, whose connection does not matter.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(SMALL));
}

/// A connection whose small writes go out in one piece.
pub(crate) struct Joined<S>(pub S);

impl<S: Read + Unpin> Read for Joined<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: Write + Unpin> Write for Joined<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, pieces: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let inner = Pin::new(&mut self.0);
        let whole: usize = pieces.iter().map(|piece| piece.len()).sum();
        match pieces {
            [one] => inner.poll_write(context, one),
            many if whole > SMALL => inner.poll_write_vectored(context, many),
            many => ROOM.with_borrow_mut(|room| {
                room.clear();
                for piece in many {
                    room.extend_from_slice(piece);
                }
                inner.poll_write(context, room)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper_util::rt::TokioIo;
    use proptest::prelude::*;
    use std::task::Waker;

    proptest! {
        #[test]
        fn what_is_written_is_the_pieces_in_their_order(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..3_000), 0..5)) {
            let mut joined = Joined(TokioIo::new(Vec::<u8>::new()));
            let slices: Vec<IoSlice<'_>> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
            let written = Pin::new(&mut joined).poll_write_vectored(&mut Context::from_waker(Waker::noop()), &slices);
            let all = pieces.concat();
            // A connection may always take less; this one takes all of it.
            prop_assert!(matches!(written, Poll::Ready(Ok(n)) if n == all.len()));
            prop_assert_eq!(joined.0.into_inner(), all);
        }
    }
}
