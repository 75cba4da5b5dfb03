//! How well a clustering agrees with labels.

use std::collections::HashMap;

struct Table {
    cells: HashMap<(usize, usize), f64>,
    rows: HashMap<usize, f64>,
    columns: HashMap<usize, f64>,
    n: f64,
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn table(a: &[usize], b: &[usize]) -> Table {
    let mut table = Table { cells: HashMap::new(), rows: HashMap::new(), columns: HashMap::new(), n: a.len().min(b.len()) as f64 };
    for (x, y) in a.iter().zip(b) {
        *table.cells.entry((*x, *y)).or_default() += 1.0;
        *table.rows.entry(*x).or_default() += 1.0;
        *table.columns.entry(*y).or_default() += 1.0;
    }
    table
}

/// The adjusted Rand index (L. Hubert, P. Arabie, Journal of Classification 2, 1985): 1 is the same grouping, 0 what chance gives.
pub fn adjusted_rand(a: &[usize], b: &[usize]) -> f64 {
    let table = table(a, b);
    let pairs = |n: &f64| n * (n - 1.0) / 2.0;
    let (together, rows, columns): (f64, f64, f64) =
        (table.cells.values().map(pairs).sum(), table.rows.values().map(pairs).sum(), table.columns.values().map(pairs).sum());
    let expected = rows * columns / pairs(&table.n);
    let most = f64::midpoint(rows, columns);
    if (most - expected).abs() < f64::EPSILON { 1.0 } else { (together - expected) / (most - expected) }
}

/// Mutual information over the mean of both entropies, 0 to 1 (as scikit-learn's `normalized_mutual_info_score`).
pub fn normalised_mutual_information(a: &[usize], b: &[usize]) -> f64 {
    let table = table(a, b);
    let entropy = |counts: &HashMap<usize, f64>| -counts.values().map(|n| n / table.n * (n / table.n).ln()).sum::<f64>();
    let (of_a, of_b) = (entropy(&table.rows), entropy(&table.columns));
    let shared: f64 = table.cells.iter().map(|((x, y), n)| n / table.n * (n * table.n / (table.rows[x] * table.columns[y])).ln()).sum();
    let mean = f64::midpoint(of_a, of_b);
    if mean == 0.0 { 1.0 } else { shared / mean }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_match_the_examples_of_scikit_learn() {
        let close = |a: f64, b: f64| (a - b).abs() < 1e-6;
        assert!(close(adjusted_rand(&[0, 0, 1, 2], &[0, 0, 1, 1]), 0.571_428_571));
        assert!(close(adjusted_rand(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0));
        assert!(close(adjusted_rand(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0));
        assert!(close(adjusted_rand(&[0, 0, 1, 1], &[0, 1, 0, 1]), -0.5));
        assert!(close(normalised_mutual_information(&[0, 0, 1, 1], &[1, 1, 0, 0]), 1.0));
        assert!(close(normalised_mutual_information(&[0, 0, 0, 0], &[0, 1, 2, 3]), 0.0));
    }
}
