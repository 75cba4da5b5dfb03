//! Content blocks, read.

use crate::chat::ParseError;
use crate::dialect::json::Object;
use crate::form::{Content, Part, Source};
use serde_json::value::RawValue;

/// The blocks of a field that is text or a list.
pub(super) fn blocks_of(said: &mut Object<'_>, key: &str) -> Result<Vec<Part>, ParseError> {
    blocks_in(said, key, false)
}

fn blocks_in(said: &mut Object<'_>, key: &str, in_result: bool) -> Result<Vec<Part>, ParseError> {
    let path = said.path_of(key);
    let Some(raw) = said.take(key) else { return Ok(Vec::new()) };
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Ok(vec![Part::text(text)]);
    }
    let list: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| ParseError::field(&path, "must be text or a list"))?;
    list.into_iter().enumerate().map(|(i, raw)| block(&format!("{path}[{i}]"), raw, in_result)).collect()
}

/// Reads one block. One that only this dialect knows, or whose source only it knows, is kept whole; so is a result in a result: a body could
/// nest them deeper than any stack.
fn block(path: &str, raw: &RawValue, in_result: bool) -> Result<Part, ParseError> {
    let mut block = Object::at(path, raw)?;
    let kind = block.need_text("type")?;
    let content = match kind.as_str() {
        "text" => Some(Content::Text(block.need_text("text")?)),
        "image" => source(&mut block)?.map(|source| Content::Image { source, detail: None }),
        "document" => source(&mut block)?.map(|source| Ok(Content::File { source, name: block.text("title")? })).transpose()?,
        "tool_use" => {
            let arguments = block.raw("input").map_or_else(|| "{}".to_owned(), |input| input.as_str().to_owned());
            Some(Content::ToolCall { id: block.need_text("id")?, name: block.need_text("name")?, arguments })
        }
        "tool_result" if !in_result => {
            let id = block.need_text("tool_use_id")?;
            let parts = blocks_in(&mut block, "content", true)?;
            Some(Content::ToolResult { id, parts, is_error: block.boolean("is_error")?.unwrap_or(false) })
        }
        "thinking" => Some(Content::Thinking { text: block.text("thinking")?.unwrap_or_default(), signature: signature(&mut block)? }),
        "redacted_thinking" => Some(Content::RedactedThinking { data: block.need_text("data")? }),
        _ => None,
    };
    let Some(content) = content else { return Ok(Content::Other { kind, raw: raw.into() }.into()) };
    Ok(Part { content, cache_control: block.raw("cache_control"), extra: block.rest() })
}

/// Empty on thoughts of providers that sign none.
fn signature(block: &mut Object<'_>) -> Result<Option<String>, ParseError> {
    Ok(block.text("signature")?.filter(|s| !s.is_empty()))
}

fn source(block: &mut Object<'_>) -> Result<Option<Source>, ParseError> {
    let mut source = block.need_object("source")?;
    Ok(match source.need_text("type")?.as_str() {
        "base64" => Some(Source::Base64 { media_type: source.need_text("media_type")?, data: source.need_text("data")? }),
        "url" => Some(Source::Url(source.need_text("url")?)),
        "file" => Some(Source::Id(source.need_text("file_id")?)),
        "text" => Some(Source::Text(source.need_text("data")?)),
        _ => None,
    })
}
