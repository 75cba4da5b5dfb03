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

/// A difference and its interval.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Difference {
    /// Second share minus first.
    pub estimate: f64,
    /// Lower and upper end.
    pub interval: (f64, f64),
}

/// The share of `second` minus that of `first`, each `(successes, trials)`, with its interval by Newcombe's hybrid score method without continuity correction
/// (R. G. Newcombe, Statistics in Medicine 17, 1998, 873–890, method 10) at the two-sided normal quantile `z`. `None` without trials on a side.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn newcombe(first: (u64, u64), second: (u64, u64), z: f64) -> Option<Difference> {
    let ((l1, u1), (l2, u2)) = (wilson(first.0, first.1, z)?, wilson(second.0, second.1, z)?);
    let (p1, p2) = (first.0 as f64 / first.1 as f64, second.0 as f64 / second.1 as f64);
    let estimate = p2 - p1;
    let lower = estimate - ((p2 - l2).powi(2) + (u1 - p1).powi(2)).sqrt();
    let upper = estimate + ((u2 - p2).powi(2) + (p1 - l1).powi(2)).sqrt();
    Some(Difference { estimate, interval: (lower.max(-1.0), upper.min(1.0)) })
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

    #[test]
    fn differences_match_newcombe_table_two() {
        // Rows (a), (b) and (g) of table II, method 10; the paper subtracts the second from the first.
        for ((a, m), (b, n), (lower, upper)) in
            [((56, 70), (48, 80), (0.0524, 0.3339)), ((9, 10), (3, 10), (0.1705, 0.8090)), ((10, 10), (0, 20), (0.6791, 1.0))]
        {
            let d = newcombe((b, n), (a, m), Z_95).expect("trials");
            assert!((d.interval.0 - lower).abs() < 5e-5 && (d.interval.1 - upper).abs() < 5e-5, "{a}/{m} − {b}/{n}: {d:?}");
        }
        assert_eq!(newcombe((0, 0), (1, 2), Z_95), None);
    }
}
