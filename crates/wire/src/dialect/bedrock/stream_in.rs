//! Reads a stream: every message is an object with one member, whose name says what happens.

use super::error::{Said, kind_of};
use super::usage::Counted;
use super::{answer, stop_reason};
use crate::dialect::json::Object;
use crate::dialect::{StreamReader, Unreadable};
use crate::form::{ErrorKind, StopReason, StreamEvent};
use crate::usage::{Tier, tier};
use serde::Deserialize;

#[derive(Default, Deserialize)]
struct ToolUse {
    #[serde(rename = "toolUseId")]
    id: Option<String>,
    name: Option<String>,
    input: Option<String>,
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thought {
    text: Option<String>,
    signature: Option<String>,
    redacted_content: Option<String>,
}

/// What begins, or more of it.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Piece {
    text: Option<String>,
    tool_use: Option<ToolUse>,
    reasoning_content: Option<Thought>,
}

#[derive(Default, Deserialize)]
struct Further {
    stop_sequence: Option<String>,
}

/// The members of all kinds of events.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Event {
    content_block_index: u64,
    start: Piece,
    delta: Piece,
    stop_reason: Option<String>,
    additional_model_response_fields: Option<Further>,
    usage: Option<Counted>,
    #[serde(deserialize_with = "tier")]
    service_tier: Option<Tier>,
}

/// A call under way.
#[derive(Debug)]
struct Call {
    block: u64,
    /// Its number among the caller's calls; `None` for the answer in a given shape, which is text.
    index: Option<usize>,
    empty: bool,
}

/// Reads the data of a stream's messages, one by one: see [`Message::as_data`](crate::event_stream::Message::as_data).
#[derive(Debug, Default)]
pub struct Reader {
    calls: Vec<Call>,
    answered: bool,
    stopped: bool,
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
        let mut message = Object::body(data)?;
        let kind = message.keys().next().unwrap_or_default().to_owned();
        let Some(raw) = message.take(&kind) else { return Ok(Vec::new()) };
        if kind == "error" || kind.ends_with("Exception") {
            self.failed = true;
            let said: Said = serde_json::from_str(raw.get()).unwrap_or_default();
            let message = said.message.unwrap_or_else(|| format!("the provider's stream broke off: {kind}"));
            return Ok(vec![StreamEvent::Error { kind: kind_of(&kind).unwrap_or(ErrorKind::Api), message }]);
        }
        let event: Event = serde_json::from_str(raw.get()).map_err(|e| Unreadable::Malformed(e.to_string()))?;
        let mut events = Vec::new();
        match kind.as_str() {
            "messageStart" => events.push(StreamEvent::Start { id: String::new(), model: String::new() }),
            "contentBlockStart" => self.start(event.content_block_index, event.start, &mut events),
            "contentBlockDelta" => self.delta(event.content_block_index, event.delta, &mut events),
            "contentBlockStop" => self.close(event.content_block_index, &mut events),
            "messageStop" => {
                self.stopped = true;
                let sequence = event.additional_model_response_fields.and_then(|f| f.stop_sequence);
                events.push(StreamEvent::Stop(self.stop(event.stop_reason.as_deref(), sequence)));
            }
            "metadata" => events.extend(event.usage.map(|usage| StreamEvent::Usage(usage.counted(event.service_tier)))),
            // New kinds of events may come at any time and are to be passed over.
            _ => {}
        }
        Ok(events)
    }

    fn finish(&mut self) -> Result<Vec<StreamEvent>, Unreadable> {
        if self.failed || !self.stopped { Err(Unreadable::EndedEarly) } else { Ok(Vec::new()) }
    }
}

impl Reader {
    fn start(&mut self, block: u64, piece: Piece, events: &mut Vec<StreamEvent>) {
        // Tools that run at the provider, and pictures: not for the caller of another dialect.
        let Some(call) = piece.tool_use.filter(|call| call.r#type.is_none()) else { return };
        let (id, name) = (call.id.unwrap_or_default(), call.name.unwrap_or_default());
        let index = if name == answer::TOOL {
            self.answered = true;
            None
        } else {
            let index = self.calls.iter().filter(|call| call.index.is_some()).count();
            events.push(StreamEvent::ToolCallStart { index, id, name });
            Some(index)
        };
        self.calls.push(Call { block, index, empty: true });
    }

    fn delta(&mut self, block: u64, piece: Piece, events: &mut Vec<StreamEvent>) {
        let some = |text: Option<String>| text.filter(|t| !t.is_empty());
        events.extend(some(piece.text).map(StreamEvent::TextDelta));
        if let Some(thought) = piece.reasoning_content {
            events.extend(some(thought.text).map(StreamEvent::ThinkingDelta));
            events.extend(some(thought.signature).map(StreamEvent::SignatureDelta));
            events.extend(some(thought.redacted_content).map(StreamEvent::RedactedThinking));
        }
        let call = self.calls.iter_mut().rfind(|call| call.block == block);
        if let (Some(call), Some(input)) = (call, some(piece.tool_use.unwrap_or_default().input)) {
            call.empty = false;
            events.push(arguments(call.index, input));
        }
    }

    fn close(&mut self, block: u64, events: &mut Vec<StreamEvent>) {
        if let Some(call) = self.calls.iter_mut().rfind(|call| call.block == block && call.empty) {
            call.empty = false;
            events.push(arguments(call.index, "{}".to_owned()));
        }
    }

    fn stop(&self, name: Option<&str>, sequence: Option<String>) -> StopReason {
        match stop_reason(name.unwrap_or("end_turn"), sequence) {
            // The model called nothing but the tool that is the answer.
            StopReason::ToolCalls if self.answered && self.calls.iter().all(|call| call.index.is_none()) => StopReason::Stop,
            stop => stop,
        }
    }
}

fn arguments(index: Option<usize>, piece: String) -> StreamEvent {
    match index {
        Some(index) => StreamEvent::ToolCallDelta { index, arguments: piece },
        None => StreamEvent::TextDelta(piece),
    }
}
