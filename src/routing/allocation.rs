//! Who gets which variant.
//!
//! A route has 10,000 buckets, each owned by one variant. A person (or session) falls into a bucket by a hash that never changes, so every replica and
//! every restart gives the same answer. When shares change, only as many buckets change owner as the growing shares need, and they are taken only from
//! shrinking ones: nobody changes variant unless the share of their variant had to shrink.

use super::model::quotas;
use ring::digest;

/// Buckets of a route: the finest share is 0.01 %.
pub const BUCKETS: u32 = 10_000;

/// Owners of the buckets in order, run-length encoded: (variant, number of buckets).
pub type Runs = Vec<(String, u32)>;

/// The bucket of a unit. `salt` is the route's id, so that the same person falls differently on different routes.
#[expect(clippy::cast_possible_truncation, reason = "a remainder of 10,000 fits")]
pub fn bucket(salt: &str, unit: &str) -> u32 {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(salt.as_bytes());
    context.update(&[0]);
    context.update(unit.as_bytes());
    let hash = context.finish();
    let mut head = [0; 8];
    head.copy_from_slice(&hash.as_ref()[..8]);
    (u64::from_be_bytes(head) % u64::from(BUCKETS)) as u32
}

/// New owners for these weights with the fewest changes from `old`. Variants are (name, weight); at least one weight must be positive.
pub fn reallocate(old: &Runs, variants: &[(String, f64)]) -> Runs {
    let weights: Vec<f64> = variants.iter().map(|(_, w)| *w).collect();
    let target = quotas(&weights, BUCKETS);
    let mut owners = expand(old, |name| variants.iter().position(|(n, _)| n == name));
    let mut held = vec![0_u32; variants.len()];
    for owner in &mut owners {
        match *owner {
            Some(i) if held[i] < target[i] => held[i] += 1,
            _ => *owner = None,
        }
    }
    let mut taker = 0;
    for owner in owners.iter_mut().filter(|owner| owner.is_none()) {
        while taker < held.len() && held[taker] >= target[taker] {
            taker += 1;
        }
        if taker < held.len() {
            held[taker] += 1;
            *owner = Some(taker);
        }
    }
    let mut runs: Runs = Vec::new();
    for name in owners.into_iter().flatten().map(|i| &variants[i].0) {
        match runs.last_mut() {
            Some((last, n)) if last == name => *n += 1,
            _ => runs.push((name.clone(), 1)),
        }
    }
    runs
}

/// The owner of each bucket, `None` where nobody known owns it; always [`BUCKETS`] long.
pub fn expand<T: Copy>(runs: &Runs, index: impl Fn(&str) -> Option<T>) -> Vec<Option<T>> {
    let mut owners: Vec<Option<T>> = Vec::with_capacity(BUCKETS as usize);
    for (name, n) in runs {
        let owner = index(name);
        owners.extend(std::iter::repeat_n(owner, *n as usize));
    }
    owners.resize(BUCKETS as usize, None);
    owners
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(weights: &[f64]) -> Vec<(String, f64)> {
        weights.iter().enumerate().map(|(i, w)| (format!("v{i}"), *w)).collect()
    }

    fn owners(runs: &Runs) -> Vec<String> {
        runs.iter().flat_map(|(name, n)| std::iter::repeat_n(name.clone(), *n as usize)).collect()
    }

    fn counts(runs: &Runs, variants: usize) -> Vec<u32> {
        let mut counts = vec![0; variants];
        for (name, n) in runs {
            counts[name[1..].parse::<usize>().expect("index")] += n;
        }
        counts
    }

    proptest! {
        #[test]
        fn a_bucket_changes_owner_only_if_its_owner_had_to_shrink(
            before in prop::collection::vec(0.0..100.0_f64, 2..6).prop_filter("one is positive", |w| w.iter().sum::<f64>() > 0.1),
            change in prop::collection::vec(0.0..100.0_f64, 2..6).prop_filter("one is positive", |w| w.iter().sum::<f64>() > 0.1),
        ) {
            let n = before.len().min(change.len());
            prop_assume!(before[..n].iter().sum::<f64>() > 0.1 && change[..n].iter().sum::<f64>() > 0.1);
            let old = reallocate(&Vec::new(), &named(&before[..n]));
            let new = reallocate(&old, &named(&change[..n]));
            let (was, is) = (counts(&old, n), counts(&new, n));
            prop_assert_eq!(is.iter().sum::<u32>(), BUCKETS);
            prop_assert_eq!(&is, &quotas(&change[..n], BUCKETS));
            let mut moved = 0;
            for (a, b) in owners(&old).iter().zip(owners(&new).iter()).filter(|(a, b)| a != b) {
                let (a, b) = (a[1..].parse::<usize>().expect("index"), b[1..].parse::<usize>().expect("index"));
                prop_assert!(is[a] < was[a], "{} did not shrink", a);
                prop_assert!(is[b] > was[b], "{} did not grow", b);
                moved += 1;
            }
            let least: u32 = was.iter().zip(&is).map(|(w, i)| w.saturating_sub(*i)).sum();
            prop_assert_eq!(moved, least, "the fewest moves");
        }
    }

    #[test]
    fn units_spread_evenly_over_buckets() {
        // 100,000 units over 10 ranges of 1,000 buckets: each expects 10,000, standard deviation 94.9; five of them is one in 1.7 million.
        let mut ranges = [0_i32; 10];
        for i in 0..100_000 {
            ranges[bucket("route", &format!("user-{i}")) as usize / 1_000] += 1;
        }
        assert!(ranges.iter().all(|n| (n - 10_000).abs() < 475), "{ranges:?}");
    }

    #[test]
    fn a_removed_variant_gives_its_buckets_to_the_others() {
        let old = reallocate(&Vec::new(), &[("a".into(), 1.0), ("b".into(), 1.0)]);
        let new = reallocate(&old, &[("a".into(), 1.0), ("c".into(), 1.0)]);
        let kept = owners(&old).iter().zip(owners(&new).iter()).filter(|(o, n)| *o == "a" && *n == "a").count();
        assert_eq!(kept, 5_000);
    }
}
