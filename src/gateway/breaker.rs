//! The circuit breaker of a target (Nygard, "Release It!", 2007): a target that keeps failing is left alone for a while, so that callers do not pay for
//! finding out again and again; then one call at a time tries whether it is back. A target that cannot even be reached is knocked at first, by nobody's call:
//! whoever waits for a connection that does not come waits for seconds.

use crate::routing::model::FailoverOn;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Failures in a row that open it.
const IN_A_ROW: u32 = 5;
/// Or this share of the calls of the last seconds, when there were enough to tell.
const SHARE: f64 = 0.5;
const WINDOW_SECONDS: i64 = 10;
const WINDOW: usize = 10;
const ENOUGH: u32 = 20;
/// How long it stays open, µs: twice as long after each try that failed, up to the longest.
const FIRST_PAUSE: i64 = 2_000_000;
const LONGEST_PAUSE: i64 = 30_000_000;

/// How a target is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Calls go through.
    Closed,
    /// No call goes through for so many µs.
    Open(i64),
    /// One call tries whether it is back.
    HalfOpen,
}

/// One target's breaker. Times are microseconds since 1970.
#[derive(Debug, Default)]
pub(crate) struct Breaker(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    in_a_row: u32,
    pause: i64,
    /// Calls and failures of each of the last seconds, by second modulo the window.
    window: [Second; WINDOW],
    /// What the last failure was.
    cause: Option<FailoverOn>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Closed,
    Open {
        until: i64,
    },
    HalfOpen,
    /// Somebody looks whether it can be reached at all.
    Knocking,
}

#[derive(Clone, Copy, Debug, Default)]
struct Second {
    /// Which one, since 1970.
    number: i64,
    calls: u32,
    failures: u32,
}

/// Leave to make a call. Dropped without a verdict (the caller hung up) it says nothing about the target; a probe then leaves the next one to another call.
#[derive(Debug)]
pub(crate) struct Pass<'b> {
    breaker: &'b Breaker,
    probe: bool,
    judged: bool,
}

/// Why there is no leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// µs until it is worth asking again.
    pub wait: i64,
    /// What opened the breaker.
    pub cause: FailoverOn,
    /// Whether whoever asked should look, beside the call, whether the target can be reached, and tell it to [`Breaker::knocked`].
    pub knock: bool,
}

impl Breaker {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for leave to make a call.
    pub fn ask(&self, now: i64) -> Result<Pass<'_>, Refused> {
        let mut state = self.state();
        let cause = state.cause.unwrap_or(FailoverOn::ServerError);
        let probe = match state.phase {
            Phase::Closed => false,
            Phase::Open { until } if now < until => return Err(Refused { wait: until - now, cause, knock: false }),
            Phase::Open { .. } if cause == FailoverOn::Connect => {
                state.phase = Phase::Knocking;
                return Err(Refused { wait: FIRST_PAUSE / 2, cause, knock: true });
            }
            Phase::Open { .. } => {
                state.phase = Phase::HalfOpen;
                true
            }
            Phase::HalfOpen | Phase::Knocking => return Err(Refused { wait: FIRST_PAUSE / 2, cause, knock: false }),
        };
        Ok(Pass { breaker: self, probe, judged: false })
    }

    /// Whether the target could be reached: then a call may try it, else it is left alone for longer.
    pub fn knocked(&self, now: i64, reached: bool) {
        let mut state = self.state();
        if state.phase != Phase::Knocking {
            return;
        }
        if reached {
            // Due, and no longer for want of a connection.
            state.cause = Some(FailoverOn::ServerError);
            state.phase = Phase::Open { until: now };
        } else {
            state.open(now);
        }
    }

    /// How the target is doing.
    pub fn health(&self, now: i64) -> Health {
        match self.state().phase {
            Phase::Closed => Health::Closed,
            Phase::Open { until } if now < until => Health::Open(until - now),
            Phase::Open { .. } | Phase::HalfOpen | Phase::Knocking => Health::HalfOpen,
        }
    }
}

impl State {
    fn count(&mut self, now: i64, failed: bool) {
        let second = now.div_euclid(1_000_000);
        let slot = &mut self.window[usize::try_from(second.rem_euclid(WINDOW_SECONDS)).unwrap_or(0)];
        if slot.number != second {
            *slot = Second { number: second, ..Second::default() };
        }
        slot.calls += 1;
        slot.failures += u32::from(failed);
    }

    fn mostly_fails(&self, now: i64) -> bool {
        let oldest = now.div_euclid(1_000_000) - WINDOW_SECONDS;
        let recent = self.window.iter().filter(|slot| slot.number > oldest);
        let (calls, failures) = recent.fold((0, 0), |(calls, failures), slot| (calls + slot.calls, failures + slot.failures));
        calls >= ENOUGH && f64::from(failures) >= SHARE * f64::from(calls)
    }

    fn open(&mut self, now: i64) {
        self.pause = if self.pause == 0 { FIRST_PAUSE } else { (self.pause * 2).min(LONGEST_PAUSE) };
        self.phase = Phase::Open { until: now + self.pause };
    }
}

