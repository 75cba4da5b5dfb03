//! Tokens. `inputTokens` excludes what was read from and written to the cache; ours includes it. Thoughts are counted with the output.

use crate::dialect::json::{Json, Members};
use crate::usage::Usage;
use serde::Deserialize;

/// A `usage` object.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counted {
    #[serde(rename = "inputTokens")]
    input: Option<u64>,
    #[serde(rename = "outputTokens")]
    output: Option<u64>,
    #[serde(rename = "cacheReadInputTokens")]
    read: Option<u64>,
    #[serde(rename = "cacheWriteInputTokens")]
    written: Option<u64>,
}

impl From<Counted> for Usage {
    fn from(u: Counted) -> Self {
        let (cached_input, cache_write) = (u.read.unwrap_or(0), u.written.unwrap_or(0));
        Self {
            input: u.input.unwrap_or(0).saturating_add(cached_input).saturating_add(cache_write),
            cached_input,
            cache_write,
            output: u.output.unwrap_or(0),
            reasoning: 0,
        }
    }
}

/// The `usage` object.
pub(super) fn usage(u: &Usage) -> Json {
    Members::new()
        .with("inputTokens", &u.input.saturating_sub(u.cached_input).saturating_sub(u.cache_write))
        .with("outputTokens", &u.output)
        .with("totalTokens", &u.input.saturating_add(u.output))
        .with("cacheReadInputTokens", &u.cached_input)
        .with("cacheWriteInputTokens", &u.cache_write)
        .finish()
}
