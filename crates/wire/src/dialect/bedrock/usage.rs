//! Tokens. `inputTokens` excludes what was read from and written to the cache; ours includes it. Thoughts are counted with the output.

use crate::dialect::json::{Json, Members};
use crate::usage::{Tier, Usage};
use serde::Deserialize;

/// What was written to the cache for how long.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Written {
    ttl: Option<String>,
    input_tokens: Option<u64>,
}

/// A `usage` object.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Counted {
    #[serde(rename = "inputTokens")]
    input: Option<u64>,
    #[serde(rename = "outputTokens")]
    output: Option<u64>,
    #[serde(rename = "cacheReadInputTokens")]
    read: Option<u64>,
    #[serde(rename = "cacheWriteInputTokens")]
    written: Option<u64>,
    #[serde(rename = "cacheDetails")]
    details: Option<Vec<Written>>,
}

impl Counted {
    /// The tokens; the tier stands beside them in an answer.
    pub(super) fn counted(self, tier: Option<Tier>) -> Usage {
        let u = self;
        let (cached_input, cache_write) = (u.read.unwrap_or(0), u.written.unwrap_or(0));
        let hour = u.details.unwrap_or_default().into_iter().filter(|written| written.ttl.as_deref() == Some("1h"));
        Usage {
            input: u.input.unwrap_or(0).saturating_add(cached_input).saturating_add(cache_write),
            cached_input,
            cache_write,
            cache_write_1h: hour.filter_map(|written| written.input_tokens).fold(0, u64::saturating_add),
            output: u.output.unwrap_or(0),
            tier,
            ..Usage::default()
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
