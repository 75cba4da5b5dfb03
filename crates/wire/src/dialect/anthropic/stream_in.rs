//! Reads a stream.

use super::error::read_error;
use super::stop_reason;
use super::usage::Counted;
use crate::dialect::{StreamReader, Unreadable};
use crate::form::StreamEvent;
use crate::usage::Usage;
use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Message {
    id: Option<String>,
    model: Option<String>,
    usage: Option<Counted>,
}

#[derive(Deserialize)]
struct Block<'a> {
    r#type: String,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    data: Option<String>,
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Delta {
    r#type: Option<String>,
    text: Option<String>,
    thinking: Option<String>,
    signature: Option<String>,
    partial_json: Option<String>,
    stop_reason: Option<String>,
    stop_sequence: Option<String>,
}

#[derive(Deserialize)]
struct Event<'a> {
    r#type: String,
    message: Option<Message>,
    index: Option<u64>,
    #[serde(borrow)]
    content_block: Option<Block<'a>>,
    delta: Option<Delta>,
    usage: Option<Counted>,
}

/// A call under way.
#[derive(Debug)]
struct Call {
    block: u64,
    /// What it has if nothing follows.
    arguments: Option<String>,
}

/// Reads the events' data of a stream, one by one. The data carries the event's name.
#[derive(Debug, Default)]
pub struct Reader {
    calls: Vec<Call>,
    usage: Counted,
    done: bool,
    failed: bool,
}

impl Reader {
    /// A reader at the beginning.
    pub fn new() -> Self {
        Self::default()
    }
}

impl StreamReader for Reader {
    fn data(&mut self, data: &[u8]) -> Result<Vec<StreamEvent>, Unreadable> {
        if data.is_empty() {
            return Ok(vec![StreamEvent::Ping]);
        }
        let event: Event<'_> = serde_json::from_slice(data).map_err(|e| Unreadable::Malformed(e.to_string()))?;
        let mut events = Vec::new();
        match event.r#type.as_str() {
            "message_start" => {
                let message = event.message.unwrap_or(Message { id: None, model: None, usage: None });
                events.push(StreamEvent::Start { id: message.id.unwrap_or_default(), model: message.model.unwrap_or_default() });
                self.count(message.usage, &mut events);
            }
            "content_block_start" => {
                if let Some(block) = event.content_block {
                    self.block(event.index.unwrap_or(0), block, &mut events);
                }
            }
            "content_block_delta" => {
                if let Some(delta) = event.delta {
                    self.delta(event.index.unwrap_or(0), delta, &mut events);
                }
            }
            "content_block_stop" => self.close(event.index.unwrap_or(0), &mut events),
            "message_delta" => {
                self.count(event.usage, &mut events);
                let stop = event.delta.and_then(|d| d.stop_reason.map(|name| stop_reason(&name, d.stop_sequence)));
                events.extend(stop.map(StreamEvent::Stop));
            }
            "message_stop" => self.done = true,
            "ping" => events.push(StreamEvent::Ping),
            "error" => {
                self.failed = true;
                let failure = read_error(200, data);
                events.push(StreamEvent::Error { kind: failure.kind, message: failure.message });
            }
            // New kinds of events may come at any time and are to be passed over.
            _ => {}
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable> {
        if self.failed || !self.done { Err(Unreadable::EndedEarly) } else { Ok(Vec::new()) }
    }
}

impl Reader {
    fn count(&mut self, usage: Option<Counted>, events: &mut Vec<StreamEvent>) {
        if let Some(usage) = usage {
            self.usage.merge(usage);
            events.push(StreamEvent::Usage(Usage::from(self.usage)));
        }
    }

    fn block(&mut self, number: u64, block: Block<'_>, events: &mut Vec<StreamEvent>) {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        match block.r#type.as_str() {
            "text" => events.extend(some(block.text).map(StreamEvent::TextDelta)),
            "thinking" => {
                events.extend(some(block.thinking).map(StreamEvent::ThinkingDelta));
                events.extend(some(block.signature).map(StreamEvent::SignatureDelta));
            }
            "redacted_thinking" => events.extend(block.data.map(StreamEvent::RedactedThinking)),
            "tool_use" => {
                let (id, name) = (block.id.unwrap_or_default(), block.name.unwrap_or_default());
                events.push(StreamEvent::ToolCallStart { index: self.calls.len(), id, name });
                let arguments = block.input.map_or("{}", RawValue::get).to_owned();
                self.calls.push(Call { block: number, arguments: Some(arguments) });
            }
            // Tools that run at the provider, and what they said: not for the caller of another dialect.
            _ => {}
        }
    }

    fn delta(&mut self, number: u64, delta: Delta, events: &mut Vec<StreamEvent>) {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        match delta.r#type.as_deref().unwrap_or_default() {
            "text_delta" => events.extend(some(delta.text).map(StreamEvent::TextDelta)),
            "thinking_delta" => events.extend(some(delta.thinking).map(StreamEvent::ThinkingDelta)),
            "signature_delta" => events.extend(some(delta.signature).map(StreamEvent::SignatureDelta)),
            "input_json_delta" => {
                let call = self.calls.iter_mut().enumerate().find(|(_, call)| call.block == number);
                if let (Some((index, call)), Some(arguments)) = (call, some(delta.partial_json)) {
                    call.arguments = None;
                    events.push(StreamEvent::ToolCallDelta { index, arguments });
                }
            }
            _ => {}
        }
    }

    fn close(&mut self, number: u64, events: &mut Vec<StreamEvent>) {
        let call = self.calls.iter_mut().enumerate().find(|(_, call)| call.block == number);
        if let Some((index, call)) = call
            && let Some(arguments) = call.arguments.take()
        {
            events.push(StreamEvent::ToolCallDelta { index, arguments });
        }
    }
}
