//! Texts that belong together, without being told how many groups there are.
//!
//! Spherical k-means (I. S. Dhillon, D. S. Modha, Machine Learning 42, 2001) with k-means++ seeding (D. Arthur, S. Vassilvitskii, SODA 2007), from more groups
//! than there can be; then groups whose centres are near are joined, and texts that are far from their centre are let go.

use crate::tfidf::Sparse;

/// How to cluster.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Smaller groups are no groups.
    pub least: usize,
    /// Most groups.
    pub most: usize,
    /// Groups whose centres, without what all have in common, are nearer than this cosine are one.
    pub join: f32,
    /// Groups whose whole centres are nearer than this are one, too: where everybody says the same, it is all they have.
    pub same: f32,
    /// Texts farther than this cosine from their centre belong to none.
    pub near: f32,
    /// Makes runs repeatable.
    pub seed: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { least: 3, most: 200, join: 0.2, same: 0.6, near: 0.08, seed: 1 }
    }
}

/// With no more groups than this, what all have in common may be just what everybody complains of: then whole centres are compared more freely.
const FEW: usize = 8;
const SAME_OF_FEW: f32 = 0.35;
/// Rounds of moving texts to the nearest centre; by then hardly any moves.
const ROUNDS: usize = 20;
/// Whole tries, of which the best counts.
const TRIES: u64 = 3;

/// `SplitMix64` (G. L. Steele et al., 2014): small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[expect(clippy::cast_precision_loss, reason = "a random number loses nothing")]
    fn below(&mut self, most: f64) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * most
    }
}

/// Centres as dense rows, so that a text is compared with all by walking its few terms.
struct Centres {
    size: usize,
    rows: Vec<Vec<f32>>,
}

impl Centres {
    fn of(vectors: &[Sparse], groups: &[Option<usize>], k: usize, size: usize) -> Self {
        let mut rows = Self::sums(vectors, groups, k, size);
        for row in &mut rows {
            normalise(row);
        }
        Self { size, rows }
    }

    /// The texts of each group added up.
    fn sums(vectors: &[Sparse], groups: &[Option<usize>], k: usize, size: usize) -> Vec<Vec<f32>> {
        let mut rows = vec![vec![0.0_f32; size]; k];
        for (vector, group) in vectors.iter().zip(groups) {
            if let Some(group) = group {
                vector.0.iter().for_each(|(term, weight)| rows[*group][*term as usize] += weight);
            }
        }
        rows
    }

    fn nearest(&self, vector: &Sparse) -> (usize, f32) {
        let mut best = (0, -1.0_f32);
        for (i, row) in self.rows.iter().enumerate() {
            let cosine = dot(vector, row);
            if cosine > best.1 {
                best = (i, cosine);
            }
        }
        best
    }

    /// What each centre has beyond what all have in common: long texts share so many words that without this all would look alike.
    fn without_common(&self) -> Vec<Vec<f32>> {
        let mut common = vec![0.0_f32; self.size];
        for row in &self.rows {
            common.iter_mut().zip(row).for_each(|(sum, w)| *sum += w);
        }
        normalise(&mut common);
        let own = |row: &Vec<f32>| {
            let along = product(row, &common);
            let mut row: Vec<f32> = row.iter().zip(&common).map(|(w, c)| w - along * c).collect();
            normalise(&mut row);
            row
        };
        self.rows.iter().map(own).collect()
    }
}

