//! Writes a stream: blocks one after the other, each begun, filled and ended.

use super::error::write_stream_error;
use super::response::{message, redacted_thinking, thinking, tool_use};
use super::stop_fields;
use super::usage::usage;
use crate::dialect::json::{Json, Members};
use crate::dialect::{MAX_KEPT, StreamWriter};
use crate::form::{ErrorKind, StopReason, StreamEvent};
use crate::usage::Usage;
use serde::de::IgnoredAny;
use serde_json::Value;

/// The block under way.
#[derive(Debug, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
    /// A call, and its arguments so far.
    Tool(usize, String),
}

/// A call that waits for the one before it.
#[derive(Debug)]
struct Held {
    call: usize,
    id: String,
    name: String,
    arguments: String,
}

/// Writes events as the bytes of a stream.
#[derive(Debug, Default)]
pub struct Writer {
    out: Vec<u8>,
    usage: Usage,
    /// The number of the next block.
    next: u64,
    open: Option<Open>,
    held: Vec<Held>,
    /// Bytes of arguments seen.
    kept: usize,
    stop: Option<StopReason>,
    started: bool,
    ended: bool,
}

impl Writer {
    /// A writer at the beginning.
    pub fn new() -> Self {
        Self::default()
    }
}

impl StreamWriter for Writer {
    fn write(&mut self, event: &StreamEvent) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        match event {
            StreamEvent::Start { id, model } => self.begin(id, model),
            StreamEvent::TextDelta(text) | StreamEvent::RefusalDelta(text) => {
                self.switch(Open::Text);
                self.delta("text_delta", "text", text);
            }
            StreamEvent::ThinkingDelta(text) => {
                self.switch(Open::Thinking);
                self.delta("thinking_delta", "thinking", text);
            }
            StreamEvent::SignatureDelta(signature) => {
                self.switch(Open::Thinking);
                self.delta("signature_delta", "signature", signature);
                self.close();
            }
            StreamEvent::RedactedThinking(data) => {
                self.flush();
                self.block(&redacted_thinking(data));
                self.block_end();
            }
            StreamEvent::ToolCallStart { index, id, name } => self.tool(*index, id, name),
            StreamEvent::ToolCallDelta { index, arguments } => self.arguments(*index, arguments),
            StreamEvent::Stop(reason) => self.stop = Some(reason.clone()),
            StreamEvent::Usage(usage) => self.usage = *usage,
            StreamEvent::Error { kind, message } => self.fail(*kind, message),
            StreamEvent::Ping => self.event("ping", &Members::new()),
        }
        std::mem::take(&mut self.out)
    }

    fn finish(&mut self) -> Vec<u8> {
        if self.ended {
            return Vec::new();
        }
        let Some(stop) = self.stop.take() else {
            self.fail(ErrorKind::Api, "the provider's stream ended early");
            return std::mem::take(&mut self.out);
        };
        self.ensure_begun();
        self.flush();
        let (reason, sequence) = stop_fields(&stop);
        let delta = Members::new().with("stop_reason", reason).with("stop_sequence", &sequence);
        self.event("message_delta", &Members::new().with_json("delta", &delta.finish()).with_json("usage", &usage(&self.usage)));
        self.event("message_stop", &Members::new());
        self.ended = true;
        std::mem::take(&mut self.out)
    }
}

impl Writer {
    fn event(&mut self, name: &str, fields: &Members) {
        let data = Members::of_type(name).and(fields).finish();
        self.out.extend(format!("event: {name}\ndata: {}\n\n", data.as_str()).as_bytes());
    }

    fn fail(&mut self, kind: ErrorKind, message: &str) {
        self.out.extend(write_stream_error(kind, message));
        self.ended = true;
    }

    fn begin(&mut self, id: &str, model: &str) {
        if self.started {
            return;
        }
        self.started = true;
        let message = message(id, model)
            .with_json("content", &Json::list(&[]))
            .with("stop_reason", &Value::Null)
            .with("stop_sequence", &Value::Null)
            .with_json("usage", &usage(&self.usage));
        self.event("message_start", &Members::new().with_json("message", &message.finish()));
    }

    fn ensure_begun(&mut self) {
        self.begin("", "");
    }

    /// Begins a block.
    fn block(&mut self, block: &Json) {
        self.ensure_begun();
        let number = self.next;
        self.event("content_block_start", &Members::new().with("index", &number).with_json("content_block", block));
    }

    /// Ends the block begun last.
    fn block_end(&mut self) {
        let number = self.next;
        self.event("content_block_stop", &Members::new().with("index", &number));
        self.next += 1;
    }

    fn delta(&mut self, kind: &str, key: &str, value: &str) {
        let (number, delta) = (self.next, Members::of_type(kind).with(key, value).finish());
        self.event("content_block_delta", &Members::new().with("index", &number).with_json("delta", &delta));
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.block_end();
        }
    }

    /// Ends the block under way and writes what waits for it.
    fn flush(&mut self) {
        self.close();
        for held in std::mem::take(&mut self.held) {
            self.open_tool(held.call, &held.id, &held.name);
            if !held.arguments.is_empty() {
                self.delta("input_json_delta", "partial_json", &held.arguments);
            }
            self.close();
        }
    }

    /// Goes on in a block of text or thought.
    fn switch(&mut self, kind: Open) {
        if self.open.as_ref() == Some(&kind) {
            return;
        }
        self.flush();
        let block = match kind {
            Open::Thinking => thinking("", ""),
            _ => Members::of_type("text").with("text", "").finish(),
        };
        self.block(&block);
        self.open = Some(kind);
    }

    fn open_tool(&mut self, call: usize, id: &str, name: &str) {
        let block = tool_use(id, name).with_json("input", &Members::new().finish());
        self.block(&block.finish());
        self.open = Some(Open::Tool(call, String::new()));
    }

    /// A call begins. While another is incomplete it waits: some providers mix the arguments of several calls.
    fn tool(&mut self, call: usize, id: &str, name: &str) {
        if let Some(Open::Tool(_, arguments)) = &self.open
            && (!self.held.is_empty() || serde_json::from_str::<IgnoredAny>(arguments).is_err())
        {
            self.held.push(Held { call, id: id.to_owned(), name: name.to_owned(), arguments: String::new() });
            return;
        }
        self.close();
        self.open_tool(call, id, name);
    }

    fn arguments(&mut self, call: usize, piece: &str) {
        if let Some(Open::Tool(open, arguments)) = &mut self.open
            && *open == call
        {
            arguments.push_str(piece);
            self.delta("input_json_delta", "partial_json", piece);
        } else if let Some(held) = self.held.iter_mut().find(|held| held.call == call) {
            held.arguments.push_str(piece);
        } else if !piece.trim().is_empty() {
            self.fail(ErrorKind::Api, "the provider went on with a call that was complete");
        }
        self.kept += piece.len();
        if self.kept > MAX_KEPT {
            self.fail(ErrorKind::Api, "the provider's calls are too long");
        }
    }
}
