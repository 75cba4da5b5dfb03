//! Tokens. `input_tokens` excludes what was read from and written to the cache; ours includes it.

use crate::dialect::json::{Json, Members};
use crate::usage::{Tier, Usage, tier};
use serde::Deserialize;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct OutputDetails {
    thinking_tokens: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Written {
    ephemeral_1h_input_tokens: Option<u64>,
}

/// A `usage` object. In a stream numbers are cumulative and those that did not change may be left out.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counted {
    input_tokens: Option<u64>,
    cache_creation_input_tokens: Option<u64>,
    cache_creation: Option<Written>,
    cache_read_input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
    #[serde(default, deserialize_with = "tier")]
    service_tier: Option<Tier>,
}

impl Counted {
    /// What a later event says, over what earlier ones said.
    pub(super) fn merge(&mut self, later: Self) {
        self.input_tokens = later.input_tokens.or(self.input_tokens);
        self.cache_creation_input_tokens = later.cache_creation_input_tokens.or(self.cache_creation_input_tokens);
        self.cache_creation = later.cache_creation.or(self.cache_creation);
        self.cache_read_input_tokens = later.cache_read_input_tokens.or(self.cache_read_input_tokens);
        self.output_tokens = later.output_tokens.or(self.output_tokens);
        self.output_tokens_details = later.output_tokens_details.or(self.output_tokens_details);
        self.service_tier = later.service_tier.or(self.service_tier);
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
            cache_write_1h: u.cache_creation.and_then(|written| written.ephemeral_1h_input_tokens).unwrap_or(0),
            output: u.output_tokens.unwrap_or(0),
            reasoning: u.output_tokens_details.and_then(|d| d.thinking_tokens).unwrap_or(0),
            tier: u.service_tier,
            ..Self::default()
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
    if u.cache_write_1h > 0 {
        let minutes = u.cache_write.saturating_sub(u.cache_write_1h);
        let written = Members::new().with("ephemeral_5m_input_tokens", &minutes).with("ephemeral_1h_input_tokens", &u.cache_write_1h);
        out.json("cache_creation", &written.finish());
    }
    if u.reasoning > 0 {
        out.json("output_tokens_details", &Members::new().with("thinking_tokens", &u.reasoning).finish());
    }
    out.finish()
}