fn product(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

fn dot(vector: &Sparse, row: &[f32]) -> f32 {
    vector.0.iter().map(|(term, weight)| weight * row[*term as usize]).sum()
}

fn normalise(row: &mut [f32]) {
    let length = row.iter().map(|w| w * w).sum::<f32>().sqrt();
    if length > 0.0 {
        for w in row {
            *w /= length;
        }
    }
}

/// Groups texts: for each the number of its group, or none. Groups are numbered from the largest.
pub fn cluster(vectors: &[Sparse], options: &Options) -> Vec<Option<usize>> {
    let size = vectors.iter().filter_map(|v| v.0.last()).map(|(term, _)| *term as usize + 1).max().unwrap_or(0);
    let full: Vec<usize> = (0..vectors.len()).filter(|i| !vectors[*i].0.is_empty()).collect();
    if full.len() < options.least || size == 0 {
        return vec![None; vectors.len()];
    }
    let k = start_with(full.len(), options);
    let tries = (0..TRIES).map(|t| kmeans(vectors, &full, k, size, options.seed.wrapping_add(t)));
    let best = tries.max_by(|a, b| a.1.total_cmp(&b.1)).map(|(groups, _)| groups).unwrap_or_default();
    let mut groups = join(vectors, best, size, options);
    for _ in 0..2 {
        groups = renumber(settle(vectors, &full, &groups, size, options.near), options.least);
    }
    groups
}

/// Puts each text with the nearest group, or lets it go. Its own group is measured without it: in a small one every text is near to what it has brought itself.
fn settle(vectors: &[Sparse], full: &[usize], groups: &[Option<usize>], size: usize, near: f32) -> Vec<Option<usize>> {
    let k = groups.iter().flatten().max().map_or(0, |most| most + 1);
    let sums = Centres::sums(vectors, groups, k, size);
    let lengths: Vec<f32> = sums.iter().map(|row| product(row, row)).collect();
    let mut settled = vec![None; vectors.len()];
    for &i in full {
        let mut best = (0, near);
        let mut found = false;
        for (group, row) in sums.iter().enumerate() {
            let along = dot(&vectors[i], row);
            let (along, length) =
                if groups[i] == Some(group) { (along - 1.0, lengths[group] - 2.0 * along + 1.0) } else { (along, lengths[group]) };
            let cosine = if length > 1e-6 { along / length.sqrt() } else { 0.0 };
            if cosine >= best.1 {
                best = (group, cosine);
                found = true;
            }
        }
        settled[i] = found.then_some(best.0);
    }
    settled
}

/// More groups than there will be: what is too fine is joined later, what is too coarse stays so.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rule of thumb")]
fn start_with(n: usize, options: &Options) -> usize {
    ((n as f64).sqrt() as usize).clamp(2, options.most.max(2)).min(n)
}

fn kmeans(vectors: &[Sparse], full: &[usize], k: usize, size: usize, seed: u64) -> (Vec<Option<usize>>, f32) {
    let mut centres = seeds(vectors, full, k, size, seed);
    let mut groups: Vec<Option<usize>> = vec![None; vectors.len()];
    let mut quality = 0.0;
    for _ in 0..ROUNDS {
        let mut moved = 0;
        quality = 0.0;
        for &i in full {
            let (group, cosine) = centres.nearest(&vectors[i]);
            quality += cosine;
            moved += usize::from(groups[i] != Some(group));
            groups[i] = Some(group);
        }
        centres = Centres::of(vectors, &groups, k, centres.size);
        if moved * 200 < full.len() {
            break;
        }
    }
    (groups, quality)
}

/// k-means++: the farther a text is from the centres so far, the likelier it becomes one.
fn seeds(vectors: &[Sparse], full: &[usize], k: usize, size: usize, seed: u64) -> Centres {
    let mut random = Random(seed);
    let mut rows: Vec<Vec<f32>> = Vec::with_capacity(k);
    let mut far: Vec<f64> = vec![1.0; full.len()];
    while rows.len() < k {
        let mut at = random.below(far.iter().sum());
        let chosen = far.iter().position(|d| {
            at -= d;
            at <= 0.0
        });
        let chosen = chosen.unwrap_or(full.len() - 1);
        let mut row = vec![0.0; size];
        vectors[full[chosen]].0.iter().for_each(|(term, weight)| row[*term as usize] = *weight);
        for (d, i) in far.iter_mut().zip(full) {
            *d = d.min(f64::from(1.0 - dot(&vectors[*i], &row)).max(0.0));
        }
        far[chosen] = 0.0;
        rows.push(row);
        if far.iter().sum::<f64>() <= 1e-9 {
            break;
        }
    }
    Centres { size, rows }
}

/// Joins groups whose centres are near, the nearest first, until none are.
fn join(vectors: &[Sparse], mut groups: Vec<Option<usize>>, size: usize, options: &Options) -> Vec<Option<usize>> {
    loop {
        groups = renumber(groups, 1);
        let k = groups.iter().flatten().max().map_or(0, |most| most + 1);
        let centres = Centres::of(vectors, &groups, k, size);
        let own = centres.without_common();
        let mut pairs = Vec::new();
        for a in 0..k {
            for b in a + 1..k {
                let whole = product(&centres.rows[a], &centres.rows[b]);
                let same = if k <= FEW { SAME_OF_FEW } else { options.same };
                if whole >= same || product(&own[a], &own[b]) >= options.join {
                    pairs.push((whole, a, b));
                }
            }
        }
        if pairs.is_empty() {
            return groups;
        }
        pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)).then(x.2.cmp(&y.2)));
        let mut into: Vec<usize> = (0..k).collect();
        let mut taken = vec![false; k];
        for (_, a, b) in pairs {
            if !taken[a] && !taken[b] {
                (taken[a], taken[b]) = (true, true);
                into[b] = a;
            }
        }
        groups.iter_mut().flatten().for_each(|group| *group = into[*group]);
    }
}

