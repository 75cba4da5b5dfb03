//! The request: read as little as routing needs, edit between positions. The same for every dialect whose body names its model.

use crate::dialect::Dialect;
use crate::scan;
use crate::text::{inside, quoted};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

/// Why a body is not a chat request.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON.
    #[error("the body is not valid JSON: {why} at line {line}, column {column}")]
    NotJson {
        /// What is wrong.
        why: String,
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// A field is missing or has the wrong shape.
    #[error("`{field}` {why}")]
    Field {
        /// Which field.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ParseError {
    /// The stable code.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotJson { .. } => "invalid_json",
            Self::Field { .. } => "invalid_request",
        }
    }

    /// The field it is about.
    pub fn param(&self) -> Option<&str> {
        match self {
            Self::NotJson { .. } => None,
            Self::Field { field, .. } => Some(field),
        }
    }

    pub(crate) fn field(field: &str, why: &str) -> Self {
        Self::Field { field: field.to_owned(), why: why.to_owned() }
    }
}

/// A chat request: every top-level field in order, as text, and the few that routing reads.
#[derive(Debug)]
pub struct ChatRequest<'a> {
    pub(super) dialect: Dialect,
    pub(super) fields: Vec<(Cow<'a, str>, &'a str)>,
    /// The model asked for.
    pub model: Cow<'a, str>,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Whether the caller wants the usage chunk at the end of the stream.
    pub include_usage: bool,
    /// The end user.
    pub user: Option<Cow<'a, str>>,
    pub(super) messages: Conversation<'a>,
    /// The fields of `metadata`, in order.
    pub metadata: Vec<(Cow<'a, str>, &'a RawValue)>,
}

#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

/// Reads JSON. Whether it is text at all is looked at once for all of it, not for each piece.
pub(crate) fn from_json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> serde_json::Result<T> {
    match std::str::from_utf8(body) {
        Ok(text) => serde_json::from_str(text),
        // Tells where it is none.
        Err(_) => serde_json::from_slice(body),
    }
}

/// The fields of an object, in order, as text.
pub(crate) struct Fields<'a>(pub(crate) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Fields<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(12);
                while let Some((Text(key), value)) = map.next_entry::<Text<'de>, &'de RawValue>()? {
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        d.deserialize_map(Collect)
    }
}

/// The fields of a body, in order, as text.
pub(super) fn top_level(body: &[u8]) -> Result<Vec<(Cow<'_, str>, &str)>, ParseError> {
    let mut fields = Vec::with_capacity(12);
    let found = std::str::from_utf8(body).ok().and_then(|text| scan::each(text, |key, value| fields.push((Cow::Borrowed(key), value))));
    if found.is_none() {
        let Fields(parsed) = serde_json::from_slice(body).map_err(|e| not_json(&e))?;
        fields = parsed.into_iter().map(|(key, value)| (key, value.get())).collect();
    }
    Ok(fields)
}

fn read<'a, T: Deserialize<'a>>(field: &str, value: &'a str, expected: &str) -> Result<Option<T>, ParseError> {
    serde_json::from_str(value).map_err(|_| ParseError::field(field, expected))
}

