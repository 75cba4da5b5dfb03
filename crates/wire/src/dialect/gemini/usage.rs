//! Tokens. `promptTokenCount` includes what was read from the cache; thoughts are not among `candidatesTokenCount`.

use crate::dialect::json::{Json, Members};
use crate::usage::{Tier, Usage, tier};
use serde::Deserialize;

/// How many tokens of a kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct OfKind {
    modality: Option<String>,
    token_count: Option<u64>,
}

/// A `usageMetadata` object. In a stream numbers are cumulative and come again with every event.
#[derive(Clone, Debug, Default, Deserialize)]
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
    #[serde(rename = "promptTokensDetails")]
    prompt_kinds: Option<Vec<OfKind>>,
    #[serde(rename = "candidatesTokensDetails")]
    candidate_kinds: Option<Vec<OfKind>>,
    /// Gemini's own.
    #[serde(rename = "serviceTier", default, deserialize_with = "tier")]
    tier: Option<Tier>,
    /// Vertex'.
    #[serde(rename = "trafficType", default, deserialize_with = "tier")]
    traffic: Option<Tier>,
}

fn sound(kinds: Option<Vec<OfKind>>) -> u64 {
    let kinds = kinds.unwrap_or_default().into_iter();
    kinds.filter(|kind| kind.modality.as_deref() == Some("AUDIO")).filter_map(|kind| kind.token_count).fold(0, u64::saturating_add)
}

impl Counted {
    /// What a later event says, over what earlier ones said.
    pub(super) fn merge(&mut self, later: Self) {
        self.prompt = later.prompt.or(self.prompt);
        self.tools = later.tools.or(self.tools);
        self.cached = later.cached.or(self.cached);
        self.candidates = later.candidates.or(self.candidates);
        self.thoughts = later.thoughts.or(self.thoughts);
        self.prompt_kinds = later.prompt_kinds.or(self.prompt_kinds.take());
        self.candidate_kinds = later.candidate_kinds.or(self.candidate_kinds.take());
        self.tier = later.tier.or(self.tier);
        self.traffic = later.traffic.or(self.traffic);
    }
}

impl From<Counted> for Usage {
    fn from(u: Counted) -> Self {
        let reasoning = u.thoughts.unwrap_or(0);
        Self {
            input: u.prompt.unwrap_or(0).saturating_add(u.tools.unwrap_or(0)),
            cached_input: u.cached.unwrap_or(0),
            audio_input: sound(u.prompt_kinds),
            output: u.candidates.unwrap_or(0).saturating_add(reasoning),
            reasoning,
            audio_output: sound(u.candidate_kinds),
            tier: u.tier.or(u.traffic),
            ..Self::default()
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
