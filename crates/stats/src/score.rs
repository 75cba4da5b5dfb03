//! Scores people give: the net promoter score, and means of scales.

use crate::proportion::wilson;
use serde::{Deserialize, Serialize};

/// A number drawn from answers, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The number.
    pub estimate: f64,
    /// Lower and upper end.
    pub interval: (f64, f64),
}

/// The net promoter score (F. F. Reichheld, Harvard Business Review 81(12), 2003) of so many promoters, passives and detractors, as a share from −1 to 1,
/// with its interval at the two-sided normal quantile `z`. The variance of the difference of two shares p and d of one multinomial sample is
/// (p + d − (p − d)²) / n (L. A. Goodman, Technometrics 7, 1965). Where everybody is of one kind that is zero, which says more than so few answers can: the
/// ends are then where Wilson's interval leaves room for others of the worst and of the best kind. `None` without answers.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn net_promoter(promoters: u64, passives: u64, detractors: u64, z: f64) -> Option<Estimate> {
    let all = promoters + passives + detractors;
    if [promoters, passives, detractors].contains(&all) {
        let value = if promoters == all { 1.0 } else { 0.0 } - if detractors == all { 1.0 } else { 0.0 };
        return unanimous(value, all, (-1.0, 1.0), z);
    }
    let n = all as f64;
    let (p, d) = (promoters as f64 / n, detractors as f64 / n);
    let estimate = p - d;
    let half = z * ((p + d - estimate * estimate) / n).sqrt();
    Some(Estimate { estimate, interval: ((estimate - half).max(-1.0), (estimate + half).min(1.0)) })
}

/// The mean of values from `scale.0` to `scale.1`, each with how often it was given, and its interval by Student's t at the two-sided normal quantile `z`. Where
/// all are the same the interval is as for [`net_promoter`]. `None` without values.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub fn mean(values: &[(f64, u64)], scale: (f64, f64), z: f64) -> Option<Estimate> {
    let all: u64 = values.iter().map(|(_, n)| n).sum();
    if all == 0 {
        return None;
    }
    if let Some((value, _)) = values.iter().find(|(_, n)| *n == all) {
        return unanimous(*value, all, scale, z);
    }
    let n = all as f64;
    let estimate = values.iter().map(|(value, k)| value * *k as f64).sum::<f64>() / n;
    let squares: f64 = values.iter().map(|(value, k)| (value - estimate).powi(2) * *k as f64).sum();
    let half = student(n - 1.0, z) * (squares / (n - 1.0) / n).sqrt();
    Some(Estimate { estimate, interval: ((estimate - half).max(scale.0), (estimate + half).min(scale.1)) })
}

/// All `n` gave the same `value`: others may be as rare as Wilson's interval says, and anywhere on the scale.
fn unanimous(value: f64, n: u64, scale: (f64, f64), z: f64) -> Option<Estimate> {
    let (same, _) = wilson(n, n, z)?;
    let towards = |end: f64| same * value + (1.0 - same) * end;
    Some(Estimate { estimate: value, interval: (towards(scale.0), towards(scale.1)) })
}

/// The quantile of Student's t with `df` degrees of freedom that belongs to the normal quantile `z` (Abramowitz and Stegun, Handbook of Mathematical Functions,
/// 26.7.5); right to four digits from nine degrees on.
fn student(df: f64, z: f64) -> f64 {
    let z2 = z * z;
    let g1 = z * (z2 + 1.0) / 4.0;
    let g2 = z * (5.0 * z2 * z2 + 16.0 * z2 + 3.0) / 96.0;
    let g3 = z * (3.0 * z2.powi(3) + 19.0 * z2 * z2 + 17.0 * z2 - 15.0) / 384.0;
    let g4 = z * (79.0 * z2.powi(4) + 776.0 * z2.powi(3) + 1482.0 * z2 * z2 - 1920.0 * z2 - 945.0) / 92_160.0;
    z + g1 / df + g2 / df.powi(2) + g3 / df.powi(3) + g4 / df.powi(4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proportion::Z_95;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 5e-5
    }

    #[test]
    fn the_net_promoter_score_matches_worked_examples() {
        // W. Huber on Cross Validated (question 18603): a half promoters, a third passives, a sixth detractors have a score of 1/3 with variance 5/9, so 324
        // answers have a standard error of 0.7454 / 18 = 4.14 points.
        let nps = net_promoter(162, 108, 54, 1.0).expect("answers");
        assert!(close(nps.estimate, 1.0 / 3.0) && close(nps.interval.1 - nps.estimate, 0.041_409), "{nps:?}");
        // By hand: 50, 30 and 20 of 100 are 30 points; (0.5 + 0.2 − 0.3²) / 100 = 0.0061, its root 0.078102, times 1.959964 is 15.3078 points.
        let nps = net_promoter(50, 30, 20, Z_95).expect("answers");
        assert!(close(nps.estimate, 0.3) && close(nps.interval.0, 0.146_922) && close(nps.interval.1, 0.453_078), "{nps:?}");
        let bad = net_promoter(1, 0, 99, Z_95).expect("answers");
        assert!(close(bad.estimate, -0.98) && bad.interval.0 >= -1.0, "{bad:?}");
        assert_eq!(net_promoter(0, 0, 0, Z_95), None);
    }

    #[test]
    fn ten_of_one_mind_do_not_speak_for_all() {
        // Wilson for 10 of 10 is 0.722467 to 1 (R's binom package): at worst 0.722467 promoters and the rest detractors.
        let best = net_promoter(10, 0, 0, Z_95).expect("answers");
        assert!(close(best.estimate, 1.0) && close(best.interval.0, 2.0 * 0.722_467 - 1.0) && close(best.interval.1, 1.0), "{best:?}");
        let passive = net_promoter(0, 10, 0, Z_95).expect("answers");
        assert!(
            close(passive.estimate, 0.0) && close(passive.interval.0, -0.277_533) && close(passive.interval.1, 0.277_533),
            "{passive:?}"
        );
        let sevens = mean(&[(7.0, 10), (1.0, 0)], (1.0, 7.0), Z_95).expect("answers");
        assert!(
            close(sevens.estimate, 7.0) && close(sevens.interval.0, 0.722_467 * 7.0 + 0.277_533) && close(sevens.interval.1, 7.0),
            "{sevens:?}"
        );
    }

    #[test]
    fn quantiles_of_t_match_the_table() {
        for (df, t) in [(9.0, 2.262_157), (15.0, 2.131_450), (29.0, 2.045_230), (120.0, 1.979_930)] {
            assert!((student(df, Z_95) - t).abs() < 1e-4, "{df}: {}", student(df, Z_95));
        }
    }

    #[test]
    fn a_mean_and_its_interval() {
        // 1, 2, 3, 4, 5 twice each: mean 3, sum of squares 20, standard error √(20/9/10) = 0.471405, times 2.262157.
        let values: Vec<(f64, u64)> = (1..=5).map(|n| (f64::from(n), 2)).collect();
        let mean = mean(&values, (1.0, 7.0), Z_95).expect("answers");
        assert!(
            close(mean.estimate, 3.0) && (mean.interval.0 - 1.933_608).abs() < 1e-4 && (mean.interval.1 - 4.066_392).abs() < 1e-4,
            "{mean:?}"
        );
        assert_eq!(super::mean(&[], (1.0, 7.0), Z_95), None);
    }
}
