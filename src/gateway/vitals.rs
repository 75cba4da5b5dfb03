//! What is known of how a target is doing: whether it works, how soon it answers, and how much trying again it can still be asked for.

use super::breaker::Breaker;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};

/// One target's. Times are microseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Vitals {
    pub breaker: Breaker,
    pub retries: RetryBudget,
    pub latency: Latency,
}

/// Further tries in proportion to first tries, so that a provider in trouble is not called many times as often as a healthy one (Finagle's retry budget:
/// a share of traffic, and a few each second so that a quiet route can try again too).
#[derive(Debug)]
pub(crate) struct RetryBudget {
    /// Thousandths of a try saved up.
    saved: AtomicI64,
    /// The second the reserve belongs to, and what was taken of it.
    reserve: Mutex<(i64, u32)>,
}

/// Thousandths of a further try that a first try earns: 10 %.
const EARNED: i64 = 100;
/// What can be saved up: the worth of a thousand calls.
const MOST_SAVED: i64 = 1_000 * EARNED;
/// Further tries a second whatever the traffic.
const RESERVE: u32 = 10;

impl Default for RetryBudget {
    fn default() -> Self {
        Self { saved: AtomicI64::new(0), reserve: Mutex::new((0, 0)) }
    }
}

impl RetryBudget {
    /// A first try was made.
    pub fn earn(&self) {
        if self.saved.load(Ordering::Relaxed) < MOST_SAVED {
            self.saved.fetch_add(EARNED, Ordering::Relaxed);
        }
    }

    /// Takes a further try, if there is one left.
    pub fn spend(&self, now: i64) -> bool {
        let paid = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |saved| (saved >= 1_000).then_some(saved - 1_000));
        if paid.is_ok() {
            return true;
        }
        let second = now.div_euclid(1_000_000);
        let mut reserve = self.reserve.lock().unwrap_or_else(PoisonError::into_inner);
        if reserve.0 != second {
            *reserve = (second, 0);
        }
        reserve.1 += 1;
        reserve.1 <= RESERVE
    }
}

/// How soon a target answers: an average that forgets with time and jumps up at once (peak-EWMA, as in Finagle's load balancer), times the calls that wait
/// for it.
#[derive(Debug, Default)]
pub(crate) struct Latency {
    waiting: AtomicU32,
    average: Mutex<Average>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Average {
    micros: f64,
    at: i64,
}

/// After so many µs an old value weighs 1/e.
const MEMORY: f64 = 10_000_000.0;
/// What a failure counts for at least: a target that refuses quickly is not a quick one.
const FAILURE: f64 = 1_000_000.0;

impl Average {
    /// The value as of now: what was not confirmed for long fades, so that a target that was slow once is tried again.
    #[expect(clippy::cast_precision_loss, reason = "microseconds of at most days")]
    fn faded(self, now: i64) -> f64 {
        self.micros * (-((now - self.at).max(0) as f64) / MEMORY).exp()
    }
}

impl Latency {
    /// A call begins to wait; it ends with the guard.
    pub fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        Waiting(self)
    }

    /// It answered after so many µs.
    pub fn answered(&self, now: i64, micros: i64) {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of at most hours")]
        self.observe(now, micros as f64);
    }

    /// It failed.
    pub fn failed(&self, now: i64) {
        let average = self.average.lock().unwrap_or_else(PoisonError::into_inner).micros;
        self.observe(now, (average * 2.0).max(FAILURE));
    }

    fn observe(&self, now: i64, micros: f64) {
        let mut average = self.average.lock().unwrap_or_else(PoisonError::into_inner);
        #[expect(clippy::cast_precision_loss, reason = "microseconds of at most days")]
        let weight = (-((now - average.at).max(0) as f64) / MEMORY).exp();
        // A peak counts at once, what is better only slowly.
        let smoothed = if micros > average.micros || average.at == 0 { micros } else { average.micros * weight + micros * (1.0 - weight) };
        *average = Average { micros: smoothed, at: now };
    }

    /// What another call would have to wait for, in µs; zero while nothing is known.
    pub fn load(&self, now: i64) -> f64 {
        let average = *self.average.lock().unwrap_or_else(PoisonError::into_inner);
        average.faded(now) * f64::from(self.waiting.load(Ordering::Relaxed) + 1)
    }

    /// Calls that wait for it now.
    pub fn waiting(&self) -> u32 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// The average, µs; `None` while nothing is known.
    pub fn average(&self) -> Option<f64> {
        let average = *self.average.lock().unwrap_or_else(PoisonError::into_inner);
        (average.at > 0).then_some(average.micros)
    }
}

/// A call that waits for a target.
#[derive(Debug)]
pub(crate) struct Waiting<'l>(&'l Latency);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const START: i64 = 1_790_000_000 * SECOND;

    #[test]
    fn a_tenth_of_the_traffic_may_be_tried_again_and_ten_a_second_at_any_rate() {
        let budget = RetryBudget::default();
        assert_eq!((0..100).filter(|_| budget.spend(START)).count(), 10, "the reserve");
        (0..1_000).for_each(|_| budget.earn());
        assert_eq!((0..1_000).filter(|_| budget.spend(START)).count(), 100, "a tenth");
        assert_eq!((0..100).filter(|_| budget.spend(START + SECOND)).count(), 10, "the next second's reserve");
    }

    #[test]
    fn what_is_saved_up_is_bounded() {
        let budget = RetryBudget::default();
        (0..1_000_000).for_each(|_| budget.earn());
        assert!((0..10_000).filter(|_| budget.spend(START)).count() <= 111);
    }

    #[test]
    fn a_peak_counts_at_once_and_fades_with_time() {
        let latency = Latency::default();
        latency.answered(START, 10_000);
        latency.answered(START + 1, 500_000);
        assert!(latency.load(START + 1) > 499_000.0);
        latency.answered(START + SECOND, 10_000);
        assert!(latency.load(START + SECOND) > 400_000.0, "one good answer is not yet health");
        assert!(latency.load(START + 60 * SECOND) < 2_000.0, "after a minute it is worth another try");
    }

    #[test]
    fn those_who_wait_make_it_longer() {
        let latency = Latency::default();
        latency.answered(START, 10_000);
        let one = latency.load(START);
        let _waiting = latency.wait();
        assert!(latency.load(START) > 1.9 * one);
    }

    #[test]
    fn a_target_that_fails_quickly_is_not_a_quick_one() {
        let (slow, broken) = (Latency::default(), Latency::default());
        slow.answered(START, 400_000);
        broken.answered(START, 1_000);
        broken.failed(START + 1);
        assert!(broken.load(START + 1) > slow.load(START + 1));
    }
}
