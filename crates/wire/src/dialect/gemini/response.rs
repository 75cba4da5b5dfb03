//! Answers, read and written.

use super::parts::{Calls, parts_of};
use super::proofs::{Proof, call, inline, text_part};
use super::usage::{Counted, usage};
use super::{finish_reason, stop_reason};
use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Raw, Response, Source, StopReason};
use crate::usage::Usage;

/// Reads an answer: its first candidate. A blocked prompt has none.
pub fn read_response(body: &[u8]) -> Result<Response, ParseError> {
    let mut top = Object::body(body)?.camel()?;
    let id = top.text("responseId")?.unwrap_or_default();
    let mut calls = Calls::of_answer(&id);
    let candidates = top.list("candidates")?.unwrap_or_default();
    let blocked = top.object("promptFeedback")?.and_then(|f| f.camel().ok()).and_then(|mut feedback| {
        feedback.take("blockReason")?;
        Some(feedback.text("blockReasonMessage").ok().flatten())
    });
    let (parts, stop) = match (candidates.first(), blocked) {
        (Some(raw), _) => {
            let mut candidate = Object::at("candidates[0]", raw)?.camel()?;
            let parts = candidate.object("content")?.map(|content| parts_of(&mut content.camel()?, &mut calls)).transpose()?;
            let name = candidate.text("finishReason")?;
            (parts.unwrap_or_default(), stop_reason(name.as_deref().unwrap_or("STOP"), calls.count() > 0))
        }
        (None, Some(why)) => (why.map(|why| Content::Refusal(why).into()).into_iter().collect(), StopReason::ContentFilter),
        (None, None) => return Err(top.missing("candidates")),
    };
    let usage = top.take("usageMetadata").map(|raw| serde_json::from_str::<Counted>(raw.get())).transpose();
    Ok(Response {
        id,
        model: top.text("modelVersion")?.unwrap_or_default(),
        parts,
        stop,
        usage: usage.map_err(|_| top.wrong("usageMetadata", "must be an object with numbers"))?.map(Usage::from),
        created: None,
    })
}

/// Writes an answer.
pub fn write_response(response: &Response) -> Vec<u8> {
    let (mut parts, mut proof) = (Vec::new(), Proof::default());
    for part in &response.parts {
        match &part.content {
            Content::Thinking { text, signature } => parts.extend(proof.thought(text, signature.as_deref())),
            Content::RedactedThinking { data } => parts.extend(proof.sealed(data)),
            _ => parts.extend(written(part).map(|mut json| {
                proof.put(&mut json);
                json.finish()
            })),
        }
    }
    parts.extend(proof.rest());
    answer(&response.id, &response.model, &parts, Some(&response.stop), response.usage.as_ref()).into_bytes()
}

fn written(part: &Part) -> Option<Members> {
    match &part.content {
        Content::Text(text) | Content::Refusal(text) => Some(text_part(text)),
        Content::ToolCall { id, name, arguments } => {
            let arguments = Raw::parse(arguments).filter(|a| a.as_str().trim_start().starts_with('{'));
            let arguments = arguments.map_or_else(|| Members::new().finish(), |a| Json::of(&a));
            Some(Members::new().with_json("functionCall", &call(Some(id), name, &arguments).finish()))
        }
        Content::Image { source: Source::Base64 { media_type, data }, .. }
        | Content::File { source: Source::Base64 { media_type, data }, .. } => Some(inline(media_type, data)),
        Content::Audio { data, format } => Some(inline(&format!("audio/{format}"), data)),
        _ => None,
    }
}

/// An answer, or an event of a stream, which is one too.
pub(super) fn answer(id: &str, model: &str, parts: &[Json], stop: Option<&StopReason>, tokens: Option<&Usage>) -> Json {
    let content = Members::new().with_json("parts", &Json::list(parts)).with("role", "model");
    let mut candidate = Members::new().with_json("content", &content.finish());
    candidate.some("finishReason", stop.map(finish_reason).as_ref()).put("index", &0);
    let mut body = Members::new().with_json("candidates", &Json::list(&[candidate.finish()]));
    if let Some(tokens) = tokens {
        body.json("usageMetadata", &usage(tokens));
    }
    body.with("modelVersion", model).with("responseId", id).finish()
}
