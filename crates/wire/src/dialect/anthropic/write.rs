//! Writes a request.

use super::thinking::{self, Thinking};
use super::write_blocks::{Blocks, part, system};
use crate::dialect::json::{Json, Members};
use crate::dialect::{Dialect, asks_for_nothing, foreign, tool_list};
use crate::form::{Loss, Message, Request, ResponseFormat, Role, ToolChoice, ToolFunction, Untranslatable, Written};
use serde_json::{Value, json};

/// What the target takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave out what the dialect has no word for, instead of refusing.
    pub drop_unsupported: bool,
    /// `max_tokens` for callers who give none: the dialect needs one.
    pub default_max_tokens: Option<u32>,
    /// How the model is told to think.
    pub thinking: Thinking,
}

/// Writes a body.
pub fn write_request(request: &Request, options: Options) -> Result<Written, Untranslatable> {
    let mut loss = Loss::new(options.drop_unsupported);
    let own = request.dialect == Dialect::Anthropic;
    let max_tokens = request
        .max_tokens
        .or(options.default_max_tokens.map(u64::from))
        .ok_or_else(|| Untranslatable::invalid("max_tokens", "is required: this model has no default"))?;
    let mut body = Members::new().with("model", &request.model).with("max_tokens", &max_tokens);
    let blocks = system(request, &mut loss)?;
    if !blocks.is_empty() {
        body.json("system", &Json::list(&blocks));
    }
    body.json("messages", &messages(request, &mut loss)?);
    tools(request, own, &mut loss, &mut body)?;
    let thinking = thinking::write(request, max_tokens, options.thinking, &mut loss)?;
    if let Some(json) = &thinking.thinking {
        body.json("thinking", json);
    }
    let config = output_config(request, own, thinking.effort, &mut loss)?;
    if !config.is_empty() {
        body.json("output_config", &config.finish());
    }
    sampling(request, &mut loss, &mut body)?;
    if request.stream {
        body.put("stream", &true);
    }
    let mut metadata = Members::new();
    metadata.some("user_id", request.user.as_ref());
    if own {
        metadata.inner(&request.extra, "metadata");
    }
    if !metadata.is_empty() {
        body.json("metadata", &metadata.finish());
    }
    if own {
        body.extra(&request.extra, &["metadata", "thinking", "output_config", "output_config.format"]);
    } else {
        foreign(&mut loss, "", &request.extra, asks_for_nothing)?;
    }
    Ok(loss.written(body.finish().into_bytes()))
}

/// Messages of the same role in a row are one turn.
fn messages(request: &Request, loss: &mut Loss) -> Result<Json, Untranslatable> {
    let mut turns: Vec<(&str, Vec<Json>)> = Vec::with_capacity(request.messages.len());
    for message in &request.messages {
        let path = request.path_of(message);
        foreign(loss, &format!("{path}."), &message.extra, if message.role == Role::Tool { named_tool } else { |_, _| false })?;
        let mut blocks = Vec::with_capacity(message.parts.len());
        for p in &message.parts {
            blocks.extend(part(&Blocks { path: &path, request, role: message.role }, p, loss)?);
        }
        let role = role(message);
        match turns.last_mut() {
            _ if blocks.is_empty() => {}
            Some((last, turn)) if *last == role => turn.append(&mut blocks),
            _ => turns.push((role, blocks)),
        }
    }
    let json = |(role, blocks): &(&str, Vec<Json>)| Members::new().with("role", role).with_json("content", &Json::list(blocks)).finish();
    Ok(Json::list(&turns.iter().map(json).collect::<Vec<_>>()))
}

const fn role(message: &Message) -> &'static str {
    match message.role {
        Role::Assistant => "assistant",
        Role::User | Role::Tool => "user",
    }
}

/// The name of the tool that answers: its call says it too.
fn named_tool(key: &str, _: &Value) -> bool {
    key == "name"
}

