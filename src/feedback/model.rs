//! What people say about answers.

pub mod experience;
pub mod triage;

use crate::issues::model::{Clocks, Kind, Severity};
use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};
use triage::{Suggestion, Triage};

/// 👍 or 👎.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Rating {
    /// Good.
    Up,
    /// Bad.
    Down,
}

/// A report that something is wrong with the answer itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum Flag {
    /// Factually wrong.
    Wrong,
    /// Unfair to a group.
    Biased,
    /// Dangerous.
    Harmful,
    /// Shows somebody's private data.
    PrivateData,
    /// Something else.
    Other,
}

impl Flag {
    /// Every flag.
    pub const ALL: [Self; 5] = [Self::Wrong, Self::Biased, Self::Harmful, Self::PrivateData, Self::Other];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wrong => "wrong",
            Self::Biased => "biased",
            Self::Harmful => "harmful",
            Self::PrivateData => "private_data",
            Self::Other => "other",
        }
    }

    /// Whether what it is about is shown to the safety team only.
    pub const fn is_sensitive(self) -> bool {
        matches!(self, Self::Harmful | Self::PrivateData)
    }

    /// The words on screen.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Wrong => "Wrong",
            Self::Biased => "Biased",
            Self::Harmful => "Harmful",
            Self::PrivateData => "Private data",
            Self::Other => "Other problem",
        }
    }
}

/// The categories offered, `(stable word, words on screen)`. Others are accepted (≤ 40 safe characters) and shown as they are.
pub const CATEGORIES: [(&str, &str); 7] = [
    ("irrelevant", "Irrelevant"),
    ("inaccurate", "Inaccurate"),
    ("unhelpful", "Unhelpful"),
    ("forgot_context", "Forgot context"),
    ("tone", "Tone"),
    ("too_slow", "Too slow"),
    ("other", "Other"),
];

/// The words on screen for a category.
pub fn category_label(word: &str) -> String {
    CATEGORIES.iter().find(|(stable, _)| *stable == word).map_or_else(|| word.replace('_', " "), |(_, label)| (*label).to_owned())
}

/// One piece of feedback as lists and pages show it, joined to its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Feedback {
    /// Id.
    pub id: Id,
    /// When it was first given.
    pub created_at: Instant,
    /// When it changed last.
    pub updated_at: Instant,
    /// The caller's id of the request it is about.
    pub request_id: Option<String>,
    /// Our id of that request's log entry, for the link; absent until the entry has arrived.
    pub request: Option<Id>,
    /// The conversation it is about.
    pub session_id: Option<String>,
    /// Who gave it, as the application names them.
    pub user: Option<String>,
    /// 👍 or 👎.
    pub rating: Option<Rating>,
    /// 1 to 5.
    pub stars: Option<i64>,
    /// 0 to 1.
    pub score: Option<f64>,
    /// What kind of trouble.
    pub categories: Vec<String>,
    /// A report of a problem.
    pub flag: Option<Flag>,
    /// In the person's words.
    pub comment: Option<String>,
    /// What the answer should have been.
    pub correction: Option<String>,
    /// What the application said of where it was given.
    pub metadata: Option<serde_json::Value>,
    /// `widget` (by token), `api` (by key), `survey`, or the channel it was taken in by.
    pub channel: String,
    /// The route of the request.
    pub route: Option<String>,
    /// Its variant.
    pub variant: Option<String>,
    /// Its prompt, `name@version`.
    pub prompt: Option<String>,
    /// How the comment sounds, −1 to 1, by a lexicon and rules; none when it says nothing.
    pub sentiment: Option<f64>,
    /// How likely it is spam, 0 to 1.
    pub spam: f64,
    /// The theme it belongs to: id and name.
    pub theme: Option<ThemeRef>,
    /// What people decided.
    #[serde(flatten)]
    pub triage: Triage,
    /// What severity and type we would give it, and why.
    pub suggested: Suggestion,
    /// Counts decisions.
    pub revision: i64,
    /// Whether what was said is withheld from who asks: reports of harm and of private data are for the safety team.
    pub restricted: bool,
}

/// A theme, as feedback names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ThemeRef {
    /// Id.
    pub id: Id,
    /// Name.
    pub name: String,
}

impl Feedback {
    /// Whether it says something is wrong: thumb down, flag, or one or two stars.
    pub fn is_negative(&self) -> bool {
        self.rating == Some(Rating::Down)
            || self.flag.is_some()
            || self.stars.is_some_and(|n| n <= 2)
            || self.score.is_some_and(|s| s < LOW_SCORE)
    }

    /// What is shown to who may not read reports of harm or private data.
    #[must_use]
    pub fn for_reader(mut self, sensitive: bool) -> Self {
        if !sensitive && self.flag.is_some_and(Flag::is_sensitive) {
            self.restricted = true;
            self.comment = None;
            self.correction = None;
            self.metadata = None;
            self.user = None;
            self.sentiment = None;
        }
        self
    }

    /// The severity it has, or would get.
    pub fn severity(&self) -> Severity {
        self.triage.severity.unwrap_or(self.suggested.severity)
    }

    /// The type it has, or would get.
    pub fn kind(&self) -> Kind {
        self.triage.kind.unwrap_or(self.suggested.kind)
    }

    /// By when somebody should have decided.
    pub fn due_at(&self, clocks: &Clocks) -> Instant {
        self.created_at.plus(clocks.of(self.severity()))
    }

