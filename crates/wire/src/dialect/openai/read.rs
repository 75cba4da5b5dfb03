//! Reads a request.

use super::content::{assistant_parts, parts_of, tool_result};
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Effort, Logprobs, Message, Raw, Reasoning, Request, ResponseFormat, Role, Tool, ToolChoice, ToolFunction};
use serde_json::value::RawValue;

/// Reads a body. Nothing is lost: what the form has no place for is in `extra` or `Other`.
pub fn read_request(body: &[u8]) -> Result<Request, ParseError> {
    let mut top = Object::body(body)?;
    let model = top.text("model")?.filter(|m| !m.is_empty()).ok_or_else(|| top.missing("model"))?;
    let mut request = Request::new(Dialect::OpenAi, model);
    for (index, raw) in top.list("messages")?.ok_or_else(|| top.missing("messages"))?.into_iter().enumerate() {
        message(&mut request, index, raw)?;
    }
    for (i, raw) in top.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        request.tools.push(tool(&format!("tools[{i}]"), raw)?);
    }
    request.tool_choice = top.take("tool_choice").map(tool_choice).transpose()?;
    request.parallel_tool_calls = top.boolean("parallel_tool_calls")?;
    let (limit, old_limit) = (top.whole("max_completion_tokens")?, top.whole("max_tokens")?);
    request.max_tokens = limit.or(old_limit);
    request.temperature = top.number("temperature")?;
    request.top_p = top.number("top_p")?;
    request.top_k = top.whole("top_k")?;
    request.stop = stop(&mut top)?;
    request.seed = top.signed("seed")?;
    request.n = top.whole("n")?;
    let top_logprobs = top.whole("top_logprobs")?;
    request.logprobs = (top.boolean("logprobs")? == Some(true) || top_logprobs.is_some()).then_some(Logprobs { top: top_logprobs });
    if let Some(format) = top.object("response_format")? {
        request.response_format = Some(response_format(format, &mut request.extra)?);
    }
    if let Some(name) = top.text("reasoning_effort")? {
        let effort = Effort::of_name(&name)
            .ok_or_else(|| top.wrong("reasoning_effort", "must be none, minimal, low, medium, high, xhigh or max"))?;
        request.reasoning = Some(Reasoning { effort: Some(effort), budget: None });
    }
    request.stream = top.boolean("stream")?.unwrap_or(false);
    if let Some(mut options) = top.object("stream_options")? {
        request.include_usage = options.boolean("include_usage")?.unwrap_or(false);
        options.rest_into(&mut request.extra, "stream_options");
    }
    request.user = top.text("user")?;
    request.extra.extend(top.rest());
    Ok(request)
}

fn message(request: &mut Request, index: usize, raw: &RawValue) -> Result<(), ParseError> {
    let path = format!("messages[{index}]");
    let mut said = Object::at(&path, raw)?;
    let name = said.need_text("role")?;
    let cache_control = said.raw("cache_control");
    let (role, mut parts) = match name.as_str() {
        "system" | "developer" => (None, parts_of(&mut said, "content")?),
        "user" => (Some(Role::User), parts_of(&mut said, "content")?),
        "assistant" => (Some(Role::Assistant), assistant_parts(&mut said)?),
        "tool" => (Some(Role::Tool), vec![tool_result(&mut said)?]),
        _ => return Err(said.wrong("role", "must be system, developer, user, assistant or tool")),
    };
    if let (Some(mark), Some(last)) = (cache_control, parts.last_mut())
        && last.cache_control.is_none()
    {
        last.cache_control = Some(mark);
    }
    let extra = said.rest();
    if let Some(role) = role {
        request.messages.push(Message { role, parts, index, extra });
    } else {
        request.system.extend(parts);
        request.extra.extend(extra.into_iter().map(|(key, value)| (format!("{path}.{key}"), value)));
    }
    Ok(())
}

fn tool(path: &str, raw: &RawValue) -> Result<Tool, ParseError> {
    let mut tool = Object::at(path, raw)?;
    let kind = tool.text("type")?.unwrap_or_else(|| "function".to_owned());
    if kind != "function" {
        return Ok(Tool::Other { kind, raw: raw.into() });
    }
    let mut function = tool.need_object("function")?;
    let (name, description) = (function.need_text("name")?, function.text("description")?);
    let (schema, strict) = (function.raw("parameters"), function.boolean("strict")?);
    let cache_control = tool.raw("cache_control").or_else(|| function.raw("cache_control"));
    let mut extra = tool.rest();
    function.rest_into(&mut extra, "function");
    Ok(Tool::Function(ToolFunction { name, description, schema, strict, cache_control, extra }))
}

fn tool_choice(raw: &RawValue) -> Result<ToolChoice, ParseError> {
    Ok(match raw.get() {
        r#""auto""# => ToolChoice::Auto,
        r#""none""# => ToolChoice::None,
        r#""required""# => ToolChoice::Required,
        text if text.starts_with('{') => {
            let mut choice = Object::at("tool_choice", raw)?;
            if choice.need_text("type")? != "function" {
                return Ok(ToolChoice::Other(raw.into()));
            }
            ToolChoice::Tool(choice.need_object("function")?.need_text("name")?)
        }
        _ => return Err(ParseError::field("tool_choice", "must be auto, none, required or an object")),
    })
}

fn stop(top: &mut Object<'_>) -> Result<Vec<String>, ParseError> {
    let Some(raw) = top.take("stop") else { return Ok(Vec::new()) };
    let one = |text: &str| serde_json::from_str::<String>(text).map(|one| vec![one]);
    one(raw.get()).or_else(|_| serde_json::from_str(raw.get())).map_err(|_| top.wrong("stop", "must be text or a list of texts"))
}

fn response_format(mut format: Object<'_>, extra: &mut crate::form::Extra) -> Result<ResponseFormat, ParseError> {
    let read = match format.need_text("type")?.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let mut inner = format.need_object("json_schema")?;
            let schema = inner.raw("schema").or_else(|| Raw::parse("{}")).ok_or_else(|| inner.missing("schema"))?;
            let (name, description) = (inner.text("name")?, inner.text("description")?);
            let strict = inner.boolean("strict")?;
            inner.rest_into(extra, "response_format.json_schema");
            ResponseFormat::JsonSchema { name, description, schema, strict }
        }
        _ => return Err(format.wrong("type", "must be text, json_object or json_schema")),
    };
    format.rest_into(extra, "response_format");
    Ok(read)
}
