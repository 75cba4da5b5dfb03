//! What people decide about feedback, and what we would suggest.

use super::{Flag, Rating};
use crate::issues::model::{Kind, Severity};
use crate::types::{Id, Instant, word_enum};
use serde::{Deserialize, Serialize};

word_enum! {
    /// Where a piece of feedback stands.
    pub enum State {
        /// Nobody decided yet.
        New = "new", "To triage";
        /// Handed to the review queue.
        Review = "review", "In review";
        /// Decided.
        Done = "done", "Done";
        /// Not meant.
        Spam = "spam", "Spam";
    }
}

/// What people decided about one piece of feedback.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Triage {
    /// Where it stands.
    pub state: State,
    /// How bad.
    pub severity: Option<Severity>,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: Option<Kind>,
    /// Who has it: an address.
    pub assignee: Option<String>,
    /// The issue it belongs to.
    pub issue: Option<Id>,
}

impl Triage {
    /// Of something that just came in.
    pub const fn new(state: State, severity: Option<Severity>) -> Self {
        Self { state, severity, kind: None, assignee: None, issue: None }
    }

    /// The fields in which two differ.
    pub fn differs(&self, other: &Self) -> Vec<&'static str> {
        let pairs = [
            ("state", self.state != other.state),
            ("severity", self.severity != other.severity),
            ("type", self.kind != other.kind),
            ("assignee", self.assignee != other.assignee),
            ("issue", self.issue != other.issue),
        ];
        pairs.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
    }

    /// Takes the named field from another.
    pub fn take(&mut self, field: &str, from: &Self) {
        match field {
            "state" => self.state = from.state,
            "severity" => self.severity = from.severity,
            "type" => self.kind = from.kind,
            "assignee" => self.assignee.clone_from(&from.assignee),
            "issue" => self.issue.clone_from(&from.issue),
            _ => {}
        }
    }

    /// What one field says, in words.
    pub fn words(&self, field: &str) -> String {
        match field {
            "state" => self.state.label().to_lowercase(),
            "severity" => self.severity.map_or("no severity", Severity::label).to_lowercase(),
            "type" => self.kind.map_or("no type", Kind::label).to_lowercase(),
            "assignee" => self.assignee.clone().map_or_else(|| "assigned to nobody".to_owned(), |who| format!("assigned to {who}")),
            "issue" => if self.issue.is_some() { "made part of an issue" } else { "taken out of its issue" }.to_owned(),
            _ => String::new(),
        }
    }
}

/// A change of some of it; what is not named stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patch {
    /// Where it stands from now on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// How bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// What sort of thing.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Who has it: an address, `me`, or empty for nobody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
}

impl Patch {
    /// What becomes of a decision.
    #[must_use]
    pub fn applied(&self, to: &Triage) -> Triage {
        Triage {
            state: self.state.unwrap_or(to.state),
            severity: self.severity.or(to.severity),
            kind: self.kind.or(to.kind),
            assignee: match &self.assignee {
                None => to.assignee.clone(),
                Some(who) => Some(who.clone()).filter(|who| !who.is_empty()),
            },
            issue: to.issue.clone(),
        }
    }
}

/// What we would say about new feedback, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestion {
    /// How bad.
    pub severity: Severity,
    /// What sort of thing.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// Why, in a few words.
    pub why: String,
}

/// What a suggestion is drawn from.
#[derive(Clone, Copy, Debug)]
pub struct Said<'a> {
    /// 👍 or 👎.
    pub rating: Option<Rating>,
    /// 1 to 5.
    pub stars: Option<i64>,
    /// What kind of trouble.
    pub categories: &'a [String],
    /// A report of a problem.
    pub flag: Option<Flag>,
    /// In the person's words.
    pub comment: Option<&'a str>,
    /// How that sounds.
    pub sentiment: Option<f64>,
}

/// Words that ask for something new, and words of something broken; in the languages of the widget.
const WISHES: [&str; 12] = [
    "feature",
    "please add",
    "would be nice",
    "would love",
    "wish",
    "could you add",
    "wäre schön",
    "wünsche",
    "bitte ergänz",
    "j’aimerais",
    "ajoutez",
    "me gustaría",
];
const BROKEN: [&str; 12] = [
    "crash",
    "error message",
    "does not load",
    "doesn't load",
    "button",
    "stack trace",
    "exception",
    "stürzt",
    "fehlermeldung",
    "plante",
    "ne charge pas",
    "no carga",
];

