//! Writes a request.

use super::content::{call, put_thoughts, text_of, url};
use crate::dialect::json::{Json, Members};
use crate::dialect::anthropic::level;
use crate::dialect::{Dialect, foreign};
use crate::form::{
    Content, Effort, Loss, Message, Part, Request, ResponseFormat, Role, Source, Tool, ToolChoice, ToolFunction, Untranslatable, Written,
};
use serde_json::Value;

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

struct Writer {
    loss: Loss,
    /// It came in this dialect: its unknown fields are at home.
    own: bool,
    extensions: bool,
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
            self.message(message, &mut messages)?;
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
            return foreign(&mut self.loss, "", &request.extra, |key, value| {
                key == "cache_control" || (key == "service_tier" && value == "auto")
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

    fn message(&mut self, message: &Message, out: &mut Vec<Json>) -> Result<(), Untranslatable> {
        let path = format!("messages[{}]", message.index);
        if !self.own {
            foreign(&mut self.loss, &format!("{path}."), &message.extra, |_, _| false)?;
        }
        // Tools answer first: their messages must follow the calls.
        for part in &message.parts {
            if let Content::ToolResult { id, parts, is_error } = &part.content {
                let content = self.tool_result(&path, parts, *is_error)?;
                let mut said = Members::new().with("role", "tool").with("tool_call_id", id).with_json("content", &content);
                self.marks(&path, part, &mut said, &[])?;
                if self.own {
                    said.extra(&message.extra, &[]);
                }
                out.push(said.finish());
            }
        }
        let rest: Vec<Part> = message.parts.iter().filter(|p| !matches!(p.content, Content::ToolResult { .. })).cloned().collect();
        if rest.is_empty() && (message.role == Role::Tool || !message.parts.is_empty()) {
            return Ok(());
        }
        let mut said = Members::new();
        match message.role {
            Role::Assistant => self.assistant(&path, &rest, &mut said)?,
            Role::User | Role::Tool => {
                let content = self.content(&path, &rest)?;
                said.put("role", "user").json("content", &content);
            }
        }
        if self.own {
            said.extra(&message.extra, &[]);
        }
        out.push(said.finish());
        Ok(())
    }

    fn assistant(&mut self, path: &str, parts: &[Part], said: &mut Members) -> Result<(), Untranslatable> {
        let (mut texts, mut calls, mut thoughts) = (Vec::new(), Vec::new(), Vec::new());
        for part in parts {
            match &part.content {
                Content::Thinking { .. } | Content::RedactedThinking { .. } => thoughts.push(part.clone()),
                Content::ToolCall { id, name, arguments } => {
                    let mut json = call(id, name, arguments);
                    self.marks(path, part, &mut json, &["function"])?;
                    calls.push(json.finish());
                }
                Content::Other { raw, kind } if self.own && kind == "custom" => calls.push(Json::of(raw)),
                _ => texts.push(part.clone()),
            }
        }
        said.put("role", "assistant");
        if texts.is_empty() {
            said.json("content", &Json::of(&Value::Null));
        } else {
            let content = self.content(path, &texts)?;
            said.json("content", &content);
        }
        if !thoughts.is_empty() {
            if self.extensions {
                put_thoughts(said, &thoughts);
            } else {
                self.loss.refuse(format!("{path}.thinking"), "earlier thoughts are not taken back")?;
            }
        }
        if !calls.is_empty() {
            said.json("tool_calls", &Json::list(&calls));
        }
        Ok(())
    }

    /// Text where it is nothing but text, else a list.
    fn content(&mut self, path: &str, parts: &[Part]) -> Result<Json, Untranslatable> {
        if let [Part { content: Content::Text(text), cache_control: None, extra }] = parts
            && extra.is_empty()
        {
            return Ok(Json::of(text));
        }
        let mut list = Vec::with_capacity(parts.len());
        for part in parts {
            list.extend(self.part(path, part)?);
        }
        Ok(Json::list(&list))
    }

    fn part(&mut self, path: &str, part: &Part) -> Result<Option<Json>, Untranslatable> {
        let mut inner_key = None;
        let mut json = match &part.content {
            Content::Text(text) => Members::of_type("text").with("text", text),
            Content::Refusal(text) => Members::of_type("refusal").with("refusal", text),
            Content::Image { source, detail } => {
                let Some(url) = url(source) else {
                    return self.loss.refuse(format!("{path}.image"), "a picture must be an URL or base64 data").map(|()| None);
                };
                let mut image = Members::new().with("url", &url);
                image.some("detail", detail.as_ref()).inner(&part.extra, "image_url");
                inner_key = Some("image_url");
                Members::of_type("image_url").with_json("image_url", &image.finish())
            }
            Content::Audio { data, format } => {
                let mut audio = Members::new().with("data", data).with("format", format);
                audio.inner(&part.extra, "input_audio");
                inner_key = Some("input_audio");
                Members::of_type("input_audio").with_json("input_audio", &audio.finish())
            }
            Content::File { source, name } => {
                let Some(file) = self.file(path, part, source, name.as_deref())? else { return Ok(None) };
                inner_key = Some("file");
                file
            }
            Content::Other { raw, .. } if self.own => return Ok(Some(Json::of(raw))),
            Content::Other { kind, .. } => {
                return self.loss.refuse(format!("{path}.{kind}"), "there is no such part").map(|()| None);
            }
            Content::ToolCall { .. } => return self.loss.refuse(format!("{path}.tool_use"), "only the model calls tools").map(|()| None),
            Content::ToolResult { .. } | Content::Thinking { .. } | Content::RedactedThinking { .. } => {
                return self.loss.refuse(format!("{path}.content"), "there is no such part in this place").map(|()| None);
            }
        };
        self.marks(path, part, &mut json, inner_key.as_slice())?;
        Ok(Some(json.finish()))
    }

    fn file(&mut self, path: &str, part: &Part, source: &Source, name: Option<&str>) -> Result<Option<Members>, Untranslatable> {
        let mut file = Members::new();
        match source {
            Source::Base64 { .. } => {
                file.some("file_data", url(source).as_ref()).put("filename", name.unwrap_or("document.pdf"));
            }
            Source::Id(id) if self.own => {
                file.put("file_id", id).some("filename", name.as_ref());
            }
            Source::Text(text) => {
                let text = name.map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
                return Ok(Some(Members::of_type("text").with("text", &text)));
            }
            Source::Url(url) if self.own => drop(file.put("file_data", url)),
            Source::Id(_) | Source::Url(_) => {
                return self.loss.refuse(format!("{path}.document"), "a document must be base64 data").map(|()| None);
            }
        }
        file.inner(&part.extra, "file");
        Ok(Some(Members::of_type("file").with_json("file", &file.finish())))
    }

    fn tool_result(&mut self, path: &str, parts: &[Part], is_error: bool) -> Result<Json, Untranslatable> {
        let only_text = |p: &Part| matches!(&p.content, Content::Text(_)) && p.cache_control.is_none() && p.extra.is_empty();
        if let ([_] | [], true) = (parts, parts.iter().all(only_text)) {
            let text = text_of(parts).unwrap_or_default();
            return Ok(Json::of(&if is_error { format!("Error: {text}") } else { text }));
        }
        let mut list = Vec::with_capacity(parts.len() + 1);
        if is_error {
            list.push(Members::of_type("text").with("text", "Error:").finish());
        }
        for part in parts {
            match &part.content {
                Content::Text(_) => list.extend(self.part(path, part)?),
                Content::File { source: Source::Text(_), .. } => list.extend(self.part(path, part)?),
                _ => self.loss.refuse(format!("{path}.tool_result"), "what a tool says must be text")?,
            }
        }
        Ok(Json::list(&list))
    }

    /// The mark of a cached prefix, and further fields.
    fn marks(&mut self, path: &str, part: &Part, json: &mut Members, inner: &[&str]) -> Result<(), Untranslatable> {
        match &part.cache_control {
            Some(mark) if self.extensions => drop(json.put("cache_control", mark)),
            Some(_) => self.loss.note(format!("{path}.cache_control"), "prefixes are cached without a mark"),
            None => {}
        }
        if self.own {
            json.extra(&part.extra, inner);
            return Ok(());
        }
        foreign(&mut self.loss, &format!("{path}."), &part.extra, harmless_in_part)
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

/// Who called a tool (`direct`: the model) and citations of an earlier answer change nothing here.
fn harmless_in_part(key: &str, value: &Value) -> bool {
    match key {
        "caller" => value.get("type").is_some_and(|t| t == "direct"),
        "citations" => value.get("enabled").is_some_and(|on| on == false),
        _ => false,
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
fn effort(request: &Request) -> Option<Effort> {
    let reasoning = request.reasoning?;
    if reasoning.effort.is_some() {
        return reasoning.effort.map(|e| if e == Effort::Max && request.dialect != Dialect::OpenAi { Effort::XHigh } else { e });
    }
    let (budget, limit) = (reasoning.budget?, request.max_tokens?);
    Some(level(budget, limit))
}
