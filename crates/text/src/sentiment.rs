//! How a text sounds, by a lexicon and rules.
//!
//! The rules are those of VADER (C. J. Hutto, E. Gilbert, ICWSM 2014): negation within three words, words that strengthen or weaken, capitals, exclamation
//! marks, and "but". The lexicon is AFINN (`lexicon/README.md`), brought to VADER's scale. No model, no context: irony is not understood.

use crate::language::{Language, detect};
use std::collections::HashMap;
use std::sync::LazyLock;

/// How a text sounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sentiment {
    /// −1 (very bad) to 1 (very good).
    pub score: f64,
    /// In which language it was read.
    pub language: Language,
}

type Lexicon = HashMap<&'static str, f64>;

static LEXICONS: LazyLock<[Lexicon; 4]> = LazyLock::new(|| {
    let read = |text: &'static str| {
        text.lines().filter_map(|line| line.split_once('\t')).filter_map(|(w, v)| Some((w, v.parse().ok()?))).collect()
    };
    [
        read(include_str!("../lexicon/en.tsv")),
        read(include_str!("../lexicon/de.tsv")),
        read(include_str!("../lexicon/fr.tsv")),
        read(include_str!("../lexicon/es.tsv")),
    ]
});

/// AFINN goes to five, VADER to four.
const TO_VADER: f64 = 0.8;
/// VADER's constants: what strengthens, what capitals and an exclamation mark add, what a negation leaves of a word.
const BOOST: f64 = 0.293;
const CAPITALS: f64 = 0.733;
const EXCLAMATION: f64 = 0.292;
const NEGATED: f64 = -0.74;
/// Brings sums to −1…1.
const ALPHA: f64 = 15.0;

struct Rules {
    negations: &'static [&'static str],
    stronger: &'static [&'static str],
    weaker: &'static [&'static str],
    but: &'static [&'static str],
}

const fn rules(language: Language) -> Rules {
    match language {
        Language::English => Rules {
            negations: &[
                "not", "no", "never", "none", "nothing", "without", "cannot", "can't", "cant", "don't", "dont", "doesn't", "doesnt",
                "didn't", "didnt", "isn't", "isnt", "wasn't", "wasnt", "won't", "wont", "wouldn't", "couldn't", "aren't", "hardly",
                "neither", "nor",
            ],
            stronger: &[
                "very",
                "really",
                "so",
                "extremely",
                "totally",
                "completely",
                "absolutely",
                "utterly",
                "incredibly",
                "especially",
                "most",
                "such",
                "too",
            ],
            weaker: &["slightly", "somewhat", "a-bit", "barely", "kinda", "sort", "partly", "little", "less", "quite"],
            but: &["but", "however"],
        },
        Language::German => Rules {
            negations: &["nicht", "kein", "keine", "keinen", "keiner", "nie", "niemals", "nichts", "ohne", "kaum"],
            stronger: &["sehr", "wirklich", "echt", "total", "völlig", "absolut", "extrem", "so", "zu", "ganz", "besonders"],
            weaker: &["etwas", "bisschen", "leicht", "kaum", "teilweise", "ziemlich"],
            but: &["aber", "jedoch"],
        },
        Language::French => Rules {
            negations: &["pas", "ne", "n'est", "n'a", "jamais", "rien", "aucun", "aucune", "sans"],
            stronger: &["très", "vraiment", "tellement", "totalement", "complètement", "trop", "absolument"],
            weaker: &["peu", "légèrement", "assez", "presque"],
            but: &["mais", "cependant"],
        },
        Language::Spanish => Rules {
            negations: &["no", "nunca", "nada", "sin", "ningún", "ninguna", "tampoco", "jamás"],
            stronger: &["muy", "realmente", "tan", "totalmente", "completamente", "demasiado", "absolutamente"],
            weaker: &["poco", "algo", "casi", "apenas", "bastante"],
            but: &["pero", "sino"],
        },
    }
}

