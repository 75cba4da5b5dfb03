//! The words that matter in a text.

use crate::language::{Language, detect};
use rust_stemmers::{Algorithm, Stemmer};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// A term: what words of one origin have in common, and the word as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Term {
    /// The stem (Snowball), or two of them joined by a space.
    pub stem: String,
    /// As written, lower case.
    pub surface: String,
}

/// Words that say nothing of what feedback is about, beside the stop words of a language.
const EMPTY: [&str; 22] = [
    "please", "thanks", "thank", "hello", "hi", "hey", "really", "just", "also", "get", "got", "one", "would", "could", "still", "even",
    "bitte", "danke", "merci", "gracias", "im", "ive",
];

static STOP: LazyLock<[HashSet<&'static str>; 4]> = LazyLock::new(|| {
    use stop_words::Language as L;
    let of = |language: L| stop_words::get(language).iter().copied().chain(EMPTY).collect();
    [of(L::English), of(L::German), of(L::French), of(L::Spanish)]
});

fn stemmer(language: Language) -> Stemmer {
    Stemmer::create(match language {
        Language::English => Algorithm::English,
        Language::German => Algorithm::German,
        Language::French => Algorithm::French,
        Language::Spanish => Algorithm::Spanish,
    })
}

/// The terms of a text: words without stop words and numbers, stemmed, and pairs of neighbours. The language is detected; an unknown one is split into words
/// and stemmed as English.
pub fn of(text: &str) -> Vec<Term> {
    let language = detect(text).unwrap_or(Language::English);
    let (stop, stemmer) = (&STOP[language as usize], stemmer(language));
    let mut terms = Vec::new();
    let mut previous: Option<Term> = None;
    for word in text.split(|c: char| !c.is_alphanumeric() && c != '\'' && c != '’') {
        let surface = word.to_lowercase().replace('’', "'");
        let surface = surface.trim_matches('\'');
        let bare = surface.strip_suffix("'s").unwrap_or(surface);
        let says_nothing =
            bare.chars().count() < 2 || !bare.chars().any(char::is_alphabetic) || stop.contains(bare) || stop.contains(surface);
        if says_nothing {
            continue;
        }
        let term = Term { stem: stemmer.stem(bare).into_owned(), surface: bare.to_owned() };
        if let Some(before) = previous.take() {
            terms.push(Term { stem: format!("{} {}", before.stem, term.stem), surface: format!("{} {}", before.surface, term.surface) });
        }
        terms.push(term.clone());
        previous = Some(term);
    }
    terms
}

/// Finds how stems are mostly written.
#[derive(Clone, Debug, Default)]
pub struct Surfaces(HashMap<String, HashMap<String, u32>>);

impl Surfaces {
    /// Counts a term as it was written.
    pub fn add(&mut self, term: &Term) {
        *self.0.entry(term.stem.clone()).or_default().entry(term.surface.clone()).or_default() += 1;
    }

    /// The commonest way a stem is written; of equals the first by the alphabet.
    pub fn of<'a>(&'a self, stem: &'a str) -> &'a str {
        let written = self.0.get(stem).and_then(|forms| forms.iter().max_by(|a, b| a.1.cmp(b.1).then_with(|| b.0.cmp(a.0))));
        written.map_or(stem, |(form, _)| form)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stems(text: &str) -> Vec<String> {
        of(text).into_iter().map(|t| t.stem).collect()
    }

    #[test]
    fn what_matters_is_kept_and_words_of_one_origin_meet() {
        assert_eq!(stems("It forgot my order number 4711!"), ["forgot", "forgot order", "order", "order number", "number"]);
        assert_eq!(stems("orders")[0], stems("ordering")[0]);
        assert!(stems("Meine Bestellung wurde nicht gefunden").contains(&stems("Ich habe nicht alle Bestellungen")[0]));
        assert!(stems("").is_empty() && stems("the of and 12 !").is_empty());
    }

    #[test]
    fn a_stem_is_shown_as_people_write_it() {
        let mut surfaces = Surfaces::default();
        for text in ["refunds", "refund", "refunds"] {
            for term in of(text) {
                surfaces.add(&term);
            }
        }
        assert_eq!(surfaces.of("refund"), "refunds");
        assert_eq!(surfaces.of("unknown"), "unknown");
    }

    proptest! {
        #[test]
        fn any_text_has_terms(text in "\\PC{0,200}") {
            for term in of(&text) {
                prop_assert!(!term.stem.is_empty() && !term.surface.is_empty());
            }
        }
    }
}
