//! Messages and their content blocks, written.

use super::cache;
use super::family::Family;
use super::media::{DOCUMENTS, PICTURES, SOUNDS, format_of};
use crate::dialect::json::{Json, Members};
use crate::dialect::{foreign, openai};
use crate::form::{Content, Loss, Message, Part, Raw, Request, Role, Source, Untranslatable};
use serde_json::Value;

/// Blocks written so far.
pub(super) struct Blocks<'a> {
    request: &'a Request,
    own: bool,
    family: Family,
    loss: &'a mut Loss,
    /// Names of documents: no two may have the same.
    names: Vec<String>,
}

/// One block: the name of its member, and what that holds.
type Block = (&'static str, Json);

impl<'a> Blocks<'a> {
    pub(super) fn new(request: &'a Request, own: bool, family: Family, loss: &'a mut Loss) -> Self {
        Self { request, own, family, loss, names: Vec::new() }
    }

    /// The blocks of the system prompt.
    pub(super) fn system(&mut self) -> Result<Vec<Json>, Untranslatable> {
        let mut out = Vec::with_capacity(self.request.system.len());
        for part in &self.request.system {
            match &part.content {
                Content::Text(_) => self.part("system", Role::User, part, &mut out)?,
                Content::Other { raw, .. } if self.own => out.push(Json::of(raw)),
                _ => self.loss.refuse("system", "it is text only")?,
            }
        }
        Ok(out)
    }

    /// All messages. Those of the same role in a row are one turn.
    pub(super) fn messages(&mut self) -> Result<Json, Untranslatable> {
        let mut turns: Vec<(&str, Vec<Json>, Members)> = Vec::with_capacity(self.request.messages.len());
        for message in &self.request.messages {
            let (mut blocks, more) = self.message(message)?;
            let role = if message.role == Role::Assistant { "assistant" } else { "user" };
            match turns.last_mut() {
                _ if blocks.is_empty() => {}
                Some((last, turn, _)) if *last == role => turn.append(&mut blocks),
                _ => turns.push((role, blocks, more)),
            }
        }
        let json = |(role, blocks, more): (&str, Vec<Json>, Members)| {
            Members::new().with("role", role).with_json("content", &Json::list(&blocks)).and(&more).finish()
        };
        Ok(Json::list(&turns.into_iter().map(json).collect::<Vec<_>>()))
    }

    fn message(&mut self, message: &Message) -> Result<(Vec<Json>, Members), Untranslatable> {
        let path = self.request.path_of(message);
        let mut more = Members::new();
        if self.own {
            more.extra(&message.extra, &[]);
        } else {
            let named_tool = |key: &str, _: &Value| key == "name";
            foreign(self.loss, &format!("{path}."), &message.extra, if message.role == Role::Tool { named_tool } else { |_, _| false })?;
        }
        let mut blocks = Vec::with_capacity(message.parts.len());
        for part in &message.parts {
            self.part(&path, message.role, part, &mut blocks)?;
        }
        Ok((blocks, more))
    }

    /// One part, and the mark behind it.
    fn part(&mut self, path: &str, role: Role, part: &Part, out: &mut Vec<Json>) -> Result<(), Untranslatable> {
        if let (Content::Other { raw, .. }, true) = (&part.content, self.own) {
            out.push(Json::of(raw));
            return Ok(());
        }
        let Some((kind, json)) = self.block(path, role, part)? else { return Ok(()) };
        let mut block = Members::new().with_json(kind, &json);
        if self.own {
            block.extra(&part.extra, &[kind]);
        } else {
            foreign(self.loss, &format!("{path}."), &part.extra, openai::harmless_in_part)?;
        }
        out.push(block.finish());
        match &part.cache_control {
            Some(mark) if self.own || self.family.caches() => out.push(cache::point(mark)),
            Some(_) => self.loss.note(format!("{path}.cache_control"), "prefixes are not cached for this model"),
            None => {}
        }
        Ok(())
    }

    fn refuse(&mut self, path: &str, what: &str, why: &str) -> Result<Option<Block>, Untranslatable> {
        self.loss.refuse(format!("{path}.{what}"), why).map(|()| None)
    }

    /// `None` for what says nothing or is left out.
    fn block(&mut self, path: &str, role: Role, part: &Part) -> Result<Option<Block>, Untranslatable> {
        Ok(Some(match &part.content {
            // The API refuses blank text.
            Content::Text(text) | Content::Refusal(text) if text.trim().is_empty() => return Ok(None),
            Content::Text(text) | Content::Refusal(text) => ("text", Json::of(text)),
            Content::Image { source, detail } => {
                if detail.as_deref().is_some_and(|d| d != "auto") {
                    self.refuse(path, "image_url.detail", "a picture is looked at in one way only")?;
                }
                let Source::Base64 { media_type, data } = source else {
                    return self.refuse(path, "image_url", "a picture must be base64 data: it is not fetched");
                };
                let Some(format) = format_of(PICTURES, media_type) else {
                    return self.refuse(path, "image_url", "a picture must be JPEG, PNG, GIF or WebP");
                };
                ("image", self.inner(part, "image", sourced(format, "bytes", data)))
            }
            Content::File { source, name } => return self.document(path, part, source, name.as_deref()),
            Content::Audio { data, format } if SOUNDS.contains(&format.as_str()) => {
                ("audio", self.inner(part, "audio", sourced(format, "bytes", data)))
            }
            Content::Audio { .. } => return self.refuse(path, "input_audio", "sound of this format is not taken"),
            Content::ToolCall { .. } | Content::Thinking { .. } | Content::RedactedThinking { .. } if role != Role::Assistant => {
                return self.refuse(path, "content", "only the model calls tools and thinks");
            }
            Content::ToolCall { id, name, arguments } => {
                let input = Raw::parse(arguments)
                    .filter(|a| a.as_str().trim_start().starts_with('{'))
                    .ok_or_else(|| Untranslatable::invalid(format!("{path}.tool_calls.function.arguments"), "must be a JSON object"))?;
                ("toolUse", self.inner(part, "toolUse", tool_use(id, name).with("input", &input)))
            }
            Content::ToolResult { id, parts, is_error } => {
                let mut blocks = Vec::with_capacity(parts.len());
                for said in parts {
                    match &said.content {
                        Content::Text(_) | Content::Image { .. } | Content::File { .. } => self.part(path, role, said, &mut blocks)?,
                        Content::Other { raw, .. } if self.own => blocks.push(Json::of(raw)),
                        _ => self.loss.refuse(format!("{path}.tool_result"), "what a tool says must be text, pictures or documents")?,
                    }
                }
                let mut result = Members::new().with("toolUseId", id).with_json("content", &Json::list(&blocks));
                result.some("status", is_error.then_some("error").as_ref());
                ("toolResult", self.inner(part, "toolResult", result))
            }
            Content::Thinking { signature: None, .. } if self.family.signs() => {
                return self.refuse(path, "reasoning_content", "a thought is taken back only with its signature, in `thinking_blocks`");
            }
            Content::Thinking { text, signature } => {
                ("reasoningContent", self.inner(part, "reasoningContent", thought(text, signature.as_deref())))
            }
            Content::RedactedThinking { data } => {
                ("reasoningContent", self.inner(part, "reasoningContent", Members::new().with("redactedContent", data)))
            }
            Content::Other { kind, .. } => return self.refuse(path, kind, "there is no such part"),
        }))
    }

    /// What the member of a block holds, with what was not read of it.
    fn inner(&self, part: &Part, kind: &str, mut inner: Members) -> Json {
        if self.own {
            inner.inner(&part.extra, kind);
        }
        inner.finish()
    }

    fn document(&mut self, path: &str, part: &Part, source: &Source, name: Option<&str>) -> Result<Option<Block>, Untranslatable> {
        let mut out = match source {
            Source::Base64 { media_type, data } => match format_of(DOCUMENTS, media_type) {
                Some(format) => sourced(format, "bytes", data),
                None => return self.refuse(path, "file", &format!("documents of the type {media_type} are not taken")),
            },
            Source::Text(text) => sourced("txt", "text", text),
            Source::Url(_) => return self.refuse(path, "file", "a document must be base64 data: it is not fetched"),
            Source::Id(_) => return self.refuse(path, "file", "files of another provider's store cannot be read"),
        };
        let name = if self.own { name.unwrap_or_default().to_owned() } else { self.name(name) };
        out.put("name", &name);
        Ok(Some(("document", self.inner(part, "document", out))))
    }

    /// A name as Amazon allows it: letters, digits, single spaces, `-`, `()` and `[]`; and no other's.
    fn name(&mut self, name: Option<&str>) -> String {
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-()[] ".contains(c) { c } else { '-' };
        let clean: String = name.unwrap_or_default().chars().map(plain).take(100).collect();
        let clean = clean.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ");
        let clean = if clean.is_empty() { "document".to_owned() } else { clean };
        let copies = (2..).map(|n| format!("{clean} ({n})"));
        let free = std::iter::once(clean.clone()).chain(copies).find(|name| !self.names.contains(name)).unwrap_or(clean);
        self.names.push(free.clone());
        free
    }
}

fn sourced(format: &str, kind: &str, data: &str) -> Members {
    Members::new().with("format", format).with_json("source", &Members::new().with(kind, data).finish())
}

/// What `toolUse` begins with.
pub(super) fn tool_use(id: &str, name: &str) -> Members {
    Members::new().with("toolUseId", id).with("name", name)
}

/// What `reasoningContent` holds.
pub(super) fn thought(text: &str, signature: Option<&str>) -> Members {
    let mut inner = Members::new().with("text", text);
    inner.some("signature", signature.as_ref());
    Members::new().with_json("reasoningText", &inner.finish())
}