/// How a text sounds; nothing when it has no word of opinion, or is in a language that is not read here.
pub fn score(text: &str) -> Option<Sentiment> {
    let raw: Vec<&str> =
        text.split_whitespace().map(|w| w.trim_matches(|c: char| !c.is_alphanumeric())).filter(|w| !w.is_empty()).collect();
    let words: Vec<String> = raw.iter().map(|w| w.to_lowercase().replace('’', "'")).collect();
    // Words alone, as in "Useless.", are taken for English; whole sentences of another language are not.
    let language = detect(text).or_else(|| (raw.len() <= 3 && text.is_ascii()).then_some(Language::English))?;
    let lexicon = &LEXICONS[language as usize];
    let rules = rules(language);
    let shouted = |w: &str| w.len() > 1 && w.chars().any(char::is_alphabetic) && !w.chars().any(char::is_lowercase);
    let some_shouted = raw.iter().any(|w| shouted(w)) && !raw.iter().all(|w| shouted(w));
    let mut valences: Vec<(usize, f64)> = Vec::new();
    for (i, word) in words.iter().enumerate() {
        // "No" says no; what it says about the next word comes below.
        let Some(valence) = lexicon.get(word.as_str()).filter(|_| !rules.negations.contains(&word.as_str())) else { continue };
        let mut valence = valence * TO_VADER;
        if some_shouted && shouted(raw[i]) {
            valence += CAPITALS.copysign(valence);
        }
        valences.push((i, in_context(valence, &words[i.saturating_sub(3)..i], &rules)));
    }
    if valences.is_empty() {
        return None;
    }
    if let Some(but) = words.iter().position(|w| rules.but.contains(&w.as_str())) {
        for (i, valence) in &mut valences {
            *valence *= if *i < but { 0.5 } else { 1.5 };
        }
    }
    let mut sum: f64 = valences.iter().map(|(_, v)| v).sum();
    #[expect(clippy::cast_precision_loss, reason = "four at most")]
    let exclamations = text.matches('!').count().min(4) as f64 * EXCLAMATION;
    sum += if sum == 0.0 { 0.0 } else { exclamations.copysign(sum) };
    Some(Sentiment { score: sum / (sum * sum + ALPHA).sqrt(), language })
}

/// The valence of a word behind up to three others.
fn in_context(mut valence: f64, before: &[String], rules: &Rules) -> f64 {
    for (distance, word) in before.iter().rev().enumerate() {
        let fade = [1.0, 0.95, 0.9][distance];
        let word = word.as_str();
        if rules.stronger.contains(&word) {
            valence += (BOOST * fade).copysign(valence);
        } else if rules.weaker.contains(&word) {
            valence -= (BOOST * fade).copysign(valence);
        }
    }
    if before.iter().any(|word| rules.negations.contains(&word.as_str()) || word.ends_with("n't")) {
        valence *= NEGATED;
    }
    valence
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str) -> f64 {
        score(text).map_or(0.0, |s| s.score)
    }

    #[test]
    fn the_orders_of_vaders_own_examples_hold() {
        // The README of VADER orders these.
        assert!(of("VADER is smart, handsome, and funny.") > 0.4);
        assert!(of("VADER is smart, handsome, and funny!") > of("VADER is smart, handsome, and funny."));
        assert!(of("VADER is very smart, handsome, and funny.") > of("VADER is smart, handsome, and funny."));
        assert!(of("VADER is VERY SMART, handsome, and FUNNY.") > of("VADER is very smart, handsome, and funny."));
        assert!(of("VADER is not smart, handsome, nor funny.") < -0.3);
        assert!(of("The book was good.") > of("The book was kinda good."));
        assert!(of("The plot was good, but the characters are uncompelling and the dialog is terrible.") < 0.0);
        assert!(of("At least it isn't a horrible book.") > 0.0);
    }

    #[test]
    fn what_users_of_assistants_say_is_understood() {
        for bad in [
            "This answer is irrelevant",
            "It hallucinated a phone number",
            "Useless.",
            "I don't like this",
            "It forgot what I said, again",
            "Das ist falsch und unbrauchbar",
            "Ich finde das nicht gut",
            "Ce n'est pas utile",
            "Esto es pésimo",
        ] {
            assert!(of(bad) < -0.05, "{bad}: {}", of(bad));
        }
        for good in
            ["Great answer, thanks!", "That was very helpful", "Sehr hilfreich, danke", "C'est parfait, merci", "Muy bueno, gracias"]
        {
            assert!(of(good) > 0.05, "{good}: {}", of(good));
        }
    }

    #[test]
    fn without_an_opinion_nothing_is_said() {
        for text in ["", "4711", "The order arrived on Monday", "注文番号を忘れました。これは違います。"] {
            assert_eq!(score(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_has_a_score_within_bounds(text in "\\PC{0,200}") {
            if let Some(s) = score(&text) {
                prop_assert!((-1.0..=1.0).contains(&s.score));
            }
        }
    }
}
