//! What a survey says, in the languages of the widget.

use super::{Kind, Translation};
use serde::{Deserialize, Serialize};

/// A scale and what its ends mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// The lowest score.
    pub min: i64,
    /// The highest.
    pub max: i64,
    /// What the lowest means.
    pub low: String,
    /// What the highest means.
    pub high: String,
}

/// All that is said to somebody, in one language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spoken {
    /// Which language.
    #[serde(rename = "lang")]
    pub language: String,
    /// The question.
    pub question: String,
    /// What is asked after the score; empty: nothing.
    pub follow_up: String,
    /// What is said in the end.
    pub thanks: String,
    /// The scale; none when only words are asked for.
    pub scale: Option<Scale>,
}

/// The usual words of a language: the thank-you, and the ends of the three scales.
struct Usual {
    thanks: &'static str,
    csat: (&'static str, &'static str),
    nps: (&'static str, &'static str),
    ces: (&'static str, &'static str),
}

const ENGLISH: Usual = Usual {
    thanks: "Thank you. This helps us.",
    csat: ("Very dissatisfied", "Very satisfied"),
    nps: ("Not at all likely", "Extremely likely"),
    ces: ("Very difficult", "Very easy"),
};

fn usual(language: &str) -> Usual {
    match language.split('-').next().unwrap_or_default() {
        "de" => Usual {
            thanks: "Danke. Das hilft uns.",
            csat: ("Sehr unzufrieden", "Sehr zufrieden"),
            nps: ("Überhaupt nicht wahrscheinlich", "Äußerst wahrscheinlich"),
            ces: ("Sehr schwierig", "Sehr einfach"),
        },
        "fr" => Usual {
            thanks: "Merci. Cela nous aide.",
            csat: ("Pas du tout satisfait", "Très satisfait"),
            nps: ("Pas du tout probable", "Très probable"),
            ces: ("Très difficile", "Très facile"),
        },
        "es" => Usual {
            thanks: "Gracias. Nos ayuda.",
            csat: ("Nada satisfecho", "Muy satisfecho"),
            nps: ("Nada probable", "Muy probable"),
            ces: ("Muy difícil", "Muy fácil"),
        },
        _ => ENGLISH,
    }
}

impl Spoken {
    /// What these words say, with the usual ones where none are given.
    pub fn new(kind: Kind, language: String, words: Translation) -> Self {
        let usual = usual(&language);
        let or = |given: String, usual: &str| if given.is_empty() { usual.to_owned() } else { given };
        let (low, high) = match kind {
            Kind::Csat | Kind::Free => usual.csat,
            Kind::Nps => usual.nps,
            Kind::Ces => usual.ces,
        };
        let scale = kind.range().map(|(min, max)| Scale { min, max, low: or(words.low, low), high: or(words.high, high) });
        Self { language, question: words.question, follow_up: words.follow_up, thanks: or(words.thanks, usual.thanks), scale }
    }
}
