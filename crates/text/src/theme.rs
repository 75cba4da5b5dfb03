//! Groups that last: a theme is known again by the terms of its centre, though vocabulary and group numbers change from day to day.

use crate::tfidf::{Model, Sparse};
use std::collections::HashMap;

/// Terms of a centre that are kept; the rest weigh next to nothing.
const KEPT: usize = 60;

/// The centre of a theme: its heaviest terms with their weights, of length one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Centre(pub Vec<(String, f64)>);

impl Centre {
    /// The centre of some texts.
    pub fn of<'a>(model: &Model, texts: impl IntoIterator<Item = &'a Sparse>) -> Self {
        let mut sums: HashMap<u32, f64> = HashMap::new();
        for text in texts {
            text.0.iter().for_each(|(term, weight)| *sums.entry(*term).or_default() += f64::from(*weight));
        }
        Self::cut(sums.into_iter().map(|(term, weight)| (model.name(term).to_owned(), weight)).collect())
    }

    fn cut(mut terms: Vec<(String, f64)>) -> Self {
        terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        terms.truncate(KEPT);
        let length = terms.iter().map(|(_, w)| w * w).sum::<f64>().sqrt();
        if length > 0.0 {
            for (_, w) in &mut terms {
                *w /= length;
            }
        }
        Self(terms)
    }

    /// Moves towards another by a share from 0 to 1: themes drift as people find other words.
    #[must_use]
    pub fn towards(&self, other: &Self, share: f64) -> Self {
        let mut sums: HashMap<&str, f64> = self.0.iter().map(|(term, w)| (term.as_str(), w * (1.0 - share))).collect();
        other.0.iter().for_each(|(term, w)| *sums.entry(term).or_default() += w * share);
        Self::cut(sums.into_iter().map(|(term, w)| (term.to_owned(), w)).collect())
    }

    /// How near a text is, 0 to 1.
    pub fn near(&self, model: &Model, text: &Sparse) -> f64 {
        text.0.iter().map(|(term, weight)| f64::from(*weight) * self.weight(model.name(*term))).sum()
    }

    /// How near another centre is, 0 to 1.
    pub fn cosine(&self, other: &Self) -> f64 {
        other.0.iter().map(|(term, weight)| weight * self.weight(term)).sum()
    }

    fn weight(&self, term: &str) -> f64 {
        self.0.iter().find(|(known, _)| known == term).map_or(0.0, |(_, w)| *w)
    }
}

/// Which known theme each new group is: nearest pairs first, one to one, at least `least` near. `None` is a theme of its own.
pub fn recognise(known: &[Centre], new: &[Centre], least: f64) -> Vec<Option<usize>> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (n, new) in new.iter().enumerate() {
        for (k, known) in known.iter().enumerate() {
            let cosine = known.cosine(new);
            if cosine >= least {
                pairs.push((cosine, n, k));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let (mut is, mut taken) = (vec![None; new.len()], vec![false; known.len()]);
    for (_, n, k) in pairs {
        if is[n].is_none() && !taken[k] {
            is[n] = Some(k);
            taken[k] = true;
        }
    }
    is
}

/// What sets each group apart: its terms by how much commoner they are in it than elsewhere (class-based TF-IDF, M. Grootendorst, 2022), best first. A pair of
/// words stands for its parts.
#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
pub fn distinct_terms(groups: &[Vec<&Vec<String>>], most: usize) -> Vec<Vec<String>> {
    let mut total: HashMap<&str, f64> = HashMap::new();
    let counts: Vec<HashMap<&str, f64>> = groups
        .iter()
        .map(|texts| {
            let mut counts: HashMap<&str, f64> = HashMap::new();
            texts.iter().flat_map(|t| t.iter()).for_each(|term| *counts.entry(term).or_default() += 1.0);
            for (term, n) in &counts {
                *total.entry(term).or_default() += n;
            }
            counts
        })
        .collect();
    let mean = total.values().sum::<f64>() / groups.len().max(1) as f64;
    let weigh = |(term, n): (&&str, &f64)| ((*term).to_owned(), n * (1.0 + mean / total[term]).ln(), *n);
    counts
        .iter()
        .map(|counts| {
            let mut terms: Vec<(String, f64, f64)> = counts.iter().map(weigh).collect();
            terms.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            best(&terms, most)
        })
        .collect()
}

fn best(terms: &[(String, f64, f64)], most: usize) -> Vec<String> {
    let mut chosen: Vec<String> = Vec::new();
    for (term, _, n) in terms.iter().take(most * 5) {
        // "order number" says more than "order" where most who say the one say the other.
        let pair = terms.iter().take(most * 8).find(|(t, _, m)| t.contains(' ') && t.split(' ').any(|part| part == term) && *m >= n * 0.5);
        let term = pair.map_or(term, |(pair, ..)| pair);
        let said = chosen.iter().any(|c| c == term || c.split(' ').any(|part| term.split(' ').any(|t| t == part)));
        if !said {
            chosen.push(term.clone());
        }
        if chosen.len() == most {
            break;
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centre(terms: &[(&str, f64)]) -> Centre {
        Centre::cut(terms.iter().map(|(t, w)| ((*t).to_owned(), *w)).collect())
    }

    #[test]
    fn themes_are_known_again_one_to_one() {
        let known = [centre(&[("order", 1.0), ("forgot", 1.0)]), centre(&[("slow", 1.0)])];
        let new = [
            centre(&[("slow", 2.0), ("load", 1.0)]),
            centre(&[("forgot", 1.0), ("order", 0.8)]),
            centre(&[("slow", 1.0), ("wait", 1.5)]),
            centre(&[("tone", 1.0)]),
        ];
        assert_eq!(recognise(&known, &new, 0.4), [Some(1), Some(0), None, None]);
    }

    #[test]
    fn a_name_is_what_sets_a_group_apart() {
        let texts = |list: &[&str]| -> Vec<Vec<String>> {
            list.iter().map(|t| crate::terms::of(t).into_iter().map(|t| t.stem).collect()).collect()
        };
        let a = texts(&["it forgot my order number", "order number forgotten", "order number please", "my order number is wrong"]);
        let b = texts(&["answer too slow", "slow answer", "the answer takes long"]);
        let names = distinct_terms(&[a.iter().collect(), b.iter().collect()], 3);
        assert!(names[0].iter().any(|t| t.contains("order")), "{names:?}");
        assert!(names[1].iter().any(|t| t.contains("slow") || t.contains("answer")), "{names:?}");
    }
}
