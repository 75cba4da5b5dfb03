//! Answers, read and written.

use super::content::{assistant_parts, call, put_thoughts, text_of};
use super::{finish_reason, stop_reason, usage};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Response, StopReason};
use crate::usage::{OpenAiUsage, Tier, Usage};
use serde_json::Value;

/// Reads an answer: its first choice.
pub fn read_response(body: &[u8]) -> Result<Response, ParseError> {
    let mut top = Object::body(body)?;
    let choices = top.list("choices")?.unwrap_or_default();
    let first = choices.first().ok_or_else(|| top.missing("choices"))?;
    let mut choice = Object::at("choices[0]", first)?;
    let parts: Vec<Part> = assistant_parts(&mut choice.need_object("message")?)?.into_iter().filter(says_something).collect();
    let called = parts.iter().any(|p| matches!(p.content, Content::ToolCall { .. }));
    let refused = parts.iter().any(|p| matches!(p.content, Content::Refusal(_)));
    let stop = match choice.text("finish_reason")? {
        Some(name) => stop_reason(&name, called),
        None if called => StopReason::ToolCalls,
        None => StopReason::Stop,
    };
    Ok(Response {
        id: top.text("id")?.unwrap_or_default(),
        model: top.text("model")?.unwrap_or_default(),
        parts,
        stop: if refused && stop == StopReason::Stop { StopReason::ContentFilter } else { stop },
        usage: read_usage(&mut top)?,
        created: top.whole("created")?,
    })
}

fn read_usage(top: &mut Object<'_>) -> Result<Option<Usage>, ParseError> {
    let Some(raw) = top.take("usage") else { return Ok(None) };
    let usage: OpenAiUsage = serde_json::from_str(raw.get()).map_err(|_| top.wrong("usage", "must be an object with numbers"))?;
    let tier = top.take("service_tier").and_then(|raw| Tier::read(raw.get()));
    Ok(Some(usage.counted(tier)))
}

fn says_something(part: &Part) -> bool {
    !matches!(&part.content, Content::Text(text) if text.is_empty())
}

/// Writes an answer. `created` is for answers of dialects that do not say when.
pub fn write_response(response: &Response, created: u64) -> Vec<u8> {
    let text = text_of(&response.parts);
    let refusal = response.parts.iter().find_map(|p| if let Content::Refusal(text) = &p.content { Some(text) } else { None });
    let calls: Vec<Json> = response.parts.iter().filter_map(tool_call).collect();
    let content = text.or_else(|| (refusal.is_none() && calls.is_empty()).then(String::new));
    let mut message = Members::new().with("role", "assistant").with("content", &content).with("refusal", &refusal);
    put_thoughts(&mut message, &response.parts);
    if !calls.is_empty() {
        message.json("tool_calls", &Json::list(&calls));
    }
    let choice = Members::new()
        .with("index", &0)
        .with_json("message", &message.finish())
        .with("logprobs", &Value::Null)
        .with("finish_reason", finish_reason(&response.stop));
    let mut body = Members::new()
        .with("id", &response.id)
        .with("object", "chat.completion")
        .with("created", &response.created.unwrap_or(created))
        .with("model", &response.model)
        .with_json("choices", &Json::list(&[choice.finish()]));
    if let Some(tokens) = &response.usage {
        body.json("usage", &usage::usage(tokens));
        body.some("service_tier", tokens.tier.map(Tier::name).as_ref());
    }
    body.finish().into_bytes()
}

fn tool_call(part: &Part) -> Option<Json> {
    let Content::ToolCall { id, name, arguments } = &part.content else { return None };
    Some(call(id, name, arguments).finish())
}
