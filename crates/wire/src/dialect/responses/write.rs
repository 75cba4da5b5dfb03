//! Writes a request.

use super::write_items::Items;
use crate::dialect::json::{Json, Members};
use crate::dialect::openai::effort;
use crate::dialect::{Dialect, foreign, shared, tool_list};
use crate::form::{Content, Effort, Loss, Part, Request, ResponseFormat, ToolChoice, ToolFunction, Untranslatable, Written};
use serde_json::{Value, json};

/// What the target takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave out what the dialect has no word for, instead of refusing.
    pub drop_unsupported: bool,
}

/// Writes a body. What came in another dialect is not to be kept by the provider, and its thoughts are asked for sealed, to be sent back.
pub fn write_request(request: &Request, options: Options) -> Result<Written, Untranslatable> {
    let mut loss = Loss::new(options.drop_unsupported);
    let own = request.dialect == Dialect::Responses;
    let mut body = Members::new().with("model", &request.model);
    let mut items = Items { loss: &mut loss, own, list: Vec::new() };
    match request.system.as_slice() {
        [] => {}
        [Part { content: Content::Text(text), cache_control: None, extra }] if extra.is_empty() => drop(body.put("instructions", text)),
        parts => items.message("system", "system", parts, None)?,
    }
    for message in &request.messages {
        items.turn(&request.path_of(message), message)?;
    }
    let list = Json::list(&items.list);
    body.json("input", &list);
    tools(request, own, &mut loss, &mut body)?;
    body.some("max_output_tokens", request.max_tokens.as_ref());
    body.some("temperature", request.temperature.as_ref()).some("top_p", request.top_p.as_ref());
    refuse_sampling(request, &mut loss)?;
    let mut include = Vec::new();
    if let Some(logprobs) = request.logprobs {
        body.put("top_logprobs", &logprobs.top.unwrap_or(0));
        include.push("message.output_text.logprobs");
    }
    let mut text = Members::new();
    if let Some(format) = &request.response_format {
        text.json("format", &response_format(format, request));
    }
    if own {
        text.inner(&request.extra, "text");
    }
    if !text.is_empty() {
        body.json("text", &text.finish());
    }
    let mut reasoning = Members::new();
    if let Some(effort) = effort(request) {
        reasoning.put("effort", effort.name());
    }
    if own {
        reasoning.inner(&request.extra, "reasoning");
    } else if request.reasoning.is_some_and(|r| r.effort != Some(Effort::None)) {
        reasoning.put("summary", "auto");
        include.push("reasoning.encrypted_content");
    }
    if !reasoning.is_empty() {
        body.json("reasoning", &reasoning.finish());
    }
    if request.stream {
        body.put("stream", &true);
    }
    body.some("user", request.user.as_ref());
    if own {
        return Ok(own_rest(request, loss, body));
    }
    if !include.is_empty() {
        body.put("include", &include);
    }
    let (shared, rest) = shared(request);
    body.extra(&shared, &[]);
    if !shared.contains_key("store") {
        body.put("store", &false);
    }
    if request.extra.contains_key("cache_control") {
        loss.note("cache_control", "prefixes are cached without a mark");
    }
    foreign(&mut loss, "", &rest, harmless)?;
    Ok(loss.written(body.finish().into_bytes()))
}

fn own_rest(request: &Request, mut loss: Loss, mut body: Members) -> Written {
    let mut placed = vec!["text", "text.format", "reasoning"];
    for key in request.extra.keys().filter(|key| key.starts_with("input[")) {
        loss.note(key, "system messages become one");
        placed.push(key);
    }
    body.extra(&request.extra, &placed);
    loss.written(body.finish().into_bytes())
}

/// What asks for nothing: the defaults of the other dialects.
fn harmless(key: &str, value: &Value) -> bool {
    match key {
        "cache_control" => true,
        "store" => value == false,
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "service_tier" => value == "auto" || value == "default",
        "modalities" => *value == json!(["text"]),
        "verbosity" => value == "medium",
        "stream_options" => *value == json!({ "include_obfuscation": false }),
        _ => false,
    }
}

fn refuse_sampling(request: &Request, loss: &mut Loss) -> Result<(), Untranslatable> {
    if request.top_k.is_some() {
        loss.refuse("top_k", "sampling is by `top_p` only")?;
    }
    if !request.stop.is_empty() {
        loss.refuse("stop", "there are no texts at which to stop")?;
    }
    if request.seed.is_some() {
        loss.refuse("seed", "sampling cannot be repeated")?;
    }
    if request.n.is_some_and(|n| n != 1) {
        loss.refuse("n", "there is one answer to a call")?;
    }
    Ok(())
}

fn tools(request: &Request, own: bool, loss: &mut Loss, body: &mut Members) -> Result<(), Untranslatable> {
    let tools = tool_list(request, own, loss, function_tool)?;
    if tools.is_empty() {
        return Ok(());
    }
    body.json("tools", &Json::list(&tools));
    match &request.tool_choice {
        Some(ToolChoice::Auto) => drop(body.put("tool_choice", "auto")),
        Some(ToolChoice::None) => drop(body.put("tool_choice", "none")),
        Some(ToolChoice::Required) => drop(body.put("tool_choice", "required")),
        Some(ToolChoice::Tool(name)) => drop(body.json("tool_choice", &Members::of_type("function").with("name", name).finish())),
        Some(ToolChoice::Other(raw)) if own => drop(body.put("tool_choice", raw)),
        Some(ToolChoice::Other(_)) => loss.refuse("tool_choice", "there is no such choice")?,
        None => {}
    }
    body.some("parallel_tool_calls", request.parallel_tool_calls.as_ref());
    Ok(())
}

fn function_tool(i: usize, tool: &ToolFunction, own: bool, loss: &mut Loss) -> Result<Json, Untranslatable> {
    let mut out = Members::of_type("function").with("name", &tool.name);
    out.some("description", tool.description.as_ref());
    match &tool.schema {
        Some(schema) => out.put("parameters", schema),
        None => out.put("parameters", &json!({ "type": "object", "properties": {} })),
    };
    // Strict is the default here and nowhere else.
    out.put("strict", &tool.strict.unwrap_or(own));
    if tool.cache_control.is_some() {
        loss.note(format!("tools[{i}].cache_control"), "prefixes are cached without a mark");
    }
    if own {
        out.extra(&tool.extra, &[]);
    } else {
        foreign(loss, &format!("tools[{i}]."), &tool.extra, |_, _| false)?;
    }
    Ok(out.finish())
}

fn response_format(format: &ResponseFormat, request: &Request) -> Json {
    let mut out = match format {
        ResponseFormat::Text => Members::of_type("text"),
        ResponseFormat::JsonObject => Members::of_type("json_object"),
        ResponseFormat::JsonSchema { name, description, schema, strict } => {
            let mut out = Members::of_type("json_schema").with("name", name.as_deref().unwrap_or("response"));
            out.some("description", description.as_ref()).put("schema", schema).some("strict", strict.as_ref());
            out
        }
    };
    out.inner(&request.extra, "text.format");
    out.finish()
}
