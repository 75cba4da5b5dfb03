//! Reads a request.

use super::parts::{Calls, parts_of};
use super::schema::{answer_schema, json_schema, strict};
use super::thinking;
use crate::chat::ParseError;
use crate::dialect::Dialect;
use crate::dialect::json::Object;
use crate::form::{Extra, Logprobs, Message, Part, Raw, Request, ResponseFormat, Role, Tool, ToolChoice, ToolFunction};
use serde_json::value::RawValue;

/// Reads a body. Nothing is lost: what the form has no place for is in `extra` or `Other`.
///
/// The model and `stream` are not in the body: the model is empty unless the body names it all the same, and whoever has the address sets both
/// from [`super::target`].
pub fn read_request(body: &[u8]) -> Result<Request, ParseError> {
    let mut top = Object::body(body)?.camel()?;
    let model = top.text("model")?.unwrap_or_default();
    let mut request = Request::new(Dialect::Gemini, model.strip_prefix("models/").unwrap_or(&model).to_owned());
    let mut calls = Calls::default();
    if let Some(raw) = top.take("systemInstruction") {
        request.system = system(raw, &mut calls, &mut request.extra)?;
    }
    for (index, raw) in top.list("contents")?.ok_or_else(|| top.missing("contents"))?.into_iter().enumerate() {
        content(&mut request, index, raw, &mut calls)?;
    }
    for (i, raw) in top.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        tools(&format!("tools[{i}]"), raw, &mut request.tools)?;
    }
    if let Some(config) = top.object("toolConfig")? {
        tool_config(&mut request, config.camel()?)?;
    }
    if let Some(config) = top.object("generationConfig")? {
        generation_config(&mut request, config.camel()?)?;
    }
    request.include_usage = true;
    request.extra.extend(top.rest());
    Ok(request)
}

fn system(raw: &RawValue, calls: &mut Calls, extra: &mut Extra) -> Result<Vec<Part>, ParseError> {
    if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
        return Ok(vec![Part::text(text)]);
    }
    let mut said = Object::at("systemInstruction", raw)?.camel()?;
    // Its role says nothing.
    said.take("role");
    let parts = parts_of(&mut said, calls)?;
    said.rest_into(extra, "systemInstruction");
    Ok(parts)
}

fn content(request: &mut Request, index: usize, raw: &RawValue, calls: &mut Calls) -> Result<(), ParseError> {
    let mut said = Object::at(&format!("contents[{index}]"), raw)?.camel()?;
    let role = match said.text("role")?.as_deref() {
        // A single turn may leave it out; `function` is an old name.
        None | Some("user" | "function" | "") => Role::User,
        Some("model") => Role::Assistant,
        _ => return Err(said.wrong("role", "must be user or model")),
    };
    let parts = parts_of(&mut said, calls)?;
    request.messages.push(Message { role, parts, index, extra: said.rest() });
    Ok(())
}

/// One of the lists of tools: functions, and tools that run at the provider.
fn tools(path: &str, raw: &RawValue, out: &mut Vec<Tool>) -> Result<(), ParseError> {
    let mut tools = Object::at(path, raw)?.camel()?;
    for (i, raw) in tools.list("functionDeclarations")?.unwrap_or_default().into_iter().enumerate() {
        out.push(Tool::Function(function(&format!("{path}.functionDeclarations[{i}]"), raw)?));
    }
    let kinds: Vec<String> = tools.keys().map(str::to_owned).collect();
    for kind in kinds {
        let tool = tools.take(&kind).and_then(|raw| {
            let name = serde_json::to_string(&kind).ok()?;
            Raw::parse(&format!("{{{name}:{}}}", raw.get()))
        });
        out.extend(tool.map(|raw| Tool::Other { kind, raw }));
    }
    Ok(())
}