impl<'a> ChatRequest<'a> {
    /// Reads a body in one pass.
    pub fn parse(dialect: Dialect, body: &'a [u8]) -> Result<Self, ParseError> {
        let fields = top_level(body)?;
        if let Some(key) = twice(&fields) {
            return Err(ParseError::field(key, "is there twice"));
        }
        let (mut model, mut messages, mut user, mut metadata) = (None, None, None, Vec::new());
        let (mut stream, mut include_usage) = (false, false);
        for (key, value) in &fields {
            match key.as_ref() {
                "model" => model = read::<Text<'a>>("model", value, "must be text")?.map(|t| t.0),
                "input" if dialect == Dialect::Responses => messages = Some(list_or_text(value)?),
                "messages" if dialect != Dialect::Responses => messages = Some(Conversation::List(array("messages", value)?)),
                "stream" => stream = read::<Option<bool>>("stream", value, "must be true or false")?.flatten().unwrap_or(false),
                "user" if dialect != Dialect::Anthropic => user = read::<Text<'a>>("user", value, "must be text")?.map(|t| t.0),
                "metadata" => {
                    let fields = read::<Option<Fields<'a>>>("metadata", value, "must be an object")?;
                    metadata = fields.flatten().map_or_else(Vec::new, |f| f.0);
                }
                "stream_options" if dialect == Dialect::OpenAi => include_usage = wants_usage(value)?,
                _ => {}
            }
        }
        let model = model.filter(|m| !m.is_empty()).ok_or_else(|| ParseError::field("model", "is missing"))?;
        let messages = messages.ok_or_else(|| ParseError::field(conversation(dialect), "is missing"))?;
        if dialect == Dialect::Anthropic {
            user = metadata
                .iter()
                .find(|(key, _)| key == "user_id")
                .and_then(|(_, id)| serde_json::from_str::<Text<'a>>(id.get()).ok())
                .map(|t| t.0);
        }
        Ok(Self { dialect, fields, model, stream, include_usage, user, messages, metadata })
    }

    /// A top-level field that is text.
    pub fn text_field(&self, name: &str) -> Option<String> {
        let (_, raw) = self.fields.iter().find(|(key, _)| key == name)?;
        serde_json::from_str(raw).ok()
    }

    /// The body for the provider: the model replaced, the prompt's messages in front, its parameters in place of the caller's, usage asked of every
    /// stream. Everything else stays as it was, byte for byte and in order.
    pub fn rewrite(&self, edit: &Edit<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.rewrite_to(edit, &mut out);
        out
    }

    /// [`Self::rewrite`], written behind what is there already.
    pub fn rewrite_to(&self, edit: &Edit<'_>, out: &mut Vec<u8>) {
        if self.dialect == Dialect::Gemini {
            return self.rewrite_addressed(edit, out);
        }
        let size: usize = self.fields.iter().map(|(key, value)| key.len() + value.len() + 4).sum();
        let added: usize = edit.parameters.iter().map(|(name, value)| name.len() + value.get().len() + 8).sum();
        out.reserve(size + added + edit.prompt_messages.len() + edit.model.len() + 96);
        let mut first = true;
        let (system, messages) = match self.dialect {
            Dialect::Anthropic => hoisted(edit.prompt_messages),
            Dialect::OpenAi | Dialect::Responses | Dialect::Gemini | Dialect::Bedrock => {
                (String::new(), Cow::Borrowed(edit.prompt_messages))
            }
        };
        let mut system = Some(system).filter(|blocks| !blocks.is_empty());
        for (key, value) in &self.fields {
            if edit.parameters.iter().any(|(name, _)| self.name_here(name) == key) {
                continue;
            }
            match key.as_ref() {
                "model" => {
                    put(out, &mut first, key, &[]);
                    put_text(out, edit.model);
                }
                name if name == conversation(self.dialect) => self.put_messages(out, &mut first, name, &messages),
                "system" if system.is_some() => {
                    put(out, &mut first, key, &["[", &system.take().unwrap_or_default(), &behind(value), "]"]);
                }
                "stream_options" if self.stream && self.dialect == Dialect::OpenAi => {}
                "metadata" => {
                    if let Some(kept) = self.kept_metadata(value) {
                        put(out, &mut first, key, &[&kept]);
                    }
                }
                _ => put(out, &mut first, key, &[value]),
            }
        }
        if let Some(blocks) = system {
            put(out, &mut first, "system", &["[", &blocks, "]"]);
        }
        if self.stream && self.dialect == Dialect::OpenAi {
            put(out, &mut first, "stream_options", &[&self.stream_options()]);
        }
        for (name, value) in edit.parameters {
            let (name, raw) = (self.name_here(name), value.get());
            // OpenAI takes one text where Anthropic wants a list.
            let (open, close) = if name == "stop_sequences" && raw.starts_with('"') { ("[", "]") } else { ("", "") };
            put(out, &mut first, name, &[open, raw, close]);
        }
        out.push(b'}');
    }

    /// A prompt's parameter, which has OpenAI's name, in this dialect.
    fn name_here<'n>(&self, name: &'n str) -> &'n str {
        match (self.dialect, name) {
            (Dialect::Responses, "max_tokens" | "max_completion_tokens") => "max_output_tokens",
            (Dialect::Anthropic, "max_completion_tokens") => "max_tokens",
            (Dialect::Anthropic, "stop") => "stop_sequences",
            _ => name,
        }
    }

    fn put_messages(&self, out: &mut Vec<u8>, first: &mut bool, key: &str, prompt: &str) {
        let comma = |said: &str| if prompt.is_empty() || said.is_empty() { "" } else { "," };
        match self.messages {
            Conversation::List(inside) => put(out, first, key, &["[", prompt, comma(inside.trim()), inside, "]"]),
            Conversation::Text(text) if prompt.is_empty() => put(out, first, key, &[text]),
            Conversation::Text(text) => put(out, first, key, &["[", prompt, r#",{"role":"user","content":"#, text, "}]"]),
        }
    }

    /// The caller's stream options with `include_usage` set.
    fn stream_options(&self) -> String {
        let given = self.fields.iter().find(|(key, _)| key == "stream_options").map(|(_, value)| *value);
        let mut options: serde_json::Map<String, serde_json::Value> =
            given.and_then(|raw| serde_json::from_str(raw).ok()).unwrap_or_default();
        options.insert("include_usage".to_owned(), true.into());
        serde_json::Value::Object(options).to_string()
    }

    /// The metadata without what is meant for the gateway; `None` when nothing is left.
    fn kept_metadata(&self, whole: &'a str) -> Option<Cow<'a, str>> {
        let ours = |key: &str| key == "session_id" || key == "prompt_variables";
        if !self.metadata.iter().any(|(key, _)| ours(key)) {
            return Some(Cow::Borrowed(whole));
        }
        let mut out = Vec::new();
        let mut first = true;
        for (key, value) in self.metadata.iter().filter(|(key, _)| !ours(key)) {
            put(&mut out, &mut first, key, &[value.get()]);
        }
        out.push(b'}');
        (!first).then(|| String::from_utf8(out).ok().map(Cow::Owned)).flatten()
    }
}

/// What is changed on the way to the provider.
#[derive(Debug)]
pub struct Edit<'e> {
    /// The provider's name of the model.
    pub model: &'e str,
    /// JSON array elements, without the brackets; may be empty.
    pub prompt_messages: &'e str,
    /// Top-level fields that replace the caller's.
    pub parameters: &'e [(String, Box<RawValue>)],
}

pub(crate) fn not_json(e: &serde_json::Error) -> ParseError {
    if e.is_data() {
        return ParseError::field("body", "must be a JSON object");
    }
    let why = e.to_string();
    let why = why.split(" at line ").next().unwrap_or_default().to_owned();
    ParseError::NotJson { why, line: e.line(), column: e.column() }
}

pub(super) fn array<'a>(field: &str, value: &'a str) -> Result<&'a str, ParseError> {
    value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).ok_or_else(|| ParseError::field(field, "must be a list"))
}

