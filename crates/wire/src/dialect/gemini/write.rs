//! Writes a request.

use super::contents::Contents;
use super::thinking::{self, Thinking};
use crate::dialect::json::{Json, Members};
use crate::dialect::{Dialect, asks_for_nothing, foreign};
use crate::form::{Extra, Loss, Request, ResponseFormat, Tool, ToolChoice, ToolFunction, Untranslatable, Written};
use serde_json::Value;

/// What the target takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave out what the dialect has no word for, instead of refusing.
    pub drop_unsupported: bool,
    /// How the model is told to think.
    pub thinking: Thinking,
    /// Earlier calls without a proof are marked as such: models from 3 on refuse them otherwise, and other dialects' callers rarely keep proofs.
    pub unproven_calls: bool,
}

/// Before the names of fields of `generationConfig` that are kept.
const CONFIG: &str = "generationConfig.";

/// Kept, with what was not read of them.
const PLACED: [&str; 2] = ["systemInstruction", "toolConfig"];

/// Writes a body. The model and `stream` belong into the address: see [`super::path`].
pub fn write_request(request: &Request, options: Options) -> Result<Written, Untranslatable> {
    let mut loss = Loss::new(options.drop_unsupported);
    let own = request.dialect == Dialect::Gemini;
    let mut body = Members::new();
    let mut contents = Contents::new(request, own, options.unproven_calls, &mut loss);
    let system = contents.system()?;
    if !system.is_empty() {
        let mut said = Members::new().with_json("parts", &Json::list(&system));
        if own {
            said.inner(&request.extra, "systemInstruction");
        }
        body.json("systemInstruction", &said.finish());
    }
    body.json("contents", &contents.all()?);
    tools(request, own, &mut loss, &mut body)?;
    let mut config = Members::new();
    let mut rest = request.extra.clone();
    sampling(request, own, &mut rest, &mut loss, &mut config)?;
    response_format(request, own, &mut loss, &mut config)?;
    if let Some(thinking) = thinking::write(request, options.thinking, own).filter(|t| !t.is_empty()) {
        config.json("thinkingConfig", &thinking.finish());
    }
    if own {
        for (key, value) in &request.extra {
            if let Some(key) = key.strip_prefix(CONFIG).filter(|key| *key != "thinkingConfig") {
                config.put(key, value);
            }
        }
    }
    if !config.is_empty() {
        body.json("generationConfig", &config.finish());
    }
    if own {
        rest.retain(|key, _| !key.starts_with(CONFIG));
        body.extra(&rest, &PLACED);
        return Ok(loss.written(body.finish().into_bytes()));
    }
    if request.user.is_some() {
        loss.note("user", "end users are not told apart");
    }
    if rest.contains_key("cache_control") {
        loss.note("cache_control", "prefixes are cached without a mark");
    }
    foreign(&mut loss, "", &rest, harmless)?;
    Ok(loss.written(body.finish().into_bytes()))
}

/// What asks for nothing; prefixes are cached without a mark.
fn harmless(key: &str, value: &Value) -> bool {
    key == "cache_control" || asks_for_nothing(key, value)
}

fn tools(request: &Request, own: bool, loss: &mut Loss, body: &mut Members) -> Result<(), Untranslatable> {
    let (mut functions, mut tools) = (Vec::new(), Vec::new());
    let mut strict = false;
    for (i, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function(function) => {
                strict |= function.strict == Some(true);
                functions.push(function_tool(i, function, own, loss)?);
            }
            Tool::Other { raw, .. } if own => tools.push(Json::of(raw)),
            Tool::Other { kind, .. } => loss.refuse(format!("tools[{i}]"), &format!("there is no tool of the type {kind}"))?,
        }
    }
    let called = !functions.is_empty();
    if called {
        tools.insert(0, Members::new().with_json("functionDeclarations", &Json::list(&functions)).finish());
    }
    if !tools.is_empty() {
        body.json("tools", &Json::list(&tools));
    }
    let mut config = Members::new();
    if called || own {
        if request.parallel_tool_calls == Some(false) && called {
            loss.refuse("parallel_tool_calls", "the model decides how many")?;
        }
        if let Some(calling) = calling_config(request, strict, own, loss)? {
            config.json("functionCallingConfig", &calling);
        }
    }
    if own {
        config.inner(&request.extra, "toolConfig");
    }
    if !config.is_empty() {
        body.json("toolConfig", &config.finish());
    }
    Ok(())
}

