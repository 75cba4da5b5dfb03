//! Writes a request.

use crate::dialect::anthropic::level;
use crate::dialect::json::{Json, Members};
use crate::dialect::{Dialect, foreign, shared};
use crate::form::{Effort, Loss, Request, ResponseFormat, Tool, ToolChoice, ToolFunction, Untranslatable, Written};
use serde_json::json;

/// What the target takes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Leave out what the dialect has no word for, instead of refusing.
    pub drop_unsupported: bool,
    /// The target knows only the old name `max_tokens`.
    pub old_max_tokens: bool,
    /// The target takes the fields gateways agree on: `reasoning_content`, `thinking_blocks`, `cache_control`, `top_k`.
    pub extensions: bool,
}

/// Writes a body.
pub fn write_request(request: &Request, options: Options) -> Result<Written, Untranslatable> {
    let own = request.dialect == Dialect::OpenAi;
    let mut writer = Writer { loss: Loss::new(options.drop_unsupported), own, extensions: own || options.extensions };
    let body = writer.body(request, options)?;
    Ok(writer.loss.written(body.into_bytes()))
}

pub(super) struct Writer {
    pub(super) loss: Loss,
    /// It came in this dialect: its unknown fields are at home.
    pub(super) own: bool,
    pub(super) extensions: bool,
}

impl Writer {
    fn body(&mut self, request: &Request, options: Options) -> Result<Json, Untranslatable> {
        let mut body = Members::new().with("model", &request.model);
        let mut messages = Vec::with_capacity(request.messages.len() + 1);
        if !request.system.is_empty() {
            let content = self.content("system", &request.system)?;
            messages.push(Members::new().with("role", "system").with_json("content", &content).finish());
        }
        for message in &request.messages {
            self.message(&request.path_of(message), message, &mut messages)?;
        }
        body.json("messages", &Json::list(&messages));
        self.tools(request, &mut body)?;
        body.some(if options.old_max_tokens { "max_tokens" } else { "max_completion_tokens" }, request.max_tokens.as_ref());
        body.some("temperature", request.temperature.as_ref()).some("top_p", request.top_p.as_ref());
        match request.top_k {
            Some(top_k) if self.extensions => drop(body.put("top_k", &top_k)),
            Some(_) => self.loss.refuse("top_k", "sampling is by `top_p` only")?,
            None => {}
        }
        self.stop(request, &mut body)?;
        body.some("seed", request.seed.as_ref()).some("n", request.n.as_ref());
        if let Some(logprobs) = request.logprobs {
            body.put("logprobs", &true).some("top_logprobs", logprobs.top.as_ref());
        }
        if let Some(format) = &request.response_format {
            body.json("response_format", &response_format(format, request));
        }
        if let Some(effort) = effort(request) {
            body.put("reasoning_effort", effort.name());
        }
        if request.stream {
            let mut options = Members::new().with("include_usage", &true);
            if self.own {
                options.inner(&request.extra, "stream_options");
            }
            body.put("stream", &true).json("stream_options", &options.finish());
        }
        body.some("user", request.user.as_ref());
        self.extra(request, &mut body)?;
        Ok(body.finish())
    }

    fn extra(&mut self, request: &Request, body: &mut Members) -> Result<(), Untranslatable> {
        if !self.own {
            if request.extra.contains_key("cache_control") {
                self.loss.note("cache_control", "prefixes are cached without a mark");
            }
            let (mut shared, rest) = shared(request);
            // The default here, and unknown to some who speak the dialect.
            shared.retain(|key, value| key != "store" || value != false);
            body.extra(&shared, &[]);
            return foreign(&mut self.loss, "", &rest, |key, value| match key {
                "cache_control" => true,
                "service_tier" => value == "auto",
                "store" => value == false,
                "truncation" => value == "disabled",
                "include" => *value == json!(["reasoning.encrypted_content"]),
                "reasoning" => value.as_object().is_some_and(|r| r.keys().all(|key| key == "summary")),
                "text" => *value == json!({ "verbosity": "medium" }),
                _ => false,
            });
        }
        let hoisted: Vec<&str> = request.extra.keys().map(String::as_str).filter(|key| key.starts_with("messages[")).collect();
        for key in &hoisted {
            self.loss.note(*key, "system messages become one");
        }
        let mut placed = vec!["stream_options", "response_format", "response_format.json_schema"];
        placed.extend(hoisted);
        body.extra(&request.extra, &placed);
        Ok(())
    }

