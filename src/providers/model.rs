//! Providers of models.

use crate::types::Id;
use serde::{Deserialize, Serialize};

/// What dialect a provider speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "server", derive(sqlx::Type))]
#[cfg_attr(feature = "server", sqlx(type_name = "text", rename_all = "snake_case"))]
pub enum ProviderKind {
    /// OpenAI and everything that speaks it: Mistral, Groq, DeepSeek, Ollama, vLLM, llama.cpp, OpenRouter, …
    #[serde(rename = "openai")]
    #[cfg_attr(feature = "server", sqlx(rename = "openai"))]
    OpenAi,
    /// Anthropic Messages.
    #[serde(rename = "anthropic")]
    #[cfg_attr(feature = "server", sqlx(rename = "anthropic"))]
    Anthropic,
    /// Google Gemini.
    #[serde(rename = "gemini")]
    #[cfg_attr(feature = "server", sqlx(rename = "gemini"))]
    Gemini,
    /// Azure OpenAI.
    #[serde(rename = "azure")]
    #[cfg_attr(feature = "server", sqlx(rename = "azure"))]
    Azure,
    /// AWS Bedrock, the Converse API.
    #[serde(rename = "bedrock")]
    #[cfg_attr(feature = "server", sqlx(rename = "bedrock"))]
    Bedrock,
}

/// How long each part of an upstream call may take, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Timeouts {
    /// TCP and TLS.
    pub connect_ms: u64,
    /// Until the first byte of the answer.
    pub first_byte_ms: u64,
    /// Between two bytes of the answer.
    pub idle_ms: u64,
    /// The whole attempt.
    pub total_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect_ms: 2_000, first_byte_ms: 30_000, idle_ms: 30_000, total_ms: 300_000 }
    }
}

/// A provider as lists show it: keys are masked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderSummary {
    /// Id.
    pub id: Id,
    /// Unique name.
    pub name: String,
    /// Dialect.
    pub kind: ProviderKind,
    /// The preset it was made from.
    pub preset: Option<String>,
    /// Where it answers.
    pub base_url: String,
    /// One masked hint per stored key.
    pub key_hints: Vec<String>,
    /// Time limits.
    pub timeouts: Timeouts,
    /// Calls in flight at most.
    pub max_in_flight: u32,
    /// Set for the built-in sample provider: answers are made up.
    pub sample: bool,
    /// Whether it gets no new calls.
    pub draining: bool,
    /// Whether it serves OpenAI's Responses itself.
    pub responses_api: bool,
}
