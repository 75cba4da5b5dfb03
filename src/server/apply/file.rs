//! The shape of the declarative file.

use crate::catalog::model::Price;
use crate::identity::model::{KeyLimits, Role, Scope};
use crate::notify::model::ChannelKind;
use crate::prompts::model::{PromptMessage, Variable, VersionContent};
use crate::providers::model::{ProviderKind, Timeouts};
use crate::routing::model::RouteDraft;
use crate::surveys::model::SurveyDraft;
use crate::types::Fault;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A declarative file, or several put together.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct File {
    pub(super) providers: Vec<ProviderTable>,
    pub(super) models: Vec<ModelTable>,
    pub(super) prompts: Vec<PromptTable>,
    pub(super) routes: Vec<RouteDraft>,
    pub(super) surveys: Vec<SurveyDraft>,
    pub(super) keys: Vec<KeyTable>,
    pub(super) users: Vec<UserTable>,
    pub(super) channels: Vec<ChannelTable>,
    pub(super) lock: Option<LockTable>,
}

/// Makes the prompts, routes and surveys of the file read-only elsewhere.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LockTable {
    /// Shown to whoever tries to change one: where to change it instead.
    pub reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProviderTable {
    pub name: String,
    pub preset: Option<String>,
    pub kind: Option<ProviderKind>,
    #[serde(default)]
    pub base_url: String,
    /// Left out: the keys it has.
    pub api_keys: Option<Vec<String>>,
    #[serde(default)]
    pub timeouts: Timeouts,
    #[serde(default = "many")]
    pub max_in_flight: u32,
    #[serde(default)]
    pub sample: bool,
    pub draining: Option<bool>,
    pub responses_api: Option<bool>,
}

fn many() -> u32 {
    500
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelTable {
    pub provider: String,
    pub name: String,
    pub context_window: Option<u32>,
    pub max_output_tokens: Option<u32>,
    pub price: Option<Price>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PromptTable {
    pub name: String,
    pub versions: Vec<VersionTable>,
    /// Labels that move only when a second person approves; left out, they stay as they are.
    pub protected: Option<Vec<String>>,
    /// Whether they move only to a version that passed the saved cases.
    pub gated: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VersionTable {
    #[serde(default)]
    note: String,
    messages: Vec<PromptMessage>,
    #[serde(default)]
    parameters: BTreeMap<String, serde_json::Value>,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default)]
    tools: Vec<serde_json::Value>,
    response_format: Option<serde_json::Value>,
    #[serde(default)]
    labels: Vec<String>,
}

impl VersionTable {
    /// What the version says, and the labels to point to it.
    pub fn split(self) -> (VersionContent, Vec<String>) {
        let Self { note, messages, parameters, variables, tools, response_format, labels } = self;
        (VersionContent { note, messages, parameters, variables, tools, response_format }, labels)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyTable {
    pub name: String,
    pub secret: String,
    pub scopes: Vec<Scope>,
    #[serde(default)]
    pub routes: Vec<String>,
    #[serde(default)]
    pub limits: KeyLimits,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UserTable {
    pub email: String,
    pub role: Role,
    pub password: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChannelTable {
    pub name: String,
    pub kind: ChannelKind,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub to: Vec<String>,
    /// Left out: the one it has, or a new one.
    pub secret: Option<String>,
    #[serde(default)]
    pub allow_private: bool,
    /// Left out: everything.
    pub events: Option<Vec<String>>,
}

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("{path}: {source}")]
    Read {
        /// Which.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// It does not parse.
    #[error("{path}: {why}")]
    Parse {
        /// Which.
        path: String,
        /// Line, column, what is wrong and the nearest known key.
        why: String,
    },
}

impl File {
    /// Reads and checks one file.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| FileError::Read { path: name.clone(), source })?;
        Self::parse(&name, &text)
    }

    /// Checks a text; `name` is what errors call it.
    pub fn parse(name: &str, text: &str) -> Result<Self, FileError> {
        toml::from_str(text).map_err(|e| FileError::Parse { path: name.to_owned(), why: explain(text, &e) })
    }

    /// This file and what another adds.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.providers.extend(other.providers);
        self.models.extend(other.models);
        self.prompts.extend(other.prompts);
        self.routes.extend(other.routes);
        self.surveys.extend(other.surveys);
        self.keys.extend(other.keys);
        self.users.extend(other.users);
        self.channels.extend(other.channels);
        self.lock = self.lock.or(other.lock);
        self
    }
}

/// `line 3, column 1: unknown field `wieght`, … Did you mean `weight`?`
fn explain(text: &str, e: &toml::de::Error) -> String {
    let message = e.message();
    let place = e.span().map_or_else(String::new, |span| {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) + 1;
        format!("line {line}, column {column}: ")
    });
    let mut words = message.split('`').skip(1).step_by(2);
    let hint = match (message.contains("unknown field") || message.contains("unknown variant"), words.next()) {
        (true, Some(given)) => words
            .map(|known| (strsim::jaro_winkler(given, known), known))
            .filter(|(score, _)| *score > 0.7)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map_or_else(String::new, |(_, known)| format!(". Did you mean `{known}`?")),
        _ => String::new(),
    };
    format!("{place}{message}{hint}")
}

/// A secret given as `env:NAME`, `file:PATH` or as it is.
pub(super) fn secret(field: &str, text: &str) -> Result<String, Fault> {
    if let Some(name) = text.strip_prefix("env:") {
        return std::env::var(name).map_err(|_| Fault::field(field, format!("the environment variable {name} is not set")));
    }
    if let Some(path) = text.strip_prefix("file:") {
        return std::fs::read_to_string(path).map(|s| s.trim().to_owned()).map_err(|e| Fault::field(field, format!("{path}: {e}")));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        File::parse("hypercare.toml", text).expect_err("refused").to_string()
    }

    #[test]
    fn a_wrong_key_is_named_with_file_line_and_the_nearest_known_one() {
        let why = refused("[[routes]]\nname = \"a\"\n[[routes.variants]]\nname = \"c\"\nwieght = 1\nprovider = \"p\"\nmodel = \"m\"\n");
        assert!(why.starts_with("hypercare.toml: line 5, column 1: "), "{why}");
        assert!(why.ends_with("Did you mean `weight`?"), "{why}");
        let why = refused("[[route]]\nname = \"a\"\n");
        assert!(why.contains("line 1") && why.ends_with("Did you mean `routes`?"), "{why}");
    }

    #[test]
    fn broken_toml_is_refused_with_its_line() {
        assert!(refused("[[keys]]\nname = \"a").contains("line 2"));
    }
}
