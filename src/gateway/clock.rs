//! The time as the data plane needs it: to compare with a provider's own dates, to let breakers forget, and to wait no longer than that.

use futures_util::future::poll_immediate;
use std::pin::{Pin, pin};
use std::sync::LazyLock;
use std::time::{Duration, Instant as Tick};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

/// Microseconds since 1970.
#[expect(clippy::disallowed_methods, reason = "compared with the provider's own clock, and far below the App")]
pub(super) fn micros() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Microseconds since 1970 by a clock that nobody sets while the process runs: breakers do not open or close because the system's clock was put right.
pub(super) fn steady(moment: Tick) -> i64 {
    static BEGAN: LazyLock<(Tick, i64)> = LazyLock::new(|| (Tick::now(), micros()));
    let (began, then) = *BEGAN;
    then + i64::try_from(moment.saturating_duration_since(began).as_micros()).unwrap_or(i64::MAX - then)
}

/// What comes within that time. What is there already comes without a look at the clock.
pub(super) async fn within<F: Future>(limit: impl FnOnce() -> Duration, future: F) -> Result<F::Output, Elapsed> {
    let mut future = pin!(future);
    match poll_immediate(future.as_mut()).await {
        Some(there) => Ok(there),
        None => timeout(limit(), future).await,
    }
}

/// What comes of a future, and of work that is done as soon as it has to be waited for: by then it costs nobody any time.
pub(super) async fn meanwhile<F: Future, W>(mut future: Pin<&mut F>, work: impl FnOnce() -> W) -> (F::Output, W) {
    let there = poll_immediate(future.as_mut()).await;
    let done = work();
    let came = match there {
        Some(there) => there,
        None => future.await,
    };
    (came, done)
}