/// Numbers groups from the largest, and dissolves those that are too small.
fn renumber(mut groups: Vec<Option<usize>>, least: usize) -> Vec<Option<usize>> {
    let k = groups.iter().flatten().max().map_or(0, |most| most + 1);
    let mut sizes = vec![0_usize; k];
    groups.iter().flatten().for_each(|group| sizes[*group] += 1);
    let mut order: Vec<usize> = (0..k).filter(|group| sizes[*group] >= least.max(1)).collect();
    order.sort_by_key(|group| (std::cmp::Reverse(sizes[*group]), *group));
    let mut number = vec![None; k];
    order.iter().enumerate().for_each(|(new, old)| number[*old] = Some(new));
    for group in &mut *groups {
        *group = group.and_then(|old| number[old]);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{terms, tfidf::Model};

    fn vectors(texts: &[String]) -> Vec<Sparse> {
        let stems: Vec<Vec<String>> = texts.iter().map(|t| terms::of(t).into_iter().map(|t| t.stem).collect()).collect();
        let model = Model::fit(&stems, 2);
        stems.iter().map(|s| model.vector(s)).collect()
    }

    fn sample() -> Vec<String> {
        let topics = [
            [
                "forgot my order number",
                "it forgot the order number I gave",
                "the order number was forgotten again",
                "asked for my order number twice",
            ],
            [
                "opening hours instead of returns",
                "I asked about returns and got opening hours",
                "returns please, not opening hours",
                "told me the opening hours",
            ],
            ["far too slow today", "slow answers, too slow", "the answer was slow to load", "so slow, slow answers all day"],
        ];
        topics.iter().flatten().map(|t| (*t).to_owned()).chain(["zebra".to_owned(), String::new()]).collect()
    }

    #[test]
    fn three_topics_are_found_and_strangers_left_alone() {
        let groups = cluster(&vectors(&sample()), &Options::default());
        for topic in 0..3 {
            let of: Vec<_> = groups[topic * 4..topic * 4 + 4].to_vec();
            assert!(of[0].is_some() && of.iter().filter(|g| **g == of[0]).count() >= 3, "topic {topic}: {groups:?}");
        }
        assert_ne!(groups[0], groups[4]);
        assert_ne!(groups[4], groups[8]);
        assert_eq!((groups[12], groups[13]), (None, None));
    }

    #[test]
    fn a_handful_of_strangers_is_no_group() {
        let said = [
            "sounds like a leaflet",
            "rapide et clair",
            "what is a lampshade",
            "zeppelin",
            "wrong currency on the invoice",
            "please add dark mode",
        ];
        let texts: Vec<String> = said.iter().map(|t| (*t).to_owned()).collect();
        assert!(cluster(&vectors(&texts), &Options::default()).iter().all(Option::is_none));
    }

    #[test]
    fn where_everybody_says_the_same_there_is_one_group() {
        let said = [
            "it forgot my order number again",
            "you forgot the order number I gave you",
            "the assistant forgot my order number",
            "why did it forget my order number?",
            "forgot order number, had to repeat it",
            "my order number was forgotten after two messages",
            "order number forgotten, again",
            "it forgets every order number",
            "gave it my order number and it forgot",
            "forgot my order number twice today",
        ];
        let texts: Vec<String> = said.iter().map(|t| (*t).to_owned()).collect();
        let groups = cluster(&vectors(&texts), &Options::default());
        assert!(
            groups.iter().filter(|group| **group == Some(0)).count() >= 9 && groups.iter().all(|group| group.is_none_or(|g| g == 0)),
            "{groups:?}"
        );
    }

    #[test]
    fn the_same_texts_give_the_same_groups_and_few_texts_give_none() {
        let vectors = vectors(&sample());
        assert_eq!(cluster(&vectors, &Options::default()), cluster(&vectors, &Options::default()));
        assert_eq!(cluster(&vectors[..2], &Options::default()), [None, None]);
        assert!(cluster(&[], &Options::default()).is_empty());
    }
}
