//! Content blocks, written.

use crate::dialect::json::{Json, Members};
use crate::dialect::{Dialect, foreign};
use crate::form::{Content, Loss, Part, Raw, Request, Role, Source, Untranslatable};

/// Types of pictures taken.
const PICTURES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Where blocks stand.
pub(super) struct Blocks<'a> {
    /// The message, to name it in errors.
    pub(super) path: &'a str,
    /// Whose unknown fields are at home.
    pub(super) request: &'a Request,
    /// Who says it.
    pub(super) role: Role,
}

/// The blocks of the system prompt.
pub(super) fn system(request: &Request, loss: &mut Loss) -> Result<Vec<Json>, Untranslatable> {
    let place = Blocks { path: "system", request, role: Role::User };
    let mut blocks = Vec::with_capacity(request.system.len());
    for p in &request.system {
        if matches!(p.content, Content::Text(_)) {
            blocks.extend(part(&place, p, loss)?);
        } else {
            loss.refuse("system", "it is text only")?;
        }
    }
    Ok(blocks)
}

/// One block; `None` for what says nothing or is left out.
pub(super) fn part(place: &Blocks<'_>, part: &Part, loss: &mut Loss) -> Result<Option<Json>, Untranslatable> {
    let own = place.request.dialect == Dialect::Anthropic;
    let mut refuse = |what: &str, why: &str| loss.refuse(format!("{}.{what}", place.path), why).map(|()| None::<Json>);
    let mut block = match &part.content {
        // The API refuses empty text.
        Content::Text(text) | Content::Refusal(text) if text.is_empty() => return Ok(None),
        Content::Text(text) | Content::Refusal(text) => Members::of_type("text").with("text", text),
        Content::Image { source, detail } => match picture(source, own) {
            Ok(json) => {
                if detail.as_deref().is_some_and(|d| d != "auto") {
                    refuse("image_url.detail", "a picture is looked at in one way only")?;
                }
                Members::of_type("image").with_json("source", &json)
            }
            Err(why) => return refuse("image_url", why),
        },
        Content::File { source, name } => match document(source, own) {
            Ok(json) => {
                let mut block = Members::of_type("document").with_json("source", &json);
                block.some("title", name.as_ref());
                block
            }
            Err(why) => return refuse("file", why),
        },
        Content::Audio { .. } => return refuse("input_audio", "sound is not taken"),
        Content::ToolCall { .. } | Content::Thinking { .. } | Content::RedactedThinking { .. } if place.role != Role::Assistant => {
            return refuse("content", "only the model calls tools and thinks");
        }
        Content::ToolCall { id, name, arguments } => {
            let input = Raw::parse(arguments)
                .filter(|a| a.as_str().trim_start().starts_with('{'))
                .ok_or_else(|| Untranslatable::invalid(format!("{}.tool_calls.function.arguments", place.path), "must be a JSON object"))?;
            Members::of_type("tool_use").with("id", id).with("name", name).with("input", &input)
        }
        Content::Thinking { text, signature: Some(signature) } => {
            Members::of_type("thinking").with("thinking", text).with("signature", signature)
        }
        Content::Thinking { signature: None, .. } => {
            return refuse("reasoning_content", "a thought is taken back only with its signature, in `thinking_blocks`");
        }
        Content::RedactedThinking { data } => Members::of_type("redacted_thinking").with("data", data),
        Content::ToolResult { id, parts, is_error } => tool_result(place, id, parts, *is_error, loss)?,
        Content::Other { raw, .. } if own => return Ok(Some(Json::of(raw))),
        Content::Other { kind, .. } => return refuse(kind, "there is no such part"),
    };
    block.some("cache_control", part.cache_control.as_ref());
    if own {
        block.extra(&part.extra, &[]);
    } else {
        foreign(loss, &format!("{}.", place.path), &part.extra, |_, _| false)?;
    }
    Ok(Some(block.finish()))
}

fn picture(source: &Source, own: bool) -> Result<Json, &'static str> {
    match source {
        Source::Base64 { media_type, .. } if !own && !PICTURES.contains(&media_type.as_str()) => {
            Err("a picture must be JPEG, PNG, GIF or WebP")
        }
        Source::Base64 { media_type, data } => Ok(base64(media_type, data)),
        Source::Url(url) if own || url.starts_with("https://") || url.starts_with("http://") => Ok(at(url)),
        Source::Id(id) if own => Ok(stored(id)),
        Source::Url(_) | Source::Id(_) | Source::Text(_) => Err("a picture must be an URL or base64 data"),
    }
}

fn document(source: &Source, own: bool) -> Result<Json, &'static str> {
    match source {
        Source::Base64 { media_type, data } if own || media_type == "application/pdf" => Ok(base64(media_type, data)),
        Source::Base64 { .. } => Err("a document must be PDF"),
        Source::Url(url) => Ok(at(url)),
        Source::Text(data) => Ok(Members::of_type("text").with("media_type", "text/plain").with("data", data).finish()),
        Source::Id(id) if own => Ok(stored(id)),
        Source::Id(_) => Err("files of another provider's store cannot be read"),
    }
}

fn base64(media_type: &str, data: &str) -> Json {
    Members::of_type("base64").with("media_type", media_type).with("data", data).finish()
}

fn at(url: &str) -> Json {
    Members::of_type("url").with("url", url).finish()
}

fn stored(id: &str) -> Json {
    Members::of_type("file").with("file_id", id).finish()
}

fn tool_result(place: &Blocks<'_>, id: &str, parts: &[Part], is_error: bool, loss: &mut Loss) -> Result<Members, Untranslatable> {
    let mut out = Members::of_type("tool_result").with("tool_use_id", id);
    match parts {
        [] => {}
        [Part { content: Content::Text(text), cache_control: None, extra }] if extra.is_empty() => drop(out.put("content", text)),
        _ => {
            let mut blocks = Vec::with_capacity(parts.len());
            for p in parts {
                blocks.extend(part(place, p, loss)?);
            }
            out.json("content", &Json::list(&blocks));
        }
    }
    if is_error {
        out.put("is_error", &true);
    }
    Ok(out)
}
