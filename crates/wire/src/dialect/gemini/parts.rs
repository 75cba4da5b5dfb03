//! Parts of contents, read.

use crate::chat::ParseError;
use crate::dialect::json::Object;
use crate::form::{Content, Extra, Part, Source};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet, VecDeque};

/// Before the data of a sealed thought of another provider's, to know it again.
pub(super) const REDACTED: &str = "redacted_thinking:";

/// Where Google's own files are: nobody else can read them.
const OWN_FILES: [&str; 4] = ["gs://", "https://generativelanguage.googleapis.com/", "https://www.youtube.com/", "https://youtu.be/"];

/// Calls read so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    count: usize,
    ids: HashSet<String>,
    /// Those that wait for an answer, by name.
    waiting: HashMap<String, VecDeque<String>>,
    /// What stands in the ids made here.
    answer: String,
}

impl Calls {
    /// For the calls of one answer: ids made here carry its id, so that those of several turns differ.
    pub(super) fn of_answer(id: &str) -> Self {
        let answer: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).take(24).collect();
        Self { answer: if answer.is_empty() { answer } else { format!("{answer}_") }, ..Self::default() }
    }

    /// Another call: its id, or one for it.
    pub(super) fn called(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}{}", self.answer, self.count));
        self.count += 1;
        self.ids.insert(id.clone());
        self.waiting.entry(name.to_owned()).or_default().push_back(id.clone());
        id
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    /// The call that is answered: by its id, else the first of the name that waits.
    fn answered(&mut self, id: Option<&str>, name: &str) -> Option<String> {
        match id {
            Some(id) => self.ids.get(id).cloned(),
            None => self.waiting.get_mut(name)?.pop_front(),
        }
    }
}

/// The parts of a content.
pub(super) fn parts_of(said: &mut Object<'_>, calls: &mut Calls) -> Result<Vec<Part>, ParseError> {
    let path = said.path_of("parts");
    let mut out = Vec::new();
    for (i, raw) in said.list("parts")?.unwrap_or_default().into_iter().enumerate() {
        part(&format!("{path}[{i}]"), raw, calls, &mut out)?;
    }
    Ok(out)
}

/// Reads one part. Its proof becomes that of the thought before it.
fn part(path: &str, raw: &RawValue, calls: &mut Calls, out: &mut Vec<Part>) -> Result<(), ParseError> {
    let mut part = Object::at(path, raw)?.camel()?;
    let mut extra = Extra::new();
    let Some(content) = content(&mut part, calls, &mut extra)? else {
        let part = Object::at(path, raw)?.camel()?;
        let kind = part.keys().find(|key| !key.starts_with("thought")).unwrap_or("part").to_owned();
        out.push(Content::Other { kind, raw: raw.into() }.into());
        return Ok(());
    };
    let thought = part.boolean("thought")? == Some(true);
    let proof = part.text("thoughtSignature")?.filter(|p| !p.is_empty());
    extra.extend(part.rest());
    let sealed = proof.as_deref().and_then(|p| p.strip_prefix(REDACTED)).map(str::to_owned);
    let content = match content {
        Content::Text(text) if thought => {
            if !text.is_empty() || (proof.is_some() && sealed.is_none()) {
                let signature = proof.filter(|_| sealed.is_none());
                out.push(Part { content: Content::Thinking { text, signature }, cache_control: None, extra });
            }
            out.extend(sealed.map(|data| Content::RedactedThinking { data }.into()));
            return Ok(());
        }
        content => content,
    };
    match (sealed, proof) {
        (Some(data), _) => out.push(Content::RedactedThinking { data }.into()),
        (None, Some(proof)) => prove(out, proof),
        (None, None) => {}
    }
    // Empty text only carries a proof.
    if !matches!(&content, Content::Text(text) if text.is_empty()) {
        out.push(Part { content, cache_control: None, extra });
    }
    Ok(())
}

fn prove(out: &mut Vec<Part>, proof: String) {
    match out.last_mut().map(|p| &mut p.content) {
        Some(Content::Thinking { signature: signature @ None, .. }) => *signature = Some(proof),
        _ => out.push(Content::Thinking { text: String::new(), signature: Some(proof) }.into()),
    }
}

/// What a part is; `None` when only this dialect knows.
fn content(part: &mut Object<'_>, calls: &mut Calls, extra: &mut Extra) -> Result<Option<Content>, ParseError> {
    if let Some(text) = part.text("text")? {
        return Ok(Some(Content::Text(text)));
    }
    if let Some(data) = part.object("inlineData")? {
        let mut data = data.camel()?;
        let (media_type, bytes) = (data.text("mimeType")?.unwrap_or_default().to_ascii_lowercase(), data.need_text("data")?);
        let content = inline(media_type, bytes, data.text("displayName")?);
        data.rest_into(extra, "inlineData");
        return Ok(content);
    }
    if let Some(data) = part.object("fileData")? {
        return file(data.camel()?, extra);
    }
    if let Some(call) = part.object("functionCall")? {
        let mut call = call.camel()?;
        let (id, name) = (call.text("id")?, call.need_text("name")?);
        let arguments = call.take("args").map_or("{}", RawValue::get).to_owned();
        let id = calls.called(id, &name);
        call.rest_into(extra, "functionCall");
        return Ok(Some(Content::ToolCall { id, name, arguments }));
    }
    let Some(result) = part.object("functionResponse")? else { return Ok(None) };
    function_response(result.camel()?, calls, extra).map(Some)
}