/// What was said so far.
#[derive(Clone, Copy, Debug)]
pub(super) enum Conversation<'a> {
    /// The inside of a list.
    List(&'a str),
    /// In Responses: a user's text, with its quotes.
    Text(&'a str),
}

/// The field of the conversation.
const fn conversation(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAi | Dialect::Anthropic | Dialect::Bedrock => "messages",
        Dialect::Responses => "input",
        Dialect::Gemini => "contents",
    }
}

/// A field that is there twice. Bodies have a dozen fields; one with thousands must not cost the square of them.
pub(super) fn twice<'f, V>(fields: &'f [(Cow<'_, str>, V)]) -> Option<&'f str> {
    if fields.len() <= 32 {
        let again = fields.iter().enumerate().find(|(i, (key, _))| fields[..*i].iter().any(|(earlier, _)| earlier == key));
        return again.map(|(_, (key, _))| key.as_ref());
    }
    let mut seen = HashSet::with_capacity(fields.len());
    fields.iter().map(|(key, _)| key.as_ref()).find(|key| !seen.insert(*key))
}

fn list_or_text(value: &str) -> Result<Conversation<'_>, ParseError> {
    if value.starts_with('"') {
        return Ok(Conversation::Text(value));
    }
    let inside = value.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    inside.map(Conversation::List).ok_or_else(|| ParseError::field("input", "must be text or a list"))
}

/// A message of a prompt.
#[derive(Deserialize)]
pub(super) struct Said<'a> {
    #[serde(borrow)]
    role: Text<'a>,
    /// JSON text.
    #[serde(borrow)]
    pub content: &'a RawValue,
}

