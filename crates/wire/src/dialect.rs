//! Dialects of providers: each reads into the [form](crate::form) and writes out of it.

pub mod anthropic;
pub mod bedrock;
pub mod gemini;
pub(crate) mod json;
pub mod openai;
mod percent;
pub mod responses;

use crate::chat::ParseError;
use crate::form::{Extra, Failure, Loss, Request, Response, StreamEvent, Tool, ToolFunction, Untranslatable};
use serde_json::{Value, json};

/// A dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// OpenAI chat completions.
    OpenAi,
    /// Anthropic Messages, version 2023-06-01.
    Anthropic,
    /// OpenAI Responses.
    Responses,
    /// Google Gemini, v1beta: `generateContent` and `streamGenerateContent?alt=sse`.
    Gemini,
    /// Amazon Bedrock Runtime: `Converse` and `ConverseStream`.
    Bedrock,
}

impl Dialect {
    /// A reader of its streams.
    pub fn reader(self) -> Box<dyn StreamReader> {
        match self {
            Self::OpenAi => Box::new(openai::Reader::new()),
            Self::Anthropic => Box::new(anthropic::Reader::new()),
            Self::Responses => Box::new(responses::Reader::new()),
            Self::Gemini => Box::new(gemini::Reader::new()),
            Self::Bedrock => Box::new(bedrock::Reader::new()),
        }
    }

    /// A writer of its streams. `created` in seconds since 1970; `include_usage`: whether the caller asked, where the dialect lets him.
    pub fn writer(self, created: u64, include_usage: bool) -> Box<dyn StreamWriter> {
        match self {
            Self::OpenAi => Box::new(openai::Writer::new(created, include_usage)),
            Self::Anthropic => Box::new(anthropic::Writer::new()),
            Self::Responses => Box::new(responses::Writer::new(created)),
            Self::Gemini => Box::new(gemini::Writer::new()),
            Self::Bedrock => Box::new(bedrock::Writer::new()),
        }
    }

    /// Reads a request. Gemini's body names no model and no stream: [`gemini::target`] reads them off the address. Bedrock's
    /// neither: [`bedrock::target`].
    pub fn read_request(self, body: &[u8]) -> Result<Request, ParseError> {
        match self {
            Self::OpenAi => openai::read_request(body),
            Self::Anthropic => anthropic::read_request(body),
            Self::Responses => responses::read_request(body),
            Self::Gemini => gemini::read_request(body),
            Self::Bedrock => bedrock::read_request(body),
        }
    }

    /// Reads an answer.
    pub fn read_response(self, body: &[u8]) -> Result<Response, ParseError> {
        match self {
            Self::OpenAi => openai::read_response(body),
            Self::Anthropic => anthropic::read_response(body),
            Self::Responses => responses::read_response(body),
            Self::Gemini => gemini::read_response(body),
            Self::Bedrock => bedrock::read_response(body),
        }
    }

    /// Writes an answer. `created` is for answers that do not say when.
    pub fn write_response(self, response: &Response, created: u64) -> Vec<u8> {
        match self {
            Self::OpenAi => openai::write_response(response, created),
            Self::Anthropic => anthropic::write_response(response),
            Self::Responses => responses::write_response(response, created),
            Self::Gemini => gemini::write_response(response),
            Self::Bedrock => bedrock::write_response(response),
        }
    }

    /// Reads an error's body.
    pub fn read_error(self, status: u16, body: &[u8]) -> Failure {
        match self {
            Self::OpenAi | Self::Responses => openai::read_error(status, body),
            Self::Anthropic => anthropic::read_error(status, body),
            Self::Gemini => gemini::read_error(status, body),
            Self::Bedrock => bedrock::read_error(status, body),
        }
    }

    /// Writes an error's body.
    pub fn write_error(self, failure: &Failure) -> Vec<u8> {
        match self {
            Self::OpenAi | Self::Responses => openai::write_error(failure),
            Self::Anthropic => anthropic::write_error(failure),
            Self::Gemini => gemini::write_error(failure),
            Self::Bedrock => bedrock::write_error(failure),
        }
    }
}

