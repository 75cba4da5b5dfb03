//! Which language a text is in.

/// Languages whose words are known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// English.
    English,
    /// German.
    German,
    /// French.
    French,
    /// Spanish.
    Spanish,
}

impl Language {
    /// Its code (ISO 639-1).
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::German => "de",
            Self::French => "fr",
            Self::Spanish => "es",
        }
    }
}

/// Words so common in one of the languages, and in no other of them, that one or two give it away in a short text.
const GIVEAWAYS: [(Language, &[&str]); 4] = [
    (
        Language::English,
        &["the", "is", "was", "it", "my", "you", "this", "that", "and", "not", "what", "with", "of", "to", "did", "have", "i'm", "it's"],
    ),
    (
        Language::German,
        &[
            "der", "das", "und", "ist", "nicht", "ich", "ein", "eine", "mir", "mein", "meine", "hat", "sehr", "zu", "wie", "auf", "bitte",
            "habe",
        ],
    ),
    (
        Language::French,
        &["le", "je", "est", "pas", "vous", "une", "et", "ce", "mon", "ma", "très", "avec", "pour", "j'ai", "c'est", "n'a", "dans", "du"],
    ),
    (
        Language::Spanish,
        &["el", "los", "y", "muy", "una", "mi", "por", "lo", "con", "pero", "esto", "está", "me", "para", "del", "fue", "qué", "gracias"],
    ),
];

/// The language of a text, when it is one of ours and can be told. Short texts are told by their commonest words, longer ones by trigrams (`whatlang`).
pub fn detect(text: &str) -> Option<Language> {
    let words: Vec<String> = text.split(|c: char| !c.is_alphanumeric() && c != '\'').map(str::to_lowercase).collect();
    let count = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let mut counts = GIVEAWAYS.map(|(language, list)| (count(list), language));
    counts.sort_by_key(|(n, _)| std::cmp::Reverse(*n));
    if counts[0].0 > counts[1].0 {
        return Some(counts[0].1);
    }
    let info = whatlang::detect(text)?;
    let language = match info.lang() {
        whatlang::Lang::Eng => Language::English,
        whatlang::Lang::Deu => Language::German,
        whatlang::Lang::Fra => Language::French,
        whatlang::Lang::Spa => Language::Spanish,
        _ => return None,
    };
    info.is_reliable().then_some(language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_comments_are_told_apart() {
        assert_eq!(detect("It forgot my order number"), Some(Language::English));
        assert_eq!(detect("Das ist nicht richtig"), Some(Language::German));
        assert_eq!(detect("Ce n'est pas la bonne réponse"), Some(Language::French));
        assert_eq!(detect("Esto no es lo que pregunté"), Some(Language::Spanish));
        assert_eq!(detect(""), None);
        assert_eq!(detect("👍"), None);
        assert_eq!(detect("これは違います。注文番号を忘れました。"), None, "a language we do not read");
    }
}
