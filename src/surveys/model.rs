//! Surveys: what is asked, whom, and when.

pub mod numbers;
pub mod words;

use crate::types::{Duration, Id, Instant, word_enum};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use words::{Scale, Spoken};

/// Characters a comment may have.
pub const MOST_WORDS: usize = 4_000;
/// Characters a question may have.
const MOST_QUESTION: usize = 300;
/// Names that are addresses of pages.
const TAKEN: [&str; 1] = ["new"];

word_enum! {
    /// What kind of answer is asked for.
    pub enum Kind {
        /// How satisfied, 1 to 5.
        Csat = "csat", "Satisfaction, 1 to 5 (CSAT)";
        /// How likely to recommend, 0 to 10.
        Nps = "nps", "Recommendation, 0 to 10 (NPS)";
        /// How easy it was, 1 to 7.
        Ces = "ces", "Ease, 1 to 7 (CES)";
        /// In words only.
        Free = "free", "In their own words";
    }
}

impl Kind {
    /// Lowest and highest score; none when only words are asked for.
    pub const fn range(self) -> Option<(i64, i64)> {
        match self {
            Self::Csat => Some((1, 5)),
            Self::Nps => Some((0, 10)),
            Self::Ces => Some((1, 7)),
            Self::Free => None,
        }
    }

    /// Whether the score says that something is wrong: the lower two of five, a detractor, or more difficult than not.
    pub const fn is_bad(self, score: i64) -> bool {
        match self {
            Self::Csat => score <= 2,
            Self::Nps => score <= 6,
            Self::Ces => score <= 3,
            Self::Free => false,
        }
    }

    /// The short word for a heading.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Csat => "CSAT",
            Self::Nps => "NPS",
            Self::Ces => "CES",
            Self::Free => "Words",
        }
    }
}

word_enum! {
    /// Which rating somebody must have given to be asked.
    pub enum AfterRating {
        /// 👍.
        Up = "up", "a thumb up";
        /// 👎.
        Down = "down", "a thumb down";
        /// Either.
        Any = "any", "a thumb up or down";
    }
}

word_enum! {
    /// Where a survey stands.
    pub enum State {
        /// People are asked.
        Running = "running", "Running";
        /// Nobody is asked until somebody resumes it.
        Paused = "paused", "Paused";
        /// It begins later.
        Waiting = "waiting", "Begins later";
        /// Its time is over.
        Ended = "ended", "Ended";
        /// As many answered as were wanted.
        Full = "full", "Has its answers";
    }
}

/// When somebody may be asked; every part narrows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Trigger {
    /// Only after calls to these routes; empty: any.
    pub routes: Vec<String>,
    /// Only when the application names this moment, like `answer` or `checkout`; empty: any.
    pub event: String,
    /// Only who made at least so many calls.
    pub after_calls: u32,
    /// Only who rated the answer so, or without one of their newest answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_rating: Option<AfterRating>,
}

/// What is asked, in another language.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Translation {
    /// The question.
    pub question: String,
    /// What is asked after the score, for a comment.
    pub follow_up: String,
    /// What is said in the end; empty: a plain thank-you.
    pub thanks: String,
    /// What the lowest score means; empty: the usual words.
    pub low: String,
    /// What the highest score means; empty: the usual words.
    pub high: String,
}

/// A survey as somebody describes it: in a form, over JSON, in a file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurveyDraft {
    /// Unique: small letters, digits and `-`.
    #[serde(default)]
    pub name: String,
    /// What kind of answer is asked for.
    pub kind: Kind,
    /// Whether people are asked.
    #[serde(default = "yes")]
    pub active: bool,
    /// The question.
    pub question: String,
    /// What is asked after the score, for a comment; empty: only the score is asked for.
    #[serde(default)]
    pub follow_up: String,
    /// What is said in the end; empty: a plain thank-you.
    #[serde(default)]
    pub thanks: String,
    /// What the lowest score means; empty: the usual words.
    #[serde(default)]
    pub low: String,
    /// What the highest score means; empty: the usual words.
    #[serde(default)]
    pub high: String,
    /// The language of all that, like `en` or `pt-br`.
    #[serde(default = "english")]
    pub language: String,
    /// The share of people who are asked, 0 to 1.
    #[serde(default = "everybody")]
    pub sample: f64,
    /// Only who was shown no survey, of any name, for so many days.
    #[serde(default = "a_month")]
    pub rest_days: u32,
    /// Nobody is asked before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Instant>,
    /// Nobody is asked from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Instant>,
    /// Nobody is asked when so many answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_answers: Option<u32>,
    /// When somebody may be asked.
    #[serde(default)]
    pub trigger: Trigger,
    /// The same in other languages, by language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, Translation>,
}