    /// A short heading: the flag, else the first category, else the kind of rating.
    pub fn heading(&self) -> String {
        if let Some(flag) = self.flag {
            return flag.label().to_owned();
        }
        if let Some(category) = self.categories.first() {
            return category_label(category);
        }
        match (self.rating, self.stars) {
            (Some(Rating::Up), _) => "Thumbs up".to_owned(),
            (Some(Rating::Down), _) => "Thumbs down".to_owned(),
            (None, Some(n)) => format!("{n} of 5 stars"),
            (None, None) => self.score.map_or_else(|| "Comment".to_owned(), |score| format!("Score {:.0} of 100", score * 100.0)),
        }
    }
}

/// Which feedback a list shows; every part narrows. The same in the URL of the page and of the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FeedbackFilter {
    /// `new`, `review`, `done`, `spam`, or `all`; nothing means all but spam.
    pub state: Option<String>,
    /// `up`, `down`, `flag`: by what was said.
    pub kind: Option<String>,
    /// By route.
    pub route: Option<String>,
    /// By variant.
    pub variant: Option<String>,
    /// By prompt, `name@version`.
    pub prompt: Option<String>,
    /// By category.
    pub category: Option<String>,
    /// By severity that somebody gave.
    pub severity: Option<String>,
    /// By type that somebody gave.
    #[serde(rename = "type")]
    pub sort: Option<String>,
    /// By who has it; `me` is who asks, `none` nobody.
    pub assignee: Option<String>,
    /// By theme.
    pub theme: Option<String>,
    /// By issue.
    pub issue: Option<String>,
    /// By where it came in.
    pub channel: Option<String>,
    /// By who gave it.
    pub user: Option<String>,
    /// `negative` or `positive`: by how the comment sounds.
    pub mood: Option<String>,
    /// Given since: `1h`, `24h`, `7d`, `30d`.
    pub since: Option<String>,
    /// Words in the comment.
    pub q: Option<String>,
}

impl FeedbackFilter {
    /// Its parts by their names in a URL.
    pub fn parts(&self) -> [(&'static str, &Option<String>); 16] {
        [
            ("state", &self.state),
            ("kind", &self.kind),
            ("route", &self.route),
            ("variant", &self.variant),
            ("prompt", &self.prompt),
            ("category", &self.category),
            ("severity", &self.severity),
            ("type", &self.sort),
            ("assignee", &self.assignee),
            ("theme", &self.theme),
            ("issue", &self.issue),
            ("channel", &self.channel),
            ("user", &self.user),
            ("mood", &self.mood),
            ("since", &self.since),
            ("q", &self.q),
        ]
    }

    /// Whether a piece of feedback passes, as far as the browser can tell: `me` is who looks, `now` when.
    pub fn passes(&self, item: &Feedback, me: &str, now: Instant) -> bool {
        use triage::State;
        let given = |wanted: &Option<String>| wanted.clone().filter(|w| !w.is_empty());
        let is = |wanted: &Option<String>, value: Option<&str>| given(wanted).is_none_or(|w| Some(w.as_str()) == value);
        let state = match given(&self.state).as_deref() {
            None => item.triage.state != State::Spam,
            Some("all") => true,
            Some(word) => item.triage.state.as_str() == word,
        };
        let kind = match given(&self.kind).as_deref() {
            Some("up") => item.rating == Some(Rating::Up),
            Some("down") => item.rating == Some(Rating::Down),
            Some("flag") => item.flag.is_some(),
            _ => true,
        };
        let assignee = match given(&self.assignee).as_deref() {
            None => true,
            Some("me") => item.triage.assignee.as_deref() == Some(me),
            Some("none") => item.triage.assignee.is_none(),
            Some(who) => item.triage.assignee.as_deref() == Some(who),
        };
        let mood = match given(&self.mood).as_deref() {
            Some("negative") => item.sentiment.is_some_and(|s| s <= MOOD.0),
            Some("positive") => item.sentiment.is_some_and(|s| s >= MOOD.1),
            _ => true,
        };
        let category = given(&self.category).is_none_or(|c| item.categories.contains(&c));
        let words = given(&self.q).is_none_or(|q| item.comment.as_ref().is_some_and(|c| c.to_lowercase().contains(&q.to_lowercase())));
        let fresh = self.since.as_deref().and_then(since_span).is_none_or(|span| item.created_at >= now.minus(span));
        let theme = item.theme.as_ref().map(|t| t.id.as_str());
        let same = is(&self.route, item.route.as_deref())
            && is(&self.variant, item.variant.as_deref())
            && is(&self.prompt, item.prompt.as_deref())
            && is(&self.severity, item.triage.severity.map(Severity::as_str))
            && is(&self.sort, item.triage.kind.map(Kind::as_str))
            && is(&self.theme, theme)
            && is(&self.issue, item.triage.issue.as_ref().map(Id::as_str))
            && is(&self.channel, Some(&item.channel))
            && is(&self.user, item.user.as_deref());
        state && kind && assignee && mood && category && words && fresh && same
    }
}

/// Where answers to surveys come in.
pub const SURVEY: &str = "survey";

/// A score below says that something is wrong.
pub const LOW_SCORE: f64 = 0.4;

/// Up to the first a comment sounds negative, from the second on positive (the limits that VADER's authors name: ±0.05).
pub const MOOD: (f64, f64) = (-0.05, 0.05);

/// The span of a word like `24h`.
pub fn since_span(word: &str) -> Option<crate::types::Duration> {
    use crate::types::Duration;
    let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
    let unit = match unit {
        "h" => Duration::HOUR,
        "d" => Duration::DAY,
        _ => return None,
    };
    number.parse::<i64>().ok().filter(|n| (1..=9_999).contains(n)).map(|n| unit.times(n))
}
