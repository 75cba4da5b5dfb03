//! Tokens, written. Reading is in [`crate::usage`].

use crate::dialect::json::{Json, Members};
use crate::usage::Usage;

/// The `usage` object.
pub(super) fn usage(u: &Usage) -> Json {
    let mut input = Members::new().with("cached_tokens", &u.cached_input);
    if u.cache_write > 0 {
        input.put("cache_write_tokens", &u.cache_write);
    }
    let mut output = Members::new().with("reasoning_tokens", &u.reasoning);
    for (details, sound) in [(&mut input, u.audio_input), (&mut output, u.audio_output)] {
        if sound > 0 {
            details.put("audio_tokens", &sound);
        }
    }
    Members::new()
        .with("prompt_tokens", &u.input)
        .with("completion_tokens", &u.output)
        .with("total_tokens", &u.input.saturating_add(u.output))
        .with_json("prompt_tokens_details", &input.finish())
        .with_json("completion_tokens_details", &output.finish())
        .finish()
}
