//! Channels that news go out by, and their deliveries.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};

/// What can be told, `(stable word, words on screen)`.
pub const EVENTS: [(&str, &str); 4] = [
    ("feedback.flagged", "A report of harm or private data"),
    ("feedback.resolved", "What people reported is fixed: tell them"),
    ("issue.created", "A new issue"),
    ("issue.changed", "An issue changed"),
];

/// Where news go to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channel {
    /// Unique name.
    pub name: String,
    /// The address that is posted to.
    pub url: String,
    /// Whether addresses inside one's own network are allowed.
    pub allow_private: bool,
    /// What it is told.
    pub events: Vec<String>,
    /// Why it is switched off; the receiver said that it is gone.
    pub disabled: Option<String>,
    /// When it was set up.
    pub created_at: Instant,
}

/// One thing told to one channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Delivery {
    /// Id: the `webhook-id` of every try.
    pub id: Id,
    /// To which channel.
    pub channel: String,
    /// What is told.
    pub event: String,
    /// When it happened.
    pub created_at: Instant,
    /// When it is tried next; none when it is delivered or given up.
    pub next_at: Option<Instant>,
    /// Tries so far.
    pub attempts: i64,
    /// What came back the last time.
    pub answer: String,
    /// When it arrived.
    pub delivered_at: Option<Instant>,
}
