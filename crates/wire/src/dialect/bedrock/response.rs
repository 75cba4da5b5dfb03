//! Answers, read and written.

use super::blocks::blocks_of;
use super::usage::{Counted, usage};
use super::write_blocks::{thought, tool_use};
use super::{STOP_SEQUENCE, answer, stop_name, stop_reason};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Raw, Response, StopReason};
use crate::usage::{Tier, Usage};
use serde::Deserialize;

/// Reads an answer. It says neither its id nor its model: both are empty.
pub fn read_response(body: &[u8]) -> Result<Response, ParseError> {
    let mut top = Object::body(body)?;
    let mut message = top.need_object("output")?.need_object("message")?;
    let parts = blocks_of(&mut message, "content")?.into_iter().flat_map(cited).collect();
    let sequence = top.object(FIELDS)?.and_then(|mut fields| fields.text(STOP_SEQUENCE).ok().flatten());
    let usage = top.take("usage").map(|raw| serde_json::from_str::<Counted>(raw.get())).transpose();
    let tier = top.take("serviceTier").and_then(|raw| Tier::read(raw.get()));
    let mut response = Response {
        id: String::new(),
        model: String::new(),
        parts,
        stop: top.text("stopReason")?.map_or(StopReason::Stop, |name| stop_reason(&name, sequence)),
        usage: usage.map_err(|_| top.wrong("usage", "must be an object with numbers"))?.map(|usage| usage.counted(tier)),
        created: None,
    };
    answer::unwrap(&mut response);
    Ok(response)
}

/// Where further fields of a model's answer stand.
const FIELDS: &str = "additionalModelResponseFields";

#[derive(Deserialize)]
struct Cited {
    #[serde(rename = "citationsContent")]
    block: CitedText,
}

#[derive(Deserialize)]
struct CitedText {
    #[serde(default)]
    content: Vec<Text>,
}

#[derive(Deserialize)]
struct Text {
    text: String,
}

/// Text with what it is taken from is text.
fn cited(part: Part) -> Vec<Part> {
    match &part.content {
        Content::Other { kind, raw } if kind == "citationsContent" => match serde_json::from_str::<Cited>(raw.as_str()) {
            Ok(cited) => cited.block.content.into_iter().map(|t| Part::text(t.text)).collect(),
            Err(_) => vec![part],
        },
        _ => vec![part],
    }
}

/// Writes an answer.
pub fn write_response(response: &Response) -> Vec<u8> {
    let content: Vec<Json> = response.parts.iter().filter_map(block).collect();
    let message = Members::new().with("role", "assistant").with_json("content", &Json::list(&content)).finish();
    Members::new()
        .with_json("output", &Members::new().with_json("message", &message).finish())
        .and(&stop_fields(&response.stop))
        .and(&counts(&response.usage.unwrap_or_default()))
        .finish()
        .into_bytes()
}

/// Why it stopped, and at which text.
pub(super) fn stop_fields(stop: &StopReason) -> Members {
    let mut out = Members::new().with("stopReason", stop_name(stop));
    if let StopReason::StopSequence(sequence) = stop
        && !sequence.is_empty()
    {
        out.json(FIELDS, &Members::new().with(STOP_SEQUENCE, sequence).finish());
    }
    out
}

/// Tokens, and the time Amazon took, which nobody else tells; libraries want it there.
pub(super) fn counts(tokens: &Usage) -> Members {
    Members::new().with_json("usage", &usage(tokens)).with_json("metrics", &Members::new().with("latencyMs", &0).finish())
}

fn block(part: &Part) -> Option<Json> {
    let (kind, json) = match &part.content {
        Content::Text(text) | Content::Refusal(text) => ("text", Json::of(text)),
        Content::Thinking { text, signature } => ("reasoningContent", thought(text, signature.as_deref()).finish()),
        Content::RedactedThinking { data } => ("reasoningContent", Members::new().with("redactedContent", data).finish()),
        Content::ToolCall { id, name, arguments } => {
            let input = Raw::parse(arguments).or_else(|| Raw::parse("{}"));
            ("toolUse", tool_use(id, name).with("input", &input).finish())
        }
        Content::Image { .. } | Content::File { .. } | Content::Audio { .. } | Content::ToolResult { .. } | Content::Other { .. } => {
            return None;
        }
    };
    Some(Members::new().with_json(kind, &json).finish())
}
