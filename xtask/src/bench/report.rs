//! The table of a measurement: medians over the rounds, and ratios of neighbours in time, which a busy machine disturbs alike.

use super::load::{Sample, percentile};
use std::time::Duration;

/// One run of one target.
pub struct Round {
    sample: Sample,
    /// Processor time the measured process used, per answer.
    cpu_micros: Option<f64>,
}

impl Round {
    /// What the load generator saw, and the processor time the measured process used meanwhile.
    pub fn new(sample: Sample, cpu_micros: Option<u64>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "microseconds and requests of seconds, far below 2^52")]
        let per_answer = cpu_micros.map(|micros| micros as f64 / sample.answered.max(1) as f64);
        Self { sample, cpu_micros: per_answer }
    }

    fn micros(&self, share: f64) -> f64 {
        percentile(&self.sample.total, share).as_secs_f64() * 1e6
    }

    fn first_byte_micros(&self) -> f64 {
        percentile(&self.sample.first_byte, 0.5).as_secs_f64() * 1e6
    }

    fn longest(&self) -> f64 {
        self.sample.total.last().map_or(0.0, Duration::as_secs_f64) * 1e6
    }
}

/// How one number of a round is found.
type Measure = fn(&Round) -> f64;

const MEASURES: [(&str, Measure); 7] = [
    ("answers per second", |round| round.sample.rate()),
    ("latency p50, µs", |round| round.micros(0.50)),
    ("latency p90, µs", |round| round.micros(0.90)),
    ("latency p99, µs", |round| round.micros(0.99)),
    ("latency max, µs", Round::longest),
    ("first byte p50, µs", Round::first_byte_micros),
    ("processor per answer, µs", |round| round.cpu_micros.unwrap_or(f64::NAN)),
];

/// Prints the table of one case. `measured` is empty when only the proxy ran.
pub fn print(case: &str, proxy: &[Round], measured: &[Round]) {
    println!("\n{case} (medians of {} rounds)", proxy.len());
    println!("  {:<26}{:>14}{:>14}{:>12}   hypercare / bare, pair by pair", "", "bare proxy", "hypercare", "difference");
    for (name, measure) in MEASURES {
        let bare = median(proxy.iter().map(measure));
        if measured.is_empty() {
            println!("  {name:<26}{bare:>14.0}");
            continue;
        }
        let ours = median(measured.iter().map(measure));
        let ratios: Vec<f64> = proxy.iter().zip(measured).map(|(bare, ours)| measure(ours) / measure(bare)).collect();
        let (low, high) = ratios.iter().fold((f64::INFINITY, 0.0_f64), |(low, high), ratio| (low.min(*ratio), high.max(*ratio)));
        let middle = median(ratios.iter().copied());
        println!("  {name:<26}{bare:>14.0}{ours:>14.0}{:>12.0}   {middle:.3} ({low:.3}–{high:.3})", ours - bare);
    }
}

/// The number of answers, and every error with its count.
pub fn totals(rounds: &[Round]) -> (u64, Vec<(String, u64)>) {
    let answered = rounds.iter().map(|round| round.sample.answered).sum();
    let errors = rounds.iter().flat_map(|round| round.sample.errors.clone()).collect();
    (answered, errors)
}

/// The middle value; of an even number, the mean of the two.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
        _ => sorted[middle],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_of_odd_and_even_numbers() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < f64::EPSILON);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }
}
