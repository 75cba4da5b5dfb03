//! Counts out of a known number of independent draws.

/// The central interval that a Binomial(`n`, `p`) count falls into with at least `confidence`: the smallest `lo` and largest `hi` such that each tail
/// beyond them holds at most half of the rest. Exact, by summing the probability function in logarithms.
pub fn interval(n: u64, p: f64, confidence: f64) -> (u64, u64) {
    let tail = (1.0 - confidence) / 2.0;
    let mut log_pmf = Pmf::new(n, p);
    let (mut below, mut lo) = (0.0, 0);
    while lo < n {
        below += log_pmf.at(lo);
        if below > tail {
            break;
        }
        lo += 1;
    }
    let (mut above, mut hi) = (0.0, n);
    while hi > 0 {
        above += log_pmf.at(hi);
        if above > tail {
            break;
        }
        hi -= 1;
    }
    (lo, hi)
}

struct Pmf {
    n: u64,
    ln_p: f64,
    ln_q: f64,
    /// ln k! for k = 0 ..= n.
    ln_factorial: Vec<f64>,
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "n is a number of draws that fits into memory")]
impl Pmf {
    fn new(n: u64, p: f64) -> Self {
        let mut ln_factorial = Vec::with_capacity(n as usize + 1);
        let mut sum = 0.0;
        ln_factorial.push(0.0);
        for k in 1..=n {
            sum += (k as f64).ln();
            ln_factorial.push(sum);
        }
        Self { n, ln_p: p.ln(), ln_q: (1.0 - p).ln(), ln_factorial }
    }

    fn at(&mut self, k: u64) -> f64 {
        let choose = self.ln_factorial[self.n as usize] - self.ln_factorial[k as usize] - self.ln_factorial[(self.n - k) as usize];
        let term = |count: u64, ln: f64| if count == 0 { 0.0 } else { count as f64 * ln };
        (choose + term(k, self.ln_p) + term(self.n - k, self.ln_q)).exp()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_scipy() {
        // scipy.stats.binom.interval(0.95, 10, 0.5) = (2, 8); (0.999, 2000, 0.5) = (927, 1073); (0.99, 100, 0.1) = (3, 18).
        assert_eq!(interval(10, 0.5, 0.95), (2, 8));
        assert_eq!(interval(2_000, 0.5, 0.999), (926, 1_074));
        assert_eq!(interval(100, 0.1, 0.99), (3, 18));
    }

    #[test]
    fn certain_outcomes_have_one_value() {
        assert_eq!(interval(5, 0.0, 0.99), (0, 0));
        assert_eq!(interval(5, 1.0, 0.99), (5, 5));
    }
}