fn tools(request: &Request, own: bool, loss: &mut Loss, body: &mut Members) -> Result<(), Untranslatable> {
    let tools = tool_list(request, own, loss, function_tool)?;
    if tools.is_empty() {
        return Ok(());
    }
    body.json("tools", &Json::list(&tools));
    let choice = match &request.tool_choice {
        Some(ToolChoice::Auto) => Some(Members::of_type("auto")),
        Some(ToolChoice::Required) => Some(Members::of_type("any")),
        Some(ToolChoice::Tool(name)) => Some(Members::of_type("tool").with("name", name)),
        Some(ToolChoice::None) => {
            body.json("tool_choice", &Members::of_type("none").finish());
            return Ok(());
        }
        Some(ToolChoice::Other(raw)) if own => {
            body.put("tool_choice", raw);
            return Ok(());
        }
        Some(ToolChoice::Other(_)) => {
            loss.refuse("tool_choice", "there is no such choice")?;
            None
        }
        None => None,
    };
    match (choice, request.parallel_tool_calls) {
        (choice, Some(false)) => {
            let choice = choice.unwrap_or_else(|| Members::of_type("auto"));
            body.json("tool_choice", &choice.with("disable_parallel_tool_use", &true).finish());
        }
        (Some(choice), _) => drop(body.json("tool_choice", &choice.finish())),
        (None, _) => {}
    }
    Ok(())
}

fn function_tool(i: usize, tool: &ToolFunction, own: bool, loss: &mut Loss) -> Result<Json, Untranslatable> {
    let mut out = Members::new().with("name", &tool.name);
    out.some("description", tool.description.as_ref());
    match &tool.schema {
        Some(schema) => out.put("input_schema", schema),
        None => out.put("input_schema", &json!({ "type": "object", "properties": {} })),
    };
    // Not strict is what is without it.
    out.some("strict", tool.strict.as_ref().filter(|s| **s)).some("cache_control", tool.cache_control.as_ref());
    if own {
        out.extra(&tool.extra, &[]);
    } else {
        foreign(loss, &format!("tools[{i}]."), &tool.extra, |_, _| false)?;
    }
    Ok(out.finish())
}

fn output_config(request: &Request, own: bool, effort: Option<&str>, loss: &mut Loss) -> Result<Members, Untranslatable> {
    let mut config = Members::new();
    config.some("effort", effort.as_ref());
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { description, schema, .. }) => {
            if description.is_some() {
                loss.refuse("response_format.json_schema.description", "there is a schema only; say it in a message")?;
            }
            let mut format = Members::of_type("json_schema").with("schema", schema);
            if own {
                format.inner(&request.extra, "output_config.format");
            }
            config.json("format", &format.finish());
        }
        Some(ResponseFormat::JsonObject) => loss.refuse("response_format", "there is no `json_object`; give a `json_schema`")?,
        Some(ResponseFormat::Text) | None => {}
    }
    if own {
        config.inner(&request.extra, "output_config");
    }
    Ok(config)
}

fn sampling(request: &Request, loss: &mut Loss, body: &mut Members) -> Result<(), Untranslatable> {
    match request.temperature {
        Some(hot) if hot > 1.0 => {
            loss.refuse("temperature", "it goes from 0 to 1")?;
            body.put("temperature", &1);
        }
        temperature => drop(body.some("temperature", temperature.as_ref())),
    }
    body.some("top_p", request.top_p.as_ref()).some("top_k", request.top_k.as_ref());
    let (stop, blank): (Vec<&String>, Vec<&String>) = request.stop.iter().partition(|s| !s.trim().is_empty());
    if !blank.is_empty() {
        loss.refuse("stop", "a text at which to stop must not be blank")?;
    }
    if !stop.is_empty() {
        body.put("stop_sequences", &stop);
    }
    if request.seed.is_some() {
        loss.refuse("seed", "sampling cannot be repeated")?;
    }
    if request.n.is_some_and(|n| n != 1) {
        loss.refuse("n", "there is one answer to a call")?;
    }
    if request.logprobs.is_some() {
        loss.refuse("logprobs", "there are none")?;
    }
    Ok(())
}
