//! Prompts: immutable versions, and labels that move between them.

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageRole {
    /// Instructions of the operator.
    System,
    /// Instructions of the developer (OpenAI's newer name).
    Developer,
    /// The end user.
    User,
    /// The model.
    Assistant,
}

impl MessageRole {
    /// Every role, in the order a form offers them.
    pub const ALL: [Self; 4] = [Self::System, Self::Developer, Self::User, Self::Assistant];

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Developer => "developer",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }

    /// The role of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }
}

/// One message of a prompt; its content is a minijinja template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptMessage {
    /// Who says it.
    pub role: MessageRole,
    /// Template text.
    pub content: String,
}

/// A variable of a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Used when the caller gives none; without it a missing variable renders as empty text and is noted in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// An example for the editor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<String>,
}

/// What a new version says. Versions never change afterwards.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionContent {
    /// Why this version exists.
    #[serde(default)]
    pub note: String,
    /// Put in front of the caller's messages.
    pub messages: Vec<PromptMessage>,
    /// Model settings (`temperature`, `max_tokens`, …) that win over the caller's.
    #[serde(default)]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Variables by name.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
}

/// One immutable version of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptVersion {
    /// 1, 2, 3 …
    pub version: u32,
    /// What it says.
    #[serde(flatten)]
    pub content: VersionContent,
    /// Who wrote it.
    pub author: String,
    /// When.
    pub created_at: Instant,
}

/// A label of a prompt and the version it points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromptLabel {
    /// `production`, `staging`, …
    pub label: String,
    /// The version it points to.
    pub version: u32,
    /// Who moved it last.
    pub moved_by: String,
    /// When.
    pub moved_at: Instant,
}

/// A prompt in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptSummary {
    /// Id.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// Its newest version.
    pub latest_version: u32,
    /// Note of the newest version.
    pub latest_note: String,
    /// When the newest version was made.
    pub updated_at: Instant,
    /// Its labels, by name.
    pub labels: Vec<PromptLabel>,
}

/// A prompt with everything.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Prompt {
    /// Id.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// All versions, newest first.
    pub versions: Vec<PromptVersion>,
    /// Its labels, by name.
    pub labels: Vec<PromptLabel>,
}

/// Which version a variant uses: `name@label` or `name@version`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PromptRef<'a> {
    /// The prompt's name.
    pub name: &'a str,
    /// Label or version.
    pub pin: Pin<'a>,
}

/// The part behind the `@`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pin<'a> {
    /// A version number.
    Version(u32),
    /// A label.
    Label(&'a str),
}

impl<'a> PromptRef<'a> {
    /// Reads `name@label` or `name@version`; `None` when there is no `@` or a side is empty.
    pub fn parse(text: &'a str) -> Option<Self> {
        let (name, pin) = text.rsplit_once('@')?;
        if name.is_empty() || pin.is_empty() {
            return None;
        }
        Some(Self { name, pin: pin.parse().map_or(Pin::Label(pin), Pin::Version) })
    }
}