fn yes() -> bool {
    true
}

fn english() -> String {
    "en".to_owned()
}

fn everybody() -> f64 {
    1.0
}

fn a_month() -> u32 {
    30
}

impl SurveyDraft {
    /// One with this question, and otherwise what is usual.
    pub fn new(name: &str, kind: Kind, question: &str) -> Self {
        Self {
            name: name.to_owned(),
            kind,
            active: true,
            question: question.to_owned(),
            follow_up: String::new(),
            thanks: String::new(),
            low: String::new(),
            high: String::new(),
            language: english(),
            sample: everybody(),
            rest_days: a_month(),
            starts_at: None,
            ends_at: None,
            max_answers: None,
            trigger: Trigger::default(),
            translations: BTreeMap::new(),
        }
    }

    /// Without spaces around what was typed, and with languages and names as they are compared.
    #[must_use]
    pub fn tidied(mut self) -> Self {
        let language = |text: &str| text.trim().to_lowercase().replace('_', "-");
        for text in [&mut self.name, &mut self.question, &mut self.follow_up, &mut self.thanks, &mut self.low, &mut self.high] {
            *text = text.trim().to_owned();
        }
        self.language = language(&self.language);
        self.trigger.event = self.trigger.event.trim().to_owned();
        self.trigger.routes.sort();
        self.trigger.routes.dedup();
        self.translations = std::mem::take(&mut self.translations)
            .into_iter()
            .map(|(tag, mut words)| {
                for text in [&mut words.question, &mut words.follow_up, &mut words.thanks, &mut words.low, &mut words.high] {
                    *text = text.trim().to_owned();
                }
                (language(&tag), words)
            })
            .collect();
        self
    }

    /// The fields that do not hold, each with what is wrong.
    pub fn wrong(&self) -> BTreeMap<String, String> {
        let mut wrong = BTreeMap::new();
        let mut bad = |field: &str, why: &str| {
            wrong.insert(field.to_owned(), why.to_owned());
        };
        if !is_slug(&self.name) || TAKEN.contains(&self.name.as_str()) {
            bad("name", "must be 1 to 60 small letters, digits or `-`, and not `new`");
        }
        check_words("", &self.own_words(), &mut bad);
        if self.kind == Kind::Free && !self.follow_up.is_empty() {
            bad("follow_up", "has no place here: the question itself asks for words");
        }
        if !is_language(&self.language) {
            bad("language", "must be a language like en or pt-br");
        }
        if !(0.0..=1.0).contains(&self.sample) {
            bad("sample", "must be from 0 (nobody) to 1 (everybody)");
        }
        if self.rest_days > 3_650 {
            bad("rest_days", "must be at most 3,650");
        }
        if self.max_answers == Some(0) {
            bad("max_answers", "must be at least 1, or left out");
        }
        if let (Some(start), Some(end)) = (self.starts_at, self.ends_at)
            && end <= start
        {
            bad("ends_at", "must be after the beginning");
        }
        if !self.trigger.event.is_empty() && !is_event(&self.trigger.event) {
            bad("trigger.event", "must be at most 60 letters, digits, `_`, `-` or `.`");
        }
        if self.trigger.routes.len() > 50 {
            bad("trigger.routes", "must be at most 50");
        }
        if self.translations.len() > 40 {
            bad("translations", "must be at most 40");
        }
        for (tag, words) in &self.translations {
            let place = format!("translations.{tag}");
            if !is_language(tag) || *tag == self.language {
                bad(&place, "must be another language than the question’s, like de or pt-br");
            }
            check_words(&format!("{place}."), words, &mut bad);
            if words.follow_up.is_empty() != self.follow_up.is_empty() {
                bad(&format!("{place}.follow_up"), "must be there where the question has one, and only there");
            }
        }
        wrong
    }

