//! What is read off a stream as it passes.

use super::answer::ResponseSummary;
use super::request::from_json;
use crate::usage::{OpenAiUsage, Tier, tier};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Bytes of text kept for the log.
const MAX_TEXT: usize = 512 * 1024;

/// What an event was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A comment, a role, or anything else without content.
    Nothing,
    /// Text, a tool call, a refusal or reasoning.
    Content,
    /// Only usage: to be taken out when the caller did not ask.
    UsageOnly,
    /// An error in band.
    Error,
    /// `[DONE]`.
    Done,
}

/// Gathers text, usage and the end of a stream.
#[derive(Debug, Default)]
pub struct StreamScanner {
    text: String,
    summary: ResponseSummary,
    /// Said with every chunk, or with some.
    tier: Option<Tier>,
    done: bool,
}

#[derive(Deserialize)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(default)]
    usage: Option<OpenAiUsage>,
    #[serde(default, deserialize_with = "tier")]
    service_tier: Option<Tier>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
}

impl StreamScanner {
    /// A scanner at the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads one event's data.
    pub fn scan(&mut self, data: &[u8]) -> Seen {
        if data == b"[DONE]" {
            self.done = true;
            return Seen::Done;
        }
        if data.is_empty() {
            return Seen::Nothing;
        }
        let Ok(chunk) = from_json::<Chunk<'_>>(data) else { return Seen::Nothing };
        if chunk.error.is_some_and(|e| e.get() != "null") {
            return Seen::Error;
        }
        if let (None, Some(id)) = (&self.summary.upstream_id, chunk.id.filter(|id| !id.is_empty())) {
            self.summary.upstream_id = Some(id.into_owned());
        }
        self.tier = chunk.service_tier.or(self.tier);
        let counted = chunk.usage.is_some();
        if let Some(usage) = chunk.usage {
            self.summary.usage = Some(usage.counted(self.tier));
        }
        let choices = chunk.choices.unwrap_or_default();
        if choices.is_empty() {
            return if counted { Seen::UsageOnly } else { Seen::Nothing };
        }
        let mut content = false;
        for choice in choices {
            content |= self.take(choice);
        }
        if content { Seen::Content } else { Seen::Nothing }
    }

    fn take(&mut self, choice: Choice<'_>) -> bool {
        if let Some(reason) = choice.finish_reason {
            self.summary.finish_reason = Some(reason.into_owned());
        }
        let Some(delta) = choice.delta else { return false };
        let said = |text: &Option<Cow<'_, str>>| text.as_ref().is_some_and(|t| !t.is_empty());
        let content = said(&delta.content)
            || said(&delta.refusal)
            || said(&delta.reasoning_content)
            || delta.tool_calls.is_some_and(|t| t.get() != "null");
        if let Some(text) = delta.content.or(delta.refusal).filter(|_| choice.index == 0)
            && self.text.len() + text.len() <= MAX_TEXT
        {
            self.text.push_str(&text);
        }
        content
    }

    /// Whether the stream came to its proper end.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// Whether the model said why it stopped; some providers then close without `[DONE]`.
    pub fn has_finished(&self) -> bool {
        self.summary.finish_reason.is_some()
    }

    /// What the log keeps.
    pub fn into_summary(self) -> ResponseSummary {
        ResponseSummary { text: (!self.text.is_empty()).then_some(self.text), ..self.summary }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usage::Usage;

    #[test]
    fn an_openai_stream_is_read_as_it_passes() {
        let mut scanner = StreamScanner::new();
        let seen: Vec<Seen> = [
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}],"usage":null}"#,
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#,
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"content":"lo \"you\""},"finish_reason":null}]}"#,
            r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"id":"chatcmpl-1","choices":[],"usage":{"prompt_tokens":5,"completion_tokens":2}}"#,
            "[DONE]",
        ]
        .iter()
        .map(|data| scanner.scan(data.as_bytes()))
        .collect();
        assert_eq!(seen, [Seen::Nothing, Seen::Content, Seen::Content, Seen::Nothing, Seen::UsageOnly, Seen::Done]);
        assert!(scanner.is_done());
        let summary = scanner.into_summary();
        assert_eq!(summary.text.as_deref(), Some("Hello \"you\""));
        assert_eq!(summary.usage, Some(Usage { input: 5, output: 2, ..Usage::default() }));
        assert_eq!(summary.finish_reason.as_deref(), Some("stop"));
    }

    #[test]
    fn usage_beside_the_last_content_stays_in_the_stream() {
        // Mistral and Groq send usage on the chunk that also carries the finish reason.
        let chunk =
            r#"{"choices":[{"index":0,"delta":{"content":"!"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1}}"#;
        assert_eq!(StreamScanner::new().scan(chunk.as_bytes()), Seen::Content);
    }

    #[test]
    fn an_error_in_band_is_seen() {
        assert_eq!(StreamScanner::new().scan(br#"{"error":{"message":"overloaded"}}"#), Seen::Error);
    }
}