impl Said<'_> {
    pub fn is_system(&self) -> bool {
        self.role.0 == "system" || self.role.0 == "developer"
    }

    pub fn is_assistant(&self) -> bool {
        self.role.0 == "assistant"
    }
}

/// A prompt's messages for Anthropic: what the system says as blocks, and the others.
fn hoisted(prompt: &str) -> (String, Cow<'_, str>) {
    if prompt.is_empty() {
        return (String::new(), Cow::Borrowed(""));
    }
    let list = format!("[{prompt}]");
    let Ok(all) = serde_json::from_str::<Vec<Said<'_>>>(&list) else { return (String::new(), Cow::Borrowed(prompt)) };
    let (system, others): (Vec<_>, Vec<_>) = all.into_iter().partition(Said::is_system);
    let blocks: Vec<String> = system.iter().map(|said| format!(r#"{{"type":"text","text":{}}}"#, said.content.get())).collect();
    let others: Vec<String> =
        others.iter().map(|said| format!(r#"{{"role":{},"content":{}}}"#, quoted(&said.role.0), said.content.get())).collect();
    (blocks.join(","), Cow::Owned(others.join(",")))
}

/// The caller's own `system` behind the prompt's blocks: a comma and its blocks.
fn behind(raw: &str) -> String {
    match raw.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(blocks) if blocks.trim().is_empty() => String::new(),
        Some(blocks) => format!(",{blocks}"),
        None if raw == "null" => String::new(),
        None => format!(r#",{{"type":"text","text":{raw}}}"#),
    }
}

fn wants_usage(value: &str) -> Result<bool, ParseError> {
    #[derive(Deserialize)]
    struct Options {
        #[serde(default)]
        include_usage: Option<bool>,
    }
    Ok(read::<Option<Options>>("stream_options", value, "must be an object")?.flatten().and_then(|o| o.include_usage).unwrap_or(false))
}

/// Writes text as JSON.
fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    out.extend_from_slice(inside(text).as_bytes());
    out.push(b'"');
}

pub(super) fn put(out: &mut Vec<u8>, first: &mut bool, key: &str, value: &[&str]) {
    out.push(if *first { b'{' } else { b',' });
    *first = false;
    put_text(out, key);
    out.push(b':');
    for part in value {
        out.extend_from_slice(part.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn rewrite(body: &str, prompt: &str, parameters: &[(&str, &str)]) -> String {
        let parameters: Vec<_> =
            parameters.iter().map(|(k, v)| ((*k).to_owned(), RawValue::from_string((*v).to_owned()).expect("JSON"))).collect();
        let request = ChatRequest::parse(Dialect::OpenAi, body.as_bytes()).expect("a request");
        String::from_utf8(request.rewrite(&Edit { model: "gpt-4o-mini", prompt_messages: prompt, parameters: &parameters })).expect("UTF-8")
    }

    #[test]
    fn only_what_must_change_changes() {
        let body = r#"{"model":"support-bot", "messages":[{"role":"user","content":"é\u00e9 1e400"}],"x_new":  {"a":[1.0,  2]},"temperature":1.50}"#;
        insta::assert_snapshot!(rewrite(body, r#"{"role":"system","content":"Help."}"#, &[]), @r#"{"model":"gpt-4o-mini","messages":[{"role":"system","content":"Help."},{"role":"user","content":"é\u00e9 1e400"}],"x_new":{"a":[1.0,  2]},"temperature":1.50}"#);
    }

    fn rewrite_in(dialect: Dialect, body: &str) -> String {
        let prompt = r#"{"role":"system","content":"Help \"us\"."},{"role":"user","content":"Hi"}"#;
        let parameters = [("max_completion_tokens".to_owned(), RawValue::from_string("9".to_owned()).expect("JSON"))];
        let request = ChatRequest::parse(dialect, body.as_bytes()).expect("a request");
        String::from_utf8(request.rewrite(&Edit { model: "m", prompt_messages: prompt, parameters: &parameters })).expect("UTF-8")
    }

    #[test]
    fn a_prompt_goes_where_the_dialect_keeps_it() {
        let ask = r#"{"model":"bot","max_tokens":99,"messages":[{"role":"user","content":"?"}]}"#;
        insta::assert_snapshot!(rewrite_in(Dialect::Anthropic, ask), @r#"{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"user","content":"?"}],"system":[{"type":"text","text":"Help \"us\"."}],"max_tokens":9}"#);
        let own = r#"{"model":"bot","system":"Be kind.","messages":[]}"#;
        insta::assert_snapshot!(rewrite_in(Dialect::Anthropic, own), @r#"{"model":"m","system":[{"type":"text","text":"Help \"us\"."},{"type":"text","text":"Be kind."}],"messages":[{"role":"user","content":"Hi"}],"max_tokens":9}"#);
        let blocks = r#"{"model":"bot","system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],"messages":[]}"#;
        insta::assert_snapshot!(rewrite_in(Dialect::Anthropic, blocks), @r#"{"model":"m","system":[{"type":"text","text":"Help \"us\"."},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],"messages":[{"role":"user","content":"Hi"}],"max_tokens":9}"#);
        insta::assert_snapshot!(rewrite_in(Dialect::Responses, r#"{"model":"bot","input":"?","max_output_tokens":5}"#), @r#"{"model":"m","input":[{"role":"system","content":"Help \"us\"."},{"role":"user","content":"Hi"},{"role":"user","content":"?"}],"max_output_tokens":9}"#);
    }

    #[test]
    fn one_text_to_stop_at_is_a_list_for_anthropic() {
        let request = ChatRequest::parse(Dialect::Anthropic, br#"{"model":"bot","messages":[]}"#).expect("a request");
        let parameters = [("stop".to_owned(), RawValue::from_string("\"END\"".to_owned()).expect("JSON"))];
        let body = request.rewrite(&Edit { model: "m", prompt_messages: "", parameters: &parameters });
        assert_eq!(String::from_utf8(body).expect("UTF-8"), r#"{"model":"m","messages":[],"stop_sequences":["END"]}"#);
    }

    #[test]
    fn the_user_is_where_the_dialect_keeps_it() {
        let body = r#"{"model":"bot","metadata":{"user_id":"ann","session_id":"s"},"messages":[]}"#;
        assert_eq!(ChatRequest::parse(Dialect::Anthropic, body.as_bytes()).expect("a request").user.as_deref(), Some("ann"));
        insta::assert_snapshot!(
            String::from_utf8(ChatRequest::parse(Dialect::Anthropic, body.as_bytes()).expect("a request").rewrite(&Edit { model: "m", prompt_messages: "", parameters: &[] })).expect("UTF-8"),
            @r#"{"model":"m","metadata":{"user_id":"ann"},"messages":[]}"#
        );
        assert_eq!(ChatRequest::parse(Dialect::Responses, br#"{"model":"m"}"#).expect_err("refused").param(), Some("input"));
    }

    #[test]
    fn a_list_of_texts_is_left_to_the_provider() {
        insta::assert_snapshot!(rewrite(r#"{"model":"m","messages":["no object"]}"#, "", &[]), @r#"{"model":"gpt-4o-mini","messages":["no object"]}"#);
        insta::assert_snapshot!(rewrite(r#"{"model":"m","messages":["no object"]}"#, "{}", &[]), @r#"{"model":"gpt-4o-mini","messages":[{},"no object"]}"#);
    }

    #[test]
    fn thousands_of_fields_are_no_trap() {
        let fields: Vec<String> = (0..100_000).map(|i| format!("\"f{i}\":0")).collect();
        let body = format!("{{\"model\":\"m\",\"messages\":[],{}}}", fields.join(","));
        let began = std::time::Instant::now();
        assert!(ChatRequest::parse(Dialect::OpenAi, body.as_bytes()).is_ok());
        assert!(began.elapsed().as_secs() < 2);
    }

    #[test]
    fn the_prompts_parameters_win() {
        let body = r#"{"model":"m","temperature":1.5,"messages":[]}"#;
        insta::assert_snapshot!(rewrite(body, "", &[("temperature", "0.2"), ("max_tokens", "9")]), @r#"{"model":"gpt-4o-mini","messages":[],"temperature":0.2,"max_tokens":9}"#);
    }

    #[test]
    fn usage_is_asked_of_every_stream_and_other_options_stay() {
        let body =
            r#"{"model":"m","stream":true,"stream_options":{"include_obfuscation":false},"messages":[{"role":"user","content":"hi"}]}"#;
        insta::assert_snapshot!(rewrite(body, "", &[]), @r#"{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}],"stream_options":{"include_obfuscation":false,"include_usage":true}}"#);
    }

    #[test]
    fn what_was_meant_for_the_gateway_does_not_go_on() {
        let body = r#"{"model":"m","messages":[],"metadata":{"session_id":"s1","team":"blue"}}"#;
        insta::assert_snapshot!(rewrite(body, "", &[]), @r#"{"model":"gpt-4o-mini","messages":[],"metadata":{"team":"blue"}}"#);
        assert_eq!(
            rewrite(r#"{"model":"m","messages":[],"metadata":{"session_id":"s1"}}"#, "", &[]),
            r#"{"model":"gpt-4o-mini","messages":[]}"#
        );
    }

    #[test]
    fn a_wrong_body_is_refused_by_name_and_place() {
        let refused = |body: &str| ChatRequest::parse(Dialect::OpenAi, body.as_bytes()).expect_err("refused");
        assert_eq!(refused("{\n  \"model\": oops}"), ParseError::NotJson { why: "expected value".into(), line: 2, column: 12 });
        assert_eq!(refused(r#"{"messages":[]}"#).param(), Some("model"));
        assert_eq!(refused(r#"{"model":null,"messages":[]}"#).param(), Some("model"));
        assert_eq!(refused(r#"{"model":3,"messages":[]}"#).param(), Some("model"));
        assert_eq!(refused(r#"{"model":"m"}"#).param(), Some("messages"));
        assert_eq!(refused(r#"{"model":"m","messages":{}}"#).param(), Some("messages"));
        assert_eq!(refused(r#"{"model":"m","messages":[],"stream":"yes"}"#).param(), Some("stream"));
        assert_eq!(refused(r#"{"model":"m","model":"n","messages":[]}"#).param(), Some("model"));
        assert_eq!(refused("[]").param(), Some("body"));
        assert_eq!(refused("").code(), "invalid_json");
    }

    #[test]
    fn what_is_no_text_is_told_where_it_is() {
        let refused = ChatRequest::parse(Dialect::OpenAi, b"{\"model\":\"m\",\n\"messages\":[\"\xff\"]}").expect_err("refused");
        let ParseError::NotJson { why, line: 2, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!(why, "invalid unicode code point");
    }

    #[test]
    fn names_of_models_are_written_as_json_whatever_they_are() {
        let request = ChatRequest::parse(Dialect::OpenAi, br#"{"model":"m","messages":[]}"#).expect("a request");
        for name in ["gpt-4o", "a\"b\\c", "ligne\u{1}\n", "模型"] {
            let body = request.rewrite(&Edit { model: name, prompt_messages: "", parameters: &[] });
            assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON")["model"], name);
        }
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".{0,6}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::hash_map(".{0,4}", inner, 0..4).prop_map(|m| Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_rewrite_is_the_edit_of_the_value(extra in prop::collection::hash_map("[a-z\"é\\\\]{1,5}", any_json(), 0..5), said in ".{0,20}", stream in any::<bool>()) {
            let mut body = serde_json::Map::new();
            body.extend(extra.into_iter().filter(|(k, _)| !["model", "user", "stream", "metadata", "messages"].contains(&k.as_str())));
            body.insert("model".into(), json!("route"));
            body.insert("messages".into(), json!([{ "role": "user", "content": said }]));
            body.insert("stream".into(), json!(stream));
            let mut want = Value::Object(body.clone());
            want["model"] = json!("gpt-4o-mini");
            want["messages"].as_array_mut().expect("list").insert(0, json!({ "role": "system", "content": "S" }));
            if stream {
                want["stream_options"] = json!({ "include_usage": true });
            }
            let got = rewrite(&Value::Object(body).to_string(), r#"{"role":"system","content":"S"}"#, &[]);
            prop_assert_eq!(serde_json::from_str::<Value>(&got).expect("valid JSON"), want);
        }
    }
}
