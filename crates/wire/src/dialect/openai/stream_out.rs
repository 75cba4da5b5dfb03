//! Writes a stream.

use super::{finish_reason, usage};
use crate::dialect::json::{Json, Members};
use crate::dialect::{MAX_KEPT, StreamWriter};
use crate::error::openai_stream_error;
use crate::form::{ErrorKind, StreamEvent};
use crate::usage::Usage;
use serde_json::Value;

/// How far a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Running,
    Stopped,
    Ended,
}

/// Writes events as the bytes of a stream.
#[derive(Debug)]
pub struct Writer {
    id: String,
    model: String,
    created: u64,
    include_usage: bool,
    usage: Option<Usage>,
    /// The thought under way: its signature goes out with all of it.
    thought: String,
    phase: Phase,
}

impl Writer {
    /// A writer at the beginning. `created` in seconds since 1970; `include_usage`: the caller asked for it.
    pub const fn new(created: u64, include_usage: bool) -> Self {
        Self { id: String::new(), model: String::new(), created, include_usage, usage: None, thought: String::new(), phase: Phase::Before }
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, event: &StreamEvent) -> Vec<u8> {
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        match event {
            StreamEvent::Start { id, model } => {
                self.id.clone_from(id);
                self.model.clone_from(model);
                self.begin()
            }
            StreamEvent::TextDelta(text) => self.delta("content", &Json::of(text)),
            StreamEvent::RefusalDelta(text) => self.delta("refusal", &Json::of(text)),
            StreamEvent::ThinkingDelta(text) => {
                self.thought.push_str(text);
                if self.thought.len() > MAX_KEPT {
                    let message = "the provider's thoughts are too long".to_owned();
                    return self.write(&StreamEvent::Error { kind: ErrorKind::Api, message });
                }
                self.delta("reasoning_content", &Json::of(text))
            }
            StreamEvent::SignatureDelta(signature) => {
                let thought = std::mem::take(&mut self.thought);
                let block = Members::of_type("thinking").with("thinking", &thought).with("signature", signature);
                self.delta("thinking_blocks", &Json::list(&[block.finish()]))
            }
            StreamEvent::RedactedThinking(data) => {
                let block = Members::of_type("redacted_thinking").with("data", data);
                self.delta("thinking_blocks", &Json::list(&[block.finish()]))
            }
            StreamEvent::ToolCallStart { index, id, name } => {
                let function = Members::new().with("name", name).with("arguments", "");
                let call = Members::new().with("index", index).with("id", id).with("type", "function");
                self.delta("tool_calls", &Json::list(&[call.with_json("function", &function.finish()).finish()]))
            }
            StreamEvent::ToolCallDelta { index, arguments } => {
                let function = Members::new().with("arguments", arguments);
                let call = Members::new().with("index", index).with_json("function", &function.finish());
                self.delta("tool_calls", &Json::list(&[call.finish()]))
            }
            StreamEvent::Stop(reason) => {
                self.phase = Phase::Stopped;
                self.chunk(&Json::of(&Value::Object(serde_json::Map::new())), Some(finish_reason(reason)))
            }
            StreamEvent::Usage(usage) => {
                self.usage = Some(*usage);
                Vec::new()
            }
            StreamEvent::Error { kind, message } => {
                self.phase = Phase::Ended;
                openai_stream_error(message, kind.name(), kind.name())
            }
            StreamEvent::Ping => b": ping\n\n".to_vec(),
        }
    }

    fn finish(&mut self) -> Vec<u8> {
        if self.phase == Phase::Ended {
            return Vec::new();
        }
        if self.phase != Phase::Stopped {
            let message = "the provider's stream ended early".to_owned();
            return self.write(&StreamEvent::Error { kind: ErrorKind::Api, message });
        }
        self.phase = Phase::Ended;
        let mut out = Vec::new();
        if let Some(tokens) = self.usage.filter(|_| self.include_usage) {
            let body = self.head().with_json("choices", &Json::list(&[])).with_json("usage", &usage::usage(&tokens));
            out = sse(&body.finish());
        }
        out.extend(b"data: [DONE]\n\n");
        out
    }
}

impl Writer {
    fn begin(&mut self) -> Vec<u8> {
        self.phase = Phase::Running;
        let delta = Members::new().with("role", "assistant").with("content", "").with("refusal", &Value::Null);
        self.chunk(&delta.finish(), None)
    }

    fn delta(&mut self, key: &str, value: &Json) -> Vec<u8> {
        let mut out = if self.phase == Phase::Before { self.begin() } else { Vec::new() };
        out.extend(self.chunk(&Members::new().with_json(key, value).finish(), None));
        out
    }

    fn head(&self) -> Members {
        Members::new()
            .with("id", &self.id)
            .with("object", "chat.completion.chunk")
            .with("created", &self.created)
            .with("model", &self.model)
    }

    fn chunk(&self, delta: &Json, finish_reason: Option<&str>) -> Vec<u8> {
        let choice =
            Members::new().with("index", &0).with_json("delta", delta).with("logprobs", &Value::Null).with("finish_reason", &finish_reason);
        let mut chunk = self.head().with_json("choices", &Json::list(&[choice.finish()]));
        if self.include_usage {
            chunk.put("usage", &Value::Null);
        }
        sse(&chunk.finish())
    }
}

fn sse(data: &Json) -> Vec<u8> {
    format!("data: {}\n\n", data.as_str()).into_bytes()
}
