//! Tokens. `input_tokens` excludes what was read from and written to the cache; ours includes it.

use crate::dialect::json::{Json, Members};
use crate::usage::Usage;
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

/// A `usage` object. In a stream numbers are cumulative and those that did not change may be left out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counted {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

impl Counted {
    /// What a later event says, over what earlier ones said.
    pub(super) fn merge(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
    }
}

impl From<Counted> for Usage {
    fn from(u: Counted) -> Self {
        let cached_input = u.cache_read_input_tokens.unwrap_or(0);
        let cache_write = u.cache_creation_input_tokens.unwrap_or(0);
        Self {
            input: u.input_tokens.unwrap_or(0).saturating_add(cached_input).saturating_add(cache_write),
            cached_input,
            cache_write,
            output: u.output_tokens.unwrap_or(0),
            reasoning: u.output_tokens_details.and_then(|d| d.thinking_tokens).unwrap_or(0),
        }
    }
}

/// The `usage` object.
pub(super) fn usage(u: &Usage) -> Json {
    let mut out = Members::new()
        .with("input_tokens", &u.input.saturating_sub(u.cached_input).saturating_sub(u.cache_write))
        .with("cache_creation_input_tokens", &u.cache_write)
        .with("cache_read_input_tokens", &u.cached_input)
        .with("output_tokens", &u.output);
    if u.reasoning > 0 {
        out.json("output_tokens_details", &Members::new().with("thinking_tokens", &u.reasoning).finish());
    }
    out.finish()
}