impl Suggestion {
    /// By fixed rules, so that everyone can follow them: the flag first, then the category, then the words.
    pub fn of(said: Said<'_>) -> Self {
        let has = |word: &str| said.categories.iter().any(|c| c == word);
        let words = said.comment.unwrap_or_default().to_lowercase();
        let mentions = |list: &[&'static str]| list.iter().copied().find(|word| words.contains(word));
        let bad = said.rating == Some(Rating::Down) || said.stars.is_some_and(|n| n <= 2) || said.sentiment.is_some_and(|s| s <= -0.05);
        let (severity, kind, why) = match said.flag {
            Some(flag @ (Flag::Harmful | Flag::PrivateData)) => {
                (Severity::Critical, Kind::Safety, format!("reported as {}", flag.label().to_lowercase()))
            }
            Some(Flag::Biased) => (Severity::High, Kind::Safety, "reported as biased".to_owned()),
            Some(Flag::Wrong) => (Severity::High, Kind::ModelBehaviour, "reported as wrong".to_owned()),
            _ if has("forgot_context") => (Severity::High, Kind::Context, "says that something was forgotten".to_owned()),
            _ if has("inaccurate") => (Severity::High, Kind::ModelBehaviour, "says that the answer is inaccurate".to_owned()),
            _ if has("too_slow") => (Severity::Medium, Kind::Performance, "says that it is too slow".to_owned()),
            _ if mentions(&WISHES).is_some() => (Severity::Low, Kind::FeatureRequest, "asks for something".to_owned()),
            _ if let Some(word) = mentions(&BROKEN).filter(|_| bad) => (Severity::Medium, Kind::Bug, format!("speaks of “{word}”")),
            _ if has("irrelevant") || has("unhelpful") => {
                (Severity::Medium, Kind::ModelBehaviour, "says that the answer did not help".to_owned())
            }
            _ if bad => (Severity::Medium, Kind::ModelBehaviour, "is unhappy".to_owned()),
            _ => (Severity::Low, Kind::ModelBehaviour, "nothing is wrong".to_owned()),
        };
        let angry = said.sentiment.is_some_and(|s| s <= -0.7) && severity != Severity::Critical && severity != Severity::Low;
        if angry {
            return Self { severity: severity.raised(), kind, why: format!("{why}, in very harsh words") };
        }
        Self { severity, kind, why }
    }
}

/// A decision that was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// What, in words.
    pub words: String,
    /// Whether it was taken back.
    pub undone: bool,
}

/// A decision that could not be made, because somebody else decided otherwise meanwhile.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clash {
    /// About which piece of feedback.
    pub id: Id,
    /// Who was first.
    pub by: String,
    /// When.
    pub at: Instant,
    /// What they decided, in words.
    pub words: String,
}

/// What became of a decision about several pieces of feedback.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Names it for undoing.
    pub batch: Option<Id>,
    /// What it now holds for, with the revision of each.
    pub done: Vec<Done>,
    /// Where somebody else was first.
    pub clashes: Vec<Clash>,
}

/// One piece of feedback that was decided about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// Which.
    pub id: Id,
    /// Its revision now.
    pub revision: i64,
}

/// A filter with a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct View {
    /// Id.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// The filter as a query string, without `?`.
    pub query: String,
    /// Who saved it.
    pub owner: String,
    /// Whether everyone sees it.
    pub shared: bool,
    /// When it was saved.
    pub created_at: Instant,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(categories: &[&str], flag: Option<Flag>, comment: &str, sentiment: f64) -> (Severity, Kind) {
        let categories: Vec<String> = categories.iter().map(|c| (*c).to_owned()).collect();
        let said = Said {
            rating: Some(Rating::Down),
            stars: None,
            categories: &categories,
            flag,
            comment: Some(comment),
            sentiment: Some(sentiment),
        };
        let suggestion = Suggestion::of(said);
        assert!(!suggestion.why.is_empty());
        (suggestion.severity, suggestion.kind)
    }

    #[test]
    fn what_is_suggested_follows_flag_category_and_words() {
        assert_eq!(of(&["tone"], Some(Flag::PrivateData), "", 0.0), (Severity::Critical, Kind::Safety));
        assert_eq!(of(&["forgot_context"], None, "", 0.0), (Severity::High, Kind::Context));
        assert_eq!(of(&["too_slow"], None, "", 0.0), (Severity::Medium, Kind::Performance));
        assert_eq!(of(&[], None, "It would be nice to have a dark mode", 0.4), (Severity::Low, Kind::FeatureRequest));
        assert_eq!(of(&[], None, "The send button does nothing", -0.3), (Severity::Medium, Kind::Bug));
        assert_eq!(
            of(&["irrelevant"], None, "utterly useless rubbish", -0.9),
            (Severity::High, Kind::ModelBehaviour),
            "harsh words raise it"
        );
    }

    #[test]
    fn a_patch_changes_what_it_names_and_an_empty_assignee_is_nobody() {
        let before = Triage { assignee: Some("ann".to_owned()), ..Triage::new(State::New, Some(Severity::Low)) };
        let patch = Patch { state: Some(State::Done), ..Patch::default() };
        let after = patch.applied(&before);
        assert_eq!(before.differs(&after), ["state"]);
        assert_eq!(Patch { assignee: Some(String::new()), ..Patch::default() }.applied(&before).assignee, None);
    }
}