    /// What is said to somebody who asks for this language; the survey’s own where there is no translation.
    pub fn spoken(&self, wanted: &str) -> Spoken {
        let wanted = wanted.trim().to_lowercase().replace('_', "-");
        let primary = wanted.split('-').next().unwrap_or_default();
        let found = [wanted.as_str(), primary].into_iter().find_map(|tag| self.translations.get_key_value(tag));
        let (language, words) = match found.filter(|_| wanted != self.language) {
            Some((tag, words)) => (tag.clone(), words.clone()),
            None => (self.language.clone(), self.own_words()),
        };
        Spoken::new(self.kind, language, words)
    }

    /// What is asked, in the survey’s own language.
    fn own_words(&self) -> Translation {
        Translation {
            question: self.question.clone(),
            follow_up: self.follow_up.clone(),
            thanks: self.thanks.clone(),
            low: self.low.clone(),
            high: self.high.clone(),
        }
    }

    /// The scale in the survey’s own language; none when only words are asked for.
    pub fn scale(&self) -> Option<Scale> {
        self.spoken(&self.language).scale
    }

    /// Where it stands, when so many have answered.
    pub fn state(&self, now: Instant, answered: i64) -> State {
        if self.ends_at.is_some_and(|end| now >= end) {
            State::Ended
        } else if self.max_answers.is_some_and(|most| answered >= i64::from(most)) {
            State::Full
        } else if !self.active {
            State::Paused
        } else if self.starts_at.is_some_and(|start| now < start) {
            State::Waiting
        } else {
            State::Running
        }
    }

    /// How long somebody is left alone.
    pub const fn rest(&self) -> Duration {
        Duration::DAY.times(self.rest_days as i64)
    }
}

