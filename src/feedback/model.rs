//! What people say about answers.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};

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
    /// `widget` (by token) or `api` (by key).
    pub channel: String,
    /// The route of the request.
    pub route: Option<String>,
    /// Its variant.
    pub variant: Option<String>,
    /// Its prompt, `name@version`.
    pub prompt: Option<String>,
}

impl Feedback {
    /// Whether it says something is wrong: thumb down, flag, or one or two stars.
    pub fn is_negative(&self) -> bool {
        self.rating == Some(Rating::Down)
            || self.flag.is_some()
            || self.stars.is_some_and(|n| n <= 2)
            || self.score.is_some_and(|s| s < 0.4)
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
            (None, None) => "Comment".to_owned(),
        }
    }
}

/// Which feedback a list shows; every part narrows. The same in the URL of the page and of the API.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedbackFilter {
    /// `up`, `down`, `flag`: by what was said.
    #[serde(default)]
    pub kind: Option<String>,
    /// By route.
    #[serde(default)]
    pub route: Option<String>,
    /// By variant.
    #[serde(default)]
    pub variant: Option<String>,
    /// By category.
    #[serde(default)]
    pub category: Option<String>,
    /// Words in the comment.
    #[serde(default)]
    pub q: Option<String>,
}
