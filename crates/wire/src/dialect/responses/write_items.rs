//! Input items, written.

use super::item::REDACTED;
use crate::dialect::foreign;
use crate::dialect::json::{Json, Members};
use crate::form::{Content, Loss, Message, Part, Role, Source, Untranslatable};

/// Items written so far.
pub(super) struct Items<'a> {
    pub(super) loss: &'a mut Loss,
    pub(super) own: bool,
    pub(super) list: Vec<Json>,
}

impl Items<'_> {
    /// A turn: messages, calls, what tools said and thoughts, in order.
    pub(super) fn turn(&mut self, path: &str, message: &Message) -> Result<(), Untranslatable> {
        if !self.own {
            let named_tool = |key: &str, _: &serde_json::Value| key == "name";
            foreign(self.loss, &format!("{path}."), &message.extra, if message.role == Role::Tool { named_tool } else { |_, _| false })?;
        }
        let role = if message.role == Role::Assistant { "assistant" } else { "user" };
        let mut said: Vec<Part> = Vec::new();
        for part in &message.parts {
            let Some(item) = self.item(path, part)? else {
                said.push(part.clone());
                continue;
            };
            self.message(path, role, &std::mem::take(&mut said), Some(message))?;
            self.list.extend(item);
        }
        self.message(path, role, &said, Some(message))
    }

    /// The item a part is by itself: `Some(None)` when it is left out, `None` when it is a part of a message.
    #[expect(clippy::option_option, reason = "three cases, told apart in the line above")]
    fn item(&mut self, path: &str, part: &Part) -> Result<Option<Option<Json>>, Untranslatable> {
        let item = match &part.content {
            Content::ToolCall { id, name, arguments } => {
                Members::of_type("function_call").with("call_id", id).with("name", name).with("arguments", arguments)
            }
            Content::ToolResult { id, parts, is_error } => {
                let output = self.output(path, parts, *is_error)?;
                Members::of_type("function_call_output").with("call_id", id).with_json("output", &output)
            }
            Content::Thinking { text, signature: Some(signature) } => reasoning(text, signature),
            Content::RedactedThinking { data } => reasoning("", &format!("{REDACTED}{data}")),
            Content::Thinking { signature: None, .. } => {
                self.loss.refuse(format!("{path}.reasoning_content"), "a thought is taken back only with its proof")?;
                return Ok(Some(None));
            }
            Content::Other { raw, kind } if self.own && !kind.starts_with("input_") => return Ok(Some(Some(Json::of(raw)))),
            _ => return Ok(None),
        };
        let mut item = item;
        self.marks(path, part, &mut item)?;
        Ok(Some(Some(item.finish())))
    }

    fn marks(&mut self, path: &str, part: &Part, json: &mut Members) -> Result<(), Untranslatable> {
        if part.cache_control.is_some() {
            self.loss.note(format!("{path}.cache_control"), "prefixes are cached without a mark");
        }
        if self.own {
            json.extra(&part.extra, &[]);
            return Ok(());
        }
        foreign(self.loss, &format!("{path}."), &part.extra, crate::dialect::openai::harmless_in_part)
    }

    /// A message of these parts; none without parts.
    pub(super) fn message(&mut self, path: &str, role: &str, parts: &[Part], from: Option<&Message>) -> Result<(), Untranslatable> {
        let mut content = Vec::with_capacity(parts.len());
        for part in parts {
            content.extend(self.part(path, role, part)?);
        }
        if content.is_empty() {
            return Ok(());
        }
        let mut item = Members::of_type("message").with("role", role).with_json("content", &Json::list(&content));
        if let Some(message) = from.filter(|_| self.own) {
            item.extra(&message.extra, &[]);
        }
        self.list.push(item.finish());
        Ok(())
    }

    fn part(&mut self, path: &str, role: &str, part: &Part) -> Result<Option<Json>, Untranslatable> {
        let mut json = match &part.content {
            Content::Text(text) if text.is_empty() => return Ok(None),
            Content::Text(text) => Members::of_type(if role == "assistant" { "output_text" } else { "input_text" }).with("text", text),
            Content::Refusal(text) => Members::of_type("refusal").with("refusal", text),
            Content::Image { source, detail } => {
                let mut image = Members::of_type("input_image");
                match source {
                    Source::Url(_) | Source::Base64 { .. } => image.some("image_url", source.url().as_ref()),
                    Source::Id(id) if self.own => image.put("file_id", id),
                    _ => return self.refuse(path, "image", "a picture must be an URL or base64 data"),
                };
                image.put("detail", detail.as_deref().unwrap_or("auto"));
                image
            }
            Content::File { source, name } => {
                let mut file = Members::of_type("input_file");
                match source {
                    Source::Base64 { .. } => {
                        file.put("filename", name.as_deref().unwrap_or("document.pdf")).some("file_data", source.url().as_ref())
                    }
                    Source::Url(url) => file.put("file_url", url),
                    Source::Id(id) if self.own => file.put("file_id", id),
                    Source::Id(_) => return self.refuse(path, "file", "files of another provider's store cannot be read"),
                    Source::Text(text) => {
                        let text = name.as_ref().map_or_else(|| text.clone(), |name| format!("{name}\n\n{text}"));
                        file = Members::of_type("input_text");
                        file.put("text", &text)
                    }
                };
                file
            }
            Content::Audio { .. } => return self.refuse(path, "input_audio", "sound is not taken"),
            Content::Other { raw, .. } if self.own => return Ok(Some(Json::of(raw))),
            Content::Other { kind, .. } => return self.refuse(path, kind, "there is no such part"),
            _ => return self.refuse(path, "content", "there is no such part in this place"),
        };
        self.marks(path, part, &mut json)?;
        Ok(Some(json.finish()))
    }

    fn refuse(&mut self, path: &str, what: &str, why: &str) -> Result<Option<Json>, Untranslatable> {
        self.loss.refuse(format!("{path}.{what}"), why).map(|()| None)
    }

    /// What a tool said: text, or a list of parts.
    fn output(&mut self, path: &str, parts: &[Part], is_error: bool) -> Result<Json, Untranslatable> {
        let plain = match parts {
            [] => Some(""),
            [Part { content: Content::Text(text), cache_control: None, extra }] if extra.is_empty() => Some(text.as_str()),
            _ => None,
        };
        if let Some(text) = plain {
            return Ok(if is_error { Json::of(&format!("Error: {text}")) } else { Json::of(text) });
        }
        let mut list = Vec::with_capacity(parts.len() + 1);
        if is_error {
            list.push(Members::of_type("input_text").with("text", "Error:").finish());
        }
        for part in parts {
            list.extend(self.part(path, "user", part)?);
        }
        Ok(Json::list(&list))
    }
}

fn reasoning(text: &str, proof: &str) -> Members {
    let summary = Members::of_type("summary_text").with("text", text).finish();
    let summary = if text.is_empty() { Vec::new() } else { vec![summary] };
    Members::of_type("reasoning").with_json("summary", &Json::list(&summary)).with("encrypted_content", proof)
}
