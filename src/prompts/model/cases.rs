//! Saved conversations to try a prompt out on, and how versions did on them.

use crate::types::{Id, Instant, Nanodollars};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// What an answer must be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Check {
    /// It has these words somewhere; upper and lower case are the same.
    Contains {
        /// The words.
        text: String,
    },
    /// It has them nowhere.
    NotContains {
        /// The words.
        text: String,
    },
    /// A regular expression applies somewhere in it.
    Matches {
        /// The expression.
        pattern: String,
    },
    /// It is JSON, and this JSON schema applies.
    JsonSchema {
        /// The schema.
        schema: Value,
    },
    /// It is like this text: the share of pairs of letters both have (Sørensen–Dice over bigrams), 0 to 1.
    Similar {
        /// The text.
        to: String,
        /// The least share.
        at_least: f64,
    },
    /// A model says yes to a question about it.
    Judge {
        /// The route that is asked.
        route: String,
        /// The question; what was asked and answered is put below.
        question: String,
    },
}

impl Check {
    /// In words, for a list.
    pub fn words(&self) -> String {
        match self {
            Self::Contains { text } => format!("contains “{text}”"),
            Self::NotContains { text } => format!("does not contain “{text}”"),
            Self::Matches { pattern } => format!("matches /{pattern}/"),
            Self::JsonSchema { .. } => "is JSON of the given shape".to_owned(),
            Self::Similar { to, at_least } => {
                let start: String = to.chars().take(40).collect();
                format!("is at least {at_least} like “{start}…”")
            }
            Self::Judge { route, question } => format!("{route} says yes to “{question}”"),
        }
    }
}

/// What a case asks, and what an answer to it must be like.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaseContent {
    /// The caller's messages, as OpenAI chat completions take them.
    pub messages: Vec<Value>,
    /// Values of the prompt's variables.
    #[serde(default)]
    pub variables: BTreeMap<String, Value>,
    /// What an answer must be like; a case without any is only to look at.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// The logged call it was saved from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Id>,
}

impl CaseContent {
    /// What the user says last, as text.
    pub fn asks(&self) -> String {
        let said = |m: &Value| match &m["content"] {
            Value::String(text) => text.clone(),
            Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect::<Vec<_>>().join("\n"),
            _ => String::new(),
        };
        self.messages.iter().rev().find(|m| m["role"] == "user").map(said).unwrap_or_default()
    }
}

/// A saved case of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Id.
    pub id: Id,
    /// Unique within the prompt.
    pub name: String,
    /// What it asks and checks.
    #[serde(flatten)]
    pub content: CaseContent,
    /// Who saved it.
    pub created_by: String,
    /// When.
    pub created_at: Instant,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckResult {
    /// The check in words.
    pub check: String,
    /// Whether it holds.
    pub ok: bool,
    /// Why not.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

/// One answer of one version by one model to one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tryout {
    /// The call in the request log.
    pub request: Id,
    /// What the model said.
    pub text: String,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// From asking to the whole answer, ms.
    pub duration_ms: u64,
    /// Tokens in.
    pub input_tokens: u64,
    /// Tokens out.
    pub output_tokens: u64,
    /// What it cost; none when the model has no price.
    pub cost: Option<Nanodollars>,
    /// What came of the case's checks.
    #[serde(default)]
    pub checks: Vec<CheckResult>,
}

impl Tryout {
    /// Whether there is an answer and every check holds.
    pub fn passed(&self) -> bool {
        self.error.is_none() && self.checks.iter().all(|check| check.ok)
    }
}

/// How a version did on one case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunCase {
    /// The case's id.
    pub case: Id,
    /// Its name then.
    pub name: String,
    /// What came of it.
    #[serde(flatten)]
    pub tryout: Tryout,
}

/// Where a run was made, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunContent {
    /// The provider's name.
    pub provider: String,
    /// Its model.
    pub model: String,
    /// Case by case.
    pub cases: Vec<RunCase>,
}

/// A version tried on every saved case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// Id.
    pub id: Id,
    /// The version.
    pub version: u32,
    /// Where, and what came of it.
    #[serde(flatten)]
    pub content: RunContent,
    /// Whether every case passed.
    pub passed: bool,
    /// Who ran it.
    pub created_by: String,
    /// When.
    pub created_at: Instant,
}
