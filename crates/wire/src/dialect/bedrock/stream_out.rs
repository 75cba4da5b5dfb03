//! Writes a stream: blocks one after the other, each filled and ended. Only calls are begun with a message of their own.

use super::error::exception;
use super::response::{counts, stop_fields};
use super::write_blocks::tool_use;
use crate::dialect::json::{Json, Members};
use crate::dialect::{MAX_KEPT, StreamWriter};
use crate::event_stream::Message;
use crate::form::{ErrorKind, StopReason, StreamEvent};
use crate::usage::Usage;
use serde::de::IgnoredAny;

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
    /// The number of the block under way, or of the next.
    block: u64,
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
            StreamEvent::Start { .. } => self.begin(),
            StreamEvent::TextDelta(text) | StreamEvent::RefusalDelta(text) => {
                self.switch(Open::Text);
                self.delta("text", &Json::of(text));
            }
            StreamEvent::ThinkingDelta(text) => self.thought("text", text),
            StreamEvent::SignatureDelta(signature) => {
                self.thought("signature", signature);
                self.close();
            }
            StreamEvent::RedactedThinking(data) => {
                self.flush();
                self.thought("redactedContent", data);
                self.close();
            }
            StreamEvent::ToolCallStart { index, id, name } => self.tool(*index, id, name),
            StreamEvent::ToolCallDelta { index, arguments } => self.arguments(*index, arguments),
            StreamEvent::Stop(reason) => self.stop = Some(reason.clone()),
            StreamEvent::Usage(usage) => self.usage = *usage,
            StreamEvent::Error { kind, message } => self.fail(*kind, message),
            // There is no message that says nothing.
            StreamEvent::Ping => {}
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
        self.begin();
        self.flush();
        self.event("messageStop", stop_fields(&stop));
        self.event("metadata", counts(&self.usage));
        self.ended = true;
        std::mem::take(&mut self.out)
    }
}

impl Writer {
    fn event(&mut self, name: &str, fields: Members) {
        self.out.extend(Message::event(name, fields.finish().into_bytes()).encode().unwrap_or_default());
    }

    /// An event of the block under way.
    fn block_event(&mut self, name: &str, mut fields: Members) {
        fields.put("contentBlockIndex", &self.block);
        self.event(name, fields);
    }

    fn fail(&mut self, kind: ErrorKind, message: &str) {
        let payload = Members::new().with("message", message).finish().into_bytes();
        self.out.extend(Message::exception(exception(kind), payload).encode().unwrap_or_default());
        self.ended = true;
    }

    fn begin(&mut self) {
        if !self.started {
            self.started = true;
            self.event("messageStart", Members::new().with("role", "assistant"));
        }
    }

    fn delta(&mut self, kind: &str, piece: &Json) {
        self.block_event("contentBlockDelta", Members::new().with_json("delta", &Members::new().with_json(kind, piece).finish()));
    }

    fn thought(&mut self, key: &str, piece: &str) {
        self.switch(Open::Thinking);
        self.delta("reasoningContent", &Members::new().with(key, piece).finish());
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.block_event("contentBlockStop", Members::new());
            self.block += 1;
        }
    }

    /// Ends the block under way and writes what waits for it.
    fn flush(&mut self) {
        self.close();
        for held in std::mem::take(&mut self.held) {
            self.open_tool(held.call, &held.id, &held.name);
            self.input(&held.arguments);
            self.close();
        }
    }

    /// Goes on in a block of text or thought.
    fn switch(&mut self, kind: Open) {
        if self.open.as_ref() != Some(&kind) {
            self.begin();
            self.flush();
            self.open = Some(kind);
        }
    }

    fn open_tool(&mut self, call: usize, id: &str, name: &str) {
        let start = Members::new().with_json("toolUse", &tool_use(id, name).finish()).finish();
        self.block_event("contentBlockStart", Members::new().with_json("start", &start));
        self.open = Some(Open::Tool(call, String::new()));
    }

    fn input(&mut self, piece: &str) {
        if !piece.is_empty() {
            self.delta("toolUse", &Members::new().with("input", piece).finish());
        }
    }

    /// A call begins. While another is incomplete it waits: some providers mix the arguments of several calls.
    fn tool(&mut self, call: usize, id: &str, name: &str) {
        if let Some(Open::Tool(_, arguments)) = &self.open
            && (!self.held.is_empty() || serde_json::from_str::<IgnoredAny>(arguments).is_err())
        {
            self.held.push(Held { call, id: id.to_owned(), name: name.to_owned(), arguments: String::new() });
            return;
        }
        self.begin();
        self.close();
        self.open_tool(call, id, name);
    }

    fn arguments(&mut self, call: usize, piece: &str) {
        if let Some(Open::Tool(open, arguments)) = &mut self.open
            && *open == call
        {
            arguments.push_str(piece);
            self.input(piece);
        } else if let Some(held) = self.held.iter_mut().find(|held| held.call == call) {
            held.arguments.push_str(piece);
        } else if !piece.trim().is_empty() {
            self.fail(ErrorKind::Api, "the provider went on with a call that was complete");
        }
        self.kept += piece.len();
        if self.kept > MAX_KEPT && !self.ended {
            self.fail(ErrorKind::Api, "the provider's calls are too long");
        }
    }
}
