//! Reads a request.

use super::read_items::input;
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Effort, Logprobs, Part, Raw, Reasoning, Request, ResponseFormat, Tool, ToolChoice, ToolFunction};
use serde_json::value::RawValue;

/// Reads a body. Nothing is lost: what the form has no place for is in `extra` or `Other`.
pub fn read_request(body: &[u8]) -> Result<Request, ParseError> {
    let mut top = Object::body(body)?;
    let model = top.text("model")?.filter(|m| !m.is_empty()).ok_or_else(|| top.missing("model"))?;
    let mut request = Request::new(Dialect::Responses, model);
    request.system.extend(top.text("instructions")?.map(Part::text));
    input(&mut request, &mut top)?;
    for (i, raw) in top.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tool(&format!("tools[{i}]"), raw)?);
    }
    request.tool_choice = top.take("tool_choice").map(tool_choice).transpose()?;
    request.parallel_tool_calls = top.boolean("parallel_tool_calls")?;
    request.max_tokens = top.whole("max_output_tokens")?;
    request.temperature = top.number("temperature")?;
    request.top_p = top.number("top_p")?;
    request.logprobs = top.whole("top_logprobs")?.filter(|n| *n > 0).map(|n| Logprobs { top: Some(n) });
    if let Some(text) = top.object("text")? {
        format(&mut request, text)?;
    }
    if let Some(mut reasoning) = top.object("reasoning")? {
        if let Some(name) = reasoning.text("effort")? {
            let effort = Effort::of_name(&name)
                .ok_or_else(|| reasoning.wrong("effort", "must be none, minimal, low, medium, high, xhigh or max"))?;
            request.reasoning = Some(Reasoning { effort: Some(effort), budget: None });
        }
        reasoning.rest_into(&mut request.extra, "reasoning");
    }
    request.stream = top.boolean("stream")?.unwrap_or(false);
    request.include_usage = request.stream;
    request.user = top.text("user")?;
    request.extra.extend(top.rest());
    Ok(request)
}

fn tool(path: &str, raw: &RawValue) -> Result<Tool, ParseError> {
    let mut tool = Object::at(path, raw)?;
    let kind = tool.need_text("type")?;
    if kind != "function" {
        return Ok(Tool::Other { kind, raw: raw.into() });
    }
    let (name, description) = (tool.need_text("name")?, tool.text("description")?);
    let (schema, strict) = (tool.raw("parameters"), tool.boolean("strict")?);
    Ok(Tool::Function(ToolFunction { name, description, schema, strict, cache_control: None, extra: tool.rest() }))
}

fn tool_choice(raw: &RawValue) -> Result<ToolChoice, ParseError> {
    Ok(match raw.get() {
        r#""auto""# => ToolChoice::Auto,
        r#""none""# => ToolChoice::None,
        r#""required""# => ToolChoice::Required,
        _ => {
            let mut choice = Object::at("tool_choice", raw)?;
            match choice.need_text("type")?.as_str() {
                "function" => ToolChoice::Tool(choice.need_text("name")?),
                _ => ToolChoice::Other(raw.into()),
            }
        }
    })
}

fn format(request: &mut Request, mut text: Object<'_>) -> Result<(), ParseError> {
    if let Some(mut format) = text.object("format")? {
        request.response_format = Some(match format.need_text("type")?.as_str() {
            "text" => ResponseFormat::Text,
            "json_object" => ResponseFormat::JsonObject,
            "json_schema" => ResponseFormat::JsonSchema {
                name: format.text("name")?,
                description: format.text("description")?,
                schema: format.raw("schema").or_else(|| Raw::parse("{}")).ok_or_else(|| format.missing("schema"))?,
                strict: format.boolean("strict")?,
            },
            _ => return Err(format.wrong("type", "must be text, json_object or json_schema")),
        });
        format.rest_into(&mut request.extra, "text.format");
    }
    text.rest_into(&mut request.extra, "text");
    Ok(())
}