fn function(path: &str, raw: &RawValue) -> Result<ToolFunction, ParseError> {
    let mut tool = Object::at(path, raw)?.camel()?;
    let (name, description) = (tool.need_text("name")?, tool.text("description")?);
    let schema = schema(&mut tool, "parametersJsonSchema", "parameters", json_schema);
    Ok(ToolFunction { name, description, schema, strict: None, cache_control: None, extra: tool.rest() })
}

/// A schema, in JSON Schema or Google's own kind.
fn schema(from: &mut Object<'_>, json: &str, own: &str, read: fn(&RawValue) -> Raw) -> Option<Raw> {
    match from.raw(json) {
        Some(raw) => Some(raw),
        None => from.take(own).map(read),
    }
}

fn tool_config(request: &mut Request, mut config: Object<'_>) -> Result<(), ParseError> {
    if let Some(raw) = config.take("functionCallingConfig") {
        let mut calling = Object::at("toolConfig.functionCallingConfig", raw)?.camel()?;
        let mode = calling.text("mode")?.unwrap_or_default();
        let mut allowed = calling.texts("allowedFunctionNames")?.unwrap_or_default();
        let known = calling.rest().is_empty();
        request.tool_choice = match (mode.to_ascii_uppercase().as_str(), allowed.len()) {
            ("" | "MODE_UNSPECIFIED", 0) if known => None,
            ("AUTO", 0) if known => Some(ToolChoice::Auto),
            ("NONE", _) if known => Some(ToolChoice::None),
            ("ANY", 0) if known => Some(ToolChoice::Required),
            ("ANY", 1) if known => allowed.pop().map(ToolChoice::Tool),
            ("VALIDATED", 0) if known => {
                for tool in &mut request.tools {
                    if let Tool::Function(function) = tool {
                        function.strict = Some(true);
                    }
                }
                Some(ToolChoice::Auto)
            }
            _ => Some(ToolChoice::Other(raw.into())),
        };
    }
    config.rest_into(&mut request.extra, "toolConfig");
    Ok(())
}

fn generation_config(request: &mut Request, mut config: Object<'_>) -> Result<(), ParseError> {
    request.temperature = config.number("temperature")?;
    request.top_p = config.number("topP")?;
    // Google's own library writes it with a fraction.
    if let Some(top_k) = config.number("topK")? {
        let whole = format!("{top_k}").parse().map_err(|_| config.wrong("topK", "must be a whole number, not negative"))?;
        request.top_k = Some(whole);
    }
    request.max_tokens = config.whole("maxOutputTokens")?;
    request.stop = config.texts("stopSequences")?.unwrap_or_default();
    request.seed = config.signed("seed")?;
    request.n = config.whole("candidateCount")?;
    let top = config.whole("logprobs")?;
    request.logprobs = (config.boolean("responseLogprobs")? == Some(true)).then_some(Logprobs { top });
    request.reasoning = thinking::read(&mut config, &mut request.extra)?;
    let schema = schema(&mut config, "responseJsonSchema", "responseSchema", answer_schema);
    let kind = config.take("responseMimeType");
    request.response_format = match (kind.map(RawValue::get), schema) {
        (None | Some(r#""application/json""#), Some(schema)) => {
            let strict = Some(strict(&schema));
            Some(ResponseFormat::JsonSchema { name: None, description: None, schema, strict })
        }
        (Some(r#""application/json""#), None) => Some(ResponseFormat::JsonObject),
        (Some(r#""text/plain""#), None) => Some(ResponseFormat::Text),
        (None, None) => None,
        // One of a list of words: nobody else has it.
        (Some(_), schema) => {
            let value = |raw: &str| serde_json::from_str(raw).unwrap_or_default();
            request.extra.extend(kind.map(|raw| ("generationConfig.responseMimeType".to_owned(), value(raw.get()))));
            request.extra.extend(schema.map(|raw| ("generationConfig.responseJsonSchema".to_owned(), value(raw.as_str()))));
            None
        }
    };
    request.extra.extend(config.rest().into_iter().map(|(key, value)| (format!("generationConfig.{key}"), value)));
    Ok(())
}
