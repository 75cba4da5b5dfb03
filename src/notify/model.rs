//! Channels that news go out by, and their deliveries.

use crate::types::{Id, Instant, word_enum};
use serde::{Deserialize, Serialize};

word_enum! {
    /// How a channel takes news to people or systems.
    pub enum ChannelKind {
        /// A signed HTTP post (Standard Webhooks).
        Webhook = "webhook", "Webhook";
        /// E-mail, by the mail server of the settings.
        Email = "email", "E-mail";
    }
}

/// Among the recipients of an e-mail channel: whoever reported what has been fixed, as far as their address is known.
pub const REPORTERS: &str = "reporters";

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
    /// How it takes news there.
    pub kind: ChannelKind,
    /// Of a webhook: the address that is posted to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// Of e-mail: addresses, and [`REPORTERS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub to: Vec<String>,
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
