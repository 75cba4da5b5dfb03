//! Reads a request.

use super::blocks::blocks_of;
use super::thinking;
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Effort, Message, Request, ResponseFormat, Role, Tool, ToolChoice, ToolFunction};
use serde_json::value::RawValue;

/// Reads a body. Nothing is lost: what the form has no place for is in `extra` or `Other`.
pub fn read_request(body: &[u8]) -> Result<Request, ParseError> {
    let mut top = Object::body(body)?;
    let model = top.text("model")?.filter(|m| !m.is_empty()).ok_or_else(|| top.missing("model"))?;
    let mut request = Request::new(Dialect::Anthropic, model);
    request.max_tokens = Some(top.whole("max_tokens")?.ok_or_else(|| top.missing("max_tokens"))?);
    request.system = blocks_of(&mut top, "system")?;
    for (index, raw) in top.list("messages")?.ok_or_else(|| top.missing("messages"))?.into_iter().enumerate() {
        message(&mut request, index, raw)?;
    }
    for (i, raw) in top.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tool(&format!("tools[{i}]"), raw)?);
    }
    if let Some(raw) = top.take("tool_choice") {
        tool_choice(&mut request, raw)?;
    }
    request.temperature = top.number("temperature")?;
    request.top_p = top.number("top_p")?;
    request.top_k = top.whole("top_k")?;
    request.stop = top.texts("stop_sequences")?.unwrap_or_default();
    let effort = output_config(&mut request, &mut top)?;
    request.reasoning = thinking::read(&mut top, effort, &mut request.extra)?;
    request.stream = top.boolean("stream")?.unwrap_or(false);
    request.include_usage = request.stream;
    if let Some(mut metadata) = top.object("metadata")? {
        request.user = metadata.text("user_id")?;
        metadata.rest_into(&mut request.extra, "metadata");
    }
    request.extra.extend(top.rest());
    Ok(request)
}

fn message(request: &mut Request, index: usize, raw: &RawValue) -> Result<(), ParseError> {
    let mut said = Object::at(&format!("messages[{index}]"), raw)?;
    let role = match said.need_text("role")?.as_str() {
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "system" => {
            request.system.extend(blocks_of(&mut said, "content")?);
            return Ok(());
        }
        _ => return Err(said.wrong("role", "must be user or assistant")),
    };
    let parts = blocks_of(&mut said, "content")?;
    request.messages.push(Message { role, parts, index, extra: said.rest() });
    Ok(())
}

fn tool(path: &str, raw: &RawValue) -> Result<Tool, ParseError> {
    let mut tool = Object::at(path, raw)?;
    let kind = tool.text("type")?.unwrap_or_else(|| "custom".to_owned());
    if kind != "custom" {
        return Ok(Tool::Other { kind, raw: raw.into() });
    }
    let (name, description) = (tool.need_text("name")?, tool.text("description")?);
    let (schema, strict) = (tool.raw("input_schema"), tool.boolean("strict")?);
    let cache_control = tool.raw("cache_control");
    Ok(Tool::Function(ToolFunction { name, description, schema, strict, cache_control, extra: tool.rest() }))
}

fn tool_choice(request: &mut Request, raw: &RawValue) -> Result<(), ParseError> {
    let mut choice = Object::at("tool_choice", raw)?;
    request.tool_choice = Some(match choice.need_text("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::Tool(choice.need_text("name")?),
        _ => ToolChoice::Other(raw.into()),
    });
    request.parallel_tool_calls = choice.boolean("disable_parallel_tool_use")?.map(|disabled| !disabled);
    Ok(())
}

/// Reads `output_config`, and `output_format`, where its format was before.
fn output_config(request: &mut Request, top: &mut Object<'_>) -> Result<Option<Effort>, ParseError> {
    let mut format = top.object("output_format")?;
    let mut effort = None;
    if let Some(mut config) = top.object("output_config")? {
        if let Some(name) = config.text("effort")? {
            let level = Effort::of_name(&name).filter(|e| *e >= Effort::Low);
            effort = Some(level.ok_or_else(|| config.wrong("effort", "must be low, medium, high, xhigh or max"))?);
        }
        format = config.object("format")?.or(format);
        config.rest_into(&mut request.extra, "output_config");
    }
    let Some(mut format) = format else { return Ok(effort) };
    if format.need_text("type")? != "json_schema" {
        return Err(format.wrong("type", "must be json_schema"));
    }
    let schema = format.raw("schema").ok_or_else(|| format.missing("schema"))?;
    request.response_format =
        Some(ResponseFormat::JsonSchema { name: format.text("name")?, description: None, schema, strict: Some(true) });
    format.rest_into(&mut request.extra, "output_config.format");
    Ok(effort)
}
