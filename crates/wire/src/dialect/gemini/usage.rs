//! Tokens. `promptTokenCount` includes what was read from the cache; thoughts are not among `candidatesTokenCount`.

use crate::dialect::json::{Json, Members};
use crate::usage::Usage;
use serde::Deserialize;

/// A `usageMetadata` object. In a stream numbers are cumulative and come again with every event.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Counted {
    #[serde(rename = "promptTokenCount")]
    prompt: Option<u64>,
    #[serde(rename = "toolUsePromptTokenCount")]
    tools: Option<u64>,
    #[serde(rename = "cachedContentTokenCount")]
    cached: Option<u64>,
    #[serde(rename = "candidatesTokenCount")]
    candidates: Option<u64>,
    #[serde(rename = "thoughtsTokenCount")]
    thoughts: Option<u64>,
}

impl Counted {
    /// What a later event says, over what earlier ones said.
    pub(super) fn merge(&mut self, later: Self) {
        self.prompt = later.prompt.or(self.prompt);
        self.tools = later.tools.or(self.tools);
        self.cached = later.cached.or(self.cached);
        self.candidates = later.candidates.or(self.candidates);
        self.thoughts = later.thoughts.or(self.thoughts);
    }
}

impl From<Counted> for Usage {
    fn from(u: Counted) -> Self {
        let reasoning = u.thoughts.unwrap_or(0);
        Self {
            input: u.prompt.unwrap_or(0).saturating_add(u.tools.unwrap_or(0)),
            cached_input: u.cached.unwrap_or(0),
            cache_write: 0,
            output: u.candidates.unwrap_or(0).saturating_add(reasoning),
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