    fn tools(&mut self, request: &Request, body: &mut Members) -> Result<(), Untranslatable> {
        let mut tools = Vec::with_capacity(request.tools.len());
        for (i, tool) in request.tools.iter().enumerate() {
            match tool {
                Tool::Function(function) => tools.push(self.tool(i, function)?),
                Tool::Other { raw, .. } if self.own => tools.push(Json::of(raw)),
                Tool::Other { kind, .. } => self.loss.refuse(format!("tools[{i}]"), &format!("there is no tool of the type {kind}"))?,
            }
        }
        if tools.is_empty() {
            return Ok(());
        }
        body.json("tools", &Json::list(&tools));
        match &request.tool_choice {
            Some(ToolChoice::Auto) => drop(body.put("tool_choice", "auto")),
            Some(ToolChoice::None) => drop(body.put("tool_choice", "none")),
            Some(ToolChoice::Required) => drop(body.put("tool_choice", "required")),
            Some(ToolChoice::Tool(name)) => {
                let function = Members::new().with("name", name).finish();
                body.json("tool_choice", &Members::of_type("function").with_json("function", &function).finish());
            }
            Some(ToolChoice::Other(raw)) if self.own => drop(body.put("tool_choice", raw)),
            Some(ToolChoice::Other(_)) => self.loss.refuse("tool_choice", "there is no such choice")?,
            None => {}
        }
        body.some("parallel_tool_calls", request.parallel_tool_calls.as_ref());
        Ok(())
    }

    fn tool(&mut self, i: usize, tool: &ToolFunction) -> Result<Json, Untranslatable> {
        let mut function = Members::new().with("name", &tool.name);
        function.some("description", tool.description.as_ref()).some("parameters", tool.schema.as_ref());
        function.some("strict", tool.strict.as_ref());
        if self.own {
            function.inner(&tool.extra, "function");
        }
        let mut json = Members::of_type("function").with_json("function", &function.finish());
        match &tool.cache_control {
            Some(mark) if self.extensions => drop(json.put("cache_control", mark)),
            Some(_) => self.loss.note(format!("tools[{i}].cache_control"), "prefixes are cached without a mark"),
            None => {}
        }
        if self.own {
            json.extra(&tool.extra, &["function"]);
        } else {
            foreign(&mut self.loss, &format!("tools[{i}]."), &tool.extra, |_, _| false)?;
        }
        Ok(json.finish())
    }

    fn stop(&mut self, request: &Request, body: &mut Members) -> Result<(), Untranslatable> {
        let mut stop = request.stop.as_slice();
        if !self.own && stop.len() > 4 {
            self.loss.refuse("stop_sequences", "there can be four at most")?;
            stop = &stop[..4];
        }
        if !stop.is_empty() {
            body.put("stop", stop);
        }
        Ok(())
    }
}

fn response_format(format: &ResponseFormat, request: &Request) -> Json {
    let mut out = match format {
        ResponseFormat::Text => Members::of_type("text"),
        ResponseFormat::JsonObject => Members::of_type("json_object"),
        ResponseFormat::JsonSchema { name, description, schema, strict } => {
            let mut inner = Members::new().with("name", name.as_deref().unwrap_or("response"));
            inner.some("description", description.as_ref()).put("schema", schema).some("strict", strict.as_ref());
            inner.inner(&request.extra, "response_format.json_schema");
            Members::of_type("json_schema").with_json("json_schema", &inner.finish())
        }
    };
    out.inner(&request.extra, "response_format");
    out.finish()
}

/// The level of thinking. A budget becomes the level whose share of the answer it is: see Anthropic's writer for the way back.
pub(in crate::dialect) fn effort(request: &Request) -> Option<Effort> {
    let reasoning = request.reasoning?;
    if reasoning.effort.is_some() {
        return reasoning.effort.map(|e| if e == Effort::Max && request.dialect == Dialect::Anthropic { Effort::XHigh } else { e });
    }
    let (budget, limit) = (reasoning.budget?, request.max_tokens?);
    Some(level(budget, limit))
}
