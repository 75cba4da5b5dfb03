//! Tools, read and written.

use super::family::Family;
use super::{answer, cache};
use crate::chat::ParseError;
use crate::dialect::foreign;
use crate::dialect::json::{Json, Members, Object};
use crate::form::{Content, Loss, Request, ResponseFormat, Tool, ToolChoice, ToolFunction, Untranslatable};
use serde_json::json;
use serde_json::value::RawValue;

/// The name of the object.
pub(super) const CONFIG: &str = "toolConfig";

/// Reads `toolConfig`.
pub(super) fn read(top: &mut Object<'_>, request: &mut Request) -> Result<(), ParseError> {
    let Some(mut config) = top.object(CONFIG)? else { return Ok(()) };
    for (i, raw) in config.list("tools")?.unwrap_or_default().into_iter().enumerate() {
        match (cache::mark(raw), request.tools.last_mut()) {
            (Some(mark), Some(Tool::Function(function))) if function.cache_control.is_none() => function.cache_control = Some(mark),
            _ => request.tools.push(tool(&format!("toolConfig.tools[{i}]"), raw)?),
        }
    }
    if let Some(raw) = config.take("toolChoice") {
        request.tool_choice = Some(choice(raw)?);
    }
    config.rest_into(&mut request.extra, CONFIG);
    Ok(())
}

fn tool(path: &str, raw: &RawValue) -> Result<Tool, ParseError> {
    let mut tool = Object::at(path, raw)?;
    let kind = tool.keys().next().map(str::to_owned).ok_or_else(|| ParseError::field(path, "must say something"))?;
    let Some(mut spec) = tool.object("toolSpec")? else { return Ok(Tool::Other { kind, raw: raw.into() }) };
    let (name, description) = (spec.need_text("name")?, spec.text("description")?);
    let schema = spec.object("inputSchema")?.and_then(|mut schema| schema.raw("json"));
    let strict = spec.boolean("strict")?;
    Ok(Tool::Function(ToolFunction { name, description, schema, strict, cache_control: None, extra: spec.rest() }))
}

fn choice(raw: &RawValue) -> Result<ToolChoice, ParseError> {
    let mut choice = Object::at("toolConfig.toolChoice", raw)?;
    let kind = choice.keys().next().map(str::to_owned);
    Ok(match kind.as_deref() {
        Some("auto") => ToolChoice::Auto,
        Some("any") => ToolChoice::Required,
        Some("tool") => ToolChoice::Tool(choice.need_object("tool")?.need_text("name")?),
        _ => ToolChoice::Other(raw.into()),
    })
}

/// Whether the answer is asked for with a tool: there is a shape, and no tool of the caller's must be called first.
pub(super) fn wants_answer(request: &Request, own: bool) -> bool {
    let first = matches!(request.tool_choice, Some(ToolChoice::Required | ToolChoice::Tool(_))) && !request.tools.is_empty();
    matches!(request.response_format, Some(ResponseFormat::JsonSchema { .. })) && !own && !first
}

/// Writes `toolConfig`; empty without tools.
pub(super) fn write(request: &Request, own: bool, family: Family, loss: &mut Loss) -> Result<Members, Untranslatable> {
    // Nothing may be called: as if there were no tools, unless some were called before, which needs their declaration.
    let withheld = request.tool_choice == Some(ToolChoice::None) && !called(request);
    let mut tools = if withheld { Vec::new() } else { list(request, own, family, loss)? };
    let functions = !tools.is_empty();
    if functions && request.parallel_tool_calls == Some(false) {
        loss.refuse("parallel_tool_calls", "the model decides how many")?;
    }
    let mut choice = chosen(request, own, functions, loss)?;
    if let Some(ResponseFormat::JsonSchema { description, schema, .. }) =
        request.response_format.as_ref().filter(|_| wants_answer(request, own))
    {
        tools.push(answer::tool(description.as_deref(), schema));
        let alone = !functions || request.tool_choice == Some(ToolChoice::None);
        choice = Some(if alone { named(answer::TOOL) } else { json_of("any") });
    }
    let mut config = Members::new();
    if !tools.is_empty() {
        config.json("tools", &Json::list(&tools));
    }
    if let Some(choice) = choice {
        config.json("toolChoice", &choice);
    }
    if own {
        config.inner(&request.extra, CONFIG);
    }
    Ok(config)
}

fn called(request: &Request) -> bool {
    let calls = |c: &Content| matches!(c, Content::ToolCall { .. } | Content::ToolResult { .. });
    request.messages.iter().flat_map(|m| &m.parts).any(|p| calls(&p.content))
}

fn chosen(request: &Request, own: bool, functions: bool, loss: &mut Loss) -> Result<Option<Json>, Untranslatable> {
    Ok(match &request.tool_choice {
        _ if !functions => None,
        Some(ToolChoice::Auto) => Some(json_of("auto")),
        Some(ToolChoice::Required) => Some(json_of("any")),
        Some(ToolChoice::Tool(name)) => Some(named(name)),
        Some(ToolChoice::Other(raw)) if own => Some(Json::of(raw)),
        // The answer's tool is the one to call.
        Some(ToolChoice::None) if wants_answer(request, own) => None,
        Some(ToolChoice::None) => {
            loss.refuse("tool_choice", "tools that were called before cannot be withheld")?;
            None
        }
        Some(ToolChoice::Other(_)) => {
            loss.refuse("tool_choice", "there is no such choice")?;
            None
        }
        None => None,
    })
}

fn json_of(choice: &str) -> Json {
    Members::new().with_json(choice, &Members::new().finish()).finish()
}

fn named(name: &str) -> Json {
    Members::new().with_json("tool", &Members::new().with("name", name).finish()).finish()
}

fn list(request: &Request, own: bool, family: Family, loss: &mut Loss) -> Result<Vec<Json>, Untranslatable> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (i, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function(function) => {
                tools.push(function_tool(i, function, own, loss)?);
                match &function.cache_control {
                    Some(mark) if own || family.caches_tools() => tools.push(cache::point(mark)),
                    Some(_) => loss.note(format!("tools[{i}].cache_control"), "tools are not cached for this model"),
                    None => {}
                }
            }
            Tool::Other { raw, .. } if own => tools.push(Json::of(raw)),
            Tool::Other { kind, .. } => loss.refuse(format!("tools[{i}]"), &format!("there is no tool of the type {kind}"))?,
        }
    }
    Ok(tools)
}

fn function_tool(i: usize, tool: &ToolFunction, own: bool, loss: &mut Loss) -> Result<Json, Untranslatable> {
    if tool.name == answer::TOOL && !own {
        return Err(Untranslatable::invalid(
            format!("tools[{i}].name"),
            "is taken: with this tool the model gives answers of a given shape",
        ));
    }
    let mut spec = Members::new().with("name", &tool.name);
    spec.some("description", tool.description.as_ref().filter(|d| !d.is_empty()));
    let input = match &tool.schema {
        Some(schema) => Members::new().with("json", schema),
        None => Members::new().with("json", &json!({ "type": "object", "properties": {} })),
    };
    // Not strict is what is without it.
    spec.json("inputSchema", &input.finish()).some("strict", tool.strict.as_ref().filter(|s| **s));
    if own {
        spec.extra(&tool.extra, &[]);
    } else {
        foreign(loss, &format!("tools[{i}]."), &tool.extra, |_, _| false)?;
    }
    Ok(Members::new().with_json("toolSpec", &spec.finish()).finish())
}
