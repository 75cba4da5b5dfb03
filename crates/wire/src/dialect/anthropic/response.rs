//! Answers, read and written.

use super::blocks::blocks_of;
use super::usage::{Counted, usage};
use super::{stop_fields, stop_reason};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Raw, Response, StopReason};
use crate::usage::Usage;

/// Reads an answer.
pub fn read_response(body: &[u8]) -> Result<Response, ParseError> {
    let mut top = Object::body(body)?;
    if top.text("type")?.is_some_and(|kind| kind != "message") {
        return Err(top.wrong("type", "must be message"));
    }
    let sequence = top.text("stop_sequence")?;
    let stop = top.text("stop_reason")?.map_or(StopReason::Stop, |name| stop_reason(&name, sequence));
    let usage = top.take("usage").map(|raw| serde_json::from_str::<Counted>(raw.get())).transpose();
    Ok(Response {
        id: top.text("id")?.unwrap_or_default(),
        model: top.text("model")?.unwrap_or_default(),
        parts: blocks_of(&mut top, "content")?,
        stop,
        usage: usage.map_err(|_| top.wrong("usage", "must be an object with numbers"))?.map(Usage::from),
        created: None,
    })
}

/// Writes an answer.
pub fn write_response(response: &Response) -> Vec<u8> {
    let (stop_reason, stop_sequence) = stop_fields(&response.stop);
    let content: Vec<Json> = response.parts.iter().filter_map(block).collect();
    message(&response.id, &response.model)
        .with_json("content", &Json::list(&content))
        .with("stop_reason", stop_reason)
        .with("stop_sequence", &stop_sequence)
        .with_json("usage", &usage(&response.usage.unwrap_or_default()))
        .finish()
        .into_bytes()
}

/// How a message begins.
pub(super) fn message(id: &str, model: &str) -> Members {
    Members::new().with("id", id).with("type", "message").with("role", "assistant").with("model", model)
}

fn block(part: &Part) -> Option<Json> {
    Some(match &part.content {
        Content::Text(text) | Content::Refusal(text) => Members::of_type("text").with("text", text).finish(),
        Content::Thinking { text, signature } => thinking(text, signature.as_deref().unwrap_or_default()),
        Content::RedactedThinking { data } => redacted_thinking(data),
        Content::ToolCall { id, name, arguments } => {
            let input = Raw::parse(arguments).or_else(|| Raw::parse("{}"));
            tool_use(id, name).with("input", &input).finish()
        }
        // What only another dialect knows has no block here; in the same dialect bytes pass.
        Content::Image { .. } | Content::File { .. } | Content::Audio { .. } | Content::ToolResult { .. } | Content::Other { .. } => {
            return None;
        }
    })
}

pub(super) fn thinking(text: &str, signature: &str) -> Json {
    Members::of_type("thinking").with("thinking", text).with("signature", signature).finish()
}

pub(super) fn redacted_thinking(data: &str) -> Json {
    Members::of_type("redacted_thinking").with("data", data).finish()
}

pub(super) fn tool_use(id: &str, name: &str) -> Members {
    Members::of_type("tool_use").with("id", id).with("name", name)
}
