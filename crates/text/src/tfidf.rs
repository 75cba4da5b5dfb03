//! Texts as weighted terms.

use std::collections::HashMap;

/// A sparse vector of length one (or zero): term numbers in order, with their weights.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sparse(pub Vec<(u32, f32)>);

impl Sparse {
    /// The cosine of two vectors, 0 to 1.
    pub fn cosine(&self, other: &Self) -> f32 {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut sum = 0.0;
        while let (Some((i, x)), Some((j, y))) = (a.peek(), b.peek()) {
            match i.cmp(j) {
                std::cmp::Ordering::Less => drop(a.next()),
                std::cmp::Ordering::Greater => drop(b.next()),
                std::cmp::Ordering::Equal => {
                    sum += x * y;
                    a.next();
                    b.next();
                }
            }
        }
        sum
    }
}

/// Knows how rare terms are: inverse document frequencies, smoothed, as in scikit-learn's `TfidfVectorizer` with `sublinear_tf`.
#[derive(Clone, Debug, Default)]
pub struct Model {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
    idf: Vec<f32>,
}

impl Model {
    /// Learns from texts, each a list of terms. Terms of fewer than `least` texts are left out: they can bring nothing together.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^24")]
    pub fn fit<T: AsRef<str>>(texts: &[Vec<T>], least: usize) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for text in texts {
            let mut terms: Vec<&str> = text.iter().map(AsRef::as_ref).collect();
            terms.sort_unstable();
            terms.dedup();
            for term in terms {
                *counts.entry(term).or_default() += 1;
            }
        }
        let mut kept: Vec<(&str, usize)> = counts.into_iter().filter(|(_, n)| *n >= least).collect();
        // In order, so that the same texts give the same numbers everywhere.
        kept.sort_unstable();
        let mut model = Self::default();
        for (number, (term, n)) in (0..).zip(kept) {
            model.numbers.insert(term.to_owned(), number);
            model.names.push(term.to_owned());
            model.idf.push(((1.0 + texts.len() as f32) / (1.0 + n as f32)).ln() + 1.0);
        }
        model
    }

    /// A text as a vector; terms that were not learned are left out.
    #[expect(clippy::cast_precision_loss, reason = "counts far below 2^24")]
    pub fn vector<T: AsRef<str>>(&self, text: &[T]) -> Sparse {
        let mut counts: HashMap<u32, u32> = HashMap::new();
        text.iter().filter_map(|term| self.numbers.get(term.as_ref())).for_each(|number| *counts.entry(*number).or_default() += 1);
        let mut weights: Vec<(u32, f32)> =
            counts.into_iter().map(|(number, n)| (number, (1.0 + (n as f32).ln()) * self.idf[number as usize])).collect();
        weights.sort_unstable_by_key(|(number, _)| *number);
        let length = weights.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        for (_, w) in &mut weights {
            *w /= length;
        }
        Sparse(weights)
    }

    /// The term of a number.
    pub fn name(&self, number: u32) -> &str {
        self.names.get(number as usize).map_or("", String::as_str)
    }

    /// How many terms there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_those_of_scikit_learn() {
        // TfidfVectorizer(sublinear_tf=True, token_pattern=r"\S+") on these three texts, scikit-learn 1.7.
        let texts: Vec<Vec<&str>> = ["order lost order", "order late", "refund late"].iter().map(|t| t.split(' ').collect()).collect();
        let model = Model::fit(&texts, 1);
        let vector = model.vector(&texts[0]);
        let named: Vec<(&str, f32)> = vector.0.iter().map(|(n, w)| (model.name(*n), *w)).collect();
        assert_eq!((named[0].0, named[1].0), ("lost", "order"));
        assert!((named[0].1 - 0.613_355_5).abs() < 1e-6 && (named[1].1 - 0.789_806_9).abs() < 1e-6, "{named:?}");
        assert!((model.vector(&texts[1]).cosine(&model.vector(&texts[1])) - 1.0).abs() < 1e-6);
        assert!(model.vector(&["unknown"]).cosine(&vector).abs() < 1e-9);
        assert_eq!(Model::fit(&texts, 2).len(), 2, "order and late");
    }
}
