//! Prompts: immutable versions, and labels that move between them.

pub mod cases;

use crate::types::{Id, Instant};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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

/// What a variable holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariableKind {
    /// Text; numbers and yes or no are taken too, and written out.
    #[default]
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list, to loop over.
    List,
    /// An object, whose fields are named after a dot.
    Object,
}

impl VariableKind {
    /// Every kind, in the order a form offers them.
    pub const ALL: [Self; 5] = [Self::Text, Self::Number, Self::Boolean, Self::List, Self::Object];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
        }
    }

    /// The kind of that word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether the value is of this kind.
    pub fn takes(self, value: &Value) -> bool {
        match self {
            Self::Text => !matches!(value, Value::Array(_) | Value::Object(_) | Value::Null),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }

    /// What was typed into a form, as a value of this kind: text is taken as it is, the others as JSON.
    pub fn read(self, typed: &str) -> Option<Value> {
        match self {
            Self::Text => Some(Value::from(typed)),
            _ => serde_json::from_str(typed).ok().filter(|value| self.takes(value)),
        }
    }
}

/// A variable of a template. A version that declares variables is strict: a call that leaves one without default out is refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// What it holds.
    #[serde(default, rename = "type", skip_serializing_if = "is_default")]
    pub kind: VariableKind,
    /// Used when the caller gives none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// An example, for the editor and the check that the template renders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<Value>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
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
    pub parameters: BTreeMap<String, Value>,
    /// Variables by name. None at all: every variable of the text is taken as it comes, and a missing one is empty.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// Tools the model may call, each as OpenAI chat completions take it; they win over the caller's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<Value>,
    /// The shape the answer must have, as OpenAI chat completions take it (`response_format`); it wins over the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
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
    /// How its labels may move.
    #[serde(flatten)]
    pub guard: LabelGuard,
}

impl Prompt {
    /// That version.
    pub fn version(&self, number: u32) -> Option<&PromptVersion> {
        self.versions.iter().find(|version| version.version == number)
    }
}

/// A variant of a route that uses a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Use {
    /// The route's name.
    pub route: String,
    /// The variant's name.
    pub variant: String,
    /// The label or version it uses.
    pub pin: String,
    /// Share of the route's traffic, percent.
    pub share: f64,
}

/// How the labels of a prompt may move.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LabelGuard {
    /// Labels that move only when a second person approves.
    pub protected: Vec<String>,
    /// Whether a protected label moves only to a version that passed every saved case that has checks.
    pub gated: bool,
}

/// A move of a label, newest first in the history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct LabelChange {
    /// Id.
    pub id: Id,
    /// The label.
    pub label: String,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// The version before; none when the label is new.
    pub before: Option<i64>,
    /// The version after.
    pub after: i64,
    /// Why.
    pub reason: String,
}

/// How far a request for approval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum ApprovalState {
    /// Somebody else has to decide.
    Open,
    /// The label moved.
    Approved,
    /// It did not.
    Rejected,
    /// Who asked took it back, or asked anew.
    Withdrawn,
}

/// A request to move a protected label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "server", derive(sqlx::FromRow))]
pub struct Approval {
    /// Id.
    pub id: Id,
    /// The prompt's name.
    pub prompt: String,
    /// The label to be moved.
    pub label: String,
    /// The version it is to point to.
    pub version: i64,
    /// Why.
    pub reason: String,
    /// Who asks.
    pub asked_by: String,
    /// When.
    pub asked_at: Instant,
    /// How far it is.
    pub state: ApprovalState,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Instant>,
    /// What they said.
    pub note: String,
}

/// What came of asking for a label to move.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Moved {
    /// It did.
    Now(PromptLabel),
    /// It waits for a second person.
    Waits {
        /// The request.
        approval: Approval,
    },
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