/// Small letters, digits and `-`, as in an address.
fn is_slug(text: &str) -> bool {
    (1..=60).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// A word that an application names a moment by.
pub fn is_event(text: &str) -> bool {
    text.len() <= 60 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().is_some_and(|p| (2..=3).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase()));
    first && tag.len() <= 20 && parts.all(|p| (1..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

fn check_words(place: &str, words: &Translation, bad: &mut impl FnMut(&str, &str)) {
    if words.question.is_empty() || words.question.chars().count() > MOST_QUESTION {
        bad(&format!("{place}question"), "must have 1 to 300 characters");
    }
    for (field, text) in [("follow_up", &words.follow_up), ("thanks", &words.thanks)] {
        if text.chars().count() > MOST_QUESTION {
            bad(&format!("{place}{field}"), "must have at most 300 characters");
        }
    }
    for (field, text) in [("low", &words.low), ("high", &words.high)] {
        if text.chars().count() > 60 {
            bad(&format!("{place}{field}"), "must have at most 60 characters");
        }
    }
}

/// A survey as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Survey {
    /// Id.
    pub id: Id,
    /// What is asked, whom, and when.
    #[serde(flatten)]
    pub draft: SurveyDraft,
    /// Counts changes.
    pub revision: i64,
    /// When it was made.
    pub created_at: Instant,
    /// When it was changed last.
    pub updated_at: Instant,
    /// By whom.
    pub updated_by: String,
}

/// A comment that came with an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Said {
    /// When it was answered.
    pub answered_at: Instant,
    /// The score, where one was asked for.
    pub score: Option<i64>,
    /// In the person’s words.
    pub comment: String,
    /// The piece of feedback it became.
    pub feedback: Option<Id>,
}

/// A survey with what its answers add up to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The survey.
    #[serde(flatten)]
    pub survey: Survey,
    /// Where it stands.
    pub state: State,
    /// What its answers add up to.
    #[serde(flatten)]
    pub numbers: numbers::Numbers,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey() -> SurveyDraft {
        SurveyDraft { follow_up: "Why?".to_owned(), ..SurveyDraft::new("launch", Kind::Csat, "How happy are you?") }
    }

    #[test]
    fn what_does_not_hold_is_named() {
        assert_eq!(survey().wrong(), BTreeMap::new());
        let german =
            |follow_up: &str| Translation { question: "Zufrieden?".to_owned(), follow_up: follow_up.to_owned(), ..Translation::default() };
        let with = |change: fn(&mut SurveyDraft)| {
            let mut draft = survey();
            change(&mut draft);
            draft.wrong().into_keys().collect::<Vec<_>>()
        };
        assert_eq!(with(|s| s.name = "Two words".to_owned()), ["name"]);
        assert_eq!(with(|s| s.name = "new".to_owned()), ["name"]);
        assert_eq!(with(|s| s.question = String::new()), ["question"]);
        assert_eq!(with(|s| s.sample = 1.5), ["sample"]);
        assert_eq!(with(|s| s.sample = f64::NAN), ["sample"]);
        assert_eq!(with(|s| s.kind = Kind::Free), ["follow_up"]);
        assert_eq!(with(|s| s.max_answers = Some(0)), ["max_answers"]);
        assert_eq!(with(|s| (s.starts_at, s.ends_at) = (Some(Instant(5)), Some(Instant(5)))), ["ends_at"]);
        assert_eq!(with(|s| s.trigger.event = "two words".to_owned()), ["trigger.event"]);
        let mut draft = survey();
        draft.translations.insert("de".to_owned(), german(""));
        assert_eq!(draft.wrong().into_keys().collect::<Vec<_>>(), ["translations.de.follow_up"]);
        draft.translations.insert("de".to_owned(), german("Warum?"));
        assert_eq!(draft.wrong(), BTreeMap::new());
        draft.translations.insert("deutsch".to_owned(), german("Warum?"));
        assert_eq!(draft.wrong().into_keys().collect::<Vec<_>>(), ["translations.deutsch"]);
    }

    #[test]
    fn everybody_is_spoken_to_in_their_language_where_it_is_known() {
        let mut draft = survey();
        let words = |question: &str| Translation { question: question.to_owned(), follow_up: "?".to_owned(), ..Translation::default() };
        draft.translations = BTreeMap::from([("de".to_owned(), words("Zufrieden?")), ("pt-br".to_owned(), words("Feliz?"))]);
        let of = |tag: &str| {
            let spoken = draft.spoken(tag);
            (spoken.language, spoken.question)
        };
        assert_eq!(of("de-AT"), ("de".to_owned(), "Zufrieden?".to_owned()));
        assert_eq!(of("pt_BR"), ("pt-br".to_owned(), "Feliz?".to_owned()));
        for tag in ["en-GB", "pt", "fr", "", "x"] {
            assert_eq!(of(tag), ("en".to_owned(), "How happy are you?".to_owned()), "{tag}");
        }
        assert_eq!(draft.spoken("de").scale.expect("a scale").high, "Sehr zufrieden", "the usual words of that language");
        draft.high = "Great!".to_owned();
        assert_eq!(draft.scale().expect("a scale").high, "Great!");
    }

    #[test]
    fn a_survey_stands_where_its_times_and_answers_put_it() {
        let mut draft = survey();
        assert_eq!(draft.state(Instant(5), 0), State::Running);
        (draft.starts_at, draft.ends_at, draft.max_answers) = (Some(Instant(5)), Some(Instant(9)), Some(3));
        assert_eq!(draft.state(Instant(4), 0), State::Waiting);
        assert_eq!(draft.state(Instant(5), 2), State::Running);
        assert_eq!(draft.state(Instant(5), 3), State::Full);
        assert_eq!(draft.state(Instant(9), 0), State::Ended);
        draft.active = false;
        assert_eq!(draft.state(Instant(5), 0), State::Paused);
    }

    #[test]
    fn bad_scores_are_the_same_everywhere() {
        let bad = |kind: Kind| {
            let (low, high) = kind.range().expect("a scale");
            (low..=high).filter(|score| kind.is_bad(*score)).max()
        };
        assert_eq!((bad(Kind::Csat), bad(Kind::Nps), bad(Kind::Ces)), (Some(2), Some(6), Some(3)));
    }
}