impl Pass<'_> {
    /// The target answered, be it with a refusal of the request.
    pub fn worked(mut self, now: i64) {
        self.judged = true;
        let mut state = self.breaker.state();
        state.count(now, false);
        state.in_a_row = 0;
        if self.probe {
            state.phase = Phase::Closed;
            state.pause = 0;
            state.window = Default::default();
        }
    }

    /// The target failed.
    pub fn failed(self, now: i64, cause: FailoverOn) {
        self.judge(now, cause, false);
    }

    /// The target failed in a way that costs every caller seconds: once is enough.
    pub fn failed_badly(self, now: i64, cause: FailoverOn) {
        self.judge(now, cause, true);
    }

    fn judge(mut self, now: i64, cause: FailoverOn, badly: bool) {
        self.judged = true;
        let mut state = self.breaker.state();
        state.count(now, true);
        state.in_a_row += 1;
        state.cause = Some(cause);
        if self.probe || (state.phase == Phase::Closed && (badly || state.in_a_row >= IN_A_ROW || state.mostly_fails(now))) {
            state.open(now);
        }
    }
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        if self.probe && !self.judged {
            self.breaker.state().phase = Phase::Open { until: 0 };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const START: i64 = 1_790_000_000 * SECOND;

    fn fail(breaker: &Breaker, now: i64) {
        breaker.ask(now).expect("leave").failed(now, FailoverOn::ServerError);
    }

    fn opened() -> Breaker {
        let breaker = Breaker::default();
        (0..5).for_each(|_| fail(&breaker, START));
        breaker
    }

    #[test]
    fn five_failures_in_a_row_open_it_for_every_moment_of_the_pause() {
        let breaker = Breaker::default();
        (0..4).for_each(|_| fail(&breaker, START));
        breaker.ask(START).expect("leave").worked(START);
        (0..4).for_each(|_| fail(&breaker, START));
        assert_eq!(breaker.health(START), Health::Closed, "a success in between counts anew");
        fail(&breaker, START);
        for later in [0, 1, SECOND, 2 * SECOND - 1] {
            let refused = breaker.ask(START + later).expect_err("open");
            assert_eq!(refused, Refused { wait: 2 * SECOND - later, cause: FailoverOn::ServerError, knock: false });
        }
    }

    #[test]
    fn one_call_at_a_time_tries_and_success_closes_it() {
        let breaker = opened();
        let later = START + 2 * SECOND;
        let probe = breaker.ask(later).expect("the probe");
        assert!(breaker.ask(later).is_err(), "one at a time");
        assert_eq!(breaker.health(later), Health::HalfOpen);
        probe.worked(later);
        assert_eq!(breaker.health(later), Health::Closed);
        assert!(breaker.ask(later).is_ok() && breaker.ask(later).is_ok());
    }

    #[test]
    fn a_failed_try_doubles_the_pause_up_to_the_longest() {
        let breaker = opened();
        let mut now = START;
        for pause in [2, 4, 8, 16, 30, 30] {
            assert_eq!(breaker.health(now), Health::Open(pause * SECOND));
            now += pause * SECOND;
            fail(&breaker, now);
        }
    }

    #[test]
    fn a_probe_whose_caller_hung_up_leaves_the_next_one_to_another() {
        let breaker = opened();
        let later = START + 2 * SECOND;
        drop(breaker.ask(later).expect("the probe"));
        assert!(breaker.ask(later).is_ok());
    }

    #[test]
    fn half_of_the_calls_failing_opens_it_four_of_ten_do_not() {
        let run = |failing: fn(i64) -> bool| {
            let breaker = Breaker::default();
            for i in 0..100 {
                let now = START + i * SECOND / 20;
                match breaker.ask(now) {
                    Ok(pass) if failing(i) => pass.failed(now, FailoverOn::ServerError),
                    Ok(pass) => pass.worked(now),
                    Err(_) => return true,
                }
            }
            false
        };
        assert!(run(|i| i % 2 == 0));
        assert!(!run(|i| i % 5 < 2));
    }

    #[test]
    fn a_target_that_cannot_be_reached_is_knocked_at_before_any_call_tries_it() {
        let breaker = Breaker::default();
        breaker.ask(START).expect("leave").failed_badly(START, FailoverOn::Connect);
        assert_eq!(breaker.health(START), Health::Open(2 * SECOND), "once is enough");
        let later = START + 2 * SECOND;
        assert!(breaker.ask(later).is_err_and(|refused| refused.knock), "one knocks");
        assert!(breaker.ask(later).is_err_and(|refused| !refused.knock), "and only one");
        breaker.knocked(later, false);
        assert_eq!(breaker.health(later), Health::Open(4 * SECOND));
        let later = later + 4 * SECOND;
        assert!(breaker.ask(later).is_err_and(|refused| refused.knock));
        breaker.knocked(later, true);
        breaker.ask(later).expect("the probe").worked(later);
        assert_eq!(breaker.health(later), Health::Closed);
    }

    #[test]
    fn old_failures_are_forgotten() {
        let breaker = Breaker::default();
        for i in 0..19 {
            let pass = breaker.ask(START).expect("leave");
            if i % 2 == 0 { pass.failed(START, FailoverOn::ServerError) } else { pass.worked(START) }
        }
        fail(&breaker, START + 11 * SECOND);
        assert_eq!(breaker.health(START + 11 * SECOND), Health::Closed);
    }
}
