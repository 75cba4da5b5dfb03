//! Dialects of providers: each reads into the [form](crate::form) and writes out of it.

pub mod anthropic;
mod json;
pub mod openai;

use crate::form::{Extra, Loss, Untranslatable};
use serde_json::Value;

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions.
    OpenAi,
    /// Anthropic Messages, version 2023-06-01.
    Anthropic,
}

/// Refuses every field only its own dialect knows, but for those that ask for what the target does anyway.
fn foreign(loss: &mut Loss, path: &str, extra: &Extra, harmless: fn(&str, &Value) -> bool) -> Result<(), Untranslatable> {
    for (key, value) in extra {
        if !harmless(key, value) {
            loss.refuse(format!("{path}{key}"), "there is no such field")?;
        }
    }
    Ok(())
}

/// Why a stream or an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what the dialect sends.
    #[error("the provider sent what its dialect does not know: {0}")]
    Malformed(String),
    /// It ended before its end.
    #[error("the provider's stream ended early")]
    EndedEarly,
}

impl From<crate::chat::ParseError> for Unreadable {
    fn from(e: crate::chat::ParseError) -> Self {
        Self::Malformed(e.to_string())
    }
}

#[cfg(test)]
mod tests;
