//! Themes as lists and pages show them.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};

/// What somebody said, as an example.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Example {
    /// The feedback.
    pub id: Id,
    /// In the person's words.
    pub comment: String,
}

/// So many pieces of feedback of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Count {
    /// A prompt version, a variant, a route, a channel.
    pub name: String,
    /// How many.
    pub count: i64,
}

/// A theme over a span.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Theme {
    /// Id; stays, whatever the theme is called.
    pub id: Id,
    /// Its name: by its terms, or given by a person.
    pub name: String,
    /// Who named it, if a person did.
    pub named_by: Option<String>,
    /// What sets it apart, best first.
    pub terms: Vec<String>,
    /// Pieces of feedback in the span.
    pub count: i64,
    /// Pieces in the span before.
    pub before: i64,
    /// Change on the span before: 0.5 is half as many again; none when there was nothing before.
    pub trend: Option<f64>,
    /// Share of all complaints of the span, 0 to 1.
    pub share: f64,
    /// How many people said it, as far as they are known.
    pub people: i64,
    /// Counts over the span, oldest first, in twenty-four equal steps.
    pub series: Vec<i64>,
    /// What some of them said, newest first.
    pub examples: Vec<Example>,
    /// Prompt versions it is about, most first.
    pub versions: Vec<Count>,
    /// Variants it is about, as `route · variant`, most first.
    pub variants: Vec<Count>,
    /// The open issue made of it.
    pub issue: Option<IssueRef>,
    /// When it was first seen.
    pub created_at: Instant,
}

/// An issue, as a theme names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssueRef {
    /// 1, 2, 3 …
    pub number: i64,
    /// In a line.
    pub title: String,
}

impl Theme {
    /// Whether it grows: at least five, and half as many again as in the span before.
    pub fn is_rising(&self) -> bool {
        self.count >= 5 && self.trend.is_none_or(|t| t >= 0.5)
    }
}
