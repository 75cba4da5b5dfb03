//! Input items, read into turns.

use super::item::REDACTED;
use crate::chat::ParseError;
use crate::dialect::json::Object;
use crate::form::{Content, Extra, Message, Part, Request, Role, Source};
use serde_json::value::RawValue;

/// Reads `input`: text, or a list of items. Items of the model in a row are one turn.
pub(super) fn input(request: &mut Request, top: &mut Object<'_>) -> Result<(), ParseError> {
    let Some(raw) = top.take("input") else { return Ok(()) };
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        turn(request, Role::User, 0, vec![Part::text(text)], Extra::new());
        return Ok(());
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| ParseError::field("input", "must be text or a list"))?;
    list.into_iter().enumerate().try_for_each(|(index, raw)| item(request, index, raw))
}

fn turn(request: &mut Request, role: Role, index: usize, parts: Vec<Part>, extra: Extra) {
    match request.messages.last_mut() {
        Some(last) if role == Role::Assistant && last.role == role && extra.is_empty() => last.parts.extend(parts),
        _ => request.messages.push(Message { role, parts, index, extra }),
    }
}

/// What the model said, of all its turns.
pub(super) fn turn_parts(request: Request) -> Vec<Part> {
    request.messages.into_iter().filter(|m| m.role == Role::Assistant).flat_map(|m| m.parts).collect()
}

/// Reads one item.
pub(super) fn item(request: &mut Request, index: usize, raw: &RawValue) -> Result<(), ParseError> {
    let path = format!("input[{index}]");
    let mut item = Object::at(&path, raw)?;
    let kind = item.text("type")?.unwrap_or_else(|| "message".to_owned());
    // What the API gave them; it needs neither back.
    item.take("status");
    let _ = item.take("id").filter(|_| kind != "item_reference");
    let (role, content) = match kind.as_str() {
        "message" => return message(request, index, item),
        "function_call" => {
            let arguments = item.text("arguments")?.filter(|a| !a.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
            (Role::Assistant, Content::ToolCall { id: item.need_text("call_id")?, name: item.need_text("name")?, arguments })
        }
        "function_call_output" => {
            let id = item.need_text("call_id")?;
            (Role::Tool, Content::ToolResult { id, parts: parts(&mut item, "output")?, is_error: false })
        }
        "reasoning" => (Role::Assistant, reasoning(&mut item)?),
        _ => {
            turn(request, Role::Assistant, index, vec![Content::Other { kind, raw: raw.into() }.into()], Extra::new());
            return Ok(());
        }
    };
    let part = Part { content, cache_control: None, extra: item.rest() };
    turn(request, role, index, vec![part], Extra::new());
    Ok(())
}

fn message(request: &mut Request, index: usize, mut item: Object<'_>) -> Result<(), ParseError> {
    let role = match item.need_text("role")?.as_str() {
        "system" | "developer" => None,
        "user" => Some(Role::User),
        "assistant" => Some(Role::Assistant),
        _ => return Err(item.wrong("role", "must be system, developer, user or assistant")),
    };
    let parts = parts(&mut item, "content")?;
    // Which part of a turn it was; the turn has an order.
    item.take("phase");
    let extra = item.rest();
    if let Some(role) = role {
        turn(request, role, index, parts, extra);
    } else {
        request.system.extend(parts);
        request.extra.extend(extra.into_iter().map(|(key, value)| (format!("input[{index}].{key}"), value)));
    }
    Ok(())
}

fn reasoning(item: &mut Object<'_>) -> Result<Content, ParseError> {
    let path = item.path_of("summary");
    let mut text = Vec::new();
    for (i, raw) in item.list("summary")?.unwrap_or_default().into_iter().enumerate() {
        text.extend(Object::at(&format!("{path}[{i}]"), raw)?.text("text")?);
    }
    let proof = item.text("encrypted_content")?;
    if let Some(data) = proof.as_deref().and_then(|p| p.strip_prefix(REDACTED)) {
        return Ok(Content::RedactedThinking { data: data.to_owned() });
    }
    Ok(Content::Thinking { text: text.join("\n\n"), signature: proof })
}

fn parts(item: &mut Object<'_>, key: &str) -> Result<Vec<Part>, ParseError> {
    let path = item.path_of(key);
    let Some(raw) = item.take(key) else { return Ok(Vec::new()) };
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Ok(vec![Part::text(text)]);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| ParseError::field(&path, "must be text or a list"))?;
    list.into_iter().enumerate().map(|(i, raw)| part(&format!("{path}[{i}]"), raw)).collect()
}

fn part(path: &str, raw: &RawValue) -> Result<Part, ParseError> {
    let mut part = Object::at(path, raw)?;
    let kind = part.need_text("type")?;
    let source = |part: &Object<'_>, url: String| Source::of_url(&url).ok_or_else(|| part.wrong("url", "must be an URL or base64 data"));
    let content = match kind.as_str() {
        "input_text" => Content::Text(part.need_text("text")?),
        "output_text" => {
            // Said of an answer, not of what is said back.
            part.take("annotations");
            part.take("logprobs");
            Content::Text(part.need_text("text")?)
        }
        "refusal" => Content::Refusal(part.need_text("refusal")?),
        "input_image" => {
            let detail = part.text("detail")?;
            match (part.text("image_url")?, part.text("file_id")?) {
                (Some(url), _) => Content::Image { source: source(&part, url)?, detail },
                (None, Some(id)) => Content::Image { source: Source::Id(id), detail },
                (None, None) => return Err(part.missing("image_url")),
            }
        }
        "input_file" => {
            let name = part.text("filename")?;
            match (part.text("file_data")?, part.text("file_url")?, part.text("file_id")?) {
                (Some(data), ..) => Content::File { source: Source::of_file_data(data).ok_or_else(|| part.missing("file_data"))?, name },
                (_, Some(url), _) => Content::File { source: Source::Url(url), name },
                (_, _, Some(id)) => Content::File { source: Source::Id(id), name },
                _ => return Err(part.missing("file_data")),
            }
        }
        _ => return Ok(Content::Other { kind, raw: raw.into() }.into()),
    };
    Ok(Part { content, cache_control: None, extra: part.rest() })
}
