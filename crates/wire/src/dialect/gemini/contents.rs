//! Messages, written as contents.

use super::parts::{is_object, media_type_of};
use super::proofs::{Proof, call, inline, text_part};
use crate::dialect::json::{Json, Members};
use crate::dialect::{foreign, openai};
use crate::form::{Content, Loss, Message, Part, Raw, Request, Role, Source, Untranslatable};
use serde_json::Value;
use std::collections::HashMap;

/// What Google takes for a proof it does not check.
const UNCHECKED: &str = "skip_thought_signature_validator";

/// A turn under way. What tools said carries the place of its call.
struct Turn {
    role: &'static str,
    parts: Vec<(Option<usize>, Json)>,
}

/// Contents written so far.
pub(super) struct Contents<'a> {
    loss: &'a mut Loss,
    request: &'a Request,
    own: bool,
    unproven_calls: bool,
    /// By their ids: the place among all, and the name.
    calls: HashMap<&'a str, (usize, &'a str)>,
    called: usize,
    turns: Vec<Turn>,
}

impl<'a> Contents<'a> {
    pub(super) fn new(request: &'a Request, own: bool, unproven_calls: bool, loss: &'a mut Loss) -> Self {
        Self { loss, request, own, unproven_calls, calls: HashMap::new(), called: 0, turns: Vec::new() }
    }

    /// The parts of `systemInstruction`.
    pub(super) fn system(&mut self) -> Result<Vec<Json>, Untranslatable> {
        let mut out = Vec::new();
        for part in &self.request.system {
            if matches!(part.content, Content::Text(_)) {
                out.extend(self.part("system", part)?.map(Members::finish));
            } else {
                self.loss.refuse("system", "it is text only")?;
            }
        }
        Ok(out)
    }

    /// All turns. Messages of the same role in a row are one.
    pub(super) fn all(mut self) -> Result<Json, Untranslatable> {
        for message in &self.request.messages {
            self.message(message)?;
        }
        let mut contents = Vec::with_capacity(self.turns.len());
        for mut turn in self.turns {
            // Google pairs answers without ids by their order.
            for run in turn.parts.chunk_by_mut(|a, b| a.0.is_some() && b.0.is_some()) {
                run.sort_by_key(|(place, _)| *place);
            }
            let parts: Vec<Json> = turn.parts.into_iter().map(|(_, json)| json).collect();
            contents.push(Members::new().with("role", turn.role).with_json("parts", &Json::list(&parts)).finish());
        }
        Ok(Json::list(&contents))
    }

    fn message(&mut self, message: &'a Message) -> Result<(), Untranslatable> {
        let path = self.request.path_of(message);
        let named_tool = |key: &str, _: &Value| key == "name";
        foreign(self.loss, &format!("{path}."), &message.extra, if message.role == Role::Tool { named_tool } else { |_, _| false })?;
        let role = if message.role == Role::Assistant { "model" } else { "user" };
        let (mut parts, mut proof, mut proven) = (Vec::new(), Proof::default(), false);
        for part in &message.parts {
            let place = match &part.content {
                Content::Thinking { .. } | Content::RedactedThinking { .. } | Content::ToolCall { .. } if role != "model" => {
                    self.loss.refuse(format!("{path}.content"), "only the model calls tools and thinks")?;
                    continue;
                }
                Content::Thinking { text, signature } => {
                    self.marks(&path, part, &mut Members::new(), &[])?;
                    parts.extend(proof.thought(text, signature.as_deref()).into_iter().map(|json| (None, json)));
                    continue;
                }
                Content::RedactedThinking { .. } => {
                    self.loss.refuse(format!("{path}.redacted_thinking"), "sealed thoughts of another provider cannot be read")?;
                    continue;
                }
                Content::Other { raw, .. } if self.own => {
                    parts.extend(proof.rest().map(|json| (None, json)));
                    parts.push((None, Json::of(raw)));
                    continue;
                }
                Content::ToolCall { id, name, .. } => {
                    self.calls.insert(id, (self.called, name));
                    self.called += 1;
                    None
                }
                Content::ToolResult { id, .. } => Some(self.calls.get(id.as_str()).map_or(usize::MAX, |(place, _)| *place)),
                _ => None,
            };
            let Some(mut json) = self.part(&path, part)? else { continue };
            let mine = proof.put(&mut json);
            if matches!(part.content, Content::ToolCall { .. }) {
                if !mine && !proven && self.unproven_calls {
                    json.put("thoughtSignature", UNCHECKED);
                }
                // One proof does for all the calls of a turn.
                proven = true;
            }
            parts.push((place, json.finish()));
        }
        parts.extend(proof.rest().map(|json| (None, json)));
        match self.turns.last_mut() {
            _ if parts.is_empty() => {}
            Some(last) if last.role == role => last.parts.append(&mut parts),
            _ => self.turns.push(Turn { role, parts }),
        }
        Ok(())
    }

    fn refuse(&mut self, path: &str, what: &str, why: &str) -> Result<Option<Members>, Untranslatable> {
        self.loss.refuse(format!("{path}.{what}"), why).map(|()| None)
    }