/// Bytes a writer keeps of one stream at most: what waits for its turn, and what is told again at the end.
const MAX_KEPT: usize = 16 * 1024 * 1024;

/// Reads the events' data of a stream, one by one.
pub trait StreamReader: Send {
    /// Reads one event's data; a comment has none.
    fn data(&mut self, data: &[u8]) -> Result<Vec<StreamEvent>, Unreadable>;
    /// The stream's bytes have ended: an error when it is not complete.
    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable>;
}

/// Writes events as the bytes of a stream.
pub trait StreamWriter: Send {
    /// The bytes of one event; nothing after the end or an error.
    fn write(&mut self, event: &StreamEvent) -> Vec<u8>;
    /// The end. A stream that never stopped ends with an error instead.
    fn finish(&mut self) -> Vec<u8>;
}

/// Top-level fields that mean the same in both of OpenAI's dialects.
const SHARED: [&str; 6] = ["metadata", "prompt_cache_key", "prompt_cache_retention", "safety_identifier", "service_tier", "store"];

/// Splits further fields into those both of OpenAI's dialects know, where the request came in one of them, and the rest.
fn shared(request: &Request) -> (Extra, Extra) {
    let known = matches!(request.dialect, Dialect::OpenAi | Dialect::Responses);
    request.extra.clone().into_iter().partition(|(key, _)| known && SHARED.contains(&key.as_str()))
}

/// Refuses every field only its own dialect knows, but for those that ask for what the target does anyway.
fn foreign(loss: &mut Loss, path: &str, extra: &Extra, harmless: fn(&str, &Value) -> bool) -> Result<(), Untranslatable> {
    for (key, value) in extra {
        if !harmless(key, value) && !gemini::hint(key, value) && !bedrock::hint(key, value) {
            loss.refuse(format!("{path}{key}"), "there is no such field")?;
        }
    }
    Ok(())
}

/// Fields that ask for nothing: the defaults of OpenAI's dialects.
fn asks_for_nothing(key: &str, value: &Value) -> bool {
    match key {
        "store" => value == false,
        "frequency_penalty" | "presence_penalty" => value.as_f64() == Some(0.0),
        "service_tier" => value == "auto" || value == "default",
        "modalities" => *value == json!(["text"]),
        "verbosity" => value == "medium",
        "stream_options" => *value == json!({ "include_obfuscation": false }),
        "truncation" => value == "disabled",
        // Summaries and proofs of thoughts come anyway.
        "reasoning" => value.as_object().is_some_and(|r| r.keys().all(|key| key == "summary")),
        "include" => *value == json!(["reasoning.encrypted_content"]),
        "text" => *value == json!({ "verbosity": "medium" }),
        _ => false,
    }
}

/// The tools of a request, functions as `write` says; a provider's own kinds only in its own dialect.
fn tool_list(
    request: &Request,
    own: bool,
    loss: &mut Loss,
    write: fn(usize, &ToolFunction, bool, &mut Loss) -> Result<json::Json, Untranslatable>,
) -> Result<Vec<json::Json>, Untranslatable> {
    let mut tools = Vec::with_capacity(request.tools.len());
    for (i, tool) in request.tools.iter().enumerate() {
        match tool {
            Tool::Function(function) => tools.push(write(i, function, own, loss)?),
            Tool::Other { raw, .. } if own => tools.push(json::Json::of(raw)),
            Tool::Other { kind, .. } => loss.refuse(format!("tools[{i}]"), &format!("there is no tool of the type {kind}"))?,
        }
    }
    Ok(tools)
}

/// Why a stream or an answer cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// It is not what the dialect sends.
    #[error("the provider sent what its dialect does not know: {0}")]
    Malformed(String),
    /// It ended before its end.
    #[error("the provider's stream ended early")]
    EndedEarly,
}

impl From<crate::chat::ParseError> for Unreadable {
    fn from(e: crate::chat::ParseError) -> Self {
        Self::Malformed(e.to_string())
    }
}

#[cfg(test)]
mod tests;
