//! Quantiles of latency in little space.

use std::collections::BTreeMap;

/// Relative error of a quantile.
const ALPHA: f64 = 0.01;
/// Buckets kept at most; beyond, the lowest are folded together (they matter least for p50 and p95).
const MAX_BUCKETS: usize = 2_048;
/// First byte of the serialised form.
const FORMAT: u8 = 1;

/// A `DDSketch` (Masson, Rim, Lee: "`DDSketch`: a fast and fully-mergeable quantile sketch with relative-error guarantees", VLDB 2019) of positive numbers with
/// 1 % relative error. Sketches of parts merge into exactly the sketch of the whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DdSketch {
    /// Bucket i counts values in (γ^(i−1), γ^i].
    buckets: BTreeMap<i32, u64>,
    /// Values of zero or below.
    zeros: u64,
    count: u64,
}

/// The bytes are not a sketch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotASketch;

impl std::fmt::Display for NotASketch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("these bytes are not a quantile sketch")
    }
}

impl std::error::Error for NotASketch {}

fn ln_gamma() -> f64 {
    ((1.0 + ALPHA) / (1.0 - ALPHA)).ln()
}

impl DdSketch {
    /// An empty sketch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a value; NaN is ignored.
    #[expect(clippy::cast_possible_truncation, reason = "the logarithm of any f64 divided by ln γ lies within ±36,000")]
    pub fn add(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.count += 1;
        if value <= 0.0 {
            self.zeros += 1;
            return;
        }
        let index = (value.min(f64::MAX).ln() / ln_gamma()).ceil() as i32;
        *self.buckets.entry(index).or_default() += 1;
        self.fold();
    }

    /// Adds everything another sketch has counted.
    pub fn merge(&mut self, other: &Self) {
        for (index, n) in &other.buckets {
            *self.buckets.entry(*index).or_default() += n;
        }
        self.zeros += other.zeros;
        self.count += other.count;
        self.fold();
    }

    fn fold(&mut self) {
        while self.buckets.len() > MAX_BUCKETS
            && let Some((_, n)) = self.buckets.pop_first()
            && let Some(mut next) = self.buckets.first_entry()
        {
            *next.get_mut() += n;
        }
    }

    /// Values counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The value at rank `q` (0 to 1) of all counted, within 1 %; `None` when nothing was counted.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
    pub fn quantile(&self, q: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = q.clamp(0.0, 1.0) * (self.count - 1) as f64;
        let mut seen = self.zeros;
        if seen as f64 > rank {
            return Some(0.0);
        }
        for (index, n) in &self.buckets {
            seen += n;
            if seen as f64 > rank {
                // The middle of the bucket in relative terms: 2γ^i / (γ + 1).
                let gamma = (1.0 + ALPHA) / (1.0 - ALPHA);
                return Some(2.0 * (f64::from(*index) * ln_gamma()).exp() / (gamma + 1.0));
            }
        }
        None
    }

    /// A compact form: format byte, zeros, number of buckets, then per bucket the distance to the one before and its count, all as LEB128 varints.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        put(&mut out, self.zeros);
        put(&mut out, self.buckets.len() as u64);
        let mut last = 0_i64;
        for (index, n) in &self.buckets {
            let step = i64::from(*index) - last;
            put(&mut out, ((step << 1) ^ (step >> 63)).cast_unsigned());
            put(&mut out, *n);
            last = i64::from(*index);
        }
        out
    }

    /// Reads what [`DdSketch::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotASketch> {
        let (format, mut rest) = bytes.split_first().ok_or(NotASketch)?;
        if *format != FORMAT {
            return Err(NotASketch);
        }
        let zeros = take(&mut rest)?;
        let length = take(&mut rest)?;
        if length > MAX_BUCKETS as u64 {
            return Err(NotASketch);
        }
        let mut sketch = Self { zeros, count: zeros, buckets: BTreeMap::new() };
        let mut last = 0_i64;
        for _ in 0..length {
            let zigzag = take(&mut rest)?;
            let step = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            last = last.checked_add(step).ok_or(NotASketch)?;
            let n = take(&mut rest)?;
            let index = i32::try_from(last).map_err(|_| NotASketch)?;
            sketch.count = sketch.count.checked_add(n).ok_or(NotASketch)?;
            if sketch.buckets.insert(index, n).is_some() {
                return Err(NotASketch);
            }
        }
        if rest.is_empty() { Ok(sketch) } else { Err(NotASketch) }
    }
}

fn put(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push((n & 0x7f) as u8);
}

fn take(rest: &mut &[u8]) -> Result<u64, NotASketch> {
    let mut n = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first().ok_or(NotASketch)?;
        *rest = tail;
        n |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(n);
        }
    }
    Err(NotASketch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(sorted: &[f64], q: f64) -> f64 {
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank of a small sample"
        )]
        let rank = (q * (sorted.len() - 1) as f64).floor() as usize;
        sorted[rank]
    }

    proptest! {
        #[test]
        fn every_quantile_is_within_one_percent(mut values in prop::collection::vec(1.0..1e9_f64, 1..500), q in 0.0..=1.0_f64) {
            let mut sketch = DdSketch::new();
            for v in &values {
                sketch.add(*v);
            }
            values.sort_by(f64::total_cmp);
            let (got, want) = (sketch.quantile(q).expect("values"), exact(&values, q));
            prop_assert!((got - want).abs() <= want * 0.010_001, "{got} is not {want}");
        }

        #[test]
        fn parts_merge_into_the_whole_and_survive_storage(a in prop::collection::vec(0.0..1e9_f64, 0..100), b in prop::collection::vec(0.0..1e9_f64, 0..100)) {
            let (mut one, mut two, mut all) = (DdSketch::new(), DdSketch::new(), DdSketch::new());
            for v in &a {
                one.add(*v);
                all.add(*v);
            }
            for v in &b {
                two.add(*v);
                all.add(*v);
            }
            one.merge(&two);
            prop_assert_eq!(&one, &all);
            prop_assert_eq!(DdSketch::from_bytes(&all.to_bytes()), Ok(all));
        }

        #[test]
        fn garbage_is_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = DdSketch::from_bytes(&bytes);
        }
    }
}