    /// One part; `None` for what says nothing or is left out.
    fn part(&mut self, path: &str, part: &Part) -> Result<Option<Members>, Untranslatable> {
        let mut inner_key = None;
        let mut json = match &part.content {
            Content::Text(text) | Content::Refusal(text) if text.is_empty() => return Ok(None),
            Content::Text(text) | Content::Refusal(text) => text_part(text),
            Content::Image { source, detail } => {
                if detail.as_deref().is_some_and(|d| d != "auto") {
                    self.loss.refuse(format!("{path}.image_url.detail"), "a picture is looked at in one way only")?;
                }
                match source {
                    Source::Base64 { media_type, data } => inline(media_type, data),
                    Source::Url(url) => {
                        inner_key = Some("fileData");
                        at(url, part)
                    }
                    Source::Id(_) | Source::Text(_) => return self.refuse(path, "image", "a picture must be an URL or base64 data"),
                }
            }
            Content::File { source, name } => {
                if name.is_some() && !matches!(source, Source::Text(_)) {
                    self.loss.note(format!("{path}.file.filename"), "files have no names");
                }
                match source {
                    Source::Base64 { media_type, data } => inline(media_type, data),
                    Source::Url(url) => {
                        inner_key = Some("fileData");
                        at(url, part)
                    }
                    Source::Text(text) => text_part(&name.as_ref().map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"))),
                    Source::Id(_) => return self.refuse(path, "file", "files of another provider's store cannot be read"),
                }
            }
            Content::Audio { data, format } => inline(&format!("audio/{format}"), data),
            Content::ToolCall { id, name, arguments } => {
                let arguments = Raw::parse(arguments)
                    .filter(|a| a.as_str().trim_start().starts_with('{'))
                    .ok_or_else(|| Untranslatable::invalid(format!("{path}.tool_calls.function.arguments"), "must be a JSON object"))?;
                let mut inner = call(Some(id.as_str()).filter(|id| !made(id)), name, &Json::of(&arguments));
                if self.own {
                    inner.inner(&part.extra, "functionCall");
                }
                inner_key = Some("functionCall");
                Members::new().with_json("functionCall", &inner.finish())
            }
            Content::ToolResult { id, parts, is_error } => {
                let Some(inner) = self.function_response(path, part, id, parts, *is_error)? else { return Ok(None) };
                inner_key = Some("functionResponse");
                Members::new().with_json("functionResponse", &inner.finish())
            }
            Content::Other { kind, .. } => return self.refuse(path, kind, "there is no such part"),
            Content::Thinking { .. } | Content::RedactedThinking { .. } => {
                return self.refuse(path, "content", "there is no such part in this place");
            }
        };
        self.marks(path, part, &mut json, inner_key.as_slice())?;
        Ok(Some(json))
    }

    /// The mark of a cached prefix, and further fields.
    fn marks(&mut self, path: &str, part: &Part, json: &mut Members, inner: &[&str]) -> Result<(), Untranslatable> {
        if part.cache_control.is_some() {
            self.loss.note(format!("{path}.cache_control"), "prefixes are cached without a mark");
        }
        if self.own {
            json.extra(&part.extra, inner);
            return Ok(());
        }
        foreign(self.loss, &format!("{path}."), &part.extra, openai::harmless_in_part)
    }

    fn function_response(
        &mut self,
        path: &str,
        part: &Part,
        id: &str,
        parts: &[Part],
        is_error: bool,
    ) -> Result<Option<Members>, Untranslatable> {
        let kept = part.extra.get("functionResponse").and_then(|r| r.get("name")).and_then(Value::as_str);
        let Some(name) = self.calls.get(id).map(|(_, name)| *name).or(kept.filter(|_| self.own)) else {
            return self.refuse(path, "tool_call_id", "it answers no call of this conversation");
        };
        let mut out = Members::new();
        out.some("id", Some(id).filter(|id| !made(id) && kept.is_none()).as_ref()).put("name", name);
        let (mut texts, mut media) = (Vec::new(), Vec::new());
        for part in parts {
            match &part.content {
                Content::Text(text) => texts.push(text.clone()),
                Content::Image { source: Source::Base64 { .. }, .. } | Content::File { source: Source::Base64 { .. }, .. } => {
                    media.extend(self.part(path, part)?.map(Members::finish));
                    continue;
                }
                Content::File { source: Source::Text(text), name } => texts.extend(name.iter().chain([text]).cloned()),
                Content::Other { raw, .. } if self.own => {
                    media.push(Json::of(raw));
                    continue;
                }
                _ => {
                    self.loss.refuse(format!("{path}.tool_result"), "what a tool says must be text or base64 data")?;
                    continue;
                }
            }
            self.marks(path, part, &mut Members::new(), &[])?;
        }
        out.json("response", &response(&texts.join("\n"), is_error));
        if !media.is_empty() {
            out.json("parts", &Json::list(&media));
        }
        if let Some(Value::Object(rest)) = part.extra.get("functionResponse").filter(|_| self.own) {
            out.extra(rest, &["name"]);
        }
        Ok(Some(out))
    }
}

/// What a tool said: an object as it is, else text by the name Google gives it.
fn response(text: &str, is_error: bool) -> Json {
    match Raw::parse(text).filter(|_| !is_error && is_object(text)) {
        Some(raw) => Json::of(&raw),
        None => Members::new().with(if is_error { "error" } else { "output" }, text).finish(),
    }
}

fn at(url: &str, part: &Part) -> Members {
    let mut inner = Members::new();
    let kept = part.extra.get("fileData").and_then(|f| f.get("mimeType")).and_then(Value::as_str);
    inner.some("mimeType", kept.or_else(|| media_type_of(url)).as_ref()).put("fileUri", url);
    if let Some(Value::Object(rest)) = part.extra.get("fileData") {
        inner.extra(rest, &["mimeType"]);
    }
    Members::new().with_json("fileData", &inner.finish())
}

/// Whether an id was made by our reader: Google knows none.
fn made(id: &str) -> bool {
    id.strip_prefix("call_").is_some_and(|n| !n.is_empty() && n.len() < 6 && n.bytes().all(|b| b.is_ascii_digit()))
}
