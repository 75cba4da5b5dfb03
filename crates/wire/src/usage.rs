//! Tokens of a call, normalised.

use serde::Deserialize;

/// Tokens of one call. As OpenAI counts: `input` includes `cached_input` and `cache_write`, `output` includes `reasoning`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// All input.
    pub input: u64,
    /// The part of the input read from the provider's cache.
    pub cached_input: u64,
    /// The part of the input written to the provider's cache.
    pub cache_write: u64,
    /// All output.
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
}

/// OpenAI's `usage` object, as far as it is counted. Absent numbers are zero; an absent object is absent (never zero).
#[derive(Debug, Deserialize)]
pub(crate) struct OpenAiUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<InputDetails>,
    #[serde(default)]
    completion_tokens_details: Option<OutputDetails>,
}

#[derive(Debug, Deserialize)]
struct InputDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct OutputDetails {
    #[serde(default)]
    reasoning_tokens: Option<u64>,
}

impl From<OpenAiUsage> for Usage {
    fn from(u: OpenAiUsage) -> Self {
        let details = u.prompt_tokens_details.unwrap_or(InputDetails { cached_tokens: None, cache_write_tokens: None });
        Self {
            input: u.prompt_tokens.unwrap_or(0),
            cached_input: details.cached_tokens.unwrap_or(0),
            cache_write: details.cache_write_tokens.unwrap_or(0),
            output: u.completion_tokens.unwrap_or(0),
            reasoning: u.completion_tokens_details.and_then(|d| d.reasoning_tokens).unwrap_or(0),
        }
    }
}