fn inline(media_type: String, data: String, name: Option<String>) -> Option<Content> {
    match media_type.split_once('/') {
        Some(("image", _)) => Some(Content::Image { source: Source::Base64 { media_type, data }, detail: None }),
        Some(("audio", format)) => {
            let format = match format {
                "mpeg" => "mp3",
                "x-wav" => "wav",
                other => other,
            };
            Some(Content::Audio { data, format: format.to_owned() })
        }
        Some(("text", _) | ("application", "pdf")) => Some(Content::File { source: Source::Base64 { media_type, data }, name }),
        _ => None,
    }
}

fn file(mut data: Object<'_>, extra: &mut Extra) -> Result<Option<Content>, ParseError> {
    let (uri, media_type) = (data.need_text("fileUri")?, data.text("mimeType")?.map(|m| m.to_ascii_lowercase()));
    if OWN_FILES.iter().any(|own| uri.starts_with(own)) || !uri.starts_with("http") {
        return Ok(None);
    }
    let guessed = media_type_of(&uri);
    let source = Source::Url(uri);
    let content = match media_type.as_deref().or(guessed).and_then(|m| m.split_once('/')) {
        Some(("image", _)) => Content::Image { source, detail: None },
        Some(("text", _) | ("application", "pdf")) | None => Content::File { source, name: data.text("displayName")? },
        Some(_) => return Ok(None),
    };
    data.rest_into(extra, "fileData");
    if let Some(media_type) = media_type.filter(|m| Some(m.as_str()) != guessed) {
        let inner = extra.entry("fileData").or_insert_with(|| json!({}));
        inner["mimeType"] = media_type.into();
    }
    Ok(Some(content))
}

/// The type of what an address holds, by its ending.
pub(super) fn media_type_of(uri: &str) -> Option<&'static str> {
    let path = uri.split(['?', '#']).next().unwrap_or(uri);
    Some(match path.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "html" => "text/html",
        "csv" => "text/csv",
        _ => return None,
    })
}

fn function_response(mut result: Object<'_>, calls: &mut Calls, extra: &mut Extra) -> Result<Content, ParseError> {
    let (id, name) = (result.text("id")?.filter(|id| !id.is_empty()), result.need_text("name")?);
    let (mut parts, is_error) = said(result.take("response"));
    let path = result.path_of("parts");
    for (i, raw) in result.list("parts")?.unwrap_or_default().into_iter().enumerate() {
        parts.push(said_part(&format!("{path}[{i}]"), raw)?);
    }
    result.rest_into(extra, "functionResponse");
    let id = calls.answered(id.as_deref(), &name).unwrap_or_else(|| {
        // It answers no call: its name would be lost.
        let inner = extra.entry("functionResponse").or_insert_with(|| json!({}));
        inner["name"] = Value::from(name.as_str());
        id.unwrap_or_else(|| name.clone())
    });
    Ok(Content::ToolResult { id, parts, is_error })
}

/// A part of what a tool said: bytes. Anything else is kept whole, so that nothing nests.
fn said_part(path: &str, raw: &RawValue) -> Result<Part, ParseError> {
    let mut part = Object::at(path, raw)?.camel()?;
    let mut extra = Extra::new();
    let nests = part.keys().any(|key| !matches!(key, "inlineData" | "fileData" | "mediaResolution"));
    let content = if nests { None } else { content(&mut part, &mut Calls::default(), &mut extra)? };
    let Some(content) = content else { return Ok(Content::Other { kind: "functionResponse".to_owned(), raw: raw.into() }.into()) };
    extra.extend(part.rest());
    Ok(Part { content, cache_control: None, extra })
}

/// What a tool said: text under `output`, or `error` when it failed; anything else as it is.
fn said(response: Option<&RawValue>) -> (Vec<Part>, bool) {
    let Some(raw) = response else { return (Vec::new(), false) };
    let plain = || {
        let mut object = Object::at("", raw).ok()?;
        let one = object.keys().count() == 1;
        let mut text = |key: &str| object.text(key).ok().flatten().filter(|text| one && !is_object(text));
        text("output").map(|text| (text, false)).or_else(|| text("error").map(|text| (text, true)))
    };
    match plain() {
        Some((text, is_error)) => (vec![Part::text(text)], is_error),
        None => (vec![Part::text(raw.get())], false),
    }
}

/// Whether a text is a JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start().starts_with('{') && serde_json::from_str::<&RawValue>(text).is_ok()
}
