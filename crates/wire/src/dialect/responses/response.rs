//! Answers, read and written.

use super::item::{Answer, items};
use super::read_items::{item, turn_parts};
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Content, Request, Response, StopReason};
use crate::usage::{Tier, Usage, tier};
use serde::Deserialize;

#[derive(Debug, Deserialize)]
struct InputDetails {
    cached_tokens: Option<u64>,
    cache_write_tokens: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct OutputDetails {
    reasoning_tokens: Option<u64>,
}

/// The `usage` object.
#[derive(Debug, Deserialize)]
pub(super) struct Counted {
    input_tokens: Option<u64>,
    input_tokens_details: Option<InputDetails>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<OutputDetails>,
}

impl Ended {
    /// Tokens, when the provider gave them.
    pub(super) fn counted(self) -> Option<Usage> {
        let u = self.usage?;
        let details = u.input_tokens_details.as_ref();
        Some(Usage {
            input: u.input_tokens.unwrap_or(0),
            cached_input: details.and_then(|d| d.cached_tokens).unwrap_or(0),
            cache_write: details.and_then(|d| d.cache_write_tokens).unwrap_or(0),
            output: u.output_tokens.unwrap_or(0),
            reasoning: u.output_tokens_details.and_then(|d| d.reasoning_tokens).unwrap_or(0),
            tier: self.service_tier,
            ..Usage::default()
        })
    }
}

#[derive(Debug, Deserialize)]
struct Incomplete {
    reason: Option<String>,
}

/// What a response object says of its end.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ended {
    incomplete_details: Option<Incomplete>,
    usage: Option<Counted>,
    #[serde(default, deserialize_with = "tier")]
    service_tier: Option<Tier>,
}

/// Why it stopped: a complete answer that calls tools waits for them.
pub(super) fn stop_reason(ended: &Ended, called_tools: bool, refused: bool) -> StopReason {
    match ended.incomplete_details.as_ref().and_then(|d| d.reason.as_deref()) {
        Some("max_output_tokens") => StopReason::Length,
        Some("content_filter") => StopReason::ContentFilter,
        Some(other) => StopReason::Other(other.to_owned()),
        None if called_tools => StopReason::ToolCalls,
        None if refused => StopReason::ContentFilter,
        None => StopReason::Stop,
    }
}

/// Reads an answer.
pub fn read_response(body: &[u8]) -> Result<Response, ParseError> {
    let ended: Ended = serde_json::from_slice(body).map_err(|e| crate::chat::not_json(&e))?;
    let mut top = Object::body(body)?;
    let mut output = Request::new(Dialect::Responses, String::new());
    for (index, raw) in top.list("output")?.ok_or_else(|| top.missing("output"))?.into_iter().enumerate() {
        item(&mut output, index, raw)?;
    }
    let parts = turn_parts(output);
    let called = parts.iter().any(|p| matches!(p.content, Content::ToolCall { .. }));
    let refused = parts.iter().any(|p| matches!(p.content, Content::Refusal(_)));
    Ok(Response {
        id: top.text("id")?.unwrap_or_default(),
        model: top.text("model")?.unwrap_or_default(),
        parts,
        stop: stop_reason(&ended, called, refused),
        usage: ended.counted(),
        created: top.whole("created_at")?,
    })
}

/// Writes an answer. `created` is for answers of dialects that do not say when.
pub fn write_response(response: &Response, created: u64) -> Vec<u8> {
    let answer = Answer {
        id: &response.id,
        model: &response.model,
        created: response.created.unwrap_or(created),
        items: &items(&response.id, &response.parts),
        stop: Some(&response.stop),
        error: None,
        usage: response.usage.as_ref(),
    };
    answer.json().into_bytes()
}
