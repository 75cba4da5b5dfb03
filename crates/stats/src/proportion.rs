//! Shares of a count.

/// Standard normal quantile for 95 % two-sided intervals.
pub const Z_95: f64 = 1.959_963_984_540_054;

/// Wilson score interval of `successes` in `n` trials at the two-sided normal quantile `z` (E. B. Wilson, JASA 22, 1927). `None` without trials.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn wilson(successes: u64, n: u64, z: f64) -> Option<(f64, f64)> {
    if n == 0 || successes > n {
        return None;
    }
    let (n, p) = (n as f64, successes as f64 / n as f64);
    let z2 = z * z;
    let centre = p + z2 / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z2 / n;
    Some((((centre - half) / scale).max(0.0), ((centre + half) / scale).min(1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: (f64, f64), b: (f64, f64)) -> bool {
        (a.0 - b.0).abs() < 1e-6 && (a.1 - b.1).abs() < 1e-6
    }

    #[test]
    fn wilson_matches_published_vectors() {
        // 8/10: R's binom package; 81/263: Wilson intervals in Newcombe, Statistics in Medicine 17 (1998), table I.
        assert!(close(wilson(8, 10, Z_95).expect("trials"), (0.490_162, 0.943_318)));
        assert!(close(wilson(81, 263, Z_95).expect("trials"), (0.255_289, 0.366_210)));
        assert_eq!(wilson(0, 0, Z_95), None);
        assert_eq!(wilson(3, 2, Z_95), None);
    }
}