/// Arguments follow the schema always in the modes `ANY` and `VALIDATED`: a strict tool asks for one of them.
fn calling_config(request: &Request, strict: bool, own: bool, loss: &mut Loss) -> Result<Option<Json>, Untranslatable> {
    let mode = |name: &str| Members::new().with("mode", name);
    let config = match &request.tool_choice {
        Some(ToolChoice::Auto) | None if strict => mode("VALIDATED"),
        None => return Ok(None),
        Some(ToolChoice::Auto) => mode("AUTO"),
        Some(ToolChoice::None) => mode("NONE"),
        Some(ToolChoice::Required) => mode("ANY"),
        Some(ToolChoice::Tool(name)) => mode("ANY").with("allowedFunctionNames", &[name]),
        Some(ToolChoice::Other(raw)) if own => return Ok(Some(Json::of(raw))),
        Some(ToolChoice::Other(_)) => return loss.refuse("tool_choice", "there is no such choice").map(|()| None),
    };
    Ok(Some(config.finish()))
}

fn function_tool(i: usize, tool: &ToolFunction, own: bool, loss: &mut Loss) -> Result<Json, Untranslatable> {
    let mut out = Members::new().with("name", &tool.name);
    out.some("description", tool.description.as_ref()).some("parametersJsonSchema", tool.schema.as_ref());
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

fn sampling(request: &Request, own: bool, rest: &mut Extra, loss: &mut Loss, config: &mut Members) -> Result<(), Untranslatable> {
    config.some("temperature", request.temperature.as_ref()).some("topP", request.top_p.as_ref()).some("topK", request.top_k.as_ref());
    config.some("maxOutputTokens", request.max_tokens.as_ref());
    let mut stop = request.stop.as_slice();
    if !own && stop.len() > 5 {
        loss.refuse("stop", "there can be five texts at most")?;
        stop = &stop[..5];
    }
    if !stop.is_empty() {
        config.put("stopSequences", stop);
    }
    match request.seed {
        Some(seed) if i32::try_from(seed).is_err() => loss.refuse("seed", "it has 32 bits")?,
        seed => drop(config.some("seed", seed.as_ref())),
    }
    if own {
        config.some("candidateCount", request.n.as_ref());
        if let Some(logprobs) = request.logprobs {
            config.put("responseLogprobs", &true).some("logprobs", logprobs.top.as_ref());
        }
        return Ok(());
    }
    // There are both here, but a translated answer has neither: nobody should pay for them.
    if request.n.is_some_and(|n| n != 1) {
        loss.refuse("n", "one answer to a call is translated")?;
    }
    if request.logprobs.is_some() {
        loss.refuse("logprobs", "they are not translated")?;
    }
    for (name, here) in [("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty")] {
        if let Some(penalty) = rest.get(name).and_then(Value::as_f64) {
            rest.remove(name);
            config.some(here, Some(penalty).filter(|p| *p != 0.0).as_ref());
        }
    }
    Ok(())
}

fn response_format(request: &Request, own: bool, loss: &mut Loss, config: &mut Members) -> Result<(), Untranslatable> {
    match &request.response_format {
        Some(ResponseFormat::JsonSchema { description, schema, .. }) => {
            if description.is_some() {
                loss.refuse("response_format.json_schema.description", "there is a schema only; say it in a message")?;
            }
            config.put("responseMimeType", "application/json").put("responseJsonSchema", schema);
        }
        Some(ResponseFormat::JsonObject) => drop(config.put("responseMimeType", "application/json")),
        Some(ResponseFormat::Text) if own => drop(config.put("responseMimeType", "text/plain")),
        Some(ResponseFormat::Text) | None => {}
    }
    Ok(())
}
