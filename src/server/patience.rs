//! How long a caller may take for the head of a request. Who sends half a head and then nothing (the attack known as Slowloris) holds a connection and its
//! open file for nothing; hyper's own limit sets a timer for every request, this one looks at a connection now and then.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Where a connection is: nothing of a request came, a call is under way, or a head began so many milliseconds after the connection did.
const IDLE: u64 = 0;
const CALLED: u64 = u64::MAX;

/// What is known of one connection.
#[derive(Debug)]
pub(super) struct Head {
    at: AtomicU64,
    opened: Instant,
}

impl Head {
    pub fn new() -> Arc<Self> {
        Arc::new(Self { at: AtomicU64::new(IDLE), opened: Instant::now() })
    }

    fn now(&self) -> u64 {
        // From one on: zero is idle.
        u64::try_from(self.opened.elapsed().as_millis()).unwrap_or(CALLED - 2) + 1
    }

    /// The head is there, and a call under way.
    pub fn called(&self) {
        self.at.store(CALLED, Ordering::Relaxed);
    }

    /// The call's answer has begun: the next bytes are another head.
    pub fn answered(&self) {
        self.at.store(IDLE, Ordering::Relaxed);
    }

    fn came(&self) {
        if self.at.load(Ordering::Relaxed) == IDLE {
            self.at.store(self.now(), Ordering::Relaxed);
        }
    }

    /// An answer goes out: a head that came behind its request has its time from then on.
    fn sent(&self) {
        if !matches!(self.at.load(Ordering::Relaxed), IDLE | CALLED) {
            self.at.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Whether a head began so long ago and is not whole.
    fn is_overdue(&self, limit: Duration) -> bool {
        let began = self.at.load(Ordering::Relaxed);
        !matches!(began, IDLE | CALLED) && u128::from(self.now().saturating_sub(began)) >= limit.as_millis()
    }
}

/// A connection of a lane: what is known of it, and its task.
pub(super) type Connection = (Weak<Head>, AbortHandle);

/// Closes connections whose head is not whole after that time, at most half of it later. One look at all of a lane's connections: a timer for each would be
/// asked with every piece that comes.
pub(super) async fn close_overdue(mut opened: mpsc::UnboundedReceiver<Connection>, limit: Duration) {
    let mut open: Vec<Connection> = Vec::new();
    loop {
        tokio::time::sleep(limit / 2).await;
        while let Ok(connection) = opened.try_recv() {
            open.push(connection);
        }
        open.retain(|(head, task)| {
            let Some(head) = head.upgrade() else { return false };
            if head.is_overdue(limit) {
                task.abort();
            }
            true
        });
    }
}

/// A connection that notes when a head begins.
pub(super) struct Watched<S> {
    pub stream: S,
    pub head: Arc<Head>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if buffer.filled().len() > before {
            self.head.came();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.head.sent();
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[io::IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.head.sent();
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
