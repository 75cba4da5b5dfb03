//! Messages, written.

use super::content::{call, put_thoughts, text_of};
use super::write::Writer;
use crate::dialect::foreign;
use crate::dialect::json::{Json, Members};
use crate::form::{Content, Message, Part, Role, Source, Untranslatable};
use serde_json::Value;

impl Writer {
    pub(super) fn message(&mut self, path: &str, message: &Message, out: &mut Vec<Json>) -> Result<(), Untranslatable> {
        if !self.own {
            foreign(&mut self.loss, &format!("{path}."), &message.extra, |_, _| false)?;
        }
        // Tools answer first: their messages must follow the calls.
        for part in &message.parts {
            if let Content::ToolResult { id, parts, is_error } = &part.content {
                let content = self.tool_result(path, parts, *is_error)?;
                let mut said = Members::new().with("role", "tool").with("tool_call_id", id).with_json("content", &content);
                self.marks(path, part, &mut said, &[])?;
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
            Role::Assistant => self.assistant(path, &rest, &mut said)?,
            Role::User | Role::Tool => {
                let content = self.content(path, &rest)?;
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
    pub(super) fn content(&mut self, path: &str, parts: &[Part]) -> Result<Json, Untranslatable> {
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
                let Some(url) = source.url() else {
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
                file.some("file_data", source.url().as_ref()).put("filename", name.unwrap_or("document.pdf"));
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
                Content::Text(_) | Content::File { source: Source::Text(_), .. } => list.extend(self.part(path, part)?),
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
}

/// Who called a tool (`direct`: the model) and citations of an earlier answer change nothing here.
pub(in crate::dialect) fn harmless_in_part(key: &str, value: &Value) -> bool {
    match key {
        "caller" => value.get("type").is_some_and(|t| t == "direct"),
        "citations" => value.get("enabled").is_some_and(|on| on == false),
        _ => false,
    }
}
