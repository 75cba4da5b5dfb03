//! Content blocks, read: objects with one member, whose name says what they are.

use super::cache;
use super::media::{DOCUMENTS, PICTURES, media_type_of};
use crate::chat::ParseError;
use crate::dialect::json::Object;
use crate::form::{Content, Extra, Part, Source};
use serde_json::value::RawValue;

/// The blocks of a list.
pub(super) fn blocks_of(said: &mut Object<'_>, key: &str) -> Result<Vec<Part>, ParseError> {
    blocks_in(said, key, false)
}

fn blocks_in(said: &mut Object<'_>, key: &str, in_result: bool) -> Result<Vec<Part>, ParseError> {
    let path = said.path_of(key);
    let mut parts: Vec<Part> = Vec::new();
    for (i, raw) in said.list(key)?.unwrap_or_default().into_iter().enumerate() {
        match (cache::mark(raw), parts.last_mut()) {
            (Some(mark), Some(last)) if last.cache_control.is_none() && !matches!(last.content, Content::Other { .. }) => {
                last.cache_control = Some(mark);
            }
            _ => parts.push(block(&format!("{path}[{i}]"), raw, in_result)?),
        }
    }
    Ok(parts)
}

/// Reads one block. One that only this dialect knows, or whose source only it knows, is kept whole.
fn block(path: &str, raw: &RawValue, in_result: bool) -> Result<Part, ParseError> {
    let mut block = Object::at(path, raw)?;
    let kind = block.keys().next().map(str::to_owned).ok_or_else(|| ParseError::field(path, "must say something"))?;
    let mut extra = Extra::new();
    let content = match kind.as_str() {
        "text" => Some(Content::Text(block.need_text("text")?)),
        "json" if in_result => block.raw("json").map(|json| Content::Text(json.as_str().to_owned())),
        "image" | "document" | "audio" | "toolUse" | "toolResult" | "reasoningContent" => {
            let mut inner = block.need_object(&kind)?;
            let content = match kind.as_str() {
                "image" => image(&mut inner)?,
                "document" => document(&mut inner)?,
                "audio" => audio(&mut inner)?,
                "toolUse" => tool_use(&mut inner)?,
                "toolResult" if !in_result => tool_result(&mut inner)?,
                "reasoningContent" => reasoning(&mut inner)?,
                _ => None,
            };
            inner.rest_into(&mut extra, &kind);
            content
        }
        _ => None,
    };
    let Some(content) = content else { return Ok(Content::Other { kind, raw: raw.into() }.into()) };
    extra.extend(block.rest());
    Ok(Part { content, cache_control: None, extra })
}

/// The bytes of a source, base64; `None` for a place in Amazon's store.
fn bytes(inner: &mut Object<'_>) -> Result<Option<String>, ParseError> {
    inner.need_object("source")?.text("bytes")
}

fn image(image: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    let media_type = media_type_of(PICTURES, &image.need_text("format")?);
    let Some((media_type, data)) = media_type.zip(bytes(image)?) else { return Ok(None) };
    Ok(Some(Content::Image { source: Source::Base64 { media_type, data }, detail: None }))
}

fn document(document: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    let format = document.text("format")?.unwrap_or_else(|| "txt".to_owned());
    let mut source = document.need_object("source")?;
    let source = match (source.text("bytes")?, source.text("text")?, media_type_of(DOCUMENTS, &format)) {
        (Some(data), _, Some(media_type)) => Source::Base64 { media_type, data },
        (None, Some(text), _) if format == "txt" => Source::Text(text),
        _ => return Ok(None),
    };
    Ok(Some(Content::File { source, name: document.text("name")? }))
}

fn audio(audio: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    let format = audio.need_text("format")?;
    Ok(bytes(audio)?.map(|data| Content::Audio { data, format }))
}

/// A call; one of a tool that runs at the provider says so in its type.
fn tool_use(call: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    if call.take("type").is_some() {
        return Ok(None);
    }
    let arguments = call.raw("input").map_or_else(|| "{}".to_owned(), |input| input.as_str().to_owned());
    Ok(Some(Content::ToolCall { id: call.need_text("toolUseId")?, name: call.need_text("name")?, arguments }))
}

fn tool_result(result: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    if result.take("type").is_some() {
        return Ok(None);
    }
    let is_error = match result.text("status")?.as_deref() {
        None | Some("success") => false,
        Some("error") => true,
        Some(_) => return Err(result.wrong("status", "must be success or error")),
    };
    let id = result.need_text("toolUseId")?;
    Ok(Some(Content::ToolResult { id, parts: blocks_in(result, "content", true)?, is_error }))
}

fn reasoning(thought: &mut Object<'_>) -> Result<Option<Content>, ParseError> {
    if let Some(data) = thought.text("redactedContent")? {
        return Ok(Some(Content::RedactedThinking { data }));
    }
    let Some(mut said) = thought.object("reasoningText")? else { return Ok(None) };
    let signature = said.text("signature")?.filter(|s| !s.is_empty());
    Ok(Some(Content::Thinking { text: said.text("text")?.unwrap_or_default(), signature }))
}
