//! Tokens. `promptTokenCount` includes what was read from the cache; thoughts are not among `candidatesTokenCount`.

use crate::dialect::json::{Json, Members};
use crate::usage::Usage;
use serde::Deserialize;

/// A `usageMetadata` object. In a stream numbers are cumulative and come again with every event.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Counted {
    prompt_token_count: Option<u64>,
    tool_use_prompt_token_count: Option<u64>,
    cached_content_token_count: Option<u64>,
    candidates_token_count: Option<u64>,
    thoughts_token_count: Option<u64>,
}

impl Counted {
    /// What a later event says, over what earlier ones said.
    pub(super) fn merge(&mut self, later: Self) {
        self.prompt_token_count = later.prompt_token_count.or(self.prompt_token_count);
        self.tool_use_prompt_token_count = later.tool_use_prompt_token_count.or(self.tool_use_prompt_token_count);
        self.cached_content_token_count = later.cached_content_token_count.or(self.cached_content_token_count);
        self.candidates_token_count = later.candidates_token_count.or(self.candidates_token_count);
        self.thoughts_token_count = later.thoughts_token_count.or(self.thoughts_token_count);
    }
}

impl From<Counted> for Usage {
    fn from(u: Counted) -> Self {
        let reasoning = u.thoughts_token_count.unwrap_or(0);
        Self {
            input: u.prompt_token_count.unwrap_or(0).saturating_add(u.tool_use_prompt_token_count.unwrap_or(0)),
            cached_input: u.cached_content_token_count.unwrap_or(0),
            cache_write: 0,
            output: u.candidates_token_count.unwrap_or(0).saturating_add(reasoning),
            reasoning,
        }
    }
}

/// The `usageMetadata` object.
pub(super) fn usage(u: &Usage) -> Json {
    let mut out = Members::new()
        .with("promptTokenCount", &u.input)
        .with("candidatesTokenCount", &u.output.saturating_sub(u.reasoning))
        .with("totalTokenCount", &u.input.saturating_add(u.output));
    out.some("cachedContentTokenCount", Some(u.cached_input).filter(|n| *n > 0).as_ref());
    out.some("thoughtsTokenCount", Some(u.reasoning).filter(|n| *n > 0).as_ref());
    out.finish()
}
