//! Chance, in the shapes the demo needs.

use std::f64::consts::TAU;
use std::time::Duration;

/// True with this probability.
pub fn chance(probability: f64) -> bool {
    rand::random::<f64>() < probability
}

/// One of them; `None` when there is none.
pub fn pick<T>(of: &[T]) -> Option<&T> {
    of.get(below(of.len()))
}

/// A whole number from zero up to, and without, `n`; zero when there is none.
pub fn below(n: usize) -> usize {
    if n == 0 { 0 } else { rand::random_range(0..n) }
}

/// Log-normal with this median; `spread` is the standard deviation of its logarithm (Box–Muller).
pub fn log_normal(median: f64, spread: f64) -> f64 {
    let u = 1.0 - rand::random::<f64>();
    let normal = (-2.0 * u.ln()).sqrt() * (TAU * rand::random::<f64>()).cos();
    median * (spread * normal).exp()
}

/// The time until the next event when `per_second` of them happen on average.
pub fn until_next(per_second: f64) -> Duration {
    let u = 1.0 - rand::random::<f64>();
    seconds(-u.ln() / per_second)
}

/// Seconds as a duration; nonsense (negative, not a number, longer than an hour) is cut to what makes sense.
pub fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.min(3_600.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_a_log_normal_lies_below_its_median() {
        let below = (0..4_000).filter(|_| log_normal(120.0, 0.4) < 120.0).count();
        assert!((1_800..2_200).contains(&below), "{below}");
    }

    #[test]
    fn nonsense_is_no_time_or_an_hour() {
        assert_eq!(seconds(-1.0), Duration::ZERO);
        assert_eq!(seconds(f64::NAN), Duration::from_hours(1));
        assert_eq!(seconds(f64::INFINITY), Duration::from_hours(1));
        assert_eq!(pick::<u8>(&[]), None);
    }
}
