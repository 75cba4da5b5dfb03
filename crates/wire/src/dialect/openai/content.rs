//! Parts of messages, read and written.

use crate::chat::ParseError;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Part, Source};
use serde_json::value::RawValue;

/// The parts of a field that is text or a list.
pub(super) fn parts_of(said: &mut Object<'_>, key: &str) -> Result<Vec<Part>, ParseError> {
    let path = said.path_of(key);
    let Some(raw) = said.take(key) else { return Ok(Vec::new()) };
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Ok(vec![Part::text(text)]);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| ParseError::field(&path, "must be text or a list"))?;
    list.into_iter().enumerate().map(|(i, raw)| part(&format!("{path}[{i}]"), raw)).collect()
}

fn part(path: &str, raw: &RawValue) -> Result<Part, ParseError> {
    let mut part = Object::at(path, raw)?;
    let kind = part.need_text("type")?;
    let mut inner_rest = None;
    let content = match kind.as_str() {
        "text" => Content::Text(part.need_text("text")?),
        "refusal" => Content::Refusal(part.need_text("refusal")?),
        "image_url" => {
            let mut image = part.need_object("image_url")?;
            let source = Source::of_url(&image.need_text("url")?).ok_or_else(|| image.wrong("url", "must be an URL or base64 data"))?;
            let content = Content::Image { source, detail: image.text("detail")? };
            inner_rest = Some(("image_url", image));
            content
        }
        "input_audio" => {
            let mut audio = part.need_object("input_audio")?;
            let content = Content::Audio { data: audio.need_text("data")?, format: audio.need_text("format")? };
            inner_rest = Some(("input_audio", audio));
            content
        }
        "file" => {
            let mut file = part.need_object("file")?;
            let source = match (file.text("file_data")?, file.text("file_id")?) {
                (Some(data), _) => Source::of_file_data(data).ok_or_else(|| file.wrong("file_data", "must be base64 data"))?,
                (None, Some(id)) => Source::Id(id),
                (None, None) => return Err(file.missing("file_data")),
            };
            let content = Content::File { source, name: file.text("filename")? };
            inner_rest = Some(("file", file));
            content
        }
        _ => return Ok(Content::Other { kind, raw: raw.into() }.into()),
    };
    let cache_control = part.raw("cache_control");
    let mut extra = part.rest();
    if let Some((key, inner)) = inner_rest {
        inner.rest_into(&mut extra, key);
    }
    Ok(Part { content, cache_control, extra })
}

/// What the model said: thoughts, text, refusal, calls, in this order.
pub(super) fn assistant_parts(said: &mut Object<'_>) -> Result<Vec<Part>, ParseError> {
    let mut parts = thoughts(said)?;
    parts.extend(parts_of(said, "content")?);
    if let Some(refusal) = said.text("refusal")? {
        parts.push(Content::Refusal(refusal).into());
    }
    let path = said.path_of("tool_calls");
    for (i, raw) in said.list("tool_calls")?.unwrap_or_default().into_iter().enumerate() {
        parts.push(tool_call(&format!("{path}[{i}]"), raw)?);
    }
    Ok(parts)
}

fn thoughts(said: &mut Object<'_>) -> Result<Vec<Part>, ParseError> {
    let path = said.path_of("thinking_blocks");
    let plain = said.text("reasoning_content")?;
    let blocks = said.list("thinking_blocks")?.unwrap_or_default();
    if blocks.is_empty() {
        return Ok(plain.filter(|t| !t.is_empty()).map(|text| Content::Thinking { text, signature: None }.into()).into_iter().collect());
    }
    let read = |(i, raw): (usize, &RawValue)| {
        let mut block = Object::at(&format!("{path}[{i}]"), raw)?;
        let content = match block.need_text("type")?.as_str() {
            "thinking" => Content::Thinking { text: block.text("thinking")?.unwrap_or_default(), signature: block.text("signature")? },
            "redacted_thinking" => Content::RedactedThinking { data: block.need_text("data")? },
            _ => return Err(block.wrong("type", "must be thinking or redacted_thinking")),
        };
        Ok(Part { content, cache_control: block.raw("cache_control"), extra: block.rest() })
    };
    blocks.into_iter().enumerate().map(read).collect()
}

fn tool_call(path: &str, raw: &RawValue) -> Result<Part, ParseError> {
    let mut call = Object::at(path, raw)?;
    let kind = call.text("type")?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        return Ok(Content::Other { kind, raw: raw.into() }.into());
    }
    let mut function = call.need_object("function")?;
    let arguments = function.text("arguments")?.filter(|a| !a.trim().is_empty()).unwrap_or_else(|| "{}".to_owned());
    let content = Content::ToolCall { id: call.need_text("id")?, name: function.need_text("name")?, arguments };
    // Some upstreams count the calls here too.
    call.take("index");
    let cache_control = call.raw("cache_control");
    let mut extra = call.rest();
    function.rest_into(&mut extra, "function");
    Ok(Part { content, cache_control, extra })
}

/// The message of a tool.
pub(super) fn tool_result(said: &mut Object<'_>) -> Result<Part, ParseError> {
    let id = said.need_text("tool_call_id")?;
    Ok(Content::ToolResult { id, parts: parts_of(said, "content")?, is_error: false }.into())
}

/// The fields of an assistant's message that are not its text.
pub(super) fn put_thoughts(message: &mut Members, parts: &[Part]) {
    let plain: String =
        parts.iter().filter_map(|p| if let Content::Thinking { text, .. } = &p.content { Some(text.as_str()) } else { None }).collect();
    if !plain.is_empty() {
        message.put("reasoning_content", &plain);
    }
    let sealed = |p: &Part| matches!(&p.content, Content::Thinking { signature: Some(_), .. } | Content::RedactedThinking { .. });
    if parts.iter().any(sealed) {
        let blocks: Vec<Json> = parts.iter().filter_map(thinking_block).collect();
        message.json("thinking_blocks", &Json::list(&blocks));
    }
}

fn thinking_block(part: &Part) -> Option<Json> {
    let mut block = match &part.content {
        Content::Thinking { text, signature } => {
            let mut block = Members::of_type("thinking").with("thinking", text);
            block.some("signature", signature.as_ref());
            block
        }
        Content::RedactedThinking { data } => Members::of_type("redacted_thinking").with("data", data),
        _ => return None,
    };
    block.some("cache_control", part.cache_control.as_ref());
    Some(block.finish())
}

/// A call as it stands in a message.
pub(super) fn call(id: &str, name: &str, arguments: &str) -> Members {
    Members::new()
        .with("id", id)
        .with("type", "function")
        .with_json("function", &Members::new().with("name", name).with("arguments", arguments).finish())
}

/// The text of all parts that are text.
pub(super) fn text_of(parts: &[Part]) -> Option<String> {
    let mut texts = parts.iter().filter_map(|p| if let Content::Text(text) = &p.content { Some(text.as_str()) } else { None }).peekable();
    texts.peek().is_some().then(|| texts.collect())
}
